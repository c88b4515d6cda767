/*
 * One run on a control loop that may see others before and after it: its outputs, SLOs, live view, page, and what ends
 * it early. Signals and exit are its owner's. Main thread.
 *
 * create -> start -> on_end -> finish -> destroy; a runner that never started is just destroyed.
 */
#ifndef SP_CLI_RUNNER_H
#define SP_CLI_RUNNER_H

#include "cli/setup.h"
#include "web/web.h"

struct sp_runner_options {
  struct sp_setup *setup;           /* these four outlive the runner */
  const struct sp_options *options;
  const char *plan_name;
  struct sp_loop *loop;
  struct sp_web *web;               /* MAY */
  const char *keep;                 /* MAY. A folder for the files that the page gives (cli/downloads.h) */
  void (*on_end)(void *ctx);        /* everything has ended and is counted; finish comes later, not from in here */
  void *ctx;
};

struct sp_runner;
/* Opens outputs and view; nothing runs. */
struct sp_runner *sp_runner_create(const struct sp_runner_options *options, struct sp_err *err);
int sp_runner_start(struct sp_runner *runner, struct sp_err *err);
void sp_runner_interrupt(struct sp_runner *runner); /* from outside: the result says so */
void sp_runner_stop(struct sp_runner *runner, bool at_once);
void sp_runner_note(struct sp_runner *runner, const char *text); /* to the view and the page's log */
/* Judges, shows the summary, writes the outputs. The exit code. */
int sp_runner_finish(struct sp_runner *runner);
/* What the page's output of that type would be, as of now, to a path of its own. */
int sp_runner_write_now(struct sp_runner *runner, const struct sp_report_type *type, const char *path, struct sp_err *err);
void sp_runner_destroy(struct sp_runner *runner); /* NULL is fine */

struct sp_run *sp_runner_run(const struct sp_runner *runner); /* NULL: not started */
const char *sp_runner_out_path(const struct sp_runner *runner, const char *kind); /* of --out KIND=PATH; NULL: not given, or '-' */
const char *sp_runner_id(const struct sp_runner *runner);
const struct sp_load *sp_runner_load(const struct sp_runner *runner);
/* What is known now, or at the end: borrowed until the next call. NULL: nothing yet. */
const struct sp_result *sp_runner_result(struct sp_runner *runner);
/* What sp_runner_shown gives from here on counts from now. */
void sp_runner_reset(struct sp_runner *runner);
/* As sp_runner_result, but since the reset while the run goes on. */
const struct sp_result *sp_runner_shown(struct sp_runner *runner);
bool sp_runner_ended(const struct sp_runner *runner); /* finish was called */

#endif
