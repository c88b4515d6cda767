#include "wire/promtext.h"

#include <stdio.h>
#include <stdlib.h>

#define NUMBER_MAX 63u
#define MS_PER_S 1000.0

/* -- small readers -- */

bool sp_prom_number(struct sp_str text, double *out) {
  char copy[NUMBER_MAX + 1];
  char *end;
  if (text.len == 0 || text.len > NUMBER_MAX || (unsigned char)text.bytes[0] <= ' ') return false;
  memcpy(copy, text.bytes, text.len);
  copy[text.len] = 0;
  *out = strtod(copy, &end);
  return end == copy + text.len;
}

struct sp_str sp_prom_label_of(const struct sp_prom_sample *sample, struct sp_str name) {
  for (size_t i = 0; i < sample->label_count; i++) {
    if (sp_str_eq(sample->labels[i].name, name)) return sample->labels[i].value;
  }
  return sp_str_of(NULL, 0);
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':'; }
static bool is_name(char c) { return starts_name(c) || (c >= '0' && c <= '9'); }

static void skip_blanks(struct sp_str *rest) {
  while (rest->len && is_blank(rest->bytes[0])) *rest = sp_str_of(rest->bytes + 1, rest->len - 1);
}

static bool take_char(struct sp_str *rest, char c) {
  if (rest->len == 0 || rest->bytes[0] != c) return false;
  *rest = sp_str_of(rest->bytes + 1, rest->len - 1);
  return true;
}

static struct sp_str take_while(struct sp_str *rest, bool (*fits)(char c)) {
  size_t len = 0;
  while (len < rest->len && fits(rest->bytes[len])) len++;
  struct sp_str taken = sp_str_of(rest->bytes, len);
  *rest = sp_str_of(rest->bytes + len, rest->len - len);
  return taken;
}

static bool is_no_blank(char c) { return !is_blank(c); }

static struct sp_str take_word(struct sp_str *rest) {
  skip_blanks(rest);
  return take_while(rest, is_no_blank);
}

static struct sp_str take_name(struct sp_str *rest) {
  return rest->len && starts_name(rest->bytes[0]) ? take_while(rest, is_name) : sp_str_of(NULL, 0);
}

/* -- a line's parts; each gives what is wrong, or NULL -- */

/* A text in quotes whose opening one is taken. What has escapes is copied: `escaped` was made big enough for the line, so
 * that it does not move. */
static const char *take_quoted(struct sp_prom *prom, struct sp_str *rest, struct sp_str *out) {
  size_t start = prom->escaped.len, len = 0;
  while (len < rest->len && rest->bytes[len] != '"' && rest->bytes[len] != '\\') len++;
  *out = sp_str_of(rest->bytes, len);
  if (len < rest->len && rest->bytes[len] == '\\') {
    sp_buf_append(&prom->escaped, rest->bytes, len);
    for (; len < rest->len && rest->bytes[len] != '"'; len++) {
      char c = rest->bytes[len];
      if (c == '\\' && ++len == rest->len) break;
      if (c == '\\' && rest->bytes[len] != 'n' && rest->bytes[len] != '"' && rest->bytes[len] != '\\') {
        sp_buf_append_char(&prom->escaped, '\\');
      }
      sp_buf_append_char(&prom->escaped, c == '\\' && rest->bytes[len] == 'n' ? '\n' : rest->bytes[len]);
    }
    *out = sp_str_of(prom->escaped.bytes + start, prom->escaped.len - start);
  }
  if (len >= rest->len) return "a quote is not closed";
  *rest = sp_str_of(rest->bytes + len + 1, rest->len - len - 1);
  return NULL;
}

/* name="value", or the metric's own name in quotes. */
static const char *take_label(struct sp_prom *prom, struct sp_str *rest, struct sp_prom_sample *sample) {
  struct sp_str name, value;
  const char *fault = NULL;
  bool quoted = take_char(rest, '"');
  if (quoted) {
    fault = take_quoted(prom, rest, &name);
  } else {
    name = take_name(rest);
  }
  if (fault) return fault;
  if (name.len == 0) return "a label has no name";
  skip_blanks(rest);
  if (quoted && sample->name.len == 0 && (rest->len == 0 || rest->bytes[0] != '=')) {
    sample->name = name;
    return NULL;
  }
  if (!take_char(rest, '=')) return "a label has no '='";
  skip_blanks(rest);
  if (!take_char(rest, '"')) return "a label's value is not in quotes";
  if ((fault = take_quoted(prom, rest, &value))) return fault;
  if (sample->label_count == SP_PROM_LABELS_MAX) return "it has too many labels";
  sample->labels[sample->label_count++] = (struct sp_prom_label){name, value};
  return NULL;
}

static const char *take_labels(struct sp_prom *prom, struct sp_str *rest, struct sp_prom_sample *sample) {
  if (!take_char(rest, '{')) return NULL;
  for (;;) {
    skip_blanks(rest);
    if (take_char(rest, '}')) return NULL;
    const char *fault = take_label(prom, rest, sample);
    if (fault) return fault;
    skip_blanks(rest);
    if (!take_char(rest, ',') && (rest->len == 0 || rest->bytes[0] != '}')) return "its labels do not end";
  }
}

static const char *take_value(struct sp_prom *prom, struct sp_str *rest, struct sp_prom_sample *sample) {
  struct sp_str word = take_word(rest);
  if (word.len == 0) return "it has no value";
  if (!sp_prom_number(word, &sample->value)) return "its value is no number";
  skip_blanks(rest);
  if (rest->len == 0 || rest->bytes[0] == '#') return NULL; /* an exemplar */
  sample->has_time = sp_prom_number(take_word(rest), &sample->time_s);
  if (!sample->has_time) return "its timestamp is no number";
  if (!prom->open_metrics) sample->time_s /= MS_PER_S;
  skip_blanks(rest);
  return rest->len == 0 || rest->bytes[0] == '#' ? NULL : "there is more behind its timestamp";
}

/* -- lines -- */

static void note_fault(struct sp_prom *prom, const char *fault) {
  if (prom->faults++ == 0) snprintf(prom->first_fault, sizeof(prom->first_fault), "line %zu: %s", prom->line_number, fault);
}

static enum sp_prom_type type_of(struct sp_str word) {
  static const struct {
    const char *word;
    enum sp_prom_type type;
  } types[] = {
      {"counter", SP_PROM_COUNTER}, {"gauge", SP_PROM_GAUGE},           {"histogram", SP_PROM_HISTOGRAM},
      {"summary", SP_PROM_SUMMARY}, {"gaugehistogram", SP_PROM_GAUGE},
  };
  for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
    if (sp_str_eq(word, sp_str_from(types[i].word))) return types[i].type;
  }
  return SP_PROM_UNTYPED;
}

/* "# TYPE name type"; other comments say nothing to us. */
static void take_comment(struct sp_prom *prom, struct sp_str rest) {
  if (!sp_str_eq(take_word(&rest), SP_STR("TYPE"))) return;
  struct sp_str name = take_word(&rest);
  bool keeps = name.len > 0 && name.len <= SP_PROM_NAME_MAX;
  snprintf(prom->family, sizeof(prom->family), SP_STR_FMT, keeps ? (int)name.len : 0, keeps ? name.bytes : "");
  prom->type = keeps ? type_of(take_word(&rest)) : SP_PROM_UNTYPED;
}

/* A sample is of the family whose name it begins with, by the format's suffixes. */
static bool is_of_family(const struct sp_prom *prom, struct sp_str name) {
  static const char *const suffixes[] = {"", "_total", "_bucket", "_sum", "_count", "_created"};
  struct sp_str family = sp_str_from(prom->family);
  if (family.len == 0 || !sp_str_starts(name, family)) return false;
  struct sp_str suffix = sp_str_of(name.bytes + family.len, name.len - family.len);
  for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
    if (sp_str_eq(suffix, sp_str_from(suffixes[i]))) return true;
  }
  return false;
}

static void take_sample(struct sp_prom *prom, struct sp_str rest) {
  struct sp_prom_sample sample; /* its labels are not cleared: there are many lines */
  sample.label_count = 0;
  sample.has_time = false;
  sample.name = take_name(&rest);
  sp_buf_clear(&prom->escaped);
  sp_buf_reserve(&prom->escaped, rest.len);
  skip_blanks(&rest);
  const char *fault = sample.name.len || (rest.len && rest.bytes[0] == '{') ? NULL : "it does not begin with a name";
  if (!fault) fault = take_labels(prom, &rest, &sample);
  if (!fault && sample.name.len == 0) fault = "it has no name";
  if (!fault) fault = take_value(prom, &rest, &sample);
  if (fault) {
    note_fault(prom, fault);
  } else if (prom->samples == SP_PROM_SAMPLES_MAX) {
    prom->left_out++;
  } else {
    prom->samples++;
    sample.type = is_of_family(prom, sample.name) ? prom->type : SP_PROM_UNTYPED;
    prom->on_sample(prom->ctx, &sample);
  }
}

static void take_line(struct sp_prom *prom, struct sp_str line) {
  bool too_long = line.len > SP_PROM_LINE_MAX;
  prom->line_number++;
  line = sp_str_trim(line);
  if (too_long) {
    note_fault(prom, "it is too long");
  } else if (line.len == 0) {
    return;
  } else if (take_char(&line, '#')) {
    take_comment(prom, line);
  } else {
    take_sample(prom, line);
  }
}

/* -- bytes -- */

void sp_prom_init(struct sp_prom *prom, bool open_metrics, void (*on_sample)(void *ctx, const struct sp_prom_sample *sample),
                  void *ctx) {
  *prom = (struct sp_prom){.open_metrics = open_metrics, .on_sample = on_sample, .ctx = ctx};
  sp_buf_init(&prom->line, SP_PROM_LINE_MAX + 1); /* one more shows that it is too long */
  sp_buf_init(&prom->escaped, SP_PROM_LINE_MAX);
}

void sp_prom_fini(struct sp_prom *prom) {
  sp_buf_fini(&prom->line);
  sp_buf_fini(&prom->escaped);
}

static void keep_cut(struct sp_prom *prom, struct sp_str piece) {
  if (prom->skipping || sp_buf_append_str(&prom->line, piece) == 0) return;
  prom->skipping = true;
  sp_buf_clear(&prom->line);
}

static void end_line(struct sp_prom *prom, struct sp_str piece) {
  bool cut = prom->line.len > 0 || prom->skipping;
  if (cut) keep_cut(prom, piece);
  if (prom->skipping) {
    prom->line_number++;
    note_fault(prom, "it is too long");
  } else {
    take_line(prom, cut ? sp_buf_str(&prom->line) : piece);
  }
  prom->skipping = false;
  sp_buf_clear(&prom->line);
}

void sp_prom_feed(struct sp_prom *prom, struct sp_str bytes) {
  const char *end;
  while (bytes.len && (end = memchr(bytes.bytes, '\n', bytes.len))) {
    size_t len = (size_t)(end - bytes.bytes);
    end_line(prom, sp_str_of(bytes.bytes, len));
    bytes = sp_str_of(end + 1, bytes.len - len - 1);
  }
  if (bytes.len) keep_cut(prom, bytes);
}

void sp_prom_end(struct sp_prom *prom) {
  if (prom->line.len || prom->skipping) end_line(prom, sp_str_of(NULL, 0));
}
