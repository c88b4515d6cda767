/*
 * A watcher as the command line has it: "KIND=URL", and behind it, with spaces between, "OPTION=VALUE" words. subject and
 * interval are options of all kinds.
 */
#ifndef SP_WATCH_SPEC_H
#define SP_WATCH_SPEC_H

#include "watch/watch.h"

struct sp_watch_text {
  struct sp_watch_spec spec; /* points into `copy` */
  char *copy;
};
int sp_watch_text_parse(struct sp_watch_text *out, const char *text, struct sp_err *err); /* SP_EUSAGE */
void sp_watch_text_fini(struct sp_watch_text *text); /* all zero is fine */

/* Sets one by its name; subject and interval go to their members. Borrowed. */
int sp_watch_spec_set(struct sp_watch_spec *spec, const char *key, const char *value, struct sp_err *err);

#endif
