#include "base/err.h"

#include "base/check.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Text is made aside first: an argument may well be err->text itself. */
static void set_text(struct sp_err *err, const char *text) {
  size_t len = strnlen(text, sizeof(err->text) - 1);
  memcpy(err->text, text, len);
  err->text[len] = '\0';
}

int sp_fail(struct sp_err *err, int code, const char *format, ...) {
  if (!err) return code;
  char text[SP_ERR_TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  err->code = code;
  set_text(err, text);
  return code;
}

int sp_err_context(struct sp_err *err, const char *format, ...) {
  SP_CHECK(err != NULL);
  char text[2 * SP_ERR_TEXT_MAX + 2];
  va_list args;
  va_start(args, format);
  vsnprintf(text, SP_ERR_TEXT_MAX, format, args);
  va_end(args);
  size_t len = strlen(text);
  snprintf(text + len, sizeof(text) - len, ": %s", err->text);
  set_text(err, text);
  return err->code;
}

int sp_fail_no_such(struct sp_err *err, const char *what, const char *word, const char *(*next)(const void *table, size_t i),
                    const void *table) {
  char all[200] = "";
  const char *near = sp_str_nearest(word, next, table), *name;
  if (near) return sp_fail(err, SP_EUSAGE, "there is no %s '%s': did you mean '%s'?", what, word, near);
  for (size_t i = 0; (name = next(table, i)); i++) {
    size_t len = strlen(all);
    snprintf(all + len, sizeof(all) - len, "%s%s", i ? ", " : "", name);
  }
  return sp_fail(err, SP_EUSAGE, "there is no %s '%s' (there are: %s)", what, word, all);
}
