/*
 * One answer under way: what is due when (schedule), what it looks like (kind) and what goes wrong (fault).
 *
 * A streamed answer writes each event as one chunk in one send when it is due; a whole one waits for the schedule's
 * end and writes everything. One timer a connection. Between events an exchange costs its struct and the frame of
 * a token, under 2 KB with its connection.
 */
#ifndef SP_MOCK_STREAM_H
#define SP_MOCK_STREAM_H

#include "mock/fault.h"
#include "mock/payload.h"
#include "mock/plan.h"
#include "mock/server.h"

struct sp_mock_exchange;
struct sp_mock_passage;

/* How one kind of app speaks. */
struct sp_mock_kind {
  enum sp_mock_api api;
  bool flow; /* has nodes */
  /* MUST for streams. Appends the SSE lines of part `part` (0…) of a step, without the blank line; nothing where
   * the step shows nothing. True when another part follows. Not called for TOKEN. */
  bool (*part)(struct sp_mock_exchange *exchange, enum sp_mock_step step, unsigned part, struct sp_buf *out);
  /* MUST for streams. Appends the frame of a token up to its text (inside a JSON string), and what comes behind
   * to `after`. A kind with choices sets choice_at to where their digit stands in `before`. */
  void (*token)(struct sp_mock_exchange *exchange, struct sp_buf *before, struct sp_buf *after);
  /* MUST. The body of a whole answer. */
  void (*whole)(struct sp_mock_exchange *exchange, struct sp_buf *out);
};

struct sp_mock_exchange {
  struct sp_mock_conn *conn;
  const struct sp_mock_kind *kind;
  const struct sp_mock_app *app;
  struct sp_mock_exchange *previous, *next; /* of its chain in mock->streams */
  struct sp_schedule schedule;
  struct sp_mock_plan *plan; /* owned; NULL: the app's own times */
  struct sp_mock_passage *passage; /* through the resources; NULL: there are none */

  const struct sp_fault *fault; /* NULL: none, or it has fired */
  uint64_t fault_at;
  int64_t stall_ns;  /* 0: for ever */
  int64_t created_s; /* since 1970 */
  int64_t reader_ns; /* events due before this were late by the reader's fault */
  const char *status; /* of the run: "succeeded", "failed", … */

  bool streaming, keep_alive, http10, spaced; /* how it is written */
  bool crlf, drip, split_utf8, big_head;                 /* by faults */
  bool lump, endless, empty;
  bool head_sent, blocked, stopped;
  bool include_usage;        /* openai */
  bool capped;               /* openai: max_tokens cut the answer */
  uint8_t choices;           /* openai: n; else 1 */
  uint8_t records;           /* retrieve */
  struct sp_dify_version version;
  uint32_t prompt_tokens;

  char *query; /* retrieve: owned; else NULL */

  /* The frame of a token: what stands before its text, then what stands behind it. */
  char *frame;
  uint32_t before_len, after_len;
  uint32_t choice_at; /* where the digit of the choice stands; 0: nowhere */
  char task_id[SP_UUID_SIZE], message_id[SP_UUID_SIZE], conversation_id[SP_UUID_SIZE], run_id[SP_UUID_SIZE];
};

struct sp_mock_start {
  const struct sp_mock_app *app;
  const struct sp_mock_kind *kind;
  const struct sp_mock_plan *plan;
  bool streaming;
  struct sp_str conversation_id; /* goes on; empty: a new one */
  uint32_t prompt_tokens;
  unsigned choices, records;
  const char *query; /* MAY. Copied */
  bool include_usage;
  uint64_t token_cap; /* 0: none */
};
/* Begins the answer to a request, or refuses it at once: too many are active, or the plan names a fault that this
 * answer cannot have. */
void sp_mock_exchange_begin(struct sp_mock_conn *conn, const struct sp_mock_request *request,
                            const struct sp_mock_start *start);
void sp_mock_exchange_start(struct sp_mock_exchange *exchange); /* its schedule runs; it may be over on return */
void sp_mock_exchange_stop(struct sp_mock_exchange *exchange);  /* as the stop endpoint does; the same */
void sp_mock_exchange_on_timer(struct sp_mock_exchange *exchange);
void sp_mock_exchange_on_drained(struct sp_mock_exchange *exchange);
void sp_mock_exchange_destroy(struct sp_mock_exchange *exchange); /* frees; the connection is as it is */
/* The stop endpoint: ends the stream with that task id as the app does it; nothing when there is none. */
void sp_mock_stop(struct sp_mock *mock, struct sp_str task_id);

/* -- for kinds -- */
/* The text of the tokens that are behind the schedule, as a member. */
void sp_mock_put_answer(const struct sp_mock_exchange *exchange, struct sp_jw *jw, const char *key);

/* -- for faults -- */
void sp_mock_exchange_step(struct sp_mock_exchange *exchange, enum sp_mock_step step); /* writes a step's frames now */
void sp_mock_exchange_event(struct sp_mock_exchange *exchange, struct sp_str lines);   /* one event, as it is */
void sp_mock_exchange_raw(struct sp_mock_exchange *exchange, struct sp_str bytes);     /* bytes without framing */
void sp_mock_exchange_end(struct sp_mock_exchange *exchange, int64_t later_ns); /* next is EOF, so much later */
void sp_mock_exchange_silence(struct sp_mock_exchange *exchange); /* nothing more, until the client closes */
/* These end the exchange; the pointer is dead. */
void sp_mock_exchange_cut(struct sp_mock_exchange *exchange);   /* FIN */
void sp_mock_exchange_reset(struct sp_mock_exchange *exchange); /* RST */
void sp_mock_exchange_answer(struct sp_mock_exchange *exchange, int status, const char *content_type,
                             const char *headers, struct sp_str body);
void sp_mock_exchange_fail(struct sp_mock_exchange *exchange, int status, const char *code, const char *message);
/* Of a whole answer: the head (length of all of it) and half of the body. */
void sp_mock_exchange_half(struct sp_mock_exchange *exchange);
/* Of a whole answer: half of the body as if it were all; ends the exchange. */
void sp_mock_exchange_halved(struct sp_mock_exchange *exchange);

#endif
