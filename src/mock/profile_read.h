/*
 * Reading a JSON document by tables of members: a row a member. What a table does not name is an error that names
 * the near member. A reader writes to its place in a struct or fails with what the value must be.
 */
#ifndef SP_MOCK_PROFILE_READ_H
#define SP_MOCK_PROFILE_READ_H

#include "mock/profile.h"

#include <jansson.h>

struct sp_reader {
  const char *name; /* NULL ends the table */
  int (*read)(json_t *value, void *into, struct sp_err *err);
  size_t offset; /* of `into` in the struct */
};

/* Members are read in the table's order. err is never NULL here. */
int sp_read_members(const struct sp_reader *table, json_t *object, void *into, struct sp_err *err);
int sp_fail_unknown(struct sp_err *err, const char *what, const char *word,
                    const char *(*next)(const void *table, size_t i), const void *table);

int sp_read_text(json_t *value, void *into, struct sp_err *err);       /* char *, the old one is freed */
int sp_read_count(json_t *value, void *into, struct sp_err *err);      /* uint64_t */
int sp_read_share(json_t *value, void *into, struct sp_err *err);      /* double, 0 … 1 */
int sp_read_ns(json_t *value, void *into, struct sp_err *err);         /* int64_t: 20 (ms) or "20ms" */
int sp_read_time(json_t *value, void *into, struct sp_err *err);       /* struct sp_dist of nanoseconds */
int sp_read_count_dist(json_t *value, void *into, struct sp_err *err); /* struct sp_dist of counts */
int sp_read_resources(json_t *value, void *into, struct sp_err *err);  /* struct sp_resources_spec *, made when NULL */

struct sp_node_entry { /* a node before it is part of its app */
  char *title, *type;
  struct sp_dist time;
};

#endif
