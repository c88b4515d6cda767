/* request{…} tables as they come over the wire, and those that are refused. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct step ok[] = { SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), DONE };
static const struct step sse[] = { SEND(HEAD_SSE), CHUNK("data: a\n\n"), LAST, DONE };
static const struct step slow[] = { PAUSE(400), SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), DONE };
static const struct route routes[] = { { "/", ok }, { "/ok", ok }, { "/base/ok", ok }, { "/sse", sse }, { "/slow", slow }, { NULL, NULL } };

static void sends(const char *spec, const char *const *wanted, const char *const *unwanted) {
  struct rig rig;
  char body[3000];
  snprintf(body, sizeof(body), "local r = user:request %s assert(r.ok, r.error)", spec);
  rig_task(&rig, routes, body);
  assert_no_task_errors(&rig);
  const char *request = rig.server.requests[0];
  for (; *wanted; wanted++) {
    if (!strstr(request, *wanted)) fail_msg("'%s' is not in '%s'", *wanted, request);
  }
  for (; unwanted && *unwanted; unwanted++) assert_null(strstr(request, *unwanted));
  rig_fini(&rig);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void methods_and_bodies(void **state) {
  (void)state;
  sends("{ path = '/ok' }", LIST("GET /ok HTTP/1.1\r\n", "Host: 127.0.0.1:"), LIST("Content-Length", "Content-Type"));
  sends("{ path = '/ok', method = 'DELETE' }", LIST("DELETE /ok HTTP/1.1\r\n"), NULL);
  sends("{ path = '/ok', json = { b = { 1, 2 } } }",
        LIST("POST /ok", "Content-Type: application/json\r\n", "Content-Length: 11\r\n", "\r\n\r\n{\"b\":[1,2]}"), NULL);
  sends("{ path = '/ok', json = false }", LIST("POST /ok", "\r\n\r\nfalse"), NULL);
  sends("{ path = '/ok', json = {} }", LIST("\r\n\r\n{}"), NULL);
  sends("{ path = '/ok', json = spate.json.null }", LIST("\r\n\r\nnull"), NULL);
  sends("{ path = '/ok', method = 'PUT', body = 'raw' }", LIST("PUT /ok", "Content-Length: 3\r\n", "\r\n\r\nraw"), LIST("Content-Type"));
  sends("{ path = '/ok', body = '' }", LIST("POST /ok", "Content-Length: 0\r\n"), NULL);
  sends("{ path = '/ok', form = { ['a b'] = 'c&d', n = 1 } }",
        LIST("Content-Type: application/x-www-form-urlencoded\r\n", "\r\n\r\na%20b=c%26d&n=1"), NULL);
  sends("{ path = '/ok?q=%E8%AF%B7&x=1' }", LIST("GET /ok?q=%E8%AF%B7&x=1 HTTP/1.1"), NULL);
  sends("{ path = '' }", LIST("GET / HTTP/1.1"), NULL);
  sends("{ path = 'ok' }", LIST("GET /ok HTTP/1.1"), NULL);
}

static void headers(void **state) {
  (void)state;
  sends("{ path = '/ok', headers = { ['X-One'] = 'a', ['x-two'] = 2, Accept = 'text/plain' } }",
        LIST("X-One: a\r\n", "x-two: 2\r\n", "Accept: text/plain\r\n"), LIST("Accept: */*"));
  sends("{ path = '/ok', json = {}, headers = { ['content-TYPE'] = 'text/x' } }",
        LIST("content-TYPE: text/x\r\n"), LIST("application/json"));
  sends("{ path = '/sse', stream = 'sse' }", LIST("Accept: text/event-stream\r\n"), NULL);
  sends("{ path = '/sse', stream = 'sse', headers = { accept = 'x/y' } }", LIST("accept: x/y\r\n"), LIST("event-stream"));
  sends("{ path = '/sse', stream = function() return 'token' end }", LIST("Accept: text/event-stream\r\n"), NULL);
  sends("{ path = '/ok', gzip = true }", LIST("Accept-Encoding: gzip\r\n"), NULL);
  sends("{ path = '/ok', connection = 'request' }", LIST("Connection: close\r\n"), NULL);
}

/* One table, used again and again, is the same request each time. */
static void a_spec_can_be_used_again(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, routes, "local form = { path = '/ok', form = { a = 1 }, timeout = '5s' }\n"
                         "local stream = { path = '/sse' }\n"
                         "for i = 1, 3 do\n"
                         "  assert(user:request(form).ok)\n"
                         "  for e in user:stream(stream) do end\n"
                         "end");
  assert_no_task_errors(&rig);
  assert_int_equal(rig.tally.ok, 6);
  assert_string_equal(rig.server.requests[0], rig.server.requests[4]);
  rig_fini(&rig);
}

/* Inherited members are not asked for: a metatable's function could do anything meanwhile. */
static void a_spec_with_a_metatable(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, routes, "local spec = setmetatable({ path = '/ok' }, { __index = function(t, k) return k .. string.rep('x', 100) end })\n"
                         "assert(user:request(spec).ok)\n"
                         "setmetatable(spec, { __index = function() error('no') end })\n"
                         "assert(user:request(spec).ok)\n"
                         "setmetatable(spec, { __index = function() user:get('/ok') end })\n"
                         "assert(user:request(spec).ok)\n");
  assert_no_task_errors(&rig);
  assert_int_equal(rig.tally.started, 3);
  rig_fini(&rig);
}

static void a_header_block_at_its_cap(void **state) {
  (void)state;
  struct rig rig;
  char body[700];
  snprintf(body, sizeof(body),
           "for room = 0, 60 do\n"
           "  local fine, why = pcall(user.request, user, { path = '/ok', json = {}, stream = 'sse',\n"
           "    headers = { X = string.rep('x', %u - 5 - room) } })\n"
           "  if fine then break end\n"
           "  assert(why:find('the headers are over %u bytes', 1, true), why)\n"
           "end\n", SP_HTTP1_HEAD_MAX, SP_HTTP1_HEAD_MAX);
  rig_task(&rig, routes, body);
  assert_no_task_errors(&rig);
  rig_fini(&rig);
}

/* -- what is refused of a form, of auth, of redirects -- */

static void refused(const char *spec, const char *sentence) {
  struct rig rig;
  char body[1000];
  snprintf(body, sizeof(body), "local fine, why = pcall(user.request, user, %s)\n"
           "assert(not fine and why:find(%s, 1, true), why)", spec, sentence);
  rig_task(&rig, routes, body);
  assert_no_task_errors(&rig);
  assert_int_equal(rig.tally.started, 0);
  rig_fini(&rig);
}

static void what_is_refused(void **state) {
  (void)state;
  refused("{ path = '/ok', multipart = {} }", "'multipart{…} has no part'");
  refused("{ path = '/ok', multipart = { 'x' } }", "'is a table, or a text under its name'");
  refused("{ path = '/ok', multipart = { a = true } }", "'is a table, or a text under its name'");
  refused("{ path = '/ok', multipart = { { data = 'x' } } }", "'a part of multipart{…} needs a name'");
  refused("{ path = '/ok', multipart = { a = {} } }", "\"the part 'a' of multipart{…} takes one of data and file\"");
  refused("{ path = '/ok', multipart = { a = { data = 'x', file = 'y' } } }", "'takes one of data and file'");
  refused("{ path = '/ok', multipart = { a = { dat = 'x' } } }", "\"has no member 'dat'\"");
  refused("{ path = '/ok', multipart = { a = { data = {} } } }", "\"'data' of a part of multipart{…} must be a text\"");
  refused("{ path = '/ok', multipart = { a = { data = 'x', type = 'a\\nb' } } }", "'line end or NUL'");
  refused("{ path = '/ok', multipart = { a = { file = '/nowhere/x' } } }", "\"cannot open '/nowhere/x'\"");
  refused("{ path = '/ok', multipart = { a = 'x' }, json = {} }", "'takes one of json, body, form and multipart'");
  refused("{ path = '/ok', auth = { 'u' } }", "'auth of request{…} must be { \"user\", \"password\" }'");
  refused("{ path = '/ok', auth = { 'u:v', 'p' } }", "'auth of request{…} must be'");
  refused("{ path = '/ok', redirects = -1 }", "'redirects of request{…} must be'");
  refused("{ path = '/ok', redirects = 101 }", "'redirects of request{…} must be'");
  refused("{ path = '/ok', http = '3' }", "'http of request{…} must be'");
  refused("{ path = '/ok', connection = 'none' }", "'connection of request{…} must be'");
  refused("{ path = '/ok', cookies = 'no' }", "'request.cookies must be a boolean'");
}

static void one_form_is_the_same_each_time(void **state) {
  (void)state;
  struct rig rig;
  rig_task(&rig, routes, "local spec = { path = '/ok', multipart = { b = 2, a = '1', { name = 'c', data = 3 } } }\n"
                         "for i = 1, 3 do assert(user:request(spec).ok) end");
  assert_no_task_errors(&rig);
  const char *form = strstr(rig.server.requests[2], "\r\n\r\n--");
  assert_non_null(form);
  const char *c = strstr(form, "name=\"c\"\r\n\r\n3\r\n"), *a = strstr(form, "name=\"a\"\r\n\r\n1\r\n");
  const char *b = strstr(form, "name=\"b\"\r\n\r\n2\r\n");
  assert_true(c && a && b && c < a && a < b);
  rig_fini(&rig);
}

/* -- where to -- */

static void run_class(struct rig *rig, const char *class, const char *body) {
  char text[2000];
  snprintf(text, sizeof(text), "local spate = require('spate')\n%s tasks = { t = function(user) %s end } })\n", class, body);
  rig_run(rig, text);
}

static void hosts(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig.options.host = "http://127.0.0.1:1/base/"; /* nothing listens there */
  run_class(&rig, "spate.load { host = 'http://127.0.0.1:2' } spate.user('U', { host = 'http://127.0.0.1:3',",
            "local r = user:get('/ok') assert(r.outcome == 'connect') assert(r.error:find('127.0.0.1:1', 1, true), r.error)");
  assert_no_task_errors(&rig); /* -H wins */
  rig_fini(&rig);
}

static void no_host(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig.options.host = "";
  run_class(&rig, "spate.user('U', {", "user:get('/ok')");
  assert_error(&rig, "task", "no host for '/ok': give --host URL, or spate.load{ host = … }");
  rig_fini(&rig);
}

static void a_whole_url_needs_no_host(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig.options.host = "";
  run_class(&rig, "spate.user('U', {", "assert(user:get('http://127.0.0.1:1/x').outcome == 'connect')");
  assert_no_task_errors(&rig);
  rig_fini(&rig);
}

/* -- timeouts: --timeout, else the request's, else the class's, else the run's -- */

static void run_timeout(int64_t forced_ns, const char *class, const char *spec, enum sp_outcome outcome) {
  struct rig rig;
  char head[100], body[200];
  rig_init(&rig, routes);
  if (forced_ns) rig.conf.timeouts.total_ns = forced_ns;
  rig.conf.total_timeout_forced = forced_ns > 0;
  snprintf(head, sizeof(head), "spate.user('U', { %s", class);
  snprintf(body, sizeof(body), "user:get('/slow', { %s })", spec);
  run_class(&rig, head, body);
  assert_no_task_errors(&rig);
  assert_int_equal(rig_outcomes(&rig, "t", outcome), 1);
  rig_fini(&rig);
}

static void timeouts(void **state) {
  (void)state;
  run_timeout(0, "", "", SP_OUTCOME_OK);
  run_timeout(0, "timeout = 0.05,", "", SP_OUTCOME_TIMEOUT);
  run_timeout(0, "timeout = '50ms',", "timeout = 10", SP_OUTCOME_OK);
  run_timeout(0, "timeout = 10,", "timeout = '50ms'", SP_OUTCOME_TIMEOUT);
  run_timeout(0, "", "timeout = math.huge", SP_OUTCOME_OK);
  run_timeout(0, "", "first_byte_timeout = 0.05", SP_OUTCOME_TIMEOUT);
  run_timeout(50 * MS, "timeout = 10,", "timeout = 10", SP_OUTCOME_TIMEOUT);
  run_timeout(10 * SP_NS_PER_S, "timeout = 0.05,", "timeout = 0.05", SP_OUTCOME_OK);
}

static void connections(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  run_class(&rig, "spate.user('U', { connection = 'request',",
            "for i = 1, 3 do user:get('/ok') end for i = 1, 2 do user:get('/ok', { connection = 'user' }) end");
  assert_no_task_errors(&rig);
  assert_int_equal(atomic_load(&rig.server.conn_count), 4);
  rig_fini(&rig);
}

static void names(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, routes);
  rig.load.iterations = 2;
  rig_run(&rig, "local spate = require('spate')\n"
                "spate.user('A', { on_start = function(user) user:get('/ok') end, tasks = { t = function(user)\n"
                "  user:get('/ok') user:get('/ok', { name = '' }) user:get('/ok') user:get('/ok', { name = 'n' })\n"
                "  user:get('/ok', { name = 'a\\0b' })\n"
                "end } })\n");
  assert_no_task_errors(&rig);
  assert_int_equal(rig_outcomes(&rig, "t", SP_OUTCOME_OK), 6);
  assert_int_equal(rig_outcomes(&rig, "n", SP_OUTCOME_OK), 2);
  assert_int_equal(rig_outcomes(&rig, "user_start", SP_OUTCOME_OK), 1);
  assert_string_equal(rig_cell(&rig, "t")->user_class, "A");
  assert_string_equal(rig_cell(&rig, "n")->task, "t");
  rig_fini(&rig);
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(methods_and_bodies),
    cmocka_unit_test(headers),
    cmocka_unit_test(a_spec_can_be_used_again),
    cmocka_unit_test(a_spec_with_a_metatable),
    cmocka_unit_test(a_header_block_at_its_cap),
    cmocka_unit_test(what_is_refused),
    cmocka_unit_test(one_form_is_the_same_each_time),
    cmocka_unit_test(hosts),
    cmocka_unit_test(no_host),
    cmocka_unit_test(a_whole_url_needs_no_host),
    cmocka_unit_test(timeouts),
    cmocka_unit_test(connections),
    cmocka_unit_test(names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
