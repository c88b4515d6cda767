/*
 * A password or token that stands in a file, so that it is in no command line, plan or list of processes. Read anew at each use,
 * since they are renewed.
 */
#ifndef SP_WATCH_SECRET_FILE_H
#define SP_WATCH_SECRET_FILE_H

#include "base/err.h"

#define SP_SECRET_FILE_MAX (16u * 1024u) /* bytes of the file */

/* Its one line without the spaces around it, terminated. secret holds SP_SECRET_FILE_MAX + 2 bytes. The sentence names the file
 * and nothing of what is in it. */
int sp_secret_file_read(const char *path, char *secret, struct sp_err *err);

#endif
