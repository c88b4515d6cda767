/*
 * The files that the page gives: what an output makes of the run, written to a folder of our own while it goes on (CSV
 * history, HDR log), or when asked for (the report, the other CSV files). Main thread.
 */
#ifndef SP_CLI_DOWNLOADS_H
#define SP_CLI_DOWNLOADS_H

#include "cli/runner.h"
#include "report/outputs.h"

/* A new folder for them, which only we may read; NULL: there is no place for one, and these files are not given. */
char *sp_downloads_make_folder(void);
void sp_downloads_remove_folder(char *folder); /* with what is in it; frees the path. NULL is fine */

/* Adds the outputs that are kept while the run goes on. */
void sp_downloads_keep(struct sp_outputs *outputs, const char *folder);
/* Names of GET /api/out/NAME, static texts, ended by NULL. folder NULL: those that need none. runner MAY be NULL. */
#define SP_DOWNLOADS_MAX 7u
void sp_downloads_names(const struct sp_runner *runner, const char *folder, const char *names[SP_DOWNLOADS_MAX + 1]);
/* Answers one. */
void sp_downloads_give(struct sp_runner *runner, const char *folder, const char *name, struct sp_web_answer *answer);

#endif
