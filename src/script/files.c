#include "script/files.h"

#include "base/map.h"
#include "base/mem.h"
#include "script/lua_host.h"

#include <pthread.h>
#include <stdlib.h>

struct file {
  size_t len;
  char *bytes;
};

struct sp_files {
  pthread_mutex_t lock;
  struct sp_map by_path; /* struct file */
  size_t bytes;          /* of all */
};

struct sp_files *sp_files_create(void) {
  struct sp_files *files = sp_alloc(sizeof(*files));
  pthread_mutex_init(&files->lock, NULL);
  sp_map_init(&files->by_path);
  return files;
}

void sp_files_destroy(struct sp_files *files) {
  if (!files) return;
  for (size_t i = 0; i < files->by_path.count; i++) {
    struct file *file = files->by_path.entries[i].value;
    free(file->bytes);
    free(file);
  }
  sp_map_fini(&files->by_path);
  pthread_mutex_destroy(&files->lock);
  free(files);
}

static int read_file(struct sp_files *files, const char *path, struct sp_err *err) {
  struct file *file;
  char *bytes;
  size_t len;
  if (files->by_path.count >= SP_UPLOAD_FILES_MAX)
    return sp_fail(err, SP_ELIMIT, "over %u different files are sent (SP_UPLOAD_FILES_MAX)", SP_UPLOAD_FILES_MAX);
  int code = sp_read_file(path, SP_UPLOAD_FILE_MAX, &bytes, &len, err);
  if (code) return code;
  if (files->bytes + len > SP_UPLOAD_ALL_MAX) {
    free(bytes);
    return sp_fail(err, SP_ELIMIT, "the files that are sent have over %u MiB together (SP_UPLOAD_ALL_MAX)",
                   SP_UPLOAD_ALL_MAX >> 20);
  }
  file = sp_alloc(sizeof(*file));
  *file = (struct file){len, bytes};
  files->bytes += len;
  *sp_map_put(&files->by_path, sp_str_from(path)) = file;
  return 0;
}

int sp_files_get(struct sp_files *files, const char *path, struct sp_str *out, struct sp_err *err) {
  int code = 0;
  pthread_mutex_lock(&files->lock);
  if (!sp_map_get(&files->by_path, sp_str_from(path))) code = read_file(files, path, err);
  if (code == 0) {
    const struct file *file = sp_map_get(&files->by_path, sp_str_from(path));
    *out = sp_str_of(file->bytes, file->len);
  }
  pthread_mutex_unlock(&files->lock);
  return code;
}
