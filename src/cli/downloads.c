#include "cli/downloads.h"

#include "base/mem.h"
#include "cli/command.h"
#include "report/page_data.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_MAX_BYTES 4096

struct download {
  const char *name, *ending, *type;
  const char *report;   /* the output whose file it is; NULL: made of the result */
  const char *file;     /* in the folder; NULL: the one that --out was given for it, where it was */
  const char *now, *now_file; /* MAY: written anew when asked for while the run goes on; what it is told to write to */
};
static const struct download downloads[] = {
    {"json", ".json", "application/json; charset=utf-8", NULL, NULL, NULL, NULL},
    {"html", ".html", "text/html; charset=utf-8", "html", "run.html", "now.html", "now.html"},
    {"requests.csv", "_requests.csv", "text/csv; charset=utf-8", "csv", "run_requests.csv", "now", "now_requests.csv"},
    {"failures.csv", "_failures.csv", "text/csv; charset=utf-8", "csv", "run_failures.csv", "now", "now_failures.csv"},
    {"history.csv", "_history.csv", "text/csv; charset=utf-8", "csv", "run_history.csv", NULL, NULL},
    {"hdr", ".hdr", "text/plain; charset=utf-8", "hdr", "run.hdr", NULL, NULL},
    {"jsonl", ".jsonl", "application/jsonl; charset=utf-8", "jsonl", NULL, NULL, NULL},
};
#define DOWNLOADS (sizeof(downloads) / sizeof(downloads[0]))
_Static_assert(DOWNLOADS <= SP_DOWNLOADS_MAX, "names of all of them");

/* The outputs behind them, and what they are told to write to. */
static const struct {
  const char *report, *path;
} kept[] = {{"csv", "run"}, {"hdr", "run.hdr"}, {"html", "run.html"}};

static void path_of(char *path, const char *folder, const char *file) { snprintf(path, PATH_MAX_BYTES, "%s/%s", folder, file); }

/* -- the folder -- */

char *sp_downloads_make_folder(void) {
  const char *place = getenv("TMPDIR");
  char path[PATH_MAX_BYTES];
  snprintf(path, sizeof(path), "%s/spate-XXXXXX", place && *place ? place : "/tmp");
  return mkdtemp(path) ? sp_strdup(path) : NULL;
}

/* A download under way keeps what it reads: the name goes, not the file. */
static void empty(const char *folder) {
  char path[PATH_MAX_BYTES];
  for (size_t i = 0; i < DOWNLOADS; i++) {
    if (!downloads[i].file) continue;
    path_of(path, folder, downloads[i].file);
    unlink(path);
    if (!downloads[i].now_file) continue;
    path_of(path, folder, downloads[i].now_file);
    unlink(path);
  }
}

void sp_downloads_remove_folder(char *folder) {
  if (!folder) return;
  empty(folder);
  rmdir(folder);
  free(folder);
}

void sp_downloads_keep(struct sp_outputs *outputs, const char *folder) {
  char path[PATH_MAX_BYTES];
  struct sp_err ignored; /* then that file is not given */
  empty(folder);
  for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
    const struct sp_report_type *type = sp_report_find(kept[i].report);
    path_of(path, folder, kept[i].path);
    if (type) (void)sp_outputs_add(outputs, type, path, &ignored);
  }
  for (size_t i = 0; i < outputs->count; i++) outputs->items[i].path = ""; /* it was on this stack */
}

/* -- what there is -- */

static bool is_there(const struct download *download, const struct sp_runner *runner, const char *folder) {
  if (!download->report) return true;
  return download->file ? folder && sp_report_find(download->report) : runner && sp_runner_out_path(runner, download->report);
}

void sp_downloads_names(const struct sp_runner *runner, const char *folder, const char *names[SP_DOWNLOADS_MAX + 1]) {
  size_t count = 0;
  for (size_t i = 0; i < DOWNLOADS; i++) {
    if (is_there(&downloads[i], runner, folder)) names[count++] = downloads[i].name;
  }
  names[count] = NULL;
}

/* -- giving one -- */

static void give_json(struct sp_runner *runner, struct sp_web_answer *answer) {
  char *text = sp_page_summary(sp_runner_result(runner), !sp_runner_ended(runner));
  sp_buf_append_text(&answer->body, text);
  sp_buf_append_char(&answer->body, '\n');
  free(text);
}

/* As of now, in files of their own that nobody else writes to: they are open and have no name when this returns. */
static int open_now(struct sp_runner *runner, const struct download *download, const char *folder, struct sp_err *err) {
  char path[PATH_MAX_BYTES];
  path_of(path, folder, download->now);
  int code = sp_runner_write_now(runner, sp_report_find(download->report), path, err), file = -1;
  path_of(path, folder, download->now_file);
  if (code == 0) file = open(path, O_RDONLY | O_CLOEXEC);
  for (size_t i = 0; i < DOWNLOADS; i++) {
    if (!downloads[i].now_file) continue;
    path_of(path, folder, downloads[i].now_file);
    unlink(path);
  }
  return file;
}

/* Only a plain file has an end to give. */
static int open_plain(const char *path) {
  struct stat facts;
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0 || (fstat(file, &facts) == 0 && S_ISREG(facts.st_mode))) return file;
  close(file);
  return -1;
}

static void give_file(struct sp_runner *runner, const struct download *download, const char *folder, struct sp_web_answer *answer) {
  char path[PATH_MAX_BYTES];
  struct sp_err err = {.text = "the file is not there"};
  bool anew = download->now_file && !sp_runner_ended(runner);
  if (download->file) path_of(path, folder, download->file);
  else snprintf(path, sizeof(path), "%s", sp_runner_out_path(runner, download->report));
  answer->file = anew ? open_now(runner, download, folder, &err) : open_plain(path);
  if (answer->file < 0) sp_web_answer_error(answer, 503, NULL, "%s could not be made: %s", download->name, err.text);
}

void sp_downloads_give(struct sp_runner *runner, const char *folder, const char *name, struct sp_web_answer *answer) {
  for (size_t i = 0; i < DOWNLOADS; i++) {
    const struct download *download = &downloads[i];
    if (strcmp(download->name, name) != 0 || !is_there(download, runner, folder)) continue;
    if (!sp_runner_result(runner)) break;
    if (download->report) give_file(runner, download, folder, answer);
    else give_json(runner, answer);
    if (answer->status != 200) return;
    answer->type = download->type;
    snprintf(answer->download, sizeof(answer->download), "spate-%s%s", sp_runner_id(runner), download->ending);
    return;
  }
  sp_web_answer_error(answer, 404, NULL, "there is no '%s' of this run", name);
}
