#include "watch/secret_file.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>

static int only_line(const char *path, char *text, size_t len, struct sp_err *err) {
  struct sp_str secret = sp_str_trim(sp_str_of(text, len));
  for (size_t i = 0; i < secret.len; i++) {
    if ((unsigned char)secret.bytes[i] < ' ') return sp_fail(err, SP_EPARSE, "'%s' has more than one line", path);
  }
  memmove(text, secret.bytes, secret.len);
  text[secret.len] = 0;
  return 0;
}

int sp_secret_file_read(const char *path, char *secret, struct sp_err *err) {
  FILE *file = fopen(path, "rbe");
  if (!file) return sp_fail(err, SP_EIO, "cannot read '%s': %s", path, strerror(errno));
  size_t len = fread(secret, 1, SP_SECRET_FILE_MAX + 1, file);
  int failed = ferror(file);
  fclose(file);
  if (failed) return sp_fail(err, SP_EIO, "cannot read '%s'", path);
  if (len > SP_SECRET_FILE_MAX) return sp_fail(err, SP_ELIMIT, "'%s' has over %u bytes", path, SP_SECRET_FILE_MAX);
  return only_line(path, secret, len, err);
}
