/*
 * JSON on the hot path: tokens over borrowed text. A document object is reused from text to text
 * and keeps its token memory. For building and reading whole documents elsewhere use jansson.
 *
 * A value is an index into the tokens; -1 means "absent", and every accessor takes -1 and answers with
 * its default, so look-ups chain: sp_json_text(doc, sp_json_get(doc, sp_json_get(doc, 0, "data"), "title")).
 * Not thread-safe.
 */
#ifndef SP_WIRE_JSON_H
#define SP_WIRE_JSON_H

#include "base/buf.h"
#include "base/err.h"

#define SP_JSON_TEXT_MAX (64u * 1024u * 1024u) /* bytes of one document */
#define SP_JSON_TOKENS_MAX (1u << 20)          /* tokens of one document */
#define SP_JSON_DEPTH_MAX 64

enum sp_json_kind {
  SP_JSON_ABSENT,
  SP_JSON_NULL,
  SP_JSON_BOOL,
  SP_JSON_NUMBER,
  SP_JSON_STRING,
  SP_JSON_ARRAY,
  SP_JSON_OBJECT
};

struct sp_json_token; /* 16 bytes */

struct sp_json {
  struct sp_str text;
  struct sp_json_token *tokens;
  int count, cap;
};

void sp_json_init(struct sp_json *doc);
void sp_json_fini(struct sp_json *doc);

/* The text must be one whole value by RFC 8259 (SP_EPARSE with the byte's position), within the caps above
 * (SP_ELIMIT). Bytes of 0x80 and more are taken as they are: invalid UTF-8 in a string is no fault here.
 * The document borrows the text. The root is value 0. After a failure every value is absent. Linear time. */
int sp_json_parse(struct sp_json *doc, struct sp_str text, struct sp_err *err);

enum sp_json_kind sp_json_kind(const struct sp_json *doc, int value);
/* The first member of that name; -1 when absent or no object. Linear in the object's members. */
int sp_json_get(const struct sp_json *doc, int object, const char *key);
int sp_json_size(const struct sp_json *doc, int value); /* members or items */
/* Iterates: first child, then next sibling. In an object the children are keys, and the value of a key is
 * key + 1. -1 at the end. */
int sp_json_first(const struct sp_json *doc, int value);
int sp_json_next(const struct sp_json *doc, int child);

struct sp_str sp_json_raw(const struct sp_json *doc, int value); /* as it stands in the text, strings without quotes */
bool sp_json_is(const struct sp_json *doc, int value, const char *text); /* written without escapes */
/* `otherwise` also for numbers out of a double's range. The process runs in the "C" locale for numbers. */
double sp_json_number(const struct sp_json *doc, int value, double otherwise);
bool sp_json_bool(const struct sp_json *doc, int value, bool otherwise);

/* The unescaped string: a slice of the text where it has no escapes, else unescaped into *scratch
 * (cleared first). Lone surrogates become U+FFFD. Empty slice when it is no string or scratch's cap is too small. */
struct sp_str sp_json_string(const struct sp_json *doc, int value, struct sp_buf *scratch);

/* Appends a JSON string with its quotes; invalid UTF-8 becomes U+FFFD (one for each maximal subpart,
 * Unicode 15, 3.9). SP_ELIMIT, and *out as before, when it does not fit. */
int sp_json_append_string(struct sp_buf *out, struct sp_str raw);

#endif
