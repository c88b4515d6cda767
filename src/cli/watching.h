/*
 * A run's watchers: those of the plan (spate.watch{…}) and of the command line (--watch), what they saw, and what they had to
 * say. Main thread; the watchers' own threads are inside.
 */
#ifndef SP_CLI_WATCHING_H
#define SP_CLI_WATCHING_H

#include "cli/options.h"
#include "stats/observations.h"

struct sp_watching;
/* *out is NULL where nobody is to watch. SP_EUSAGE, SP_EPLAN: a spec is wrong. */
int sp_watching_open(struct sp_watching **out, const struct sp_options *options, const struct sp_plan *plan,
                     struct sp_err *err);
/* Waits until each watcher has said what it can see, a few seconds at most. */
int sp_watching_start(struct sp_watching *watching, struct sp_err *err);
/* The notes of the watchers since the last call, one after the other; from the main thread. */
void sp_watching_notes(struct sp_watching *watching, void (*say)(void *ctx, const char *text), void *ctx);
/* The last looks, and what is filled in behind the run. Wall clock. Once. */
void sp_watching_finish(struct sp_watching *watching, int64_t from_ns, int64_t to_ns);
const struct sp_observations *sp_watching_seen(const struct sp_watching *watching); /* NULL of NULL */
void sp_watching_close(struct sp_watching *watching); /* NULL is fine */

#endif
