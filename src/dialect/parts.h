/*
 * What the dialects share: reading an event into the scratch, values of JSON as a meaning wants them, the detail of
 * a failure. Private to this folder.
 */
#ifndef SP_DIALECT_PARTS_H
#define SP_DIALECT_PARTS_H

#include "dialect/dialect.h"

#define SP_DIALECT_DETAIL_MAX 512u       /* bytes of a failure's detail; cut behind */
#define SP_DIALECT_NAME_MAX 64u          /* bytes of an unknown event's name; cut behind */
#define SP_DIALECT_ID_MAX 256u           /* bytes of an id; a longer one is none */
#define SP_DIALECT_KEEP_BYTES 16384u     /* of a buffer of the scratch, kept from event to event */
#define SP_DIALECT_KEEP_TOKENS 1024      /* likewise: one frame of 3 MiB must not cost for the whole run */
#define SP_DIALECT_SECONDS_MAX 2592000.0 /* a time over thirty days is nonsense: "not reported" */
#define SP_DIALECT_COUNT_MAX 1e15        /* tokens of one answer, likewise */

/* A key of a static table. */
#define SP_DIALECT_KEY(text)                                                                                           \
  { "" text, sizeof(text) - 1 }

/* Reads an event's data. False where it is no JSON object. Gives back what an earlier, larger event took. */
bool sp_parts_read(struct sp_dialect_scratch *scratch, struct sp_str data);

/* One pass over an object's members, not a search a key: values[i] becomes the value of keys[i], -1 where absent. */
void sp_parts_pick(const struct sp_json *doc, int object, const struct sp_str *keys, size_t count, int *values);

/* The string as text, a number or bool as it stands; empty for null, absent, array and object. */
struct sp_str sp_parts_text(const struct sp_json *doc, int value, struct sp_buf *unescaped);
/* Id number `slot` (0..2) of the event; empty where it is no string or too long. */
struct sp_str sp_parts_id(struct sp_dialect_scratch *scratch, int value, size_t slot);
int64_t sp_parts_seconds_ns(const struct sp_json *doc, int value); /* a number of seconds; -1 for nonsense */
int64_t sp_parts_count(const struct sp_json *doc, int value);      /* a number of things; -1 for nonsense */

/* At most `max` bytes of the text, never half a character. */
struct sp_str sp_parts_cut(struct sp_str text, size_t max);

/* The detail of a failure, one line; it outlives the event, so the stream has its own. Starts a new one; appends with
 * control characters as single spaces, up to the cap. */
void sp_parts_detail_init(struct sp_buf *detail);
void sp_parts_detail_start(struct sp_buf *detail, struct sp_str text);
void sp_parts_detail_append(struct sp_buf *detail, struct sp_str text);
/* "label (status): message", with what is there; status 0 is none. */
void sp_parts_detail_error(struct sp_buf *detail, struct sp_str label, int status, struct sp_str message);

/* A failed stream: sets the state and the detail as it stands. */
void sp_parts_fail(const struct sp_buf *detail, struct sp_meaning *out);

/* An event behind the last: says again how the stream ended. */
void sp_parts_over(const struct sp_buf *detail, enum sp_stream_state state, struct sp_meaning *out);

#endif
