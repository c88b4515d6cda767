#include "mock/stream.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "mock/passage.h"

#include <stdio.h>
#include <stdlib.h>

#define TURN_EVENTS_MAX 64u /* events that one stream writes in one turn of the loop */

static struct sp_mock *mock_of(struct sp_mock_exchange *exchange) { return exchange->conn->mock; }

/* -- bytes to the wire -- */

static void send_out(struct sp_mock_exchange *exchange) {
  struct sp_str bytes = sp_buf_str(&mock_of(exchange)->out);
  if (!exchange->drip) {
    if (bytes.len > 0) sp_conn_write(&exchange->conn->conn, bytes);
    return;
  }
  for (size_t i = 0; i < bytes.len; i++) sp_conn_write(&exchange->conn->conn, sp_str_of(bytes.bytes + i, 1));
}

static struct sp_buf *clear_out(struct sp_mock_exchange *exchange) {
  struct sp_buf *out = &mock_of(exchange)->out;
  sp_buf_clear(out);
  return out;
}

/* Puts the parts into one chunk (RFC 9112, 7.1); on HTTP/1.0 they stand as they are. */
static void put_chunk(struct sp_mock_exchange *exchange, const struct sp_str *parts, size_t count) {
  struct sp_buf *out = &mock_of(exchange)->out;
  size_t len = 0;
  for (size_t i = 0; i < count; i++) len += parts[i].len;
  char digits[20];
  if (!exchange->http10) {
    int digit_count = snprintf(digits, sizeof digits, "%zX\r\n", len);
    sp_buf_append(out, digits, (size_t)digit_count);
  }
  for (size_t i = 0; i < count; i++) sp_buf_append_str(out, parts[i]);
  if (!exchange->http10) sp_buf_append(out, "\r\n", 2);
}

static struct sp_str blank_line(const struct sp_mock_exchange *exchange) {
  return exchange->crlf ? SP_STR("\r\n\r\n") : SP_STR("\n\n");
}

void sp_mock_exchange_event(struct sp_mock_exchange *exchange, struct sp_str lines) {
  clear_out(exchange);
  put_chunk(exchange, (struct sp_str[]){ lines, blank_line(exchange) }, 2);
  send_out(exchange);
  mock_of(exchange)->events++;
}

void sp_mock_exchange_raw(struct sp_mock_exchange *exchange, struct sp_str bytes) {
  sp_buf_append_str(clear_out(exchange), bytes);
  send_out(exchange);
}

/* -- tokens -- */

static struct sp_str token_text(const struct sp_mock_exchange *exchange, uint64_t token) {
  const struct sp_mock_text *text = &exchange->app->text;
  bool all = exchange->schedule.tokens == 1 && !exchange->capped;
  const struct sp_mock_piece *piece = all ? &text->all : &text->pieces[token % text->count];
  return exchange->spaced ? piece->spaced : piece->compact;
}

void sp_mock_put_answer(const struct sp_mock_exchange *exchange, struct sp_jw *jw, const char *key) {
  sp_jw_open_string(jw, key);
  for (uint64_t i = 0; i < exchange->schedule.token; i++)
    if (sp_buf_append_str(jw->out, token_text(exchange, i))) break;
  sp_buf_append_char(jw->out, '"');
}

/* The frame of a token goes out in two chunks, cut behind the first byte of a character of several. */
static void send_split(struct sp_mock_exchange *exchange, struct sp_str before, struct sp_str after) {
  struct sp_str character = SP_STR("\xe8\xaf\x95"), eol = blank_line(exchange);
  clear_out(exchange);
  put_chunk(exchange, (struct sp_str[]){ before, sp_str_of(character.bytes, 1) }, 2);
  send_out(exchange);
  clear_out(exchange);
  put_chunk(exchange, (struct sp_str[]){ sp_str_of(character.bytes + 1, character.len - 1), after, eol }, 3);
  send_out(exchange);
}

static void put_token(struct sp_mock_exchange *exchange, unsigned choice) {
  struct sp_str before = sp_str_of(exchange->frame, exchange->before_len);
  struct sp_str after = sp_str_of(exchange->frame + exchange->before_len, exchange->after_len);
  if (exchange->choice_at > 0) exchange->frame[exchange->choice_at] = (char)('0' + choice);
  mock_of(exchange)->events++;
  if (exchange->split_utf8) {
    send_split(exchange, before, after);
    clear_out(exchange);
    return;
  }
  struct sp_str text = token_text(exchange, exchange->schedule.token);
  put_chunk(exchange, (struct sp_str[]){ before, text, after, blank_line(exchange) }, 4);
}

static void send_token(struct sp_mock_exchange *exchange) {
  for (unsigned choice = 0; choice < exchange->choices; choice++) {
    clear_out(exchange);
    put_token(exchange, choice);
    send_out(exchange);
  }
}

/* All tokens in as few writes as a buffering proxy makes of them; leaves the schedule at the last one. */
static void send_lump(struct sp_mock_exchange *exchange) {
  struct sp_buf *out = clear_out(exchange);
  for (;;) {
    for (unsigned choice = 0; choice < exchange->choices; choice++) put_token(exchange, choice);
    if (exchange->schedule.token + 1 >= exchange->schedule.tokens) break;
    if (out->len >= SP_NET_READ_SIZE) {
      send_out(exchange);
      clear_out(exchange);
    }
    sp_schedule_next(&exchange->schedule);
  }
  send_out(exchange);
}

static void make_frame(struct sp_mock_exchange *exchange) {
  struct sp_mock *mock = mock_of(exchange);
  sp_buf_clear(&mock->out);
  sp_buf_clear(&mock->body);
  exchange->kind->token(exchange, &mock->out, &mock->body);
  exchange->before_len = (uint32_t)mock->out.len;
  exchange->after_len = (uint32_t)mock->body.len;
  exchange->frame = sp_alloc(mock->out.len + mock->body.len);
  memcpy(exchange->frame, mock->out.bytes, mock->out.len);
  memcpy(exchange->frame + mock->out.len, mock->body.bytes, mock->body.len);
}

/* -- steps of a stream -- */

/* 1 MB of headers: more than any client takes. */
static void put_big_head(struct sp_buf *out, char *headers, size_t size) {
  memset(headers, 'x', size - 1);
  headers[size - 1] = '\0';
  sp_buf_clear(out);
  for (unsigned i = 0; i < 128; i++) sp_buf_printf(out, "X-Padding-%u: %s\r\n", i, headers);
}

static void put_head(struct sp_mock_exchange *exchange, int status, const char *content_type, const char *headers,
                     int64_t length) {
  struct sp_mock *mock = mock_of(exchange);
  struct sp_buf big;
  sp_buf_init(&big, SP_MOCK_WRITE_MAX);
  char padding[8192];
  if (exchange->big_head) {
    put_big_head(&big, padding, sizeof padding);
    headers = big.bytes;
  }
  struct sp_mock_head head = { .status = status, .content_type = content_type, .headers = headers, .length = length,
                               .keep_alive = exchange->keep_alive, .http10 = exchange->http10,
                               .api = exchange->kind->api, .version = &exchange->version };
  sp_mock_put_head(mock, &head);
  sp_buf_fini(&big);
  exchange->head_sent = true;
}

static bool make_part(struct sp_mock_exchange *exchange, enum sp_mock_step step, unsigned part) {
  struct sp_buf *body = &mock_of(exchange)->body;
  sp_buf_clear(body);
  return exchange->kind->part(exchange, step, part, body);
}

/* The head and what comes with it go out in one write. */
static void send_head(struct sp_mock_exchange *exchange) {
  struct sp_mock *mock = mock_of(exchange);
  put_head(exchange, 200, "text/event-stream; charset=utf-8", NULL, -1);
  make_part(exchange, SP_STEP_HEAD, 0);
  if (mock->body.len > 0) put_chunk(exchange, (struct sp_str[]){ sp_buf_str(&mock->body), blank_line(exchange) }, 2);
  send_out(exchange);
}

void sp_mock_exchange_step(struct sp_mock_exchange *exchange, enum sp_mock_step step) {
  struct sp_mock *mock = mock_of(exchange);
  bool more = true;
  for (unsigned part = 0; more; part++) {
    more = make_part(exchange, step, part);
    if (mock->body.len > 0) sp_mock_exchange_event(exchange, sp_buf_str(&mock->body));
  }
}

static void send_step(struct sp_mock_exchange *exchange, enum sp_mock_step step) {
  switch (step) {
  case SP_STEP_HEAD: send_head(exchange); return;
  case SP_STEP_TOKEN:
    if (exchange->lump) send_lump(exchange);
    else send_token(exchange);
    return;
  case SP_STEP_EOF:
    if (!exchange->http10) sp_mock_exchange_raw(exchange, SP_STR("0\r\n\r\n"));
    return;
  default: sp_mock_exchange_step(exchange, step); return;
  }
}

static void finish(struct sp_mock_exchange *exchange) {
  struct sp_mock_conn *conn = exchange->conn;
  bool keep_alive = exchange->keep_alive;
  sp_mock_exchange_destroy(exchange);
  sp_mock_conn_answered(conn, keep_alive);
}

/* -- the whole answer -- */

static struct sp_str make_whole(struct sp_mock_exchange *exchange) {
  struct sp_buf *body = &mock_of(exchange)->body;
  sp_buf_clear(body);
  exchange->kind->whole(exchange, body);
  return sp_buf_str(body);
}

static const char *json_type(const struct sp_mock_exchange *exchange) {
  return exchange->kind->api == SP_API_OPENAI ? "application/json" : "application/json; charset=utf-8";
}

static void send_whole(struct sp_mock_exchange *exchange, struct sp_str body, size_t length) {
  put_head(exchange, 200, json_type(exchange), NULL, (int64_t)length);
  sp_buf_append_str(&mock_of(exchange)->out, body);
  send_out(exchange);
}

void sp_mock_exchange_half(struct sp_mock_exchange *exchange) {
  struct sp_str body = make_whole(exchange);
  send_whole(exchange, sp_str_of(body.bytes, body.len / 2), body.len);
}

void sp_mock_exchange_halved(struct sp_mock_exchange *exchange) {
  struct sp_str body = make_whole(exchange);
  send_whole(exchange, sp_str_of(body.bytes, body.len / 2), body.len / 2);
  finish(exchange);
}

/* -- the clockwork -- */

static bool fault_is_due(const struct sp_mock_exchange *exchange) {
  const struct sp_schedule *schedule = &exchange->schedule;
  if (!exchange->fault || schedule->step >= SP_STEP_EOF) return false;
  if (exchange->fault->phase == SP_FAULT_AT_HEAD || !exchange->streaming) return true;
  if (schedule->step == SP_STEP_TOKEN)
    return exchange->fault->phase == SP_FAULT_AT_TOKEN && schedule->token + 1 >= exchange->fault_at;
  bool past_tokens = schedule->step == SP_STEP_NODE_FINISHED && schedule->node == schedule->stream_node;
  return past_tokens || schedule->step == SP_STEP_END;
}

static enum sp_fault_after fire(struct sp_mock_exchange *exchange) {
  const struct sp_fault *fault = exchange->fault;
  exchange->fault = NULL;
  return exchange->streaming ? fault->stream(exchange) : fault->whole(exchange);
}

/* An event that waited for its reader is not late by the mock's fault. */
static void note_lateness(struct sp_mock_exchange *exchange, int64_t now_ns, int64_t due_ns) {
  if (due_ns >= exchange->reader_ns) sp_hist_record_ns(&mock_of(exchange)->late, now_ns - due_ns);
}

static void send_all(struct sp_mock_exchange *exchange) {
  struct sp_str body = make_whole(exchange);
  mock_of(exchange)->events++;
  send_whole(exchange, body, body.len);
  finish(exchange);
}

/* One event that is due: false when the exchange is over (or waits for something else than its schedule). */
static bool advance(struct sp_mock_exchange *exchange, int64_t now_ns) {
  struct sp_schedule *schedule = &exchange->schedule;
  if (fault_is_due(exchange)) return fire(exchange) == SP_FAULT_GO_ON;
  if (schedule->step == SP_STEP_DONE) {
    finish(exchange);
    return false;
  }
  int64_t due_ns = schedule->due_ns;
  if (!exchange->streaming) {
    note_lateness(exchange, now_ns, due_ns);
    send_all(exchange);
    return false;
  }
  struct sp_mock *mock = mock_of(exchange);
  uint64_t events = mock->events;
  send_step(exchange, schedule->step);
  if (schedule->step == SP_STEP_HEAD || mock->events != events) note_lateness(exchange, now_ns, due_ns);
  due_ns = schedule->due_ns; /* a fault's silence moved it meanwhile, or tokens that went together */
  sp_schedule_next(schedule);
  sp_mock_passage_step(exchange->passage, due_ns);
  return true;
}

/* Events that are due together are written together, but a stream without gaps must not keep the others (and the news
 * that its client is gone) waiting. */
static void run(struct sp_mock_exchange *exchange) {
  for (unsigned events = 0; events < TURN_EVENTS_MAX; events++) {
    int64_t now_ns = sp_clock_mono_ns();
    if (!sp_mock_passage_before(exchange->passage)) return; /* it comes back through on_timer */
    if (exchange->schedule.due_ns > now_ns) {
      if (exchange->schedule.due_ns != SP_NEVER_NS) sp_timer_start(&exchange->conn->timer, exchange->schedule.due_ns);
      return;
    }
    if (exchange->conn->conn.output.len > SP_MOCK_OUTPUT_MAX) {
      exchange->blocked = true;
      return;
    }
    if (!sp_mock_passage_due(exchange->passage)) return;
    if (!advance(exchange, now_ns)) return;
  }
  sp_timer_start(&exchange->conn->timer, sp_loop_now(mock_of(exchange)->loop));
}

void sp_mock_exchange_on_timer(struct sp_mock_exchange *exchange) { run(exchange); }

void sp_mock_exchange_on_drained(struct sp_mock_exchange *exchange) {
  if (!exchange->blocked) return;
  exchange->blocked = false;
  exchange->reader_ns = sp_clock_mono_ns();
  run(exchange);
}

void sp_mock_exchange_end(struct sp_mock_exchange *exchange, int64_t later_ns) {
  sp_mock_passage_abandon(exchange->passage);
  sp_schedule_end_now(&exchange->schedule, sp_clock_mono_ns() + later_ns);
}

void sp_mock_exchange_silence(struct sp_mock_exchange *exchange) { exchange->schedule.due_ns = SP_NEVER_NS; }

void sp_mock_exchange_cut(struct sp_mock_exchange *exchange) {
  struct sp_mock_conn *conn = exchange->conn;
  sp_mock_exchange_destroy(exchange);
  sp_mock_conn_linger(conn);
}

void sp_mock_exchange_reset(struct sp_mock_exchange *exchange) {
  struct sp_mock_conn *conn = exchange->conn;
  sp_mock_exchange_destroy(exchange);
  sp_conn_reset(&conn->conn);
}

void sp_mock_exchange_answer(struct sp_mock_exchange *exchange, int status, const char *content_type,
                             const char *headers, struct sp_str body) {
  put_head(exchange, status, content_type, headers, (int64_t)body.len);
  sp_buf_append_str(&mock_of(exchange)->out, body);
  send_out(exchange);
  finish(exchange);
}

void sp_mock_exchange_fail(struct sp_mock_exchange *exchange, int status, const char *code, const char *message) {
  char headers[64] = "";
  if (status == 429) {
    unsigned long long retry_s = mock_of(exchange)->profile.retry_after_s;
    snprintf(headers, sizeof headers, "Retry-After: %llu\r\n", retry_s);
  }
  struct sp_buf *body = &mock_of(exchange)->body;
  sp_buf_clear(body);
  sp_mock_put_error(body, exchange->kind->api, status, code, message);
  sp_mock_exchange_answer(exchange, status, json_type(exchange), headers, sp_buf_str(body));
}

/* -- starting and stopping -- */

void sp_mock_exchange_start(struct sp_mock_exchange *exchange) {
  if (exchange->streaming) {
    make_frame(exchange);
  } else if (!exchange->fault || exchange->fault->phase != SP_FAULT_AT_HEAD) {
    while (exchange->schedule.step != SP_STEP_END) sp_schedule_next(&exchange->schedule);
  }
  run(exchange);
}

void sp_mock_exchange_stop(struct sp_mock_exchange *exchange) {
  if (exchange->stopped || !exchange->head_sent || exchange->schedule.step >= SP_STEP_EOF) return;
  exchange->stopped = true;
  exchange->fault = NULL;
  exchange->status = "stopped";
  sp_mock_exchange_step(exchange, SP_STEP_STOPPED);
  sp_mock_exchange_end(exchange, 0);
  if (!exchange->blocked) run(exchange);
}
