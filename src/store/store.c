#include "store/db.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FOLDER_MODE 0700
#define FILE_MODE 0600

int sp_store_default_path(char *path, size_t size, struct sp_err *err) {
  const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
  int len = 0;
  if (data && data[0] == '/') { /* the standard: what is no absolute path is not there */
    len = snprintf(path, size, "%s/spate/history.db", data);
  } else if (home && home[0]) {
    len = snprintf(path, size, "%s/.local/share/spate/history.db", home);
  } else {
    return sp_fail(err, SP_EIO, "there is no place for the history: neither XDG_DATA_HOME nor HOME is set");
  }
  return (size_t)len < size ? SP_OK : sp_fail(err, SP_ELIMIT, "the path of the history is over %zu bytes", size);
}

/* -- opening -- */

static int make_folders(const char *path, struct sp_err *err) {
  char *part = sp_strdup(path);
  int code = SP_OK;
  for (char *slash = strchr(part + 1, '/'); slash && code == 0; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (mkdir(part, FOLDER_MODE) != 0 && errno != EEXIST) {
      code = sp_fail(err, SP_EIO, "cannot make the folder '%s' of the history: %s", part, strerror(errno));
    }
    *slash = '/';
  }
  free(part);
  return code;
}

/* SQLite gives what it makes beside the file the file's own mode. */
static int make_file(const char *path, struct sp_err *err) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
  if (fd < 0) {
    return sp_fail(err, SP_EIO, "cannot write the history '%s': %s", path, strerror(errno));
  }
  close(fd);
  return SP_OK;
}

static int find_file(const char *path, enum sp_store_mode mode, struct sp_err *err) {
  if (access(path, F_OK) == 0) {
    return mode == SP_STORE_READ || access(path, W_OK) == 0 ? SP_OK : make_file(path, err);
  }
  if (mode == SP_STORE_READ) {
    return sp_fail(err, errno == ENOENT ? SP_ENOTFOUND : SP_EIO, "there is no history '%s': %s", path, strerror(errno));
  }
  int code = make_folders(path, err);
  return code ? code : make_file(path, err);
}

/* NORMAL: a second that is written survives the process, and all but the last ones the machine. */
static int set_up(struct sp_store *store, struct sp_err *err) {
  sqlite3_busy_timeout(store->db, SP_STORE_BUSY_MS);
  int code = sp_schema_check(store, err);
  if (code == 0) {
    code = sp_db_run(store, "PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL", err);
  }
  if (code == 0 && !sqlite3_db_readonly(store->db, "main")) {
    code = sp_db_run(store, "PRAGMA journal_mode = WAL", err);
  }
  return code ? code : sp_schema_update(store, err);
}

/* Where several processes turn a new file to WAL at once, SQLite says "busy" without waiting. */
static int set_up_in_turn(struct sp_store *store, struct sp_err *err) {
  static const struct timespec pause = { .tv_nsec = 20 * SP_NS_PER_MS };
  int64_t until_ns = sp_clock_mono_ns() + SP_STORE_BUSY_MS * SP_NS_PER_MS;
  int code = set_up(store, err);
  while (code && sqlite3_errcode(store->db) == SQLITE_BUSY && sp_clock_mono_ns() < until_ns) {
    nanosleep(&pause, NULL);
    code = set_up(store, err);
  }
  return code;
}

struct sp_store *sp_store_open(const char *path, enum sp_store_mode mode, struct sp_err *err) {
  if (find_file(path, mode, err)) {
    return NULL;
  }
  struct sp_store *store = sp_alloc(sizeof(*store));
  store->path = sp_strdup(path);
  int code = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
  code = code ? sp_db_fail(store, "open", err) : set_up_in_turn(store, err);
  if (code) {
    sp_store_close(store);
    return NULL;
  }
  if (mode == SP_STORE_READ) {
    struct sp_err ignored; /* read-only, or full: such runs are seen as interrupted anyway */
    sp_store_settle(store, &ignored);
  }
  return store;
}

void sp_store_close(struct sp_store *store) {
  if (!store) {
    return;
  }
  sqlite3_close(store->db);
  free(store->path);
  free(store);
}

const char *sp_store_path(const struct sp_store *store) { return store->path; }

/* -- throwing away -- */

static uint64_t file_bytes(struct sp_store *store) {
  int64_t pages = sp_db_number(store, "PRAGMA page_count"), size = sp_db_number(store, "PRAGMA page_size");
  return pages > 0 && size > 0 ? (uint64_t)(pages * size) : 0;
}

static int gc_query(struct sp_store *store, const char *sql, int64_t before_real_ns, int64_t *count, struct sp_err *err) {
  struct sp_query query;
  int code = sp_query_open(&query, store, sql, err);
  if (code) {
    return code;
  }
  sp_query_int(&query, before_real_ns);
  *count = sp_query_next(&query) ? sp_column_int(&query, 0) : sqlite3_changes(store->db);
  return sp_query_close(&query, "clean up", err);
}

/* What a campaign's rounds refer to stays. */
#define UNUSED " AND id NOT IN (SELECT id FROM round_trials)"

static int gc_rows(struct sp_store *store, int64_t before_real_ns, bool dry, uint64_t *rows, struct sp_err *err) {
  static const char *const counts[] = { "SELECT count(*) FROM runs WHERE real_ns < ? AND state <> 0" UNUSED,
                                        "SELECT count(*) FROM capacities WHERE real_ns < ?" UNUSED };
  static const char *const deletes[] = { "DELETE FROM runs WHERE real_ns < ? AND state <> 0" UNUSED,
                                         "DELETE FROM capacities WHERE real_ns < ?" UNUSED };
  int code = SP_OK;
  *rows = 0;
  for (size_t i = 0; i < 2 && code == 0; i++) {
    int64_t count = 0;
    code = gc_query(store, dry ? counts[i] : deletes[i], before_real_ns, &count, err);
    *rows += (uint64_t)count;
  }
  return code;
}

int sp_store_gc(struct sp_store *store, int64_t before_real_ns, bool dry, struct sp_store_gc *out, struct sp_err *err) {
  *out = (struct sp_store_gc){ 0 };
  out->bytes_before = out->bytes_after = file_bytes(store);
  int code = sp_store_settle(store, err); /* what looks as if it went on, and does not */
  code = code ? code : gc_rows(store, before_real_ns, dry, &out->runs, err);
  if (code == 0 && !dry && out->runs > 0) {
    code = sp_db_run(store, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", err);
    out->bytes_after = file_bytes(store);
  }
  return code;
}
