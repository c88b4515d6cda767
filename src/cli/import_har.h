/*
 * A browser's recording (HAR 1.2, as the developer tools export it) becomes the steps of an import: one task, in order,
 * with the pauses that the recording had. Left out, with a note: static resources, other hosts than the one asked for
 * (the most frequent one), and what is no HTTP request.
 */
#ifndef SP_CLI_IMPORT_HAR_H
#define SP_CLI_IMPORT_HAR_H

#include "cli/plan_writer.h"

#define SP_HAR_FILE_MAX (64u * 1024u * 1024u)
#define SP_HAR_PAUSE_MIN_S 0.5
#define SP_HAR_PAUSE_MAX_S 3600.0

struct sp_har_options {
  const char *host; /* NULL: the most frequent one. "host", "host:port" or "http://host:port" */
  bool all;         /* static resources too */
};

/* SP_EPARSE for what is no recording, SP_ELIMIT over a cap, SP_EUSAGE when it has no such host. */
int sp_import_har(struct sp_import *import, struct sp_str text, const struct sp_har_options *options,
                  struct sp_err *err);

#endif
