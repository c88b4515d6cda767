#include "cli/command.h"

#include "base/mem.h"
#include "cli/import_curl.h"
#include "cli/import_har.h"
#include "cli/import_shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- options: kept among the settings, by name ---- */

static int keep(struct sp_options *o, const char *key, const char *value, struct sp_err *err) {
  if (o->setting_count == SP_SETTINGS_MAX) return sp_fail(err, SP_EUSAGE, "too many options");
  o->settings[o->setting_count++] = (struct sp_setting){key, value};
  return 0;
}

static const char *kept(const struct sp_options *o, const char *key) {
  for (size_t i = o->setting_count; i-- > 0;) {
    if (strcmp(o->settings[i].key, key) == 0) return o->settings[i].value;
  }
  return NULL;
}

static int take_output(struct sp_options *o, const char *value, struct sp_err *err) {
  return *value ? keep(o, "output", value, err) : sp_fail(err, SP_EUSAGE, "needs a file's name");
}
static int take_host(struct sp_options *o, const char *value, struct sp_err *err) {
  return *value ? keep(o, "host", value, err) : sp_fail(err, SP_EUSAGE, "needs a host's name");
}
static int take_all(struct sp_options *o, const char *value, struct sp_err *err) {
  return (void)value, keep(o, "all", "yes", err);
}

static const struct sp_option own_options[] = {
    {"output", 'o', "FILE", "write the plan there, not to standard output; a file that exists stays", take_output},
    {"host", 0, "NAME", "har: the host whose requests to take (default: the most frequent one)", take_host},
    {"all", 0, NULL, "har: also images, fonts, styles and scripts", take_all},
    {NULL, 0, NULL, NULL, NULL}};

/* ---- reading and writing files ---- */

static int read_all(FILE *file, const char *name, size_t max, struct sp_buf *out, struct sp_err *err) {
  char bytes[65536];
  size_t len;
  while ((len = fread(bytes, 1, sizeof(bytes), file)) > 0) {
    if (sp_buf_append(out, bytes, len)) return sp_fail(err, SP_ELIMIT, "%s has over %zu MiB", name, max >> 20);
  }
  return ferror(file) ? sp_fail(err, SP_EIO, "cannot read %s: %s", name, strerror(errno)) : 0;
}

static int read_input(const char *path, struct sp_buf *out, struct sp_err *err) {
  if (strcmp(path, "-") == 0) return read_all(stdin, "standard input", out->max, out, err);
  FILE *file = fopen(path, "rbe");
  if (!file) return sp_fail(err, SP_EIO, "cannot read '%s': %s", path, strerror(errno));
  char name[300];
  snprintf(name, sizeof(name), "'%.256s'", path);
  int code = read_all(file, name, out->max, out, err);
  fclose(file);
  return code;
}

static int write_file(const char *path, struct sp_str text, struct sp_err *err) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0 && errno == EEXIST)
    return sp_fail(err, SP_EIO, "'%s' exists already and is not overwritten: name another file", path);
  if (fd < 0) return sp_fail(err, SP_EIO, "cannot write '%s': %s", path, strerror(errno));
  FILE *file = fdopen(fd, "wb");
  bool good = file && fwrite(text.bytes, 1, text.len, file) == text.len;
  int error = errno;
  if (file && fclose(file)) good = false, error = errno;
  if (!file) close(fd);
  if (good) return 0;
  unlink(path);
  return sp_fail(err, SP_EIO, "cannot write '%s': %s", path, strerror(error));
}

static int write_plan(const char *path, struct sp_str text, struct sp_err *err) {
  if (path && strcmp(path, "-") != 0) return write_file(path, text, err);
  bool good = fwrite(text.bytes, 1, text.len, stdout) == text.len && fflush(stdout) == 0;
  return good ? 0 : sp_fail(err, SP_EIO, "cannot write to standard output: %s", strerror(errno));
}

/* ---- the two kinds ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\\'; }

/* "curl …" in one piece, perhaps behind a prompt. */
static bool is_whole_command(const char *word) {
  while (is_blank(*word) || *word == '$' || *word == '%') word++;
  return strncmp(word, "curl", 4) == 0 && is_blank(word[4]);
}

/* The first word that is no option of ours: `spate import -o FILE curl …`. */
static int find_kind_word(int argc, char **argv) {
  int at = 0;
  for (; at < argc && argv[at][0] == '-' && argv[at][1]; at++) {
    bool takes = strcmp(argv[at], "-o") == 0 || strcmp(argv[at], "--output") == 0 || strcmp(argv[at], "--host") == 0;
    at += takes && at + 1 < argc;
  }
  return at;
}

/* A command that was pasted without quotes comes as its words: its options are curl's. In one piece, or from standard
 * input, options of ours may stand behind it. */
static int find_curl_words(int argc, char **argv) {
  int kind = find_kind_word(argc, argv);
  if (kind + 2 >= argc || strcmp(argv[kind], "curl") != 0) return argc;
  for (int i = kind + 1; i < argc; i++) {
    if (strcmp(argv[i], "-") == 0 || is_whole_command(argv[i])) return argc;
  }
  return kind + 1;
}

static int import_words(struct sp_import *import, const struct sp_options *options, struct sp_err *err) {
  int code = sp_import_curl_words(import, options->foreign, options->foreign_count, err);
  for (size_t i = 0; i < options->foreign_count; i++) {
    if (strcmp(options->foreign[i], "-o") == 0 || strcmp(options->foreign[i], "--output") == 0)
      sp_import_note(import, "-o behind 'curl' is curl's own: for the plan write 'spate import -o FILE curl …'");
  }
  return code;
}

static int import_curl(struct sp_import *import, const struct sp_options *options, struct sp_err *err) {
  const char *const *words = options->arguments + 1;
  if (options->foreign_count) return import_words(import, options, err);
  if (options->argument_count < 2) {
    return sp_fail(err, SP_EUSAGE,
                   "spate import curl needs the command, or '-' and the command on standard input");
  }
  size_t count = (size_t)options->argument_count - 1;
  if (count > 1) return sp_import_curl_words(import, words, count, err);
  if (strcmp(words[0], "-") != 0) return sp_import_curl_text(import, sp_str_from(words[0]), err);
  struct sp_buf text;
  sp_buf_init(&text, SP_SHELL_TEXT_MAX);
  int code = read_input("-", &text, err);
  if (code == 0) code = sp_import_curl_text(import, sp_buf_str(&text), err);
  sp_buf_fini(&text);
  return code;
}

static int import_har(struct sp_import *import, const struct sp_options *options, struct sp_err *err) {
  struct sp_har_options har = {.host = kept(options, "host"), .all = kept(options, "all") != NULL};
  struct sp_buf text;
  if (options->argument_count != 2)
    return sp_fail(err, SP_EUSAGE, "spate import har takes one FILE ('-' is standard input)");
  sp_buf_init(&text, SP_HAR_FILE_MAX);
  int code = read_input(options->arguments[1], &text, err);
  if (code == 0 && (code = sp_import_har(import, sp_buf_str(&text), &har, err))) {
    sp_err_context(err, "%s", options->arguments[1]);
  }
  sp_buf_fini(&text);
  return code;
}

static const struct kind {
  const char *name, *source;
  int (*import)(struct sp_import *import, const struct sp_options *options, struct sp_err *err);
} kinds[] = {
    {"curl", "a curl command (spate import curl)", import_curl},
    {"har", "a browser's recording (spate import har)", import_har},
};

static const struct kind *find_kind(const char *name) {
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
  }
  return NULL;
}

/* What to know and what to type next; values of secrets never show. */
static void print_hints(const struct sp_import *import, const char *path) {
  for (size_t i = 0; i < import->note_count; i++) fprintf(stderr, "spate: note: %s\n", import->notes[i]);
  for (size_t i = 0; i < import->secrets.count; i++) {
    const struct sp_import_secret *secret = &import->secrets.items[i];
    fprintf(stderr, "spate: not in the plan: %s; give it with -e %s=…\n", secret->description, secret->name);
  }
  fprintf(stderr, "spate: next: spate try %s", path && strcmp(path, "-") != 0 ? path : "PLAN.lua");
  for (size_t i = 0; i < import->secrets.count; i++) fprintf(stderr, " -e %s=…", import->secrets.items[i].name);
  fprintf(stderr, "\n");
}

static int import_and_write(struct sp_import *import, const struct kind *kind, const struct sp_options *options,
                            struct sp_err *err) {
  const char *path = kept(options, "output");
  struct sp_buf plan;
  int code = kind->import(import, options, err);
  if (code) return code;
  sp_buf_init(&plan, SP_PLAN_MAX);
  code = sp_import_write(import, &plan, err);
  if (code == 0) code = write_plan(path, sp_buf_str(&plan), err);
  if (code == 0) print_hints(import, path);
  sp_buf_fini(&plan);
  return code;
}

static int import_run(const struct sp_options *options) {
  struct sp_import import;
  struct sp_err err;
  const struct kind *kind = find_kind(options->arguments[0]);
  if (!kind) {
    sp_fail(&err, SP_EUSAGE, "there is no import of '%.60s': 'spate import curl COMMAND' or 'spate import har FILE'",
            options->arguments[0]);
    return sp_cli_fail(&err);
  }
  sp_import_init(&import, kind->source);
  int code = import_and_write(&import, kind, options, &err);
  sp_import_fini(&import);
  return code ? sp_cli_fail(&err) : SP_EXIT_OK;
}

static const struct sp_option *const groups[] = {own_options, sp_options_common, NULL};

const struct sp_command sp_command_import = {
    .name = "import",
    .arguments = "curl|har",
    .summary = "a plan from a pasted curl command or a browser's recording",
    .details =
        "  spate import curl -X POST http://…   the command as you have it; options of spate stand before 'curl'\n"
        "  spate import curl 'curl -X POST …'   or in quotes, as one argument\n"
        "  spate import curl - < command.txt    or from standard input ('-')\n"
        "  spate import har session.har         a recording that the browser's developer tools exported\n\n"
        "The plan comes on standard output. Keys, cookies and passwords do not get into it: they become parameters\n"
        "(-e key=…). Standard error says which, and what could not be kept.\n",
    .arguments_min = 1,
    .arguments_max = SP_ARGUMENTS_MAX,
    .option_groups = groups,
    .find_foreign = find_curl_words,
    .run = import_run};
