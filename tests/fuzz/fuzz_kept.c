/* What the history keeps of a run: bytes that are taken give a result (or a load) that is kept as bytes which give the
 * same again. */
#include "base/check.h"
#include "report/kept.h"

static void put_again(struct sp_buf *out, struct sp_kept_result *kept) {
  sp_buf_init(out, SP_KEPT_MAX);
  sp_kept_put_result(out, sp_kept_result_of(kept));
  sp_kept_result_destroy(kept);
}

static void try_result(struct sp_str bytes) {
  struct sp_err err = { 0 };
  struct sp_kept_result *kept = sp_kept_read_result(bytes, sp_interval_create(), &err);
  if (!kept) {
    SP_CHECK(err.code == SP_EPARSE && err.text[0]);
    return;
  }
  struct sp_buf once, twice;
  put_again(&once, kept);
  kept = sp_kept_read_result(sp_buf_str(&once), sp_interval_create(), &err);
  SP_CHECK(kept);
  put_again(&twice, kept);
  SP_CHECK(sp_str_eq(sp_buf_str(&once), sp_buf_str(&twice)));
  sp_buf_fini(&once);
  sp_buf_fini(&twice);
}

static void try_asked(struct sp_str bytes) {
  struct sp_kept_asked asked;
  struct sp_err err = { 0 };
  if (sp_kept_read_asked(bytes, &asked, &err)) {
    SP_CHECK(err.code == SP_EPARSE && err.text[0]);
  } else {
    SP_CHECK(asked.load.stage_count <= SP_STAGES_MAX && asked.slo_count <= SP_KEPT_SLOS_MAX);
    SP_CHECK(sp_load_length_ns(&asked.load) || true); /* may be asked for */
  }
  sp_kept_fini_asked(&asked);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_str text = sp_str_of((const char *)bytes, len);
  try_result(text);
  try_asked(text);
  return 0;
}
