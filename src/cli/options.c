#include "cli/options.h"

#include "base/mem.h"

#include <stdlib.h>

void sp_options_init(struct sp_options *options) {
  memset(options, 0, sizeof(*options));
  sp_plan_load_init(&options->load);
  options->threads = -1;
  options->since_ns = options->keep_ns = options->limit = options->web_linger_ns = -1;
}

void sp_options_fini(struct sp_options *options) {
  for (size_t i = 0; i < options->owned_count; i++) free(options->owned[i]);
  options->owned_count = 0;
}

bool sp_options_use_stdout(const struct sp_options *options) {
  for (size_t i = 0; i < options->out_count; i++) {
    if (strcmp(options->outs[i].path, "-") == 0) return true;
  }
  for (size_t i = 0; i < options->campaign.out_count; i++) {
    if (strcmp(options->campaign.outs[i].path, "-") == 0) return true;
  }
  return false;
}

/* -- finding an option -- */

static const struct sp_option *find_long(const struct sp_option *const *groups, struct sp_str name) {
  for (; *groups; groups++) {
    for (const struct sp_option *option = *groups; option->name; option++) {
      if (sp_str_eq(sp_str_from(option->name), name)) return option;
    }
  }
  return NULL;
}

static const struct sp_option *find_letter(const struct sp_option *const *groups, char letter) {
  for (; *groups; groups++) {
    for (const struct sp_option *option = *groups; option->name; option++) {
      if (option->letter == letter) return option;
    }
  }
  return NULL;
}

static const char *next_option_name(const void *table, size_t i) {
  for (const struct sp_option *const *groups = table; *groups; groups++) {
    for (const struct sp_option *option = *groups; option->name; option++) {
      if (i-- == 0) return option->name;
    }
  }
  return NULL;
}

static int fail_unknown(const struct sp_option *const *groups, const char *word, const char *name, struct sp_err *err) {
  const char *near = name ? sp_str_nearest(name, next_option_name, groups) : NULL;
  return sp_fail(err, SP_EUSAGE, "there is no option '%s'%s%s%s", word, near ? ": did you mean '--" : " ('--help' lists them)",
                 near ? near : "", near ? "'?" : "");
}

/* -- reading -- */

struct reader {
  struct sp_options *options;
  const struct sp_option *const *groups;
  int argc, at;
  char **argv;
  struct sp_err *err;
};

static int take(struct reader *reader, const struct sp_option *option, const char *value) {
  struct sp_err why;
  if (option->take(reader->options, value, &why) == 0) return 0;
  return sp_fail(reader->err, SP_EUSAGE, "--%s: %s", option->name, why.text);
}

int sp_options_take(struct sp_options *options, const struct sp_option *const *groups, const char *name, const char *value,
                    struct sp_err *err) {
  struct reader reader = {.options = options, .groups = groups, .err = err};
  const struct sp_option *option = find_long(groups, sp_str_from(name));
  if (!option || !option->value) return sp_fail(err, SP_EUSAGE, "there is no option '--%s' here", name);
  return take(&reader, option, value);
}

static int take_next(struct reader *reader, const struct sp_option *option) {
  if (reader->at + 1 >= reader->argc) {
    return sp_fail(reader->err, SP_EUSAGE, "--%s needs a value: --%s %s", option->name, option->name, option->value);
  }
  return take(reader, option, reader->argv[++reader->at]);
}

static int read_long(struct reader *reader, const char *word) {
  const char *equals = strchr(word + 2, '=');
  size_t len = equals ? (size_t)(equals - word - 2) : strlen(word + 2);
  const struct sp_option *option = find_long(reader->groups, sp_str_of(word + 2, len));
  if (!option) {
    char *name = sp_strndup(word + 2, len);
    int code = fail_unknown(reader->groups, word, name, reader->err);
    free(name);
    return code;
  }
  if (!option->value) {
    if (equals) return sp_fail(reader->err, SP_EUSAGE, "--%s takes no value", option->name);
    return take(reader, option, NULL);
  }
  if (equals || option->value_may) return take(reader, option, equals ? equals + 1 : "");
  return take_next(reader, option);
}

/* "-u50", "-u 50", "-qu 50" */
static int read_short(struct reader *reader, const char *word) {
  for (const char *letter = word + 1; *letter; letter++) {
    const struct sp_option *option = find_letter(reader->groups, *letter);
    if (!option) return fail_unknown(reader->groups, word, NULL, reader->err);
    if (option->value) return letter[1] ? take(reader, option, letter + 1) : take_next(reader, option);
    int code = take(reader, option, NULL);
    if (code) return code;
  }
  return 0;
}

static int read_argument(struct reader *reader, const char *word) {
  struct sp_options *options = reader->options;
  if (options->argument_count == SP_ARGUMENTS_MAX) return sp_fail(reader->err, SP_EUSAGE, "'%s' is one argument too many", word);
  options->arguments[options->argument_count++] = word;
  return 0;
}

int sp_options_parse(struct sp_options *options, const struct sp_option *const *groups, int argc, char **argv,
                     struct sp_err *err) {
  struct reader reader = {options, groups, argc, 0, argv, err};
  bool only_arguments = false;
  for (; reader.at < argc; reader.at++) {
    const char *word = argv[reader.at];
    int code;
    if (!only_arguments && strcmp(word, "--") == 0) {
      only_arguments = true;
      continue;
    }
    if (only_arguments || word[0] != '-' || !word[1]) {
      code = read_argument(&reader, word);
    } else {
      code = word[1] == '-' ? read_long(&reader, word) : read_short(&reader, word);
    }
    if (code) return code;
  }
  return 0;
}

/* -- help -- */

static void print_option(FILE *out, const struct sp_option *option) {
  char left[64];
  const char *before = !option->value ? "" : option->value_may ? "[=" : " ";
  int len = snprintf(left, sizeof(left), "  %c%c%s --%s%s%s%s", option->letter ? '-' : ' ', option->letter ? option->letter : ' ',
                     option->letter ? "," : " ", option->name, before, option->value ? option->value : "",
                     option->value_may ? "]" : "");
  if (len > 30) fprintf(out, "%s\n%32s%s\n", left, "", option->help);
  else fprintf(out, "%-32s%s\n", left, option->help);
}

void sp_options_print(FILE *out, const struct sp_option *const *groups) {
  for (; *groups; groups++) {
    for (const struct sp_option *option = *groups; option->name; option++) print_option(out, option);
  }
}
