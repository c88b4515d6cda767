/*
 * A file that an output will write after or during the run, made sure of before it: opened for writing, but what is
 * in it stays until it is begun or written. "-" is standard output. A file that was made by open and never written
 * goes again.
 */
#ifndef SP_REPORT_OUT_FILE_H
#define SP_REPORT_OUT_FILE_H

#include "base/err.h"

#include <stdbool.h>

struct sp_out_file {
  char *path;
  int fd; /* -1: closed */
  bool made, written;
};

int sp_out_file_open(struct sp_out_file *file, const char *path, struct sp_err *err);
/* All of it, in place of what was there: also a second time. */
int sp_out_file_write(struct sp_out_file *file, const char *bytes, size_t len, struct sp_err *err);
/* Piece by piece: empties the file, then each append is written when it returns. */
int sp_out_file_begin(struct sp_out_file *file, struct sp_err *err);
int sp_out_file_append(struct sp_out_file *file, const char *bytes, size_t len, struct sp_err *err);
void sp_out_file_close(struct sp_out_file *file);

#endif
