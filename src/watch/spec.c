#include "watch/spec.h"

#include "base/mem.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

int sp_watch_spec_set(struct sp_watch_spec *spec, const char *key, const char *value, struct sp_err *err) {
  if (strcmp(key, "subject") == 0) return spec->subject = value, 0;
  if (strcmp(key, "interval") == 0) {
    if (sp_parse_duration(value, &spec->interval_ns, err)) return sp_err_context(err, "interval");
    if (spec->interval_ns >= SP_WATCH_INTERVAL_MIN_NS) return 0;
    return sp_fail(err, SP_EUSAGE, "interval: at least 100ms, not '%s'", value);
  }
  if (spec->option_count == SP_WATCH_OPTIONS_MAX) {
    return sp_fail(err, SP_EUSAGE, "a watcher has over %u options", SP_WATCH_OPTIONS_MAX);
  }
  spec->options[spec->option_count++] = (struct sp_watch_option){key, value};
  return 0;
}

/* Cuts the next word off, in place. NULL: there is none. */
static char *next_word(char **rest) {
  char *word = *rest + strspn(*rest, " \t");
  if (!*word) return NULL;
  char *end = word + strcspn(word, " \t");
  *rest = *end ? end + 1 : end;
  *end = '\0';
  return word;
}

/* "a=b": ends a in place and gives b; NULL where there is no '=', or nothing on a side of it. */
static char *cut_pair(char *word) {
  char *equals = word ? strchr(word, '=') : NULL;
  if (!equals || equals == word || !equals[1]) return NULL;
  *equals = '\0';
  return equals + 1;
}

int sp_watch_text_parse(struct sp_watch_text *out, const char *text, struct sp_err *err) {
  *out = (struct sp_watch_text){.copy = sp_strdup(text)};
  char *rest = out->copy, *word = next_word(&rest), *value = cut_pair(word);
  int code = 0;
  if (!value) {
    code = sp_fail(err, SP_EUSAGE, "must be KIND=URL, e.g. prometheus=http://127.0.0.1:9090 (options behind it, with spaces)");
  }
  out->spec.kind = word;
  out->spec.url = value;
  while (code == 0 && (word = next_word(&rest))) {
    value = cut_pair(word);
    code = value ? sp_watch_spec_set(&out->spec, word, value, err)
                 : sp_fail(err, SP_EUSAGE, "an option of a watcher must be OPTION=VALUE, not '%s'", word);
  }
  if (code) sp_watch_text_fini(out);
  return code;
}

void sp_watch_text_fini(struct sp_watch_text *text) {
  free(text->copy);
  *text = (struct sp_watch_text){.copy = NULL};
}
