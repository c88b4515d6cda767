/* Recorded loads: due times rise from 0 and fit, rows are slices of the text; what is refused has a sentence. */
#include "base/check.h"
#include "base/clock.h"
#include "script/replay.h"

static void check(struct sp_str text, double unit_s, double speed) {
  struct sp_replay_options options = {.path = "fuzz", .time = "t", .unit_s = unit_s, .speed = speed};
  struct sp_replay replay;
  struct sp_err err = {0};
  int code = sp_replay_parse(&replay, text, &options, &err);
  SP_CHECK(code == 0 ? replay.count > 0 && replay.due_ns[0] == 0 : code < 0 && err.text[0] != '\0');
  for (size_t k = 0; k < replay.count; k++) {
    SP_CHECK(replay.due_ns[k] >= 0 && (k == 0 || replay.due_ns[k] >= replay.due_ns[k - 1]));
    SP_CHECK(replay.rows[k].bytes >= text.bytes && replay.rows[k].bytes + replay.rows[k].len <= text.bytes + text.len);
  }
  sp_replay_fini(&replay);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_str text = sp_str_of((const char *)bytes, len);
  int64_t real_ns;
  check(text, 0, 1);
  check(text, 1e-3, 7.5);
  if (sp_clock_parse_rfc3339(text, &real_ns)) SP_CHECK(len >= 20);
  return 0;
}
