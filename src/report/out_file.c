#include "report/out_file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot_open(const char *path, int error, struct sp_err *err) {
  const char *slash = strrchr(path, '/');
  int folder = slash == path ? 1 : slash ? (int)(slash - path) : 0;
  switch (error) {
  case EISDIR: return sp_fail(err, SP_EIO, "cannot write to '%s': it is a folder, name a file in it", path);
  case ENOENT:
    return sp_fail(err, SP_EIO, "cannot write to '%s': the folder '%.*s' does not exist", path, folder, path);
  case ENOTDIR: return sp_fail(err, SP_EIO, "cannot write to '%s': '%.*s' is no folder", path, folder, path);
  case EACCES:
  case EPERM: return sp_fail(err, SP_EIO, "cannot write to '%s': you may not write there (permission denied)", path);
  case EROFS: return sp_fail(err, SP_EIO, "cannot write to '%s': that file system is read-only", path);
  default: return sp_fail(err, SP_EIO, "cannot write to '%s': %s", path, strerror(error));
  }
}

static int open_path(struct sp_out_file *file, const char *path) {
  file->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  file->made = file->fd >= 0;
  if (file->fd < 0 && errno == EEXIST) {
    file->fd = open(path, O_WRONLY | O_CLOEXEC);
    if (file->fd < 0 && errno == ENOENT) { /* a link to what is not there yet */
      file->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    }
  }
  return file->fd < 0 ? errno : 0;
}

int sp_out_file_open(struct sp_out_file *file, const char *path, struct sp_err *err) {
  *file = (struct sp_out_file){ .fd = -1 };
  if (!path || path[0] == 0) {
    return sp_fail(err, SP_EUSAGE, "an output needs a path: --out KIND=PATH, or KIND=- for standard output");
  }
  if (strcmp(path, "-") == 0) {
    file->fd = STDOUT_FILENO;
  } else {
    int error = path[strlen(path) - 1] == '/' ? EISDIR : open_path(file, path);
    if (error) {
      return cannot_open(path, error, err);
    }
  }
  file->path = sp_strdup(path);
  return SP_OK;
}

static int write_all(int fd, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t written = write(fd, bytes, len);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      return errno;
    }
    bytes += written;
    len -= (size_t)written;
  }
  return 0;
}

/* Pipes and terminals have nothing to cut. */
static int cut(int fd) {
  struct stat facts;
  if (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && fd != STDOUT_FILENO) {
    return lseek(fd, 0, SEEK_SET) < 0 || ftruncate(fd, 0) ? errno : 0;
  }
  return 0;
}

static int cannot_write(const struct sp_out_file *file, int error, struct sp_err *err) {
  return sp_fail(err, SP_EIO, "cannot write '%s': %s", file->path, strerror(error));
}

int sp_out_file_begin(struct sp_out_file *file, struct sp_err *err) {
  int error = cut(file->fd);
  file->written = true;
  return error ? cannot_write(file, error, err) : SP_OK;
}

int sp_out_file_append(struct sp_out_file *file, const char *bytes, size_t len, struct sp_err *err) {
  int error = write_all(file->fd, bytes, len);
  return error ? cannot_write(file, error, err) : SP_OK;
}

int sp_out_file_write(struct sp_out_file *file, const char *bytes, size_t len, struct sp_err *err) {
  int code = sp_out_file_begin(file, err);
  return code ? code : sp_out_file_append(file, bytes, len, err);
}

void sp_out_file_close(struct sp_out_file *file) {
  if (file->fd >= 0 && file->fd != STDOUT_FILENO) {
    close(file->fd);
  }
  if (file->made && !file->written) {
    unlink(file->path);
  }
  free(file->path);
  *file = (struct sp_out_file){ .fd = -1 };
}
