/* Users of a plan on a real loop against a real server: requests, streams, pauses, ends. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Thing: one\r\nContent-Length: 2\r\n\r\nok"

static const struct step ok[] = { SEND(OK_ANSWER), DONE };
static const struct step slow[] = { PAUSE(60), SEND(OK_ANSWER), DONE };
static const struct step sse[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), PAUSE(5), CHUNK("data: b\n\n"), PAUSE(5),
                                   CHUNK("data: c\n\n"), LAST, DONE };
static const struct step endless[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), PAUSE(2), CHUNK("data: b\n\n"), HOLD };
static const struct step quick[] = { SEND(HEAD_SSE), CHUNK("data: a\n\ndata: b\n\ndata: c\n\n"), LAST, DONE };
static const struct step long_stream[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), PAUSE(800), CHUNK("data: b\n\n"), LAST, DONE };
static const struct step gated[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), GATE, CHUNK("data: b\n\n"), LAST, DONE };
static const struct route routes[] = { { "/ok", ok }, { "/slow", slow }, { "/sse", sse }, { "/endless", endless },
                                       { "/quick", quick }, { "/long", long_stream }, { "/gated", gated }, { NULL, NULL } };

static void a_request_gives_its_result(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, routes,
           "local r = user:request { path = '/ok', name = 'first' }\n"
           "assert(r.ok == true and r.outcome == 'ok' and r.status == 200 and r.text == 'ok', 'result')\n"
           "assert(r.headers['x-thing'] == 'one' and r.headers['X-THING'] == 'one', 'headers')\n"
           "assert(r.json == nil and r.error == nil and r.events == 0 and r.tokens == 0, 'rest')\n"
           "assert(r.ttfb > 0 and r.e2e >= r.ttfb and r.ttft == nil, 'times')\n"
           "assert(user:check(true, 'fine') == true)\n"
           "assert(user:get('/ok').ok)\n"
           "assert(user:post('/ok', { json = { a = 1 } }).ok)\n");
  assert_no_task_errors(&rig);
  assert_int_equal(rig.tally.ok, 3);
  assert_int_equal(rig_outcomes(&rig, "first", SP_OUTCOME_OK), 1);
  assert_int_equal(rig_outcomes(&rig, "t", SP_OUTCOME_OK), 2); /* named by its task */
  assert_int_equal(atomic_load(&rig.server.conn_count), 1);    /* kept alive */
  assert_non_null(strstr(rig.server.requests[2], "POST /ok HTTP/1.1\r\n"));
  assert_non_null(strstr(rig.server.requests[2], "Content-Type: application/json\r\n"));
  assert_non_null(strstr(rig.server.requests[2], "\r\n\r\n{\"a\":1}"));
  rig_fini(&rig);
}

static void a_stream_is_iterated(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, routes,
           "local seen, last = {}, 0\n"
           "local s = user:stream { path = '/sse' }\n"
           "for event in s do\n"
           "  seen[#seen + 1] = event.data\n"
           "  assert(event.kind == 'token' and event.t >= last, 't')\n"
           "  last = event.t\n"
           "end\n"
           "assert(table.concat(seen) == 'abc', table.concat(seen))\n"
           "assert(s.result.ok and s.result.text == 'abc' and s.result.tokens == 3 and s.result.events == 3, 'result')\n"
           "assert(s.result.ttfb <= s.result.ttft and s.result.ttft <= s.result.e2e, 'times')\n"
           "assert(s() == nil, 'over')\n");
  assert_no_task_errors(&rig);
  const struct sp_cell *cell = rig_cell(&rig, "t");
  assert_int_equal(cell->outcomes[SP_OUTCOME_OK], 1);
  assert_int_equal(cell->metrics[SP_METRIC_ITL].count, 2);
  assert_int_equal(cell->metrics[SP_METRIC_TTFT].count, 1);
  assert_int_equal(cell->token_events, 3);
  assert_int_equal(rig.totals->events, 3);
  rig_fini(&rig);
}

static void on_event_sees_each_event(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, routes,
           "local seen = {}\n"
           "local function note(e) seen[#seen + 1] = e.data .. (e.t and 't' or '') end\n"
           "local r = user:request { path = '/quick', stream = 'sse', on_event = note }\n"
           "assert(r.ok and table.concat(seen) == 'atbtct', table.concat(seen))\n");
  assert_no_task_errors(&rig);
  assert_int_equal(rig.tally.ok, 1);
  rig_fini(&rig);
}

static void an_error_in_on_event_does_not_end_the_request(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, routes,
           "local r = user:request { path = '/quick', stream = 'sse', on_event = function(e) error('odd ' .. e.data) end }\n"
           "assert(r.ok)\n");
  assert_int_equal(rig.tally.ok, 1);
  assert_int_equal(rig.totals->task_errors, 3);
  assert_error(&rig, "task", "odd b (class U, task t)");
  rig_fini(&rig);
}

static void a_stream_that_is_left_is_abandoned(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, routes,
           "for event in user:stream { path = '/endless', name = 'left' } do break end\n"
           "assert(user:get('/ok').ok)\n"
           "local s = user:stream { path = '/endless', name = 'closed' }\n"
           "s() s:close()\n"
           "assert(s() == nil and s.result == nil)\n"
           "user:sleep(0.01)\n"
           "user:stream { path = '/endless', name = 'last' }()\n");
  assert_no_task_errors(&rig);
  assert_int_equal(rig_outcomes(&rig, "left", SP_OUTCOME_ABANDONED), 1);
  assert_int_equal(rig_outcomes(&rig, "closed", SP_OUTCOME_ABANDONED), 1);
  assert_int_equal(rig_outcomes(&rig, "last", SP_OUTCOME_ABANDONED), 1);
  assert_int_equal(rig.tally.ok, 1);
  rig_fini(&rig);
}

/* What is asked for after a stream was left starts then, not when the stream did. */
static void a_left_stream_does_not_age_the_next_request(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, routes,
           "local n = 0\n"
           "for event in user:stream { path = '/long', name = 'left' } do n = n + 1 if n == 2 then break end end\n"
           "user:get('/ok', { name = 'next' })\n");
  assert_no_task_errors(&rig);
  const struct sp_cell *cell = rig_cell(&rig, "next");
  assert_int_equal(cell->metrics[SP_METRIC_WAIT].count, 1);
  assert_true(sp_hist_percentile(&cell->metrics[SP_METRIC_WAIT], 100) < 750 * 1000);
  rig_fini(&rig);
}

static void a_check_fails_the_request_before_it(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, routes,
           "user:get('/ok', { name = 'one' }) assert(user:check(false, 'empty') == false)\n"
           "user:get('/ok', { name = 'two' }) user:check(false, 'a') user:check(false, 'b')\n"
           "for e in user:stream { path = '/quick', name = 'three' } do end user:check(nil)\n"
           "user:get('/nothing', { name = 'four' }) user:check(false, 'it has an outcome already')\n"
           "user:get('/ok', { name = 'five' }) user:sleep(0) user:check(false, 'too late')\n");
  assert_int_equal(rig.totals->task_errors, 1);
  assert_error(&rig, "task", "check 'too late' has no request to judge");
  assert_int_equal(rig_outcomes(&rig, "one", SP_OUTCOME_CHECK), 1);
  assert_error(&rig, "check", "empty");
  assert_error(&rig, "check", "a");
  assert_error(&rig, "check", "check failed");
  assert_int_equal(rig_outcomes(&rig, "four", SP_OUTCOME_HTTP_STATUS), 1);
  assert_int_equal(rig_outcomes(&rig, "five", SP_OUTCOME_OK), 1);
  assert_int_equal(rig.tally.failed, 4);
  rig_fini(&rig);
}

/* -- hooks, think time -- */

static void hooks_and_tasks_in_their_order(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig.load.iterations = 3;
  rig_run(&rig, "local spate = require('spate')\n"
                "local order = {}\n"
                "local function note(s) order[#order + 1] = s end\n"
                "spate.on('user_start', function(u) note 'A' u:get('/ok', { name = 'login' }) end)\n"
                "spate.on('user_start', function(u) note 'B' end)\n"
                "spate.on('user_stop', function(u) note 'D' u:get('/ok', { name = 'logout' }) end)\n"
                "spate.user('U', { on_start = function(u) note 'C' u.data.n = 0 end,\n"
                "  on_stop = function(u) note 'E' assert(table.concat(order) == 'ABCtttDE', table.concat(order)) end,\n"
                "  think = function(u) assert(u.data.n > 0) return 0.001 end,\n"
                "  tasks = { t = function(u) note 't' u.data.n = u.data.n + 1 u:think() u:get('/ok') end } })\n");
  assert_no_task_errors(&rig);
  assert_int_equal(rig_outcomes(&rig, "login", SP_OUTCOME_OK), 1);
  assert_int_equal(rig_outcomes(&rig, "logout", SP_OUTCOME_OK), 1);
  assert_int_equal(rig.tally.ok, 5);
  rig_fini(&rig);
}

static void one_hook_is_not_the_other(void **state) {
  (void)state;
  static const char *const hooks[] = { "on_start", "on_stop" };
  for (size_t i = 0; i < 2; i++) {
    struct rig rig;
    char text[400];
    snprintf(text, sizeof(text), "local spate = require('spate')\n"
             "spate.user('U', { %s = function(u) u:get('/ok', { name = 'hook' }) end, tasks = { t = function(u)\n"
             "  u.data.task = true end } })\n", hooks[i]);
    rig_init(&rig, routes);
    rig_run(&rig, text);
    assert_no_task_errors(&rig);
    assert_int_equal(rig_outcomes(&rig, "hook", SP_OUTCOME_OK), 1);
    assert_string_equal(rig_cell(&rig, "hook")->task, i ? "user_stop" : "user_start");
    rig_fini(&rig);
  }
}

static void errors_in_hooks_and_think_are_counted(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig.load.iterations = 1;
  rig_run(&rig, "local spate = require('spate')\n"
                "spate.user('U', { on_start = function(u) error('at start') end,\n"
                "  on_stop = function(u) error('at stop') end, think = function(u) error('at think') end,\n"
                "  tasks = { t = function(u) error('in task') end } })\n");
  assert_error(&rig, "task", "at start (class U, task user_start)");
  assert_error(&rig, "task", "at think (class U, task t)");
  assert_error(&rig, "task", "at stop (class U, task user_stop)");
  assert_error(&rig, "task", "in task (class U, task t)");
  rig_fini(&rig);
}

static void an_error_ends_the_task_and_not_the_user(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig.load.iterations = 4;
  rig_run(&rig, "local spate = require('spate')\n"
                "spate.user('U', { tasks = { t = function(user)\n"
                "  local n = (user.data.n or 0) + 1 user.data.n = n\n"
                "  user:get('/ok')\n"
                "  if n == 1 then error('plain') elseif n == 2 then error({ 1 }) elseif n == 3 then error() end\n"
                "end } })\n");
  assert_int_equal(rig.tally.ok, 4);
  assert_int_equal(rig.totals->task_errors, 3);
  assert_int_equal(rig.totals->tasks, 4);
  assert_error(&rig, "task", ".lua:5: plain (class U, task t)");
  rig_fini(&rig);
}

/* -- ends -- */

static const char endless_plan[] =
    "local spate = require('spate')\n"
    "spate.user('U', { tasks = { t = function(user)\n"
    "  user:get('/ok', { name = 'ok' })\n"
    "  for e in user:stream { path = '/gated', name = 'stream' } do end\n"
    "  user:get('/ok', { name = 'never' })\n"
    "end } })\n";

static void a_stream_under_way_may_finish_and_nothing_new_starts(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig.load.iterations = 0;
  rig.load.users = 5;
  rig.stop_at_requests = 10;
  rig_run(&rig, endless_plan);
  assert_no_task_errors(&rig);
  assert_int_equal(rig_outcomes(&rig, "stream", SP_OUTCOME_OK), 5);
  assert_null(rig_cell(&rig, "never"));
  assert_int_equal(rig.tally.cancelled, 0);
  rig_fini(&rig);
}

static void a_cut_cancels(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig.load.iterations = 0;
  rig.load.users = 5;
  rig.cut_at_requests = 10;
  rig_run(&rig, endless_plan);
  assert_no_task_errors(&rig);
  assert_int_equal(rig_outcomes(&rig, "stream", SP_OUTCOME_CANCELLED), 5);
  rig_fini(&rig);
}

/* Each of these is under way when the run is stopped and then cut. */
static void run_and_cut(const char *definition, bool stop_first) {
  struct rig rig;
  char text[2048];
  snprintf(text, sizeof(text), "local spate = require('spate')\nspate.user('U', { %s })\n", definition);
  rig_init(&rig, routes);
  rig.load.iterations = 0;
  rig.load.users = 3;
  rig.load.stop_timeout_ns = 40 * MS;
  if (stop_first) rig.stop_after_ns = 40 * MS;
  else rig.cut_after_ns = 40 * MS;
  rig_run(&rig, text);
  assert_no_task_errors(&rig);
  rig_fini(&rig);
}

static void ends_in_every_state(void **state) {
  (void)state;
  static const char *const definitions[] = {
    "tasks = { t = function(u) u:sleep(60) end }",
    "tasks = { t = function(u) while true do u:sleep(0.001) end end }",
    "tasks = { t = function(u) while true do u:get('/ok') end end }",
    "tasks = { t = function(u) u:get('/endless', { stream = 'sse' }) end }",
    "tasks = { t = function(u) for e in u:stream { path = '/endless' } do end end }",
    "tasks = { t = function(u) for e in u:stream { path = '/endless' } do u:sleep(60) end end }",
    "tasks = { t = function(u) local s = u:stream { path = '/endless' } u:sleep(60) end }",
    "tasks = { t = function(u) for e in u:stream { path = '/endless' } do break end u:sleep(60) end }",
    "tasks = { t = function(u) for e in u:stream { path = '/endless' } do break end end }",
    "tasks = { t = function(u) u:stream { path = '/endless' } u:stream { path = '/endless' } u:get('/slow') end }",
    "think = 60, tasks = { t = function(u) u:get('/ok') end }",
    "on_start = function(u) u:sleep(60) end, tasks = { t = function(u) end }",
    "on_start = function(u) u:get('/endless', { stream = 'sse' }) end, tasks = { t = function(u) end }",
    "on_start = function(u) u:get('/ok') u:stream { path = '/endless' } end, tasks = { t = function(u) end }",
    "on_stop = function(u) u:sleep(60) end, tasks = { t = function(u) u:sleep(60) end }",
    "on_stop = function(u) u:get('/endless', { stream = 'sse' }) end, think = 60, tasks = { t = function(u) u:get('/ok') end }",
    "on_stop = function(u) for e in u:stream { path = '/endless' } do u:sleep(60) end end, think = 60, tasks = { t = function(u) end }",
    "on_stop = function(u) u:get('/slow') end, tasks = { t = function(u) u:get('/slow') u:check(true) end }",
    "think = 0.001, tasks = { t = function(u) u:get('/ok') u:check(false) u:sleep(0.005) end }",
  };
  for (size_t i = 0; i < sizeof(definitions) / sizeof(definitions[0]); i++) {
    run_and_cut(definitions[i], true);
    run_and_cut(definitions[i], false);
  }
}

static void many_users_on_threads(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig.load.users = 40;
  rig.load.threads = 3;
  rig.load.iterations = 200;
  rig_run(&rig, "local spate = require('spate')\n"
                "spate.user('U', { weight = 3, tasks = { a = function(u) u:get('/ok') end,\n"
                "  b = { weight = 2, run = function(u) for e in u:stream { path = '/quick' } do end end } } })\n"
                "spate.user('V', { tasks = { c = function(u)\n"
                "  u:sleep(u.random(3) / 1000) u:post('/ok', { form = { a = 'b c' } }) end } })\n");
  assert_no_task_errors(&rig);
  assert_int_equal(rig.tally.ok, 200);
  assert_int_equal(rig.totals->tasks, 200);
  rig_fini(&rig);
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_request_gives_its_result),
    cmocka_unit_test(a_stream_is_iterated),
    cmocka_unit_test(on_event_sees_each_event),
    cmocka_unit_test(an_error_in_on_event_does_not_end_the_request),
    cmocka_unit_test(a_stream_that_is_left_is_abandoned),
    cmocka_unit_test(a_left_stream_does_not_age_the_next_request),
    cmocka_unit_test(a_check_fails_the_request_before_it),
    cmocka_unit_test(hooks_and_tasks_in_their_order),
    cmocka_unit_test(one_hook_is_not_the_other),
    cmocka_unit_test(errors_in_hooks_and_think_are_counted),
    cmocka_unit_test(an_error_ends_the_task_and_not_the_user),
    cmocka_unit_test(a_stream_under_way_may_finish_and_nothing_new_starts),
    cmocka_unit_test(a_cut_cancels),
    cmocka_unit_test(ends_in_every_state),
    cmocka_unit_test(many_users_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
