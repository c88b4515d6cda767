/*
 * The history: every run in one SQLite file, from its first second on.
 *
 * A run is begun, gets a tick a second (the whole interval, stats/snapshot.h), and is ended with its totals and its
 * result. What is written is there at once for other processes (WAL), and a process that is killed leaves every tick
 * that it wrote: such a run counts as interrupted. Several processes may write and read one history at the same time;
 * who finds it locked waits SP_STORE_BUSY_MS and then gets an error.
 *
 * A struct sp_store belongs to one thread at a time (it may move). Errors are one sentence that names the file. What
 * is stored is private to the user (mode 0600, folders 0700): a plan's text may hold more than its author thought.
 */
#ifndef SP_STORE_STORE_H
#define SP_STORE_STORE_H

#include "base/err.h"
#include "base/str.h"
#include "stats/interval.h"

#define SP_STORE_SCHEMA 4 /* store/schema.c */
#define SP_STORE_BUSY_MS 2000
#define SP_STORE_ID_SIZE 40
#define SP_STORE_PATH_MAX 4096u

/* $XDG_DATA_HOME/spate/history.db, else ~/.local/share/spate/history.db. Fails where neither is set. */
int sp_store_default_path(char *path, size_t size, struct sp_err *err);

enum sp_store_mode {
  SP_STORE_WRITE, /* folders and file are made where they are missing */
  SP_STORE_READ,  /* SP_ENOTFOUND where there is no file yet; writes only what it has to (an earlier schema, runs whose
                   * process is gone), and nothing where it can't */
};

struct sp_store;
/* Brings an earlier schema up to date. NULL: a sentence. */
struct sp_store *sp_store_open(const char *path, enum sp_store_mode mode, struct sp_err *err);
void sp_store_close(struct sp_store *store); /* NULL is fine */
const char *sp_store_path(const struct sp_store *store);

/* --- writing a run --- */

struct sp_store_pair {
  const char *key, *value; /* value NULL: a secret's */
};

/* Borrowed for the call. */
struct sp_store_begin {
  const char *id, *name, *plan, *host, *version;
  struct sp_str plan_text;
  int64_t real_ns, mono_ns; /* the same moment on both clocks */
  uint64_t seed;
  const struct sp_store_pair *tags, *params;
  size_t tag_count, param_count;
  struct sp_str asked; /* the load and what else was asked for, in the caller's own encoding */
};
int sp_store_begin(struct sp_store *store, const struct sp_store_begin *begin, int64_t *run, struct sp_err *err);

#define SP_STORE_PART_WARM 0 /* SP_SERIES_WARM of stats/series.h: in no total */

struct sp_store_tick {
  uint64_t n; /* from 0 */
  int64_t elapsed_ns;
  unsigned part, phase; /* enum sp_series_part; the caller's own */
  uint64_t users, users_target, in_flight;
  double rate_target;
  size_t stage;
  struct sp_str interval; /* sp_snapshot_encode */
  /* The part of it that is in the totals, likewise; bytes NULL: nothing in the warm-up, all of it later. */
  struct sp_str counted;
};
/* Either all of them or none. */
int sp_store_ticks(struct sp_store *store, int64_t run, const struct sp_store_tick *ticks, size_t count,
                   struct sp_err *err);

struct sp_store_end {
  int64_t duration_ns, measured_ns;
  uint64_t users_max;
  bool valid, slos_met;
  const struct sp_interval *totals;
  struct sp_str result; /* the caller's own encoding */
  const char *summary;  /* spate.summary/1 */
};
int sp_store_end(struct sp_store *store, int64_t run, const struct sp_store_end *end, struct sp_err *err);

/* Runs whose process is gone become interrupted ones, with figures of what there is of them. */
int sp_store_settle(struct sp_store *store, struct sp_err *err);

/* --- throwing away --- */

struct sp_store_gc {
  uint64_t runs;        /* and searches for the capacity that are, or would be, deleted */
  uint64_t bytes_before, bytes_after; /* of the file; the same where nothing was deleted */
};
/* Deletes what began before; never a run that goes on, nor a trial of a campaign. dry: only counts. Gives the space back to the disk, which
 * needs as much of it for a moment as is kept. */
int sp_store_gc(struct sp_store *store, int64_t before_real_ns, bool dry, struct sp_store_gc *out, struct sp_err *err);

#endif
