/* What a snapshot command printed: what is kept can be kept again and differs from itself in nothing; changes as typed. */
#include "base/check.h"
#include "cli/snapshot.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_again(const struct sp_snapshot *snapshot) {
  struct sp_buf lines;
  struct sp_snapshot again;
  struct sp_store_change changes[1];
  sp_buf_init(&lines, 16u << 20);
  sp_snapshot_print(snapshot, &lines);
  sp_snapshot_read(sp_buf_str(&lines), &again);
  SP_CHECK(again.count == snapshot->count && snapshot->count <= SP_SNAPSHOT_ENTRIES_MAX);
  SP_CHECK(sp_snapshot_diff(snapshot, &again, changes, 0) == 0);
  sp_snapshot_fini(&again);
  sp_buf_fini(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_snapshot snapshot;
  struct sp_store_change change;
  struct sp_err err = {0};
  if (len > 100000) return 0;
  if (sp_snapshot_parse(sp_str_of((const char *)bytes, len), &snapshot, &err) == 0) check_again(&snapshot);
  else SP_CHECK(err.text[0]);
  sp_snapshot_fini(&snapshot);
  char *text = calloc(1, len + 1);
  SP_CHECK(text != NULL);
  if (len) memcpy(text, bytes, len);
  if (sp_change_parse(text, &change, &err) == 0) sp_changes_fini(&change, 1);
  free(text);
  return 0;
}
