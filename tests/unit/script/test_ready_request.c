/* Tasks that are one request (spate.request), which no Lua runs: the same books, ends and pauses as for a function's. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
#define PLAN "local spate = require('spate')\n"
#define U(...) PLAN "spate.user('U', { tasks = { " __VA_ARGS__ " } })\n"

static const struct step ok[] = { SEND(OK_ANSWER), DONE };
static const struct step slow[] = { PAUSE(400), SEND(OK_ANSWER), DONE };
static const struct step bad[] = { SEND("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), DONE };
static const struct step busy[] = { SEND("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"), DONE };
static const struct step cut[] = { SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), CLOSE };
static const struct step cookie[] = { SEND("HTTP/1.1 200 OK\r\nSet-Cookie: c=1\r\nContent-Length: 0\r\n\r\n"), DONE };
static const struct step away[] = { SEND("HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n"), DONE };
static const struct step sse[] = { SEND(HEAD_SSE), CHUNK("data: a\n\ndata: b\n\n"), LAST, DONE };
static const struct step gated[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), GATE, CHUNK("data: b\n\n"), LAST, DONE };
static const struct route routes[] = { { "/ok", ok },         { "/slow", slow },     { "/bad", bad },   { "/busy", busy },
                                       { "/cut", cut },       { "/cookie", cookie }, { "/away", away }, { "/sse", sse },
                                       { "/gated", gated },   { NULL, NULL } };

static void run(struct rig *rig, uint64_t iterations, const char *text) {
  rig_init(rig, routes);
  rig->load.iterations = iterations;
  rig_run(rig, text);
}

static void the_same_request_each_time(void **state) {
  (void)state;
  struct rig rig;
  run(&rig, 3, U("t = spate.request { path = '/ok', headers = { ['X-A'] = 'b' }, json = { n = 1 } }"));
  assert_no_task_errors(&rig);
  assert_int_equal(rig.totals->tasks, 3);
  assert_int_equal(rig_outcomes(&rig, "t", SP_OUTCOME_OK), 3); /* named by its task */
  assert_int_equal(atomic_load(&rig.server.conn_count), 1);
  for (int i = 0; i < 3; i++) {
    assert_non_null(strstr(rig.server.requests[i], "POST /ok HTTP/1.1\r\n"));
    assert_non_null(strstr(rig.server.requests[i], "\r\nX-A: b\r\n"));
    assert_non_null(strstr(rig.server.requests[i], "\r\n\r\n{\"n\":1}"));
  }
  rig_fini(&rig);
}

static void beside_functions(void **state) {
  (void)state;
  struct rig rig;
  run(&rig, 60,
      PLAN "local same = spate.request { path = '/ok', name = 'same' }\n"
           "spate.user('A', { on_start = function(u) u:get('/ok', { name = 'start' }) end,\n"
           "  tasks = { a = same, b = { run = same, weight = 3 }, c = function(u) u:get('/ok', { name = 'own' }) end } })\n"
           "spate.user('B', { connection = 'request', tasks = { a = { run = same, name = 'long' } } })\n");
  assert_no_task_errors(&rig);
  assert_int_equal(rig.totals->tasks, 60);
  assert_int_equal(rig.tally.ok, 60 + rig_outcomes(&rig, "start", SP_OUTCOME_OK));
  assert_true(rig_outcomes(&rig, "same", SP_OUTCOME_OK) > 0 && rig_outcomes(&rig, "own", SP_OUTCOME_OK) > 0);
  rig_fini(&rig);
}

static void what_fails_is_counted_so(void **state) {
  (void)state;
  static const struct {
    const char *spec;
    enum sp_outcome outcome;
  } all[] = {
      { "path = '/bad'", SP_OUTCOME_HTTP_STATUS },
      { "path = '/busy'", SP_OUTCOME_HTTP_STATUS },
      { "path = '/cut'", SP_OUTCOME_RESET },
      { "path = '/slow', timeout = 0.01", SP_OUTCOME_TIMEOUT },
      { "path = '/ok', stream = 'sse'", SP_OUTCOME_PROTOCOL },
      { "url = 'http://127.0.0.1:1/'", SP_OUTCOME_CONNECT },
  };
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    struct rig rig;
    char text[256];
    snprintf(text, sizeof text, U("t = spate.request { %s, name = 'n' }"), all[i].spec);
    run(&rig, 2, text);
    assert_int_equal(rig.totals->tasks, 2);
    assert_int_equal(rig_outcomes(&rig, "n", all[i].outcome), 2);
    assert_int_equal(rig.tally.ok, 0);
    rig_fini(&rig);
  }
}

/* Its function tells why, as it would of any request. */
static void what_cannot_be_made_is_a_task_error(void **state) {
  (void)state;
  struct rig rig;
  run(&rig, 2, U("t = spate.request { path = '/a b' }"));
  assert_int_equal(rig.totals->tasks, 2);
  assert_int_equal(rig.totals->task_errors, 2);
  assert_error(&rig, "task", "space");
  rig_fini(&rig);
  assert_plan_fails(U("t = spate.request { pth = '/' }"), ".lua:2: request{…} has no member 'pth'");
  assert_plan_fails(U("t = spate.request('/')"), ".lua:2: request{…} must be a table");
}

static void streams_cookies_redirects(void **state) {
  (void)state;
  struct rig rig;
  run(&rig, 2, U("t = spate.request { path = '/sse', stream = 'sse' }"));
  assert_int_equal(rig_cell(&rig, "t")->token_events, 4);
  assert_int_equal(rig.totals->events, 4);
  rig_fini(&rig);
  run(&rig, 2, U("t = spate.request { path = '/cookie' }"));
  assert_int_equal(rig.tally.ok, 2);
  assert_null(strstr(rig.server.requests[0], "Cookie: c=1"));
  assert_non_null(strstr(rig.server.requests[1], "Cookie: c=1"));
  rig_fini(&rig);
  run(&rig, 2, U("t = spate.request { path = '/away', redirects = true }"));
  assert_int_equal(rig.tally.ok, 2);
  assert_int_equal(atomic_load(&rig.server.request_count), 4);
  rig_fini(&rig);
}

/* What needs Lua between or inside the requests has it. */
static void with_lua_where_it_is_needed(void **state) {
  (void)state;
  struct rig rig;
  run(&rig, 1, U("t = spate.request { path = '/busy', on_429 = { policy = 'wait', retries = 2 } }"));
  assert_int_equal(rig_cell(&rig, "t")->started, 3);
  assert_int_equal(rig_cell(&rig, "t")->retries, 2);
  rig_fini(&rig);
  run(&rig, 1, U("t = spate.request { path = '/sse', stream = function(e) return 'token' end }"));
  assert_int_equal(rig_cell(&rig, "t")->token_events, 2);
  rig_fini(&rig);
  run(&rig, 1, U("t = spate.request { path = '/gated', stream = 'sse', hang_up = { tokens = 1 } }"));
  assert_int_equal(rig.tally.abandoned, 1);
  rig_fini(&rig);
}

static void who_runs_it(void **state) {
  (void)state;
  struct rig_plan it = { 0 };
  bool loaded = rig_plan_load(&it,
      U("a = spate.request { path = '/', timeout = '5s', form = { a = 1 } }, b = spate.request { path = '/', on_429 = 'wait' }, "
        "c = spate.request { path = '/', stream = 'sse', on_event = print }, d = function() end")
      "local ready = spate._ready_request\n"
      "assert(ready(1, 1).timeout == 5 and not ready(1, 2) and not ready(1, 3) and not ready(1, 4))\n"
      "spate.load { on_429 = 'wait' }\n"
      "assert(not ready(1, 1))\n");
  if (!loaded) fail_msg("%s", it.err.text);
  rig_plan_free(&it);
}

static void five_users_for_ever(struct rig *rig) {
  rig_init(rig, routes);
  rig->load.iterations = 0;
  rig->load.users = 5;
}

static void under_way_at_the_end(void **state) {
  (void)state;
  struct rig rig;
  const char *text = U("t = spate.request { path = '/gated', stream = 'sse', name = 'n' }");
  five_users_for_ever(&rig);
  rig.stop_at_requests = 5;
  rig_run(&rig, text);
  assert_int_equal(rig_outcomes(&rig, "n", SP_OUTCOME_OK), 5); /* it may finish */
  assert_int_equal(rig.tally.cancelled, 0);
  rig_fini(&rig);
  five_users_for_ever(&rig);
  rig.cut_at_requests = 5;
  rig_run(&rig, text);
  assert_int_equal(rig_outcomes(&rig, "n", SP_OUTCOME_CANCELLED), 5);
  assert_no_task_errors(&rig);
  rig_fini(&rig);
}

static void pauses_between(void **state) {
  (void)state;
  struct rig rig;
  run(&rig, 4, PLAN "spate.user('U', { think = spate.constant(0.02), tasks = { t = spate.request { path = '/ok' } } })\n");
  assert_int_equal(rig.tally.ok, 4);
  assert_true(rig.facts.duration_ns >= 60 * MS);
  rig_fini(&rig);
}

/* A task's time is from when it was due: the next one is not due before the last has ended. */
static void times_of_tasks_do_not_overlap(void **state) {
  (void)state;
  struct rig rig;
  run(&rig, 200, U("t = spate.request { path = '/ok' }"));
  const struct sp_hist *e2e = &rig_cell(&rig, "t")->metrics[SP_METRIC_E2E];
  assert_int_equal(e2e->count, 200);
  assert_true(e2e->sum <= (double)rig.facts.duration_ns);
  rig_fini(&rig);
}

static void arrivals(void **state) {
  (void)state;
  static const int64_t due_ns[] = { 0, 0, 0, 5 * MS, 10 * MS, 10 * MS };
  struct rig rig;
  rig_init(&rig, routes);
  rig.load = (struct sp_load){ .kind = SP_LOAD_RATE, .threads = 2, .seed = 1, .stop_timeout_ns = SP_NS_PER_S,
                               .trace = due_ns, .trace_count = 6 };
  rig_run(&rig, U("t = spate.request { path = '/ok' }"));
  assert_int_equal(rig.totals->tasks, 6);
  assert_int_equal(rig.tally.ok, 6);
  rig_fini(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_request_each_time),
      cmocka_unit_test(beside_functions),
      cmocka_unit_test(what_fails_is_counted_so),
      cmocka_unit_test(what_cannot_be_made_is_a_task_error),
      cmocka_unit_test(streams_cookies_redirects),
      cmocka_unit_test(with_lua_where_it_is_needed),
      cmocka_unit_test(who_runs_it),
      cmocka_unit_test(under_way_at_the_end),
      cmocka_unit_test(pauses_between),
      cmocka_unit_test(times_of_tasks_do_not_overlap),
      cmocka_unit_test(arrivals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
