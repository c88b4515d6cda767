/* Exchanges against a real server: every outcome, the times of what arrives, ends by either side. No Lua. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "script/exchange.h"
#include "server.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MS SP_NS_PER_MS
#define TIMED_MAX 32

struct bed {
  struct sp_dialect_scratch scratch;
  struct server server;
  struct sp_loop *loop;
  struct sp_http_client *client;
  struct sp_http_session session;
  struct sp_recorder recorder;
  struct sp_timer timer;
  char url[128];

  struct sp_exchange *exchange;
  struct sp_exchange_hooks hooks;
  struct sp_http_timeouts timeouts;
  int events, ends, timed, blanks;
  int64_t first_ns[TIMED_MAX], others_ns[TIMED_MAX];
  int wait_in_event, wait_for_step; /* in that event: until the server has sent so many steps, and a while longer */
  int abort_in_event;
  unsigned redirects_max;

  /* what came of it */
  struct sp_sample sample;
  struct sp_gaps gaps;
  char detail[400], text[256], ids[256];
  int status;
};

static const struct sp_request_key key = { "request", "U", "t" };

static void on_event(void *ctx, struct sp_exchange *exchange, const struct sp_exchange_event *event) {
  struct bed *bed = ctx;
  (void)event;
  bed->events++;
  atomic_store(&bed->server.gate, true); /* what follows comes in a read of its own */
  if (bed->events == bed->wait_in_event) {
    while (atomic_load(&bed->server.steps) < bed->wait_for_step) nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    nanosleep(&(struct timespec){ 0, 20 * 1000000 }, NULL);
  }
  if (bed->events == bed->abort_in_event) sp_exchange_abort(exchange, SP_OUTCOME_ABANDONED, "enough");
}

static void on_events_timed(void *ctx, struct sp_exchange *exchange, int64_t first_ns, int64_t others_ns) {
  struct bed *bed = ctx;
  (void)exchange;
  if (bed->timed == TIMED_MAX) return;
  bed->first_ns[bed->timed] = first_ns;
  bed->others_ns[bed->timed++] = others_ns;
}

static void on_blank(void *ctx, struct sp_exchange *exchange, struct sp_str type) {
  struct bed *bed = ctx;
  (void)exchange, (void)type;
  bed->blanks++;
}

static void on_end(void *ctx, struct sp_exchange *exchange) {
  struct bed *bed = ctx;
  bed->ends++;
  bed->sample = *sp_exchange_sample(exchange);
  bed->gaps = *bed->sample.gaps;
  bed->status = sp_exchange_status(exchange);
  snprintf(bed->detail, sizeof(bed->detail), "%s", sp_exchange_detail(exchange));
  struct sp_str text = sp_exchange_text(exchange);
  snprintf(bed->text, sizeof(bed->text), SP_STR_FMT, SP_STR_ARG(text));
  struct sp_str talk = sp_exchange_conversation(exchange), message = sp_exchange_message(exchange);
  struct sp_str task = sp_exchange_task(exchange);
  snprintf(bed->ids, sizeof(bed->ids), SP_STR_FMT " " SP_STR_FMT " " SP_STR_FMT, SP_STR_ARG(talk), SP_STR_ARG(message),
           SP_STR_ARG(task));
  sp_exchange_record(exchange);
  sp_exchange_destroy(exchange);
  sp_loop_stop(bed->loop);
}

static void open_bed(struct bed *bed, const struct route *routes) {
  struct sp_err err;
  memset(bed, 0, sizeof(*bed));
  server_start(&bed->server, routes);
  bed->loop = sp_loop_create(&err);
  assert_non_null(bed->loop);
  struct sp_http_client_options options = { .loop = bed->loop };
  bed->client = sp_http_client_create(&options, &err);
  assert_non_null(bed->client);
  sp_http_session_init(&bed->session, bed->client);
  sp_recorder_init(&bed->recorder, sp_loop_now(bed->loop));
  bed->hooks = (struct sp_exchange_hooks){ .on_event = on_event,
    .on_events_timed = on_events_timed, .on_blank = on_blank, .on_end = on_end };
  sp_dialect_scratch_init(&bed->scratch);
  bed->timeouts.total_ns = 20 * SP_NS_PER_S;
}

static void start(struct bed *bed, const char *path, const char *dialect) {
  snprintf(bed->url, sizeof(bed->url), "http://127.0.0.1:%u%s", (unsigned)bed->server.port, path);
  struct sp_exchange_options options = { .session = &bed->session, .stall_ns = SP_NS_PER_S, .recorder = &bed->recorder,
    .key = &key, .hooks = &bed->hooks, .ctx = bed, .dialect = dialect ? sp_dialect_find(dialect) : NULL,
    .scratch = &bed->scratch, .stream = dialect || bed->hooks.judge,
    .redirects_max = bed->redirects_max };
  options.request = (struct sp_http_request){ .method = SP_STR("GET"), .url = sp_str_from(*path == '/' ? bed->url : path),
    .timeouts = bed->timeouts, .start_ns = sp_loop_update_now(bed->loop) };
  bed->exchange = sp_exchange_start(&options);
}

static void stop_loop(void *ctx) {
  struct bed *bed = ctx;
  sp_loop_stop(bed->loop);
}

static void close_bed(struct bed *bed) {
  assert_int_equal(bed->ends, 1);
  struct sp_tally tally;
  sp_tally_interval(bed->recorder.interval, &tally);
  assert_int_equal(tally.started, 1);
  assert_true(sp_tally_closes(&tally)); /* recorded exactly once */
  sp_recorder_fini(&bed->recorder);
  sp_dialect_scratch_fini(&bed->scratch);
  sp_timer_stop(&bed->timer);
  sp_http_session_fini(&bed->session);
  sp_http_client_close(bed->client, stop_loop, bed);
  sp_loop_run(bed->loop);
  sp_loop_destroy(bed->loop);
  server_stop(&bed->server);
  server_fini(&bed->server);
}

/* One exchange from start to end; the bed is still open then. */
static void run(struct bed *bed, const char *path, const char *dialect) {
  start(bed, path, dialect);
  sp_loop_run(bed->loop);
}

/* -- outcomes -- */

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
static const struct step plain[] = { SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), DONE };
static const struct step s503[] = { SEND("HTTP/1.1 503 Busy\r\nContent-Length: 19\r\n\r\n{\"message\":\"later\"}"), DONE };
static const struct step s429[] = { SEND("HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n"), DONE };
static const struct step s302[] = { SEND("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /\r\n\r\n"), DONE };
static const struct step to_plain[] = { SEND("HTTP/1.1 302 Found\r\nContent-Length: 3\r\nLocation: /plain\r\n\r\n..."), DONE };
static const struct step to_sse[] = { SEND("HTTP/1.1 307 On\r\nContent-Length: 0\r\nLocation: sse\r\n\r\n"), DONE };
static const struct step to_mute[] = { SEND("HTTP/1.1 308 On\r\nContent-Length: 0\r\nLocation: /mute\r\n\r\n"), DONE };
static const struct step cut_redirect[] = { SEND("HTTP/1.1 302 Found\r\nContent-Length: 9\r\nLocation: /plain\r\n\r\n..."), CLOSE };
static const struct step slow_redirect[] = { SEND("HTTP/1.1 302 Found\r\nContent-Length: 9\r\nLocation: /plain\r\n\r\n..."), HOLD };
static const struct step flood_redirect[] = {
  SEND("HTTP/1.1 302 Found\r\nTransfer-Encoding: chunked\r\nLocation: /plain\r\n\r\n"), FLOOD("much, much to read") };
static const struct step json[] = { SEND("HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                                         "Content-Length: 2\r\n\r\n{}"), DONE };
static const struct step sse[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), CHUNK("data: b\n\ndata: c\n\n"), LAST, DONE };
static const struct step until_close[] = { SEND(OK_HEAD "\r\n"), SEND("data: a\n\n"), CLOSE };
static const struct step nothing[] = { SEND(HEAD_SSE), LAST, DONE };
static const struct step comments[] = { SEND(HEAD_SSE), CHUNK(": hello\n\nevent: ping\n\n"), LAST, DONE };
static const struct step in_chunk[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), SEND("20\r\ndata: b"), CLOSE };
static const struct step in_body[] = { SEND("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"), CLOSE };
static const struct step rst[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), PAUSE(20), RST };
static const struct step no_head[] = { CLOSE };
static const struct step garbage[] = { SEND("hello, is this the ftp server?\r\n\r\n"), CLOSE };
static const struct step silent[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), HOLD };
static const struct step mute[] = { HOLD };
static const struct step bad_chunk[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), SEND("zz\r\n"), CLOSE };
static const struct step done_half[] = { SEND(HEAD_SSE), CHUNK("data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n"), LAST, DONE };
static const struct step done_open[] = { SEND(HEAD_SSE), CHUNK("data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n"),
                                         CHUNK("data: [DONE]\n\n"), HOLD };
static const struct step error_event[] = { SEND(HEAD_SSE), CHUNK("data: {\"error\":{\"message\":\"boom\",\"code\":\"c\"}}\n\n"), HOLD };
static const struct step error_cut[] = { SEND("HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n{\"mess"), CLOSE };

static const struct route routes[] = {
  { "/plain", plain }, { "/503", s503 }, { "/429", s429 }, { "/302", s302 }, { "/to-plain", to_plain },
  { "/to-sse", to_sse }, { "/to-mute", to_mute }, { "/cut-redirect", cut_redirect },
  { "/flood-redirect", flood_redirect }, { "/slow-redirect", slow_redirect }, { "/json", json }, { "/sse", sse },
  { "/until-close", until_close }, { "/nothing", nothing }, { "/comments", comments }, { "/in-chunk", in_chunk },
  { "/in-body", in_body }, { "/rst", rst }, { "/no-head", no_head }, { "/garbage", garbage }, { "/silent", silent },
  { "/mute", mute }, { "/bad-chunk", bad_chunk }, { "/done-half", done_half }, { "/done-open", done_open },
  { "/error-event", error_event }, { "/error-cut", error_cut }, { NULL, NULL } };

static void assert_outcome(const char *path, const char *dialect, enum sp_outcome outcome, const char *detail) {
  struct bed bed;
  open_bed(&bed, routes);
  bed.timeouts.silence_ns = strcmp(path, "/silent") == 0 ? 60 * MS : 0;
  bed.timeouts.first_byte_ns = strcmp(path, "/mute") == 0 ? 60 * MS : 0;
  run(&bed, path, dialect);
  if (bed.sample.outcome != outcome || !strstr(bed.detail, detail))
    print_error("%s: %s '%s'\n", path, sp_outcome_name(bed.sample.outcome), bed.detail);
  assert_int_equal(bed.sample.outcome, outcome);
  assert_non_null(strstr(bed.detail, detail));
  assert_true((outcome == SP_OUTCOME_OK) == (bed.detail[0] == '\0'));
  assert_true((outcome == SP_OUTCOME_OK) == (bed.sample.detail == NULL));
  assert_true(bed.sample.end_ns >= bed.sample.start_ns);
  close_bed(&bed);
}

/* The books close, however the hops end: close_bed looks. */
static void assert_followed(const char *path, const char *dialect, enum sp_outcome outcome, const char *detail, unsigned hops) {
  struct bed bed;
  open_bed(&bed, routes);
  bed.redirects_max = 3;
  bed.timeouts.total_ns = strcmp(path, "/to-mute") == 0 ? 100 * MS : 10 * SP_NS_PER_S;
  run(&bed, path, dialect);
  if (bed.sample.outcome != outcome || !strstr(bed.detail, detail))
    print_error("%s: %s '%s'\n", path, sp_outcome_name(bed.sample.outcome), bed.detail);
  assert_int_equal(bed.sample.outcome, outcome);
  assert_non_null(strstr(bed.detail, detail));
  assert_int_equal(bed.sample.counters[SP_COUNTER_REDIRECT], hops);
  assert_int_equal(atomic_load(&bed.server.request_count), hops + 1);
  assert_true(bed.sample.metric_ns[SP_METRIC_WAIT] <= bed.sample.metric_ns[SP_METRIC_E2E]);
  if (outcome == SP_OUTCOME_OK) assert_string_equal(bed.text, dialect ? "abc" : "hello");
  close_bed(&bed);
}

static void redirects(void **state) {
  (void)state;
  assert_followed("/to-plain", NULL, SP_OUTCOME_OK, "", 1);
  assert_followed("/to-sse", "sse", SP_OUTCOME_OK, "", 1);
  assert_followed("/flood-redirect", NULL, SP_OUTCOME_OK, "", 1);
  assert_followed("/to-mute", NULL, SP_OUTCOME_TIMEOUT, "", 1);
  assert_followed("/cut-redirect", NULL, SP_OUTCOME_RESET, "closed in the middle of a body", 0);
}

static void outcomes(void **state) {
  (void)state;
  assert_outcome("/plain", NULL, SP_OUTCOME_OK, "");
  assert_outcome("/302", NULL, SP_OUTCOME_OK, "");
  assert_outcome("/json", NULL, SP_OUTCOME_OK, "");
  assert_outcome("/503", NULL, SP_OUTCOME_HTTP_STATUS, "503: later");
  assert_outcome("/503", "dify", SP_OUTCOME_HTTP_STATUS, "503: later");
  assert_outcome("/429", "sse", SP_OUTCOME_HTTP_STATUS, "429 Too Many");
  assert_outcome("/error-cut", NULL, SP_OUTCOME_HTTP_STATUS, "500 Oops");
  assert_outcome("/in-body", NULL, SP_OUTCOME_RESET, "Content-Length");
  assert_outcome("/no-head", NULL, SP_OUTCOME_RESET, "before the answer");
  assert_outcome("/garbage", NULL, SP_OUTCOME_PROTOCOL, "");
  assert_outcome("/mute", NULL, SP_OUTCOME_TIMEOUT, "");
  assert_outcome("http://127.0.0.1:1/", NULL, SP_OUTCOME_CONNECT, "refused");
  assert_outcome("no url", NULL, SP_OUTCOME_PROTOCOL, "");
}

static void outcomes_of_streams(void **state) {
  (void)state;
  assert_outcome("/sse", "sse", SP_OUTCOME_OK, "");
  assert_outcome("/until-close", "sse", SP_OUTCOME_OK, "");
  assert_outcome("/json", "sse", SP_OUTCOME_PROTOCOL, "not an event stream: the answer's content type is 'application/json'");
  assert_outcome("/302", "sse", SP_OUTCOME_PROTOCOL, "not an event stream: status 302");
  assert_outcome("/nothing", "openai", SP_OUTCOME_TRUNCATED, "without a single event");
  assert_outcome("/comments", "dify", SP_OUTCOME_TRUNCATED, "without a single event");
  assert_outcome("/in-chunk", "sse", SP_OUTCOME_TRUNCATED, "closed in the middle of a chunked body");
  assert_outcome("/rst", "sse", SP_OUTCOME_RESET, "reset");
  assert_outcome("/silent", "sse", SP_OUTCOME_TIMEOUT, "");
  assert_outcome("/bad-chunk", "sse", SP_OUTCOME_PROTOCOL, "");
  assert_outcome("/done-half", "openai", SP_OUTCOME_TRUNCATED, "without its terminal event");
  assert_outcome("/done-open", "openai", SP_OUTCOME_OK, "");
  assert_outcome("/error-event", "openai", SP_OUTCOME_STREAM_ERROR, "boom");
}

/* Where the stream's end is the end, a stream that ends well is an answer, be it an empty one. */
static void nothing_is_an_empty_answer(void **state) {
  static const char *const paths[] = { "/nothing", "/comments" };
  (void)state;
  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    struct bed bed;
    open_bed(&bed, routes);
    run(&bed, paths[i], "sse");
    assert_int_equal(bed.sample.outcome, SP_OUTCOME_OK);
    assert_string_equal(bed.detail, "");
    assert_int_equal(bed.sample.metric_ns[SP_METRIC_TTFE], SP_METRIC_NA);
    assert_int_equal(bed.sample.metric_ns[SP_METRIC_TTFT], SP_METRIC_NA);
    assert_true(bed.sample.metric_ns[SP_METRIC_E2E] > 0);
    assert_int_equal(bed.sample.counters[SP_COUNTER_EMPTY_ANSWER], 1);
    close_bed(&bed);
  }
}

static void a_429_is_rate_limited(void **state) {
  (void)state;
  struct bed bed;
  open_bed(&bed, routes);
  run(&bed, "/429", NULL);
  assert_true(bed.sample.rate_limited);
  assert_int_equal(bed.status, 429);
  close_bed(&bed);
}

static void a_body_is_kept(void **state) {
  (void)state;
  struct bed bed;
  open_bed(&bed, routes);
  run(&bed, "/plain", NULL);
  assert_string_equal(bed.text, "hello");
  assert_int_equal(bed.status, 200);
  const int64_t *ns = bed.sample.metric_ns;
  assert_true(ns[SP_METRIC_TTFB] > 0 && ns[SP_METRIC_TTFB] <= ns[SP_METRIC_E2E]);
  assert_true(ns[SP_METRIC_TTFE] == SP_METRIC_NA && ns[SP_METRIC_TTFT] == SP_METRIC_NA && ns[SP_METRIC_TPOT] == SP_METRIC_NA);
  assert_true(ns[SP_METRIC_CONNECT] >= 0 && ns[SP_METRIC_DNS] == SP_METRIC_NA && ns[SP_METRIC_TLS] == SP_METRIC_NA);
  close_bed(&bed);
}

/* -- times -- */

static void the_order_of_times(void **state) {
  (void)state;
  struct bed bed;
  open_bed(&bed, routes);
  run(&bed, "/sse", "sse");
  const int64_t *ns = bed.sample.metric_ns;
  assert_true(ns[SP_METRIC_WAIT] >= 0 && ns[SP_METRIC_WAIT] <= ns[SP_METRIC_TTFB]);
  assert_true(ns[SP_METRIC_TTFB] <= ns[SP_METRIC_TTFE] && ns[SP_METRIC_TTFE] == ns[SP_METRIC_TTFT]);
  assert_true(ns[SP_METRIC_TTFT] <= ns[SP_METRIC_E2E]);
  assert_int_equal(bed.sample.token_events, 3);
  assert_int_equal(bed.gaps.count, 2);
  assert_true(ns[SP_METRIC_MAX_GAP] >= 0 && ns[SP_METRIC_TPOT] >= 0);
  assert_string_equal(bed.text, "abc");
  assert_int_equal(bed.events, 3);
  assert_int_equal(bed.recorder.interval->events, 3);
  close_bed(&bed);
}

/* They come one after the other; once there, they stay. An id over 127 bytes is none. */
static void ids_are_kept(void **state) {
  (void)state;
#define LONG "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  static const struct step steps[] = {
    SEND(HEAD_SSE), CHUNK("data: {\"event\":\"message\",\"answer\":\"a\",\"task_id\":\"t1\",\"message_id\":\"" LONG LONG "\"}\n\n"),
    CHUNK("data: {\"event\":\"message\",\"answer\":\"b\",\"task_id\":\"t1\",\"conversation_id\":\"c-1\",\"message_id\":\"\"}\n\n"),
    CHUNK("data: {\"event\":\"message_end\",\"message_id\":\"m1\",\"conversation_id\":\"c-1\"}\n\n"), LAST, DONE };
  static const struct route table[] = { { "/", steps }, { NULL, NULL } };
  struct bed bed;
  open_bed(&bed, table);
  run(&bed, "/", "dify");
  assert_string_equal(bed.ids, "c-1 m1 t1");
  close_bed(&bed);
}

static void blanks_are_no_events(void **state) {
  (void)state;
  struct bed bed;
  open_bed(&bed, routes);
  run(&bed, "/comments", "sse");
  assert_int_equal(bed.events, 0);
  assert_int_equal(bed.blanks, 2);
  assert_int_equal(bed.sample.counters[SP_COUNTER_PING], 1);
  assert_true(bed.sample.metric_ns[SP_METRIC_TTFE] == SP_METRIC_NA);
  close_bed(&bed);
}

/* The client sleeps in the first event until the second one lies in the socket for 20 ms: its own time is late by at
 * least so much, the kernel's is not. */
static void one_event_a_read_takes_the_kernels_time(void **state) {
  (void)state;
  static const struct step steps[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), GATE, CHUNK("data: b\n\n"), PAUSE(30), LAST, DONE };
  static const struct route table[] = { { "/", steps }, { NULL, NULL } };
  struct bed bed;
  open_bed(&bed, table);
  bed.wait_in_event = 1;
  bed.wait_for_step = 4;
  run(&bed, "/", "sse");
  assert_int_equal(bed.timed, 2);
  int64_t lag_ns = bed.others_ns[1] - bed.first_ns[1];
  if (bed.first_ns[1] == bed.others_ns[1]) skip(); /* no kernel stamps here */
  assert_true(lag_ns >= 19 * MS);
  assert_int_equal(bed.gaps.max_ns, bed.first_ns[1] - bed.first_ns[0]);
  assert_int_equal(bed.sample.metric_ns[SP_METRIC_TTFT], bed.first_ns[0] - bed.sample.start_ns);
  close_bed(&bed);
}

static void several_events_a_read_take_the_users_time(void **state) {
  (void)state;
  static const struct step steps[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), GATE,
                                       CHUNK("data: b\n\ndata: c\n\n"), PAUSE(30), LAST, DONE };
  static const struct route table[] = { { "/", steps }, { NULL, NULL } };
  struct bed bed;
  open_bed(&bed, table);
  bed.wait_in_event = 1;
  bed.wait_for_step = 4;
  run(&bed, "/", "sse");
  assert_int_equal(bed.timed, 2);
  assert_int_equal(bed.first_ns[1], bed.others_ns[1]);
  assert_int_equal(bed.gaps.count, 2);
  assert_int_equal(bed.gaps.max_ns, bed.first_ns[1] - bed.first_ns[0]); /* the other gap is 0 */
  close_bed(&bed);
}

/* The head and the only event in one read: the same instant. */
static void head_and_event_in_one_read(void **state) {
  (void)state;
  static const struct step one[] = { SEND(OK_HEAD "Content-Length: 9\r\n\r\ndata: a\n\n"), DONE };
  static const struct step two[] = { SEND(OK_HEAD "Content-Length: 18\r\n\r\ndata: a\n\ndata: b\n\n"), DONE };
  static const struct route table[] = { { "/one", one }, { "/two", two }, { NULL, NULL } };
  for (int i = 0; i < 2; i++) {
    struct bed bed;
    open_bed(&bed, table);
    run(&bed, i ? "/two" : "/one", "sse");
    const int64_t *ns = bed.sample.metric_ns;
    assert_int_equal(bed.sample.outcome, SP_OUTCOME_OK);
    assert_int_equal(ns[SP_METRIC_TTFB], ns[SP_METRIC_TTFE]);
    assert_int_equal(ns[SP_METRIC_TTFE], ns[SP_METRIC_TTFT]);
    assert_int_equal(bed.gaps.count, (unsigned)i);
    close_bed(&bed);
  }
}

static void the_terminal_event_is_the_end(void **state) {
  (void)state;
  static const struct step steps[] = { SEND(HEAD_SSE), CHUNK("data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n"), GATE,
                                       CHUNK("data: [DONE]\n\n"), HOLD };
  static const struct route table[] = { { "/", steps }, { NULL, NULL } };
  struct bed bed;
  open_bed(&bed, table);
  run(&bed, "/", "openai");
  assert_int_equal(bed.timed, 2);
  assert_int_equal(bed.sample.end_ns, bed.first_ns[1]);
  assert_int_equal(bed.sample.metric_ns[SP_METRIC_E2E], bed.first_ns[1] - bed.sample.start_ns);
  assert_string_equal(bed.text, "hi");
  close_bed(&bed);
}

/* -- ends by us -- */

static void on_due(struct sp_timer *timer) {
  struct bed *bed = sp_container_of(timer, struct bed, timer);
  sp_exchange_abort(bed->exchange, SP_OUTCOME_CANCELLED, "cut");
  sp_exchange_abort(bed->exchange, SP_OUTCOME_ABANDONED, "again");
}

static void abort_after(const char *path, const char *dialect, int64_t after_ns) {
  struct bed bed;
  open_bed(&bed, routes);
  bed.redirects_max = 3;
  start(&bed, path, dialect);
  sp_timer_init(&bed.timer, bed.loop, on_due);
  sp_timer_start(&bed.timer, sp_loop_now(bed.loop) + after_ns);
  sp_loop_run(bed.loop);
  assert_int_equal(bed.sample.outcome, SP_OUTCOME_CANCELLED);
  assert_string_equal(bed.detail, "cut");
  close_bed(&bed);
}

static void aborted(void **state) {
  (void)state;
  abort_after("/mute", NULL, 0);
  abort_after("/mute", NULL, 30 * MS);
  abort_after("/silent", "sse", 30 * MS);
  abort_after("/to-mute", NULL, 60 * MS);
  abort_after("/slow-redirect", NULL, 30 * MS); /* in its body */
}

static void aborted_at_once(void **state) {
  (void)state;
  struct bed bed;
  open_bed(&bed, routes);
  start(&bed, "/plain", NULL);
  sp_exchange_abort(bed.exchange, SP_OUTCOME_CANCELLED, "cut");
  assert_int_equal(bed.ends, 0); /* never inside */
  sp_loop_run(bed.loop);
  assert_int_equal(bed.sample.outcome, SP_OUTCOME_CANCELLED);
  close_bed(&bed);
}

/* In the first event of a read its time is not known yet; in the terminal one the answer is about to be ok. */
static void aborted_in_an_event(void **state) {
  (void)state;
  static const struct { const char *path, *dialect; int event; unsigned tokens; } cases[] = {
    { "/sse", "sse", 1, 1 }, { "/sse", "sse", 2, 2 }, { "/sse", "sse", 3, 3 }, { "/silent", "sse", 1, 1 },
    { "/done-open", "openai", 1, 1 }, { "/done-open", "openai", 2, 1 }, { "/error-event", "openai", 1, 0 } };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct bed bed;
    open_bed(&bed, routes);
    bed.abort_in_event = cases[i].event;
    run(&bed, cases[i].path, cases[i].dialect);
    assert_int_equal(bed.sample.outcome, SP_OUTCOME_ABANDONED);
    assert_string_equal(bed.detail, "enough");
    assert_int_equal(bed.events, cases[i].event);
    assert_int_equal(bed.sample.token_events, cases[i].tokens);
    close_bed(&bed);
  }
}

/* -- judges -- */

static void judge(void *ctx, const struct sp_sse_event *event, struct sp_meaning *out) {
  (void)ctx;
  if (sp_str_eq(event->data, SP_STR("b"))) out->state = SP_STREAM_DONE;
  else if (sp_str_eq(event->data, SP_STR("a"))) out->marks = SP_MARK_TOKEN, out->text = event->data;
}

static void run_judged(struct bed *bed, const char *path) {
  open_bed(bed, routes);
  bed->hooks.judge = judge;
  run(bed, path, NULL);
}

static void a_judge_instead_of_a_dialect(void **state) {
  (void)state;
  struct bed bed;
  run_judged(&bed, "/sse");
  assert_int_equal(bed.sample.outcome, SP_OUTCOME_OK);
  assert_int_equal(bed.events, 2); /* nothing behind the end */
  assert_int_equal(bed.sample.token_events, 1);
  close_bed(&bed);
}

/* It has not said that this is the end. */
static void a_judge_that_saw_nothing(void **state) {
  (void)state;
  struct bed bed;
  run_judged(&bed, "/nothing");
  assert_int_equal(bed.sample.outcome, SP_OUTCOME_TRUNCATED);
  assert_string_equal(bed.detail, "the stream ended without a single event");
  close_bed(&bed);
}

/* -- caps -- */

static void a_body_over_its_cap(void **state) {
  (void)state;
  static char piece[60001];
  memset(piece, 'x', sizeof(piece) - 1);
  const struct step body[] = { SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), FLOOD(piece) };
  const struct step error[] = { SEND("HTTP/1.1 500 Oops\r\nContent-Length: 120000\r\n\r\n"), SEND(piece), SEND(piece), DONE };
  const struct route table[] = { { "/body", body }, { "/error", error }, { NULL, NULL } };
  struct bed bed;
  open_bed(&bed, table);
  run(&bed, "/body", NULL);
  assert_int_equal(bed.sample.outcome, SP_OUTCOME_PROTOCOL);
  assert_non_null(strstr(bed.detail, "SP_BODY_MAX"));
  close_bed(&bed);
  open_bed(&bed, table);
  run(&bed, "/error", NULL); /* only its beginning is looked at */
  assert_int_equal(bed.sample.outcome, SP_OUTCOME_HTTP_STATUS);
  assert_string_equal(bed.detail, "500 Oops");
  close_bed(&bed);
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(redirects),
    cmocka_unit_test(outcomes),
    cmocka_unit_test(outcomes_of_streams),
    cmocka_unit_test(nothing_is_an_empty_answer),
    cmocka_unit_test(a_429_is_rate_limited),
    cmocka_unit_test(a_body_is_kept),
    cmocka_unit_test(the_order_of_times),
    cmocka_unit_test(ids_are_kept),
    cmocka_unit_test(blanks_are_no_events),
    cmocka_unit_test(one_event_a_read_takes_the_kernels_time),
    cmocka_unit_test(several_events_a_read_take_the_users_time),
    cmocka_unit_test(head_and_event_in_one_read),
    cmocka_unit_test(the_terminal_event_is_the_end),
    cmocka_unit_test(aborted),
    cmocka_unit_test(aborted_at_once),
    cmocka_unit_test(aborted_in_an_event),
    cmocka_unit_test(a_judge_instead_of_a_dialect),
    cmocka_unit_test(a_judge_that_saw_nothing),
    cmocka_unit_test(a_body_over_its_cap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
