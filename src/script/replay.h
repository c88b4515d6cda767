/*
 * A recorded load: JSONL, each line an object with the time at which it was asked and whatever a task needs to ask it
 * again. The text is kept once for all threads; a task decodes its own line.
 *
 * A time is an RFC 3339 text ("2026-11-23T16:50:00.123Z"), or a number: of the unit that is said, else of seconds, but
 * milliseconds, microseconds or nanoseconds since 1970 where the first line's would be too large for a date in
 * seconds. Only differences count: the first line is due at the start, line k after (its time - the first's) / speed.
 *
 * Parsing touches no files and no clock. Errors (SP_EPLAN, SP_ELIMIT) name the line.
 */
#ifndef SP_SCRIPT_REPLAY_H
#define SP_SCRIPT_REPLAY_H

#include "base/err.h"
#include "base/str.h"

#define SP_REPLAY_FILE_MAX (1024u * 1024u * 1024u) /* bytes of a file */
#define SP_REPLAY_LINE_MAX (4u * 1024u * 1024u)    /* bytes of a line */
#define SP_REPLAY_ROWS_MAX 10000000u
#define SP_REPLAYS_MAX 16u                         /* files of a plan */

struct sp_replay_options {
  const char *path;  /* for errors too */
  const char *time;  /* the member that has the time */
  double unit_s;     /* of numbers; 0: as the first line shows */
  double speed;      /* over 0; 2: in half the time */
};

struct sp_replay {
  struct sp_str *rows; /* lines, borrowed from the text; empty ones are left out */
  int64_t *due_ns;     /* after the start, rising */
  size_t count, cap;
};

/* At least one row, or an error. fini in both cases; the text outlives the replay. */
int sp_replay_parse(struct sp_replay *replay, struct sp_str text, const struct sp_replay_options *options,
                    struct sp_err *err);
void sp_replay_fini(struct sp_replay *replay);

/* The files of a plan: each is read once, while the plan loads (one thread); then they are only looked at. */
struct sp_replays;
struct sp_replays *sp_replays_create(void);
void sp_replays_destroy(struct sp_replays *replays);
void sp_replays_seal(struct sp_replays *replays); /* nothing new from here on */
/* NULL: err says why. The same options give the same replay. */
const struct sp_replay *sp_replays_open(struct sp_replays *replays, const struct sp_replay_options *options,
                                        struct sp_err *err);

#endif
