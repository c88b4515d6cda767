/*
 * A dialect gives meaning to the events of a stream: what is a token, what ends it, what is an error.
 *
 * One const table a dialect, listed in dialect/registry.c (by name). Bytes in, meaning out: no sockets, no
 * clock, no Lua. State belongs to one stream; the caller gives `state_size` zeroed bytes, aligned for any type, and
 * the scratch memory that it shares with the thread's other streams. The slices in *out are borrowed until the next
 * call with that scratch, and no longer than the event's own bytes: most point there. A failure's detail is the
 * stream's own, valid until fini. After DONE or FAILED the caller need not go on; if it does, the dialect says the
 * same state again.
 */
#ifndef SP_DIALECT_DIALECT_H
#define SP_DIALECT_DIALECT_H

#include "base/err.h"
#include "base/str.h"
#include "wire/json.h"
#include "wire/sse.h"

/* What an event is; several can hold at once. */
enum sp_mark {
  SP_MARK_TOKEN = 1u << 0,     /* carries a non-empty answer token */
  SP_MARK_REASONING = 1u << 1, /* carries non-empty reasoning text */
  SP_MARK_NODE = 1u << 2,      /* out->node is filled: a finished node of the flow */
  SP_MARK_USAGE = 1u << 3,     /* out->usage is filled */
  SP_MARK_PING = 1u << 4,
  SP_MARK_UNKNOWN = 1u << 5, /* an event name this dialect does not know, or data it can't read */
  SP_MARK_RETRY = 1u << 6,   /* a node is tried again */
  SP_MARK_REPLACE = 1u << 7, /* the whole answer is replaced by out->text */
  SP_MARK_PARTIAL = 1u << 8, /* the run ended partial-succeeded */
  SP_MARK_PAUSED = 1u << 9,  /* the run paused: it waits for a person */
  /* A terminal event: the stream may end here and be complete. With SP_STREAM_OPEN a second one is awaited, which
   * may never come; then the last of these is where the answer ended, not the socket's close, which can lag. */
  SP_MARK_END = 1u << 10,
  SP_MARK_NODE_BEGUN = 1u << 11, /* out->node has title and type: a node of the flow has begun */
};

/* What the stream is after an event. */
enum sp_stream_state {
  SP_STREAM_OPEN,   /* go on reading */
  SP_STREAM_DONE,   /* the terminal event: success; do not wait for the socket to close */
  SP_STREAM_FAILED, /* an error event or a failed run: out->detail says what */
};

struct sp_node_finished {
  struct sp_str title, type;
  int64_t elapsed_ns; /* -1 where the stream does not say */
  bool failed;
};

struct sp_usage {
  int64_t prompt_tokens, completion_tokens; /* -1 where not reported */
  int64_t server_ttft_ns;                   /* the server's own time to first token; -1 where not reported */
};

struct sp_meaning {
  unsigned marks; /* enum sp_mark */
  enum sp_stream_state state;
  struct sp_str name;   /* the event's name for people: "message", "node_finished", "chunk" */
  struct sp_str text;   /* the token's, reasoning's or replacement's text, unescaped; the token's where both */
  struct sp_str detail; /* FAILED: "code: message", one line, no secrets of ours */
  struct sp_node_finished node;
  struct sp_usage usage;
  /* Ids that a conversation goes on with; empty where the event has none. */
  struct sp_str conversation_id, message_id, task_id;
};

/* What reading an event needs and nothing after it: one for all streams of a thread, so that it stays in the cache and
 * a stream costs little. After an event of megabytes the next one gives back what that took. */
struct sp_dialect_scratch {
  struct sp_json doc;
  struct sp_buf text, more; /* unescaped strings */
  struct sp_buf ids[3];     /* ids with escapes; nobody sends them, so these stay empty */
};

void sp_dialect_scratch_init(struct sp_dialect_scratch *scratch);
void sp_dialect_scratch_fini(struct sp_dialect_scratch *scratch);

struct sp_dialect {
  const char *name;
  size_t state_size;
  /* MUST. The scratch is borrowed until fini. */
  void (*init)(void *state, struct sp_dialect_scratch *scratch);
  /* MUST. Frees what the state holds. */
  void (*fini)(void *state);
  /* MUST. One dispatched event. Fills all of *out. */
  void (*on_event)(void *state, const struct sp_sse_event *event, struct sp_meaning *out);
  /* MUST. The stream ended by itself: true when what came before makes it complete, false for truncated. */
  bool (*on_eof)(void *state);
  /* MAY. An answer that is no stream (a blocking call), whole, to a fresh state: fills all of *out as the events of a
   * stream would. SP_STREAM_OPEN where it does not say how the run ended. */
  void (*on_whole)(void *state, struct sp_str body, struct sp_meaning *out);
};

extern const struct sp_dialect sp_dialect_dify;
extern const struct sp_dialect sp_dialect_openai;
extern const struct sp_dialect sp_dialect_sse;

const struct sp_dialect *sp_dialect_find(const char *name); /* NULL when there is none */
const struct sp_dialect *sp_dialect_at(size_t i);           /* NULL at the end */

/* Sets every field of *out to "nothing". */
void sp_meaning_clear(struct sp_meaning *out);

#endif
