/*
 * Files that users send: each is read once, when it is asked for first, and shared by all users of all threads until
 * the run's end. Any thread.
 */
#ifndef SP_SCRIPT_FILES_H
#define SP_SCRIPT_FILES_H

#include "base/err.h"
#include "base/str.h"

#define SP_UPLOAD_FILE_MAX (60u * 1024u * 1024u)     /* bytes of a file: a request has room for it */
#define SP_UPLOAD_FILES_MAX 10000u                   /* different files of a run */
#define SP_UPLOAD_ALL_MAX (1024u * 1024u * 1024u)    /* bytes of all of them together */

struct sp_files;
struct sp_files *sp_files_create(void);
void sp_files_destroy(struct sp_files *files);
/* The bytes, which live as long as `files`. SP_EIO or SP_ELIMIT with a sentence; it is tried again the next time. */
int sp_files_get(struct sp_files *files, const char *path, struct sp_str *out, struct sp_err *err);

#endif
