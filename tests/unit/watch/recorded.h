/* A tree of files as another machine may have it, in a folder of its own, and a watcher that looks at it when told to. */
#ifndef RECORDED_H
#define RECORDED_H

#include "watch/watch.h"

struct recorded {
  char folder[64];
  struct sp_observations *seen;
  struct sp_watch_sink sink;
  const struct sp_watcher_kind *kind;
  void *watcher;
  char *source;
  struct sp_err err;
};
void recorded_make(struct recorded *recorded);
void recorded_remove(struct recorded *recorded);
void recorded_write(struct recorded *recorded, const char *path, const char *text); /* folders as needed */
void recorded_delete(struct recorded *recorded, const char *path);
const char *recorded_path(struct recorded *recorded, const char *path); /* valid until the next call */

/* The watcher over it, closed by remove. */
int recorded_open(struct recorded *recorded, const struct sp_watch_spec *spec);
int recorded_probe(struct recorded *recorded);
int recorded_sample(struct recorded *recorded);

/* The series' last value; fails the test where there is none. */
double recorded_last(struct recorded *recorded, enum sp_signal signal, const char *subject, const char *detail);
bool recorded_has(struct recorded *recorded, enum sp_signal signal, const char *subject, const char *detail);
/* Does a sight hold this text? */
bool recorded_sight(struct recorded *recorded, bool can, const char *text);
const char *recorded_setting(struct recorded *recorded, const char *subject, const char *key);

#endif
