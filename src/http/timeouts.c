/*
 * Deadlines. One timer a call, armed lazily: reads only leave a stamp (last_rx); when the timer comes too early
 * for what happened meanwhile, it is set again. So a stream of a thousand reads costs no timer operation.
 */
#include "http/internal.h"

#include "base/mem.h"

#include <stdio.h>

#define GRACE_NS SP_NS_PER_MS

enum limit { LIMIT_NONE, LIMIT_CONNECT, LIMIT_FIRST_BYTE, LIMIT_SILENCE, LIMIT_TOTAL };

struct deadline {
  int64_t due_ns;
  int64_t limit_ns;
  enum limit limit;
};

static void consider(struct deadline *earliest, enum limit limit, int64_t from_ns, int64_t limit_ns) {
  if (limit_ns <= 0) return;
  int64_t due_ns = from_ns > SP_NEVER_NS - limit_ns ? SP_NEVER_NS : from_ns + limit_ns;
  if (due_ns < earliest->due_ns) *earliest = (struct deadline){due_ns, limit_ns, limit};
}

static int64_t later(int64_t a_ns, int64_t b_ns) { return a_ns > b_ns ? a_ns : b_ns; }

static struct deadline earliest_deadline(const struct sp_http_call *call) {
  const struct sp_http_timeouts *timeouts = &call->timeouts;
  struct deadline earliest = {SP_NEVER_NS, 0, LIMIT_NONE};
  consider(&earliest, LIMIT_TOTAL, call->start_ns, timeouts->total_ns);
  if (call->phase == SP_HTTP_PACED)
    return earliest;
  else if (call->phase <= SP_HTTP_QUEUED)
    consider(&earliest, LIMIT_CONNECT, call->connect_begun_ns, timeouts->connect_ns);
  else if (call->paused) /* it is us who do not read */
    return earliest;
  else if (call->phase == SP_HTTP_WAITING)
    consider(&earliest, LIMIT_FIRST_BYTE, later(call->written_ns, call->resumed_ns), timeouts->first_byte_ns);
  else
    consider(&earliest, LIMIT_SILENCE, later(call->last_rx.user_ns, call->resumed_ns), timeouts->silence_ns);
  return earliest;
}

static void format_limit(int64_t ns, char *text, size_t size) {
  if (ns >= SP_NS_PER_S) snprintf(text, size, "%.6g s", (double)ns / (double)SP_NS_PER_S);
  else snprintf(text, size, "%.6g ms", (double)ns / (double)SP_NS_PER_MS);
}

/* A part of the request has not gone to the kernel. */
static bool is_unwritten(const struct sp_http_call *call) {
  bool held_back = call->conn->mux && call->stream.body_sent < call->stream.body.len;
  return held_back || call->conn->conn.output.len > 0;
}

static const char *what_did_not_come(const struct sp_http_call *call, const struct deadline *deadline) {
  bool silence = deadline->limit == LIMIT_SILENCE;
  switch (call->phase) {
  case SP_HTTP_PACED: return "its turn to connect (the cap on new connections) did not come within";
  case SP_HTTP_RESOLVING: return "no DNS answer within";
  case SP_HTTP_CONNECTING: return "could not connect within";
  case SP_HTTP_TUNNELLING: return "the proxy did not answer CONNECT within";
  case SP_HTTP_QUEUED: return "no free stream on the connection within";
  case SP_HTTP_WAITING:
    return is_unwritten(call) ? "the server did not take the request within" : "no answer within";
  case SP_HTTP_HEAD: return silence ? "no further byte of the head within" : "no whole head within";
  default: return silence ? "in the middle of the answer, no byte for" : "the answer was not whole within";
  }
}

static void time_out(struct sp_http_call *call, const struct deadline *deadline) {
  char limit[48];
  format_limit(deadline->limit_ns, limit, sizeof limit);
  sp_http_call_end(call, SP_HTTP_TIMEOUT, "%s %s (timeout)", what_did_not_come(call, deadline), limit);
}

/* A long request that is still being taken is no silence of the server. */
static void note_writing(struct sp_http_call *call) {
  if (call->phase != SP_HTTP_WAITING || !is_unwritten(call)) return;
  uint64_t bytes = call->conn->conn.bytes_out + call->stream.body_sent;
  if (bytes != call->written_bytes) call->written_ns = sp_loop_now(call->client->loop);
  call->written_bytes = bytes;
}

/* Bytes that came in time may still wait in the socket, behind our own work: a deadline that has passed is only
 * true if it is still so one turn of the loop later. */
static void on_due(struct sp_timer *timer) {
  struct sp_http_call *call = sp_container_of(timer, struct sp_http_call, timer);
  if (call->phase == SP_HTTP_ENDED) {
    sp_http_call_deliver(call);
    return;
  }
  int64_t now_ns = sp_loop_now(call->client->loop);
  note_writing(call);
  struct deadline deadline = earliest_deadline(call);
  if (deadline.limit == LIMIT_NONE) return;
  bool passed = deadline.due_ns <= now_ns;
  if (passed && call->grace) {
    time_out(call, &deadline);
    return;
  }
  call->grace = passed;
  sp_timer_start(timer, passed ? now_ns + GRACE_NS : deadline.due_ns);
}

void sp_http_timeouts_init(struct sp_http_call *call) { sp_timer_init(&call->timer, call->client->loop, on_due); }

void sp_http_timeouts_arm(struct sp_http_call *call) {
  struct deadline deadline = earliest_deadline(call);
  if (deadline.limit == LIMIT_NONE) return;
  if (sp_timer_active(&call->timer) && sp_timer_due(&call->timer) <= deadline.due_ns) return;
  sp_timer_start(&call->timer, deadline.due_ns);
}

void sp_http_timeouts_hold_connect(struct sp_http_call *call) {
  if (call->phase >= SP_HTTP_WAITING) call->connect_begun_ns = 0;
}

void sp_http_timeouts_begin_connect(struct sp_http_call *call) {
  bool resent = call->phase >= SP_HTTP_WAITING;
  if (call->connect_begun_ns == 0 || resent) call->connect_begun_ns = sp_loop_now(call->client->loop);
}

void sp_http_timeouts_rearm(struct sp_http_call *call) {
  call->rearm = false;
  sp_http_timeouts_arm(call);
}
