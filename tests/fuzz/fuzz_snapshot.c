/* Snapshots: bytes that are taken give an interval that encodes to bytes which give the same again. */
#include "base/check.h"
#include "stats/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_err err = { 0 };
  struct sp_interval *interval = sp_snapshot_decode(sp_str_of((const char *)bytes, len), &err);
  if (!interval) {
    SP_CHECK(err.code == SP_EPARSE && err.text[0]);
    return 0;
  }
  struct sp_buf once, twice;
  sp_buf_init(&once, SP_SNAPSHOT_MAX);
  sp_buf_init(&twice, SP_SNAPSHOT_MAX);
  sp_snapshot_encode(interval, &once);
  sp_interval_destroy(interval);
  interval = sp_snapshot_decode(sp_buf_str(&once), NULL);
  SP_CHECK(interval);
  sp_snapshot_encode(interval, &twice);
  SP_CHECK(sp_str_eq(sp_buf_str(&once), sp_buf_str(&twice)));
  sp_interval_destroy(interval);
  sp_buf_fini(&once);
  sp_buf_fini(&twice);
  return 0;
}
