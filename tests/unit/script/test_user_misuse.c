/* What a plan must not do with a user: it gets a sentence, and nothing breaks. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static const struct step ok[] = { SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), DONE };
static const struct step slow[] = { PAUSE(30), SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), DONE };
static const struct step sse[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), PAUSE(5), CHUNK("data: b\n\n"), LAST, DONE };
static const struct step flood[] = { SEND(HEAD_SSE), FLOOD("data: 0123456789012345678901234567890123456789\n\n") };
static const struct step error_body[] = { SEND("HTTP/1.1 400 Bad Request\r\nContent-Length: 48\r\n\r\n"
                                               "{\"code\":\"bad\",\"message\":\"no such key swordfish\"}"), DONE };
static const struct route routes[] = { { "/ok", ok }, { "/slow", slow }, { "/sse", sse }, { "/flood", flood },
                                       { "/error", error_body }, { NULL, NULL } };

static const char not_own[] = "a user's calls belong into its own task";

static void expect_error(const char *body, const char *text) {
  struct rig rig;
  rig_task(&rig, routes, body);
  assert_error(&rig, "task", text);
  rig_fini(&rig);
}

static void calls_from_elsewhere(void **state) {
  (void)state;
  expect_error("coroutine.wrap(function() user:get('/ok') end)()", not_own);
  expect_error("coroutine.wrap(function() user:sleep(1) end)()", not_own);
  expect_error("coroutine.wrap(function() user:stream { path = '/sse' } end)()", not_own);
  expect_error("user:request { path = '/sse', stream = 'sse', on_event = function() user:get('/ok') end }", not_own);
  expect_error("user:request { path = '/sse', stream = 'sse', on_event = function() user:sleep(1) end }", not_own);
  expect_error("user:request { path = '/sse', stream = 'sse', on_event = function() user:check(false) end }", not_own);
  expect_error("user:request { path = '/sse', stream = function() user:get('/ok') end }", not_own);
}

static void calls_in_a_strange_form(void **state) {
  (void)state;
  expect_error("user.request { path = '/ok' }", "call this on a user: user:request{…}");
  expect_error("user.sleep(1)", "call this on a user");
  expect_error("user:request { path = '/ok', answer = 'sse' }", "request{answer = 'sse'}: there is \"dify\", for an answer");
  expect_error("user:request { path = '/ok', answer = 'dify', stream = 'dify' }", "for an answer that is no stream");
  expect_error("user:request('/ok')", "request{…} must be a table, not a string");
  expect_error("user:sleep()", "must be a number, not nothing");
  expect_error("user:sleep(-1)", "must not be negative");
  expect_error("user:sleep(0/0)", "must not be negative");
}

/* A yield cannot cross a C function: nothing may have been begun by then. */
static void calls_across_c(void **state) {
  (void)state;
  static const char *const calls[] = { "user:get('/slow', { name = 'crossed' })", "user:sleep(0.01)", "user:think()" };
  for (size_t i = 0; i < 3; i++) {
    struct rig rig;
    char body[600];
    snprintf(body, sizeof(body),
             "local fine, why = pcall(string.gsub, 'xx', 'x', function() %s end)\n"
             "assert(not fine)\n"
             "for i = 1, 3 do user:sleep(0.02) end\n"
             "assert(user:get('/ok').text == 'ok')\n"
             "error(why)\n", calls[i]);
    rig_task(&rig, routes, body);
    assert_int_equal(rig.totals->task_errors, 1);
    assert_error(&rig, "task", "cannot wait in here");
    assert_null(rig_cell(&rig, "crossed"));
    assert_int_equal(rig.tally.ok, 1);
    rig_fini(&rig);
  }
}

static void another_users_handle(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig.load.users = 2;
  rig.load.iterations = 2;
  rig_run(&rig, "local spate = require('spate')\nlocal other\n"
                "spate.user('U', { tasks = { t = function(user)\n"
                "  if other then other:get('/ok') else other = user user:get('/slow') end\n"
                "end } })\n");
  assert_int_equal(rig.totals->task_errors, 1);
  assert_error(&rig, "task", not_own);
  assert_int_equal(rig.tally.ok, 1);
  rig_fini(&rig);
}

/* A task's body begins in line 3 of its file. Every error names the plan's own line, however deep it comes from. */
static void errors_name_the_plans_line(void **state) {
  (void)state;
  static const char *const bodies[] = {
    "user:request { pth = '/ok' }", "user:request { path = '/ok', stream = 'dfy' }", "user:request { path = '/ok', json = print }",
    "user:request {}", "user:get()", "user:get('/ok', { method = 'get' })", "user:get('/ok', { headers = { 'x' } })",
    "user:get('/ok', { headers = { ['a b'] = 'x' } })", "user:get('/ok', { headers = { X = true } })",
    "user:get('/ok', { timeout = 'soon' })", "user:get('/ok', { timeout = -1 })", "user:get('/ok', { timeout = 0/0 })",
    "user:post('/ok', { json = {}, body = 'x' })", "user:post('/ok', { json = {}, form = { a = 1 } })",
    "user:post('/ok', { json = { 1, a = 2 } })", "user:stream { pth = 1 }", "user:stream()",
    "user:get('http://[bad')", "user:get({})", "user:get('/ok', { connection = 'once' })", "user:get('/ok', { on_event = 5 })",
    "user:sleep(-1)", "user:sleep('x')", "user:check(false)", "user.get()", "user.random(5, 1)", "user.random(1/0, 1/0)",
    "user.random('x')", "spate.metric('m'):add('x')", "spate.json.encode(print)", "spate.feed('/nothing.csv')",
    "spate.constant(-1)", "coroutine.wrap(function() user:get('/ok') end)()",
    "string.gsub('x', 'x', function() user:get('/ok') end)", "error('plain')", "local x = nil + 1",
    "require('spate.dify').app { key = 'k' }:chat(user, {})",
    "require('spate.dify').app { key = 'k' }:chat(user, { query = 'x', timeout = {} })",
    "require('spate.dify').app { key = 'k' }:conversation(user):say()", "require('spate.dify').app { key = 'k' }:retrieve(user)",
    "require('spate.dify').app { key = 'k' }:retrieve(user, 'id')", "require('spate.dify').app { key = 'k' }:completion(user, 'x')",
    "require('spate.dify').app { key = 'k' }:chat(user, { query = 'x', inputs = { f = print } })", "require('spate.dify').app {}",
    "require('spate.dify').app { key = 'k' }:stop(user)",
    "require('spate.openai').app()",
    "require('spate.openai').app { model = 'm' }:chat(user)", "require('spate.openai').app { modle = 'm' }",
    "require('spate.openai').app { model = 'm' }:chat(user, {})", "require('spate.openai').app { model = 'm' }:completion(user)",
    "require('spate.openai').app { model = 'm' }:conversation(user):say()",
  };
  char body[8000] = "local tasks = {\n";
  for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
    size_t len = strlen(body);
    snprintf(body + len, sizeof(body) - len, "function() %s end,\n", bodies[i]);
  }
  snprintf(body + strlen(body), sizeof(body) - strlen(body),
           "}\nlocal bad = {}\nfor i, task in ipairs(tasks) do\n"
           "  local fine, why = pcall(task)\n"
           "  if fine or not tostring(why):find('%%.lua:' .. i + 3 .. ': ') then bad[#bad + 1] = i .. ' ' .. tostring(why) end\n"
           "end\nif #bad > 0 then print(table.concat(bad, '\\n')) error(#bad .. ' bad') end\n");
  struct rig rig;
  rig_task(&rig, routes, body);
  assert_no_task_errors(&rig);
  assert_int_equal(rig.tally.started, 0);
  rig_fini(&rig);
}

/* Everything that a gone user leaves behind is tried by those who stay. */
static void a_gone_users_handles(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig.load.users = 2;
  rig.load.iterations = 0;
  rig.stop_at_requests = 2;
  rig_run(&rig, "local spate = require('spate')\nlocal gone, stream, random\n"
                "spate.user('U', { tasks = { t = function(user)\n"
                "  if user.id == 1 then\n"
                "    gone, random = user, user.random\n"
                "    stream = user:stream { path = '/sse' } stream()\n"
                "    user:sleep(30)\n"
                "  else user:get('/slow', { timeout = 10 }) user:get('/slow') end\n"
                "end }, on_stop = function(user)\n"
                "  if user.id == 1 then return end\n"
                "  user:sleep(0.2)\n"
                "  for _, call in ipairs { function() gone:get('/ok') end, function() gone:sleep(1) end,\n"
                "      function() gone:think() end, function() gone:check(false) end, function() stream() end,\n"
                "      function() stream:close() end, function() random(3) end, function() gone.random() end,\n"
                "      function() for e in gone:stream { path = '/sse' } do end end } do\n"
                "    local fine, why = pcall(call)\n"
                "    assert(not fine and why:find('user'), tostring(why))\n"
                "  end\n"
                "end })\n");
  assert_no_task_errors(&rig);
  rig_fini(&rig);
}

/* A handle names one stream, even where the next one lies in the same memory. */
static void a_handle_is_of_one_stream(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, routes,
           "for i = 1, 8 do\n"
           "  local first = user:stream { path = '/sse', name = 'first' }\n"
           "  first() first:close() user:sleep(0.01)\n"
           "  local second = user:stream { path = '/sse', name = 'second' }\n"
           "  first:close()\n"
           "  assert(first() == nil)\n"
           "  assert(second().data == 'a' and second().data == 'b' and second() == nil and second.result.ok)\n"
           "  first:close()\n"
           "  user:check(true)\n"
           "end\n");
  assert_no_task_errors(&rig);
  assert_int_equal(rig_outcomes(&rig, "second", SP_OUTCOME_OK), 8);
  rig_fini(&rig);
}

static void a_loop_slower_than_its_stream(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig.stop_on_error = true;
  rig_run_task(&rig, "local s = user:stream { path = '/flood', name = 'flood' }\n"
                     "s() user:sleep(60)\n");
  assert_error(&rig, "task", "over 65536 events or");
  assert_int_equal(rig_outcomes(&rig, "flood", SP_OUTCOME_ABANDONED), 1);
  assert_int_equal(rig.totals->task_errors, 1);
  rig_fini(&rig);
}

static void a_stream_function_that_is_wrong(void **state) {
  (void)state;
  static const char *const verdicts[] = { "'tokn'", "5", "true", "{}" };
  for (size_t i = 0; i < 4; i++) {
    struct rig rig;
    char body[200];
    snprintf(body, sizeof(body), "local r = user:request { path = '/sse', stream = function() return %s end } assert(not r.ok)",
                    verdicts[i]);
    rig_task(&rig, routes, body);
    assert_int_equal(rig_outcomes(&rig, "t", SP_OUTCOME_STREAM_ERROR), 1);
    assert_error(&rig, "stream_error", "the plan's stream function failed");
    assert_error(&rig, "task", "there is \"token\", \"end\", \"error\" or nil (class U, task t)");
    assert_int_equal(rig.totals->task_errors, 1);
    rig_fini(&rig);
  }
}

static void stream_functions(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, routes,
           "local r = user:request { path = '/sse', name = 'end', stream = function(e) return e.data == 'b' and 'end' or 'token' end }\n"
           "assert(r.ok and r.text == 'a' and r.tokens == 1 and r.events == 2)\n"
           "r = user:request { path = '/sse', name = 'none', stream = function(e) return false end }\n"
           "assert(r.ok and r.text == '' and r.tokens == 0)\n"
           "r = user:request { path = '/sse', name = 'error', stream = function(e) return e.data == 'b' and 'error' or nil end }\n"
           "assert(r.outcome == 'stream_error' and r.error == 'b')\n");
  assert_no_task_errors(&rig);
  rig_fini(&rig);
}

static void coroutine_yield_in_a_task(void **state) {
  (void)state;
  expect_error("user:get('/ok') coroutine.yield(5)", "a task must not call coroutine.yield");
  expect_error("user:stream { path = '/flood' } coroutine.yield()", "a task must not call coroutine.yield");
}

/* Globals that the prelude stands on are gone: the run ends with a sentence, or goes on. */
static void a_plan_that_breaks_the_globals(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig_run(&rig, "local spate = require('spate')\n"
                "spate.user('U', { tasks = { t = function(user) user:get('/ok') end } })\n"
                "setmetatable = nil pairs = nil type = nil error = nil\n");
  assert_non_null(strstr(rig.aborted, "setmetatable"));
  rig_fini(&rig);
}

/* -- what a script can make big -- */

static void a_loop_that_lets_bytes_pile_up(void **state) {
  (void)state;
  static char event[60100] = "data: ";
  memset(event + 6, 'x', 60000);
  strcpy(event + 6 + 60000, "\n\n");
  const struct step steps[] = { SEND(HEAD_SSE), FLOOD(event) };
  const struct route table[] = { { "/flood", steps }, { NULL, NULL } };
  struct rig rig;
  rig_init(&rig, table);
  rig.stop_on_error = true;
  rig_run_task(&rig, "local s, n = user:stream { path = '/flood', name = 'flood' }, 0\n"
                     "while n < 1500 and s() do n = n + 1 end\n" /* as long as it keeps up, any amount may pass */
                     "assert(n == 1500, n) user:sleep(60)\n");
  assert_error(&rig, "task", "or 64 MiB wait for the plan's loop");
  assert_int_equal(rig.totals->task_errors, 1);
  assert_int_equal(rig_outcomes(&rig, "flood", SP_OUTCOME_ABANDONED), 1);
  rig_fini(&rig);
}

static void names_without_end(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, NULL,
           "for i = 1, 3000 do user:request { url = 'http://127.0.0.1:1/', name = 'item ' .. i } end\n"
           "user:request { url = 'http://127.0.0.1:1/', name = string.rep('é', 10000) }\n");
  assert_no_task_errors(&rig);
  assert_int_equal(rig.tally.failed, 3001);
  assert_in_range(rig.totals->cells.count, 900, SP_CELLS_MAX + 1);
  rig_fini(&rig);
}

static void a_long_error_still_names_class_and_task(void **state) {
  (void)state;
  expect_error("error(string.rep('é', 5000))", "(class U, task t)");
  expect_error("error('two\\nlines')", "two lines (class U, task t)");
}


static void no_secret_in_errors(void **state) {
  (void)state;
  struct sp_setting setting = { "key", "swordfish-and-more" }, second = { "other_key", "swordfish" };
  struct sp_setting settings[2] = { second, setting };
  struct rig rig;
  rig_init(&rig, routes);
  rig.options.settings = settings;
  rig.options.setting_count = 2;
  rig.load.iterations = 1;
  rig_run(&rig, "local spate = require('spate')\n"
                "local other, key = spate.param('other_key'), spate.param('key')\n"
                "local with_default = spate.param('password', 'opensesame')\n"
                "spate.user('U', { tasks = { t = function(user)\n"
                "  user:get('/error') user:get('/ok') user:check(false, 'not ' .. key .. ' nor ' .. with_default)\n"
                "  for i = 1, 20 do user:request { path = '/sse', stream = function() error(string.rep('x', 280 - i) .. key) end } end\n"
                "  error('with ' .. key)\n"
                "end } })\n");
  assert_error(&rig, "http_status", "400 bad: no such key ***");
  assert_error(&rig, "check", "not *** nor ***");
  assert_error(&rig, "task", "with *** (class U");
  for (size_t i = 0; i < rig.totals->errors.count; i++) {
    const struct sp_error_cell *error = rig.totals->errors.entries[i].value;
    assert_null(strstr(error->detail, "swor"));
    assert_null(strstr(error->detail, "and-more"));
  }
  rig_fini(&rig);
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(calls_from_elsewhere),
    cmocka_unit_test(calls_in_a_strange_form),
    cmocka_unit_test(calls_across_c),
    cmocka_unit_test(errors_name_the_plans_line),
    cmocka_unit_test(another_users_handle),
    cmocka_unit_test(a_gone_users_handles),
    cmocka_unit_test(a_handle_is_of_one_stream),
    cmocka_unit_test(a_loop_slower_than_its_stream),
    cmocka_unit_test(a_loop_that_lets_bytes_pile_up),
    cmocka_unit_test(a_stream_function_that_is_wrong),
    cmocka_unit_test(stream_functions),
    cmocka_unit_test(coroutine_yield_in_a_task),
    cmocka_unit_test(a_plan_that_breaks_the_globals),
    cmocka_unit_test(names_without_end),
    cmocka_unit_test(a_long_error_still_names_class_and_task),
    cmocka_unit_test(no_secret_in_errors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
