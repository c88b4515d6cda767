#include "mock/fault.h"

#include "base/clock.h"
#include "base/units.h"
#include "mock/stream.h"

#include <stdio.h>

/* Dify's relay waits so long for an end that never comes (shared/dify.md §1.6). */
#define HANG_NS (300 * SP_NS_PER_S)

/* -- at the start -- */

static enum sp_fault_after start_drip(struct sp_mock_exchange *exchange) {
  exchange->drip = true;
  return SP_FAULT_GO_ON;
}
static enum sp_fault_after start_split(struct sp_mock_exchange *exchange) {
  exchange->split_utf8 = true;
  return SP_FAULT_GO_ON;
}
static enum sp_fault_after start_crlf(struct sp_mock_exchange *exchange) {
  exchange->crlf = true;
  return SP_FAULT_GO_ON;
}
static enum sp_fault_after start_big_head(struct sp_mock_exchange *exchange) {
  exchange->big_head = true;
  return SP_FAULT_GO_ON;
}
static enum sp_fault_after start_endless(struct sp_mock_exchange *exchange) {
  exchange->endless = true;
  return SP_FAULT_GO_ON;
}
static enum sp_fault_after start_empty(struct sp_mock_exchange *exchange) {
  exchange->empty = true;
  return SP_FAULT_GO_ON;
}
static enum sp_fault_after start_lump(struct sp_mock_exchange *exchange) {
  exchange->lump = true;
  return SP_FAULT_GO_ON;
}
static enum sp_fault_after start_partial(struct sp_mock_exchange *exchange) {
  exchange->status = "partial-succeeded";
  return SP_FAULT_GO_ON;
}

/* -- in place of the head -- */

static enum sp_fault_after head_reset(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_reset(exchange);
  return SP_FAULT_TAKEN;
}
static enum sp_fault_after head_close(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_cut(exchange);
  return SP_FAULT_TAKEN;
}
static enum sp_fault_after silence(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_silence(exchange);
  return SP_FAULT_GO_ON; /* what is next is never due */
}
static enum sp_fault_after head_429(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_fail(exchange, 429, "too_many_requests", "Too many requests. Please try again later.");
  return SP_FAULT_TAKEN;
}
static enum sp_fault_after head_400(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_fail(exchange, 400, "invalid_param", "Invalid parameter (asked for by fault=400).");
  return SP_FAULT_TAKEN;
}
static enum sp_fault_after head_500(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_fail(exchange, 500, "internal_server_error",
                        "The server encountered an internal error and was unable to complete your request.");
  return SP_FAULT_TAKEN;
}

static enum sp_fault_after head_503(struct sp_mock_exchange *exchange) {
  struct sp_str page = SP_STR("<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n"
                              "<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n"
                              "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n");
  sp_mock_exchange_answer(exchange, 503, "text/html", NULL, page);
  return SP_FAULT_TAKEN;
}
static enum sp_fault_after head_html(struct sp_mock_exchange *exchange) {
  struct sp_str page = SP_STR("<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n"
                              "<body><p>Please sign in.</p></body></html>\n");
  sp_mock_exchange_answer(exchange, 200, "text/html; charset=utf-8", NULL, page);
  return SP_FAULT_TAKEN;
}
static enum sp_fault_after head_none(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_raw(exchange, SP_STR("data: {\"event\":\"message\",\"answer\":\"no head\"}\n\n"));
  sp_mock_exchange_cut(exchange);
  return SP_FAULT_TAKEN;
}
static enum sp_fault_after head_garbage(struct sp_mock_exchange *exchange) {
  static const char bytes[] = "\x16\x03\x01\x02\x00\x01\x00\xfc\x03\x03 no HTTP \xff\xfe\x00\x80\x81\r\n\r\n";
  sp_mock_exchange_raw(exchange, sp_str_of(bytes, sizeof bytes - 1));
  sp_mock_exchange_cut(exchange);
  return SP_FAULT_TAKEN;
}

/* -- at a token -- */

static enum sp_fault_after truncate_stream(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_end(exchange, 0);
  return SP_FAULT_GO_ON;
}
static enum sp_fault_after reset_half(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_half(exchange);
  sp_mock_exchange_reset(exchange);
  return SP_FAULT_TAKEN;
}
static enum sp_fault_after cut_half(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_half(exchange);
  sp_mock_exchange_cut(exchange);
  return SP_FAULT_TAKEN;
}

static enum sp_fault_after error_event(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_step(exchange, SP_STEP_ERROR);
  return truncate_stream(exchange);
}
static enum sp_fault_after error_whole(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_fail(exchange, 400, "completion_request_error", "[mock] the model's provider refused the request");
  return SP_FAULT_TAKEN;
}
static enum sp_fault_after error_nocode(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_step(exchange, SP_STEP_ERROR_NOCODE);
  sp_mock_exchange_end(exchange, exchange->schedule.timing->eof_lag_ns > 0 ? 0 : HANG_NS);
  return SP_FAULT_GO_ON;
}

static enum sp_fault_after end_as(struct sp_mock_exchange *exchange, const char *status, enum sp_mock_step step) {
  exchange->status = status;
  sp_mock_exchange_step(exchange, step);
  return truncate_stream(exchange);
}
static enum sp_fault_after failed(struct sp_mock_exchange *exchange) {
  return end_as(exchange, "failed", SP_STEP_FAILED);
}
/* A blocking workflow says so in its data; a blocking chatflow has no place for it but an error. */
static enum sp_fault_after failed_whole(struct sp_mock_exchange *exchange) {
  if (exchange->app->mode != SP_MODE_WORKFLOW) return error_whole(exchange);
  exchange->status = "failed";
  return SP_FAULT_GO_ON;
}
static enum sp_fault_after stopped(struct sp_mock_exchange *exchange) {
  return end_as(exchange, "stopped", SP_STEP_STOPPED);
}
static enum sp_fault_after paused(struct sp_mock_exchange *exchange) {
  return end_as(exchange, "paused", SP_STEP_PAUSED);
}

static enum sp_fault_after stall(struct sp_mock_exchange *exchange) {
  if (exchange->stall_ns == 0) return silence(exchange);
  sp_schedule_shift(&exchange->schedule, exchange->stall_ns);
  return SP_FAULT_GO_ON;
}
static enum sp_fault_after stall_whole(struct sp_mock_exchange *exchange) {
  if (exchange->stall_ns == 0) sp_mock_exchange_half(exchange);
  return stall(exchange);
}

static enum sp_fault_after bad_chunk(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_raw(exchange, SP_STR("zz\r\ndata: {\"event\":\"message\"}\n\n\r\n"));
  sp_mock_exchange_cut(exchange);
  return SP_FAULT_TAKEN;
}
static enum sp_fault_after bad_json(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_event(exchange, SP_STR("data: {\"event\":\"message\",\"answer\":\"cut in the mid"));
  return SP_FAULT_GO_ON;
}
static enum sp_fault_after bad_json_whole(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_halved(exchange);
  return SP_FAULT_TAKEN;
}
static enum sp_fault_after unknown_event(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_step(exchange, SP_STEP_UNKNOWN);
  return SP_FAULT_GO_ON;
}
static enum sp_fault_after replace(struct sp_mock_exchange *exchange) {
  sp_mock_exchange_step(exchange, SP_STEP_REPLACE);
  return SP_FAULT_GO_ON;
}

/* -- the table -- */

static const struct sp_fault faults[] = {
    {"truncate", SP_FAULT_AT_TOKEN, SP_FAULT_ANY, truncate_stream, NULL, "a clean end without a terminal event"},
    {"noterminal", SP_FAULT_AFTER_TOKENS, SP_FAULT_ANY, truncate_stream, NULL,
     "all tokens, then a clean end without a terminal event"},
    {"cut", SP_FAULT_AT_TOKEN, SP_FAULT_ANY, head_close, cut_half, "closed (FIN) without the last chunk"},
    {"reset", SP_FAULT_AT_TOKEN, SP_FAULT_ANY, head_reset, reset_half, "reset (RST) in the middle"},
    {"reset_head", SP_FAULT_AT_HEAD, SP_FAULT_ANY, head_reset, head_reset, "reset (RST) in place of the head"},
    {"close_head", SP_FAULT_AT_HEAD, SP_FAULT_ANY, head_close, head_close, "closed (FIN) in place of the head"},
    {"error", SP_FAULT_AT_TOKEN, SP_FAULT_ANY, error_event, error_whole, "an error event, then the end"},
    {"error_nocode", SP_FAULT_AT_TOKEN, SP_FAULT_DIFY, error_nocode, NULL,
     "an error event without code and ids, then 300 s of silence (or eof_lag)"},
    {"failed", SP_FAULT_AT_TOKEN, SP_FAULT_FLOW, failed, failed_whole, "the run ends as failed"},
    {"stopped", SP_FAULT_AT_TOKEN, SP_FAULT_DIFY, stopped, NULL, "the run is stopped by someone"},
    {"paused", SP_FAULT_AT_TOKEN, SP_FAULT_FLOW, paused, NULL, "the run pauses: it waits for a person"},
    {"partial", SP_FAULT_AT_START, SP_FAULT_FLOW, start_partial, start_partial, "the run ends as partial-succeeded"},
    {"stall", SP_FAULT_AT_TOKEN, SP_FAULT_ANY, stall, stall_whole, "silence, for ever or as long as stall= says"},
    {"silence", SP_FAULT_AT_HEAD, SP_FAULT_ANY, silence, silence, "the request is taken and never answered"},
    {"429", SP_FAULT_AT_HEAD, SP_FAULT_ANY, head_429, head_429, "too many requests, with Retry-After"},
    {"400", SP_FAULT_AT_HEAD, SP_FAULT_ANY, head_400, head_400, "invalid_param"},
    {"500", SP_FAULT_AT_HEAD, SP_FAULT_ANY, head_500, head_500, "internal_server_error"},
    {"503html", SP_FAULT_AT_HEAD, SP_FAULT_ANY, head_503, head_503, "503 with an HTML body, as nginx gives"},
    {"html200", SP_FAULT_AT_HEAD, SP_FAULT_ANY, head_html, head_html, "200 with an HTML page"},
    {"nohead", SP_FAULT_AT_HEAD, SP_FAULT_ANY, head_none, head_none, "a body without a head, then FIN"},
    {"garbage", SP_FAULT_AT_HEAD, SP_FAULT_ANY, head_garbage, head_garbage, "bytes that are no HTTP, then FIN"},
    {"bighead", SP_FAULT_AT_START, SP_FAULT_ANY, start_big_head, start_big_head, "a head of 1 MB"},
    {"badchunk", SP_FAULT_AT_TOKEN, SP_FAULT_ANY, bad_chunk, NULL, "a chunk whose size is no number, then FIN"},
    {"badjson", SP_FAULT_AT_TOKEN, SP_FAULT_ANY, bad_json, bad_json_whole, "an event (a body) whose JSON is cut off"},
    {"drip", SP_FAULT_AT_START, SP_FAULT_ANY, start_drip, start_drip, "one byte at a time, each its own write"},
    {"splitutf8", SP_FAULT_AT_START, SP_FAULT_ANY, start_split, NULL, "each token cut inside a UTF-8 character"},
    {"crlf", SP_FAULT_AT_START, SP_FAULT_ANY, start_crlf, NULL, "events end in CRLF CRLF"},
    {"lump", SP_FAULT_AT_START, SP_FAULT_ANY, start_lump, NULL, "all tokens at once at the end, as a proxy buffers"},
    {"empty", SP_FAULT_AT_START, SP_FAULT_ANY, start_empty, start_empty, "success without a token"},
    {"endless", SP_FAULT_AT_START, SP_FAULT_ANY, start_endless, NULL, "tokens for ever"},
    {"unknown_event", SP_FAULT_AT_TOKEN, SP_FAULT_ANY, unknown_event, NULL,
     "an event of an unknown name, then goes on"},
    {"replace", SP_FAULT_AT_TOKEN, SP_FAULT_DIFY, replace, NULL, "message_replace, then goes on"},
};

const struct sp_fault *sp_fault_at(size_t i) { return i < sizeof faults / sizeof *faults ? &faults[i] : NULL; }

const struct sp_fault *sp_fault_find(struct sp_str name) {
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    if (sp_str_eq(name, sp_str_from(faults[i].name))) return &faults[i];
  return NULL;
}

static const char *fault_name(const void *table, size_t i) {
  (void)table;
  return i < sizeof faults / sizeof *faults ? faults[i].name : NULL;
}

static int unknown_fault(struct sp_str name, struct sp_err *err) {
  char text[64];
  snprintf(text, sizeof text, SP_STR_FMT, SP_STR_ARG(name));
  const char *near = sp_str_nearest(text, fault_name, faults);
  if (near) return sp_fail(err, SP_EPARSE, "unknown fault '%s' (did you mean '%s'?)", text, near);
  return sp_fail(err, SP_EPARSE, "unknown fault '%s'", text);
}

int sp_fault_parse(struct sp_str text, const struct sp_fault **out, uint64_t *out_at, struct sp_err *err) {
  struct sp_str at = text, name = sp_str_split(&at, '@');
  *out = sp_fault_find(name);
  if (!*out) return unknown_fault(name, err);
  *out_at = 1;
  if (!at.bytes) return 0;
  char number[32];
  snprintf(number, sizeof number, SP_STR_FMT, SP_STR_ARG(at));
  if (sp_parse_count(number, out_at, err)) return sp_err_context(err, "%s@", (*out)->name);
  if (*out_at == 0) return sp_fail(err, SP_EPARSE, "%s@0: tokens are counted from 1", (*out)->name);
  return 0;
}
