#include "cli/import_shell.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>

struct splitter {
  const char *start, *at, *end;
  struct sp_buf word;
  bool in_word, quoted; /* the word under way; something of it was quoted */
  struct sp_shell_words *words;
  struct sp_err *err;
};

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static char peek(const struct splitter *s, size_t ahead) {
  return ahead < (size_t)(s->end - s->at) ? s->at[ahead] : '\0';
}

static int fail_at(struct splitter *s, const char *place, const char *what) {
  size_t line = 1, column = 1;
  for (const char *c = s->start; c < place; c++) {
    column = *c == '\n' ? 1 : column + 1;
    line += *c == '\n';
  }
  return sp_fail(s->err, SP_EUSAGE, "the command's line %zu, column %zu: %s", line, column, what);
}

static void put(struct splitter *s, char c) {
  s->in_word = true;
  sp_buf_append_char(&s->word, c);
}

static int end_word(struct splitter *s) {
  struct sp_shell_words *words = s->words;
  if (!s->in_word) return 0;
  if (words->count == SP_SHELL_WORDS_MAX)
    return sp_fail(s->err, SP_ELIMIT, "the command has over %u words", SP_SHELL_WORDS_MAX);
  if (!words->items) words->items = sp_alloc_array(SP_SHELL_WORDS_MAX, sizeof(*words->items));
  words->items[words->count++] = sp_strndup(s->word.len ? s->word.bytes : "", s->word.len);
  sp_buf_clear(&s->word);
  s->in_word = s->quoted = false;
  return 0;
}

/* A backslash, then the line's end: the line goes on. Blanks between them are forgiven: they come from copying. */
static bool skip_continuation(struct splitter *s, bool strict) {
  size_t n = 1;
  if (peek(s, 0) != '\\') return false;
  while (strict ? peek(s, n) == '\r' : is_blank(peek(s, n))) n++;
  if (peek(s, n) != '\n') return false;
  s->at += n + 1;
  return true;
}

static void note_variable(struct splitter *s) {
  char next = peek(s, 1);
  s->words->variables |=
      *s->at == '`' || (*s->at == '$' && (isalpha((unsigned char)next) || strchr("_{(", next ? next : 'x')));
}

/* ---- quotes ---- */

static int take_single(struct splitter *s) {
  const char *open = s->at++;
  const char *close = memchr(s->at, '\'', (size_t)(s->end - s->at));
  if (!close) return fail_at(s, open, "this ' is never closed");
  s->in_word = s->quoted = true;
  sp_buf_append(&s->word, s->at, (size_t)(close - s->at));
  s->at = close + 1;
  return 0;
}

static int take_double(struct splitter *s) {
  const char *open = s->at++;
  s->in_word = s->quoted = true;
  while (s->at < s->end && *s->at != '"') {
    if (skip_continuation(s, true)) continue;
    if (*s->at == '\\' && s->at + 1 < s->end && strchr("$`\"\\", s->at[1]))
      s->at++;
    else
      note_variable(s);
    put(s, *s->at++);
  }
  if (s->at == s->end) return fail_at(s, open, "this \" is never closed");
  s->at++;
  return 0;
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

static uint32_t take_digits(struct splitter *s, int base, size_t most) {
  uint32_t n = 0;
  for (size_t i = 0; i < most && s->at < s->end && digit_of(*s->at) < base; i++)
    n = n * (uint32_t)base + (uint32_t)digit_of(*s->at++);
  return n;
}

static void put_character(struct splitter *s, uint32_t c) {
  if (c >= 0xd800 && c <= 0xdfff) c = 0xfffd;
  if (c < 0x80) {
    put(s, (char)c);
  } else if (c < 0x800) {
    put(s, (char)(0xc0 | c >> 6)), put(s, (char)(0x80 | (c & 63)));
  } else if (c < 0x10000) {
    put(s, (char)(0xe0 | c >> 12)), put(s, (char)(0x80 | (c >> 6 & 63))), put(s, (char)(0x80 | (c & 63)));
  } else {
    put(s, (char)(0xf0 | c >> 18)), put(s, (char)(0x80 | (c >> 12 & 63)));
    put(s, (char)(0x80 | (c >> 6 & 63))), put(s, (char)(0x80 | (c & 63)));
  }
}

/* Behind \u or \U. Chrome writes UTF-16 units: two of them make one character. */
static int take_unicode(struct splitter *s, size_t digits) {
  const char *place = s->at - 2;
  uint32_t c = take_digits(s, 16, digits);
  bool high = c >= 0xd800 && c <= 0xdbff && peek(s, 0) == '\\' && peek(s, 1) == 'u';
  if (high) {
    const char *back = s->at;
    s->at += 2;
    uint32_t low = take_digits(s, 16, 4);
    if (low >= 0xdc00 && low <= 0xdfff)
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    else
      s->at = back;
  }
  if (s->at == place + 2) return fail_at(s, place, "\\u needs hexadecimal digits");
  if (c == 0 || c > 0x10ffff) return fail_at(s, place, "there is no such character for a request");
  put_character(s, c);
  return 0;
}

static int take_ansi_escape(struct splitter *s) {
  static const char letters[] = "n\nt\tr\ra\ab\be\033E\033f\fv\v\\\\''\"\"??"; /* the letter, then its byte */
  const char *place = s->at++;
  if (s->at == s->end) return 0;
  char c = *s->at++;
  if (c == 'u' || c == 'U') return take_unicode(s, c == 'u' ? 4 : 8);
  if (c == 'x' || (c >= '0' && c <= '7')) {
    if (c != 'x') s->at--;
    uint32_t byte = c == 'x' ? take_digits(s, 16, 2) : take_digits(s, 8, 3);
    if (!(byte & 0xff)) return fail_at(s, place, "a byte of 0 cannot be sent");
    put(s, (char)byte);
    return 0;
  }
  for (size_t i = 0; letters[i]; i += 2) {
    if (letters[i] == c) return put(s, letters[i + 1]), 0;
  }
  put(s, '\\'); /* any other keeps its backslash */
  put(s, c);
  return 0;
}

static int take_ansi(struct splitter *s) {
  const char *open = s->at;
  s->at += 2;
  s->in_word = s->quoted = true;
  while (s->at < s->end && *s->at != '\'') {
    int code = *s->at == '\\' ? take_ansi_escape(s) : (put(s, *s->at++), 0);
    if (code) return code;
  }
  if (s->at == s->end) return fail_at(s, open, "this $' is never closed");
  s->at++;
  return 0;
}

/* ---- outside quotes ---- */

/* "^" + quote or line end: what a browser copies for the Windows command prompt. */
static bool is_windows(const struct splitter *s) {
  size_t n = 1;
  if (*s->at != '^') return false;
  if (peek(s, 1) == '"') return true;
  while (is_blank(peek(s, n))) n++;
  return peek(s, n) == '\n';
}

/* The command ends here: what is left is somebody else's. A line that goes on with an option lost its backslash. */
static bool ends_command(struct splitter *s) {
  if (strchr("|&;()", *s->at)) return true;
  if (*s->at != '\n' || (!s->words->count && !s->in_word)) return false;
  const char *next = s->at;
  while (next < s->end && (is_blank(*next) || *next == '\n')) next++;
  return next < s->end && *next != '-';
}

/* "> file", "2>&1": of no use here. */
static void skip_redirection(struct splitter *s) {
  bool number = s->in_word && !s->quoted;
  for (size_t i = 0; i < s->word.len; i++) number &= isdigit((unsigned char)s->word.bytes[i]) != 0;
  if (number) sp_buf_clear(&s->word), s->in_word = false;
  while (s->at < s->end && strchr("<>&", *s->at)) s->at++;
  while (s->at < s->end && is_blank(*s->at)) s->at++;
  while (s->at < s->end && !is_blank(*s->at) && !strchr("\n|&;()<>", *s->at)) s->at++;
}

static int take_plain(struct splitter *s) {
  if (*s->at == '\\') {
    s->in_word = s->quoted = true;
    s->at++;
    if (s->at < s->end) put(s, *s->at++);
    return 0;
  }
  note_variable(s);
  put(s, *s->at++);
  return 0;
}

static int take_one(struct splitter *s) {
  if (is_windows(s)) {
    return sp_fail(s->err, SP_EUSAGE,
                   "this is a command for Windows' prompt (with ^ in front of quotes or at line ends): copy it as "
                   "'cURL (bash)' in the browser");
  }
  if (*s->at == '\'') return take_single(s);
  if (*s->at == '"') return take_double(s);
  if (*s->at == '$' && peek(s, 1) == '\'') return take_ansi(s);
  if (*s->at == '$' && peek(s, 1) == '"') return s->at++, take_double(s);
  if (*s->at == '<' || *s->at == '>') {
    skip_redirection(s);
    return end_word(s);
  }
  if (*s->at == '#' && !s->in_word) {
    while (s->at < s->end && *s->at != '\n') s->at++;
    return 0;
  }
  return take_plain(s);
}

static int split(struct splitter *s) {
  int code = 0;
  while (code == 0 && s->at < s->end) {
    if (skip_continuation(s, false)) {
      code = 0;
    } else if (ends_command(s)) {
      s->words->more = true;
      break;
    } else if (is_blank(*s->at) || *s->at == '\n') {
      s->at++;
      code = end_word(s);
    } else {
      code = take_one(s);
    }
  }
  return code ? code : end_word(s);
}

int sp_shell_split(struct sp_str text, struct sp_shell_words *words, struct sp_err *err) {
  *words = (struct sp_shell_words){.count = 0};
  if (text.len > SP_SHELL_TEXT_MAX) return sp_fail(err, SP_ELIMIT, "a command of over %u bytes", SP_SHELL_TEXT_MAX);
  if (text.len && memchr(text.bytes, '\0', text.len))
    return sp_fail(err, SP_EUSAGE, "the command has a byte of 0 in it");
  struct splitter s = {.start = text.bytes, .at = text.bytes, .end = text.bytes + text.len, .words = words, .err = err};
  sp_buf_init(&s.word, SP_SHELL_TEXT_MAX * 2);
  int code = split(&s);
  sp_buf_fini(&s.word);
  if (code) sp_shell_words_fini(words);
  return code;
}

void sp_shell_words_fini(struct sp_shell_words *words) {
  for (size_t i = 0; i < words->count; i++) free(words->items[i]);
  free(words->items);
  *words = (struct sp_shell_words){.count = 0};
}
