/* An answer's text and the pieces in which it is streamed. */
#include "base/check.h"
#include "base/mem.h"
#include "mock/payload.h"
#include "mock/profile.h"

#include <stdlib.h>

/* A word with the blanks behind it, or one character of a script that needs no blanks. */
static size_t piece_len(const char *bytes, size_t len) {
  size_t at = 0;
  if ((bytes[0] & 0x80) == 0) {
    while (at < len && (bytes[at] & 0x80) == 0 && bytes[at] != ' ' && bytes[at] != '\n') at++;
  } else {
    at = 1;
    while (at < len && ((unsigned char)bytes[at] & 0xc0) == 0x80) at++;
  }
  while (at < len && (bytes[at] == ' ' || bytes[at] == '\n')) at++;
  return at;
}

static size_t count_pieces(const char *whole, size_t len) {
  size_t count = 0;
  for (size_t at = 0; at < len; at += piece_len(whole + at, len - at)) count++;
  return count;
}

struct cut {
  size_t compact, compact_end, spaced, spaced_end;
};

static struct cut escape(struct sp_buf *out, struct sp_str raw) {
  struct cut cut = { .compact = out->len };
  SP_CHECK(sp_payload_escape(out, raw) == 0);
  cut.compact_end = cut.spaced = out->len;
  SP_CHECK(sp_payload_escape_ascii(out, raw) == 0);
  cut.spaced_end = out->len;
  return cut;
}

static struct sp_mock_piece piece_of(const char *bytes, struct cut cut) {
  return (struct sp_mock_piece){ sp_str_of(bytes + cut.compact, cut.compact_end - cut.compact),
                                 sp_str_of(bytes + cut.spaced, cut.spaced_end - cut.spaced) };
}

void sp_mock_text_init(struct sp_mock_text *text, const char *whole) {
  size_t len = strlen(whole);
  text->whole = sp_strdup(whole);
  text->count = count_pieces(whole, len);
  if (text->count == 0) text->count = 1;
  text->pieces = sp_alloc_array(text->count, sizeof *text->pieces);
  struct cut *cuts = sp_alloc_array(text->count, sizeof *cuts);
  struct sp_buf escaped;
  sp_buf_init(&escaped,
              (size_t)SP_MOCK_TEXT_MAX * 24); /* all of it and its pieces, each byte as at most \uXXXX, twice */
  struct cut all = escape(&escaped, sp_str_of(whole, len));
  size_t at = 0;
  for (size_t i = 0; at < len; i++) {
    size_t piece = piece_len(whole + at, len - at);
    cuts[i] = escape(&escaped, sp_str_of(whole + at, piece));
    at += piece;
  }
  SP_CHECK(sp_buf_append_char(&escaped, ' ') == 0); /* an empty text still has bytes to point into */
  text->escaped = sp_buf_take(&escaped);
  text->all = piece_of(text->escaped, all);
  for (size_t i = 0; i < text->count; i++) text->pieces[i] = piece_of(text->escaped, cuts[i]);
  free(cuts);
}

void sp_mock_text_fini(struct sp_mock_text *text) {
  free(text->whole);
  free(text->pieces);
  free(text->escaped);
  *text = (struct sp_mock_text){ 0 };
}
