/*
 * The page's host: what docs/web-api.md's calls do to runs. `spate run --web` shows its own run to it; `spate serve`
 * starts runs from it, one after the other, on one loop. Main thread.
 */
#ifndef SP_CLI_SERVING_H
#define SP_CLI_SERVING_H

#include "cli/runner.h"

struct sp_serving_options {
  struct sp_loop *loop;
  const struct sp_options *options; /* the command line's; its arguments are the plans offered. Outlives the serving */
  bool serve;                       /* runs are started from the page */
  void (*on_quiet)(void *ctx);      /* MAY. After sp_serving_quit: nothing runs any more */
  void *ctx;
};

struct sp_serving;
struct sp_serving *sp_serving_open(const struct sp_serving_options *options, struct sp_err *err);
void sp_serving_close(struct sp_serving *serving); /* before the runner that it shows. NULL is fine */
struct sp_web *sp_serving_web(const struct sp_serving *serving);
const char *sp_serving_folder(const struct sp_serving *serving); /* for downloads; NULL: none */

/* A run that its owner starts, ends and finishes. */
void sp_serving_show(struct sp_serving *serving, struct sp_runner *runner);
void sp_serving_began(struct sp_serving *serving); /* says where the page is, with the token where one is needed */
/* The run is over and judged: the page stays as --web-linger says, else for a scraper that comes regularly. What it was
 * asked meanwhile is answered. Ctrl-C, and SIGTERM, end it. */
void sp_serving_linger(struct sp_serving *serving);

/* Ctrl-C: the first stops what runs, the second cuts it; then, or where nothing runs, on_quiet. */
void sp_serving_quit(struct sp_serving *serving);
bool sp_serving_was_cut_short(const struct sp_serving *serving); /* a run was ended by it */

#endif
