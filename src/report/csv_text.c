#include "report/csv_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void separate(struct sp_buf *out) {
  if (out->len > 0 && out->bytes[out->len - 1] != '\n') {
    sp_buf_append_char(out, ',');
  }
}

static void put_quoted(struct sp_buf *out, const char *text) {
  sp_buf_append_char(out, '"');
  for (; *text; text++) {
    sp_buf_append_text(out, *text == '"' ? "\"\"" : (char[]){ *text, 0 });
  }
  sp_buf_append_char(out, '"');
}

/* A first cell that is empty is quoted, so that the next one knows that there was one. */
static void put_cell(struct sp_buf *out, const char *text) {
  bool first = out->len == 0 || out->bytes[out->len - 1] == '\n';
  separate(out);
  if (strpbrk(text, ",\"\r\n") || (first && !*text)) {
    put_quoted(out, text);
  } else {
    sp_buf_append_text(out, text);
  }
}

void sp_csv_text(struct sp_buf *out, const char *text) {
  char safe[4096];
  const char *from = text ? text : "";
  if (*from && strchr("=+-@\t\r", *from)) {
    snprintf(safe, sizeof(safe), "'%s", from);
    from = safe;
  }
  put_cell(out, from);
}

void sp_csv_raw(struct sp_buf *out, const char *word) { put_cell(out, word); }

void sp_csv_count(struct sp_buf *out, uint64_t count) {
  separate(out);
  sp_buf_printf(out, "%llu", (unsigned long long)count);
}

void sp_csv_number(struct sp_buf *out, double value) {
  char text[64];
  if (!isfinite(value)) {
    put_cell(out, SP_CSV_NONE);
    return;
  }
  int len = snprintf(text, sizeof(text), "%.6f", value);
  if (len <= 0 || (size_t)len >= sizeof(text)) {
    len = snprintf(text, sizeof(text), "%.17g", value);
  } else {
    while (text[len - 1] == '0') {
      text[--len] = 0;
    }
    if (text[len - 1] == '.') {
      text[--len] = 0;
    }
  }
  separate(out);
  sp_buf_append(out, text, (size_t)len);
}

void sp_csv_end(struct sp_buf *out) { sp_buf_append_text(out, "\r\n"); }
