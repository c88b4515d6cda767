#include "report/json_put.h"

#include "stats/clean.h"

void sp_json_put_text(struct sp_buf *out, struct sp_str text, size_t max) {
  char clean[SP_JSON_PUT_MAX];
  size_t len = sp_clean_text(clean, max < sizeof(clean) ? max : sizeof(clean), text);
  sp_buf_append_char(out, '"');
  for (size_t i = 0; i < len; i++) {
    if (clean[i] == '"' || clean[i] == '\\') {
      sp_buf_append_char(out, '\\');
    }
    sp_buf_append_char(out, clean[i]);
  }
  sp_buf_append_char(out, '"');
}
