/*
 * A configuration as a list of keys and values, from what a command of the user's printed: KEY=VALUE lines (env files,
 * `docker exec … env`) or JSON (docker inspect, kubectl get -o json), whose members become paths with dots. What looks like
 * a secret, by its name (base/secret.h) or by where it stands in a value, becomes *** before anything is kept.
 *
 * In JSON an item of an array is told by its "name" where it has one, else by its number; { "name", "value" } and
 * "NAME=VALUE" are what they say. No sockets, no clock.
 */
#ifndef SP_CLI_SNAPSHOT_H
#define SP_CLI_SNAPSHOT_H

#include "base/buf.h"
#include "store/store_campaign.h"

#define SP_SNAPSHOT_OUTPUT_MAX (8u * 1024u * 1024u) /* bytes that a command may print */
#define SP_SNAPSHOT_ENTRIES_MAX 5000u               /* what is beyond is counted in left_out */
#define SP_SNAPSHOT_KEY_MAX 300u                    /* bytes; longer ones are cut */
#define SP_SNAPSHOT_VALUE_MAX 500u

struct sp_snapshot_entry {
  char *key, *value;
};
struct sp_snapshot {
  struct sp_snapshot_entry *entries; /* by key; of one key the last counts */
  size_t count, cap, left_out;
};

/* SP_EUSAGE where there is nothing in it. */
int sp_snapshot_parse(struct sp_str text, struct sp_snapshot *out, struct sp_err *err);
void sp_snapshot_fini(struct sp_snapshot *snapshot);
/* "KEY=VALUE" lines, which sp_snapshot_read reads again (a kept one is known to be clean). */
void sp_snapshot_print(const struct sp_snapshot *snapshot, struct sp_buf *out);
void sp_snapshot_read(struct sp_str lines, struct sp_snapshot *out);

/* What is otherwise in `after`: at most `max` changes, whose texts are owned by them. Gives how many there are in all. */
size_t sp_snapshot_diff(const struct sp_snapshot *before, const struct sp_snapshot *after, struct sp_store_change *changes,
                        size_t max);
/* "dify-api.cpu: 0.8 -> 1.2"; nothing on one side of the arrow: it was not there. Its texts are owned by it. */
int sp_change_parse(const char *text, struct sp_store_change *out, struct sp_err *err);
void sp_changes_fini(struct sp_store_change *changes, size_t count);

/* Appends the value as it may be shown. */
void sp_value_redact(struct sp_str key, struct sp_str value, struct sp_buf *out);

/* snapshot_command.c: runs it with sh, without input, and takes what it prints; its errors go where ours go. */
#define SP_SNAPSHOT_TIME_MAX_S 60
int sp_snapshot_command(const char *command, struct sp_buf *out, struct sp_err *err);

#endif
