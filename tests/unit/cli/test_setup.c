/* From flags and plan to a run: which one wins, and what is refused before anything starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/command.h"
#include "cli/reach_setup.h"
#include "cli/setup.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct sp_option *const all[] = { sp_options_plan, sp_options_load, sp_options_http, sp_options_output, NULL };

struct rig {
  char path[64];
  struct sp_options options;
  struct sp_setup setup;
  struct sp_err err;
  int code;
};

/* A plan with this load, and these flags behind it. */
static void set_up_words(struct rig *rig, const char *load, const char *const *words) {
  snprintf(rig->path, sizeof(rig->path), "/tmp/spate-setup-XXXXXX.lua");
  int fd = mkstemps(rig->path, 4);
  assert_true(fd >= 0);
  dprintf(fd, "local spate = require('spate')\nspate.user('U', { tasks = { t = function() end } })\n%s\n", load);
  close(fd);
  int argc = 0;
  while (words[argc]) argc++;
  sp_options_init(&rig->options);
  if (sp_options_parse(&rig->options, all, argc, (char **)words, &rig->err)) fail_msg("%s", rig->err.text);
  rig->options.arguments[0] = rig->path;
  rig->code = sp_setup_init(&rig->setup, &rig->options, &rig->err);
  unlink(rig->path);
}

static void tear_down(struct rig *rig) {
  if (rig->code == 0) sp_setup_fini(&rig->setup);
  sp_options_fini(&rig->options);
}

#define SET_UP(it, load, ...) \
  struct rig it; \
  set_up_words(&it, load, (const char *const[]){ __VA_ARGS__, NULL }); \
  if (it.code) fail_msg("%s", it.err.text)
#define NO_FLAGS "-q" /* says nothing about a setup */

static void refuse_words(const char *load, int code, const char *sentence, const char *const *words) {
  struct rig rig;
  set_up_words(&rig, load, words);
  if (rig.code != code || !strstr(rig.err.text, sentence)) fail_msg("%d '%s' is not in '%s'", rig.code, sentence, rig.err.text);
  tear_down(&rig);
}
#define REFUSE(load, code, sentence, ...) refuse_words(load, code, sentence, (const char *const[]){ __VA_ARGS__, NULL })

static void defaults(void **state) {
  (void)state;
  SET_UP(rig, "", NO_FLAGS);
  const struct sp_load *load = &rig.setup.load;
  assert_int_equal(load->users, 1);
  assert_true(load->spawn_per_s == 0);
  assert_int_equal(load->run_time_ns, 0);
  assert_int_equal(load->iterations, 0);
  assert_int_equal(load->stop_timeout_ns, 30 * SP_NS_PER_S);
  assert_int_equal(load->seed, 1);
  assert_int_equal(load->threads, 1); /* never more than users */
  const struct sp_lua_conf *conf = &rig.setup.conf;
  assert_int_equal(conf->timeouts.total_ns, 120 * SP_NS_PER_S);
  assert_int_equal(conf->timeouts.connect_ns, 10 * SP_NS_PER_S);
  assert_int_equal(conf->timeouts.first_byte_ns, 0);
  assert_int_equal(conf->timeouts.silence_ns, 0);
  assert_false(conf->total_timeout_forced);
  assert_int_equal(conf->connection, SP_HTTP_CONNECTION_USER);
  assert_int_equal(conf->version, SP_HTTP_1_1);
  assert_false(conf->version_forced);
  assert_int_equal(conf->redirects_max, 0);
  assert_int_equal(conf->stall_ns, SP_NS_PER_S);
  assert_ptr_equal(conf->plan, rig.setup.plan);
  assert_non_null(conf->tls);
  assert_string_equal(rig.setup.host, "");
  tear_down(&rig);
}

static void version_and_redirects(void **state) {
  (void)state;
  SET_UP(plan, "spate.load { http = 'auto', redirects = true, connection = 'shared' }", NO_FLAGS);
  assert_int_equal(plan.setup.conf.version, SP_HTTP_AUTO);
  assert_false(plan.setup.conf.version_forced);
  assert_int_equal(plan.setup.conf.redirects_max, 10);
  assert_int_equal(plan.setup.conf.connection, SP_HTTP_CONNECTION_SHARED);
  tear_down(&plan);
  SET_UP(flag, "spate.load { http = '2', redirects = 3 }", "--http", "1.1");
  assert_int_equal(flag.setup.conf.version, SP_HTTP_1_1);
  assert_true(flag.setup.conf.version_forced);
  assert_int_equal(flag.setup.conf.redirects_max, 3);
  tear_down(&flag);
  REFUSE("spate.load { http = '3' }", SP_EPLAN, "http of load{…} must be \"1.1\", \"2\" or \"auto\"", NO_FLAGS);
  REFUSE("spate.load { redirects = 1.5 }", SP_EPLAN, "redirects of load{…} must be a whole number", NO_FLAGS);
}

#define PLAN_LOAD "spate.load { users = 50, spawn_rate = 5, run_time = 60, stop_timeout = 7, warm_up = 3, seed = 9, timeout = 11,\n" \
                  "  connect_timeout = 12, first_byte_timeout = 13, silence_timeout = 14, stall = 2, connection = 'request',\n" \
                  "  host = 'http://plan:1/' }"

static void the_plans_word(void **state) {
  (void)state;
  SET_UP(rig, PLAN_LOAD, NO_FLAGS);
  const struct sp_load *load = &rig.setup.load;
  assert_int_equal(load->users, 50);
  assert_true(load->spawn_per_s == 5);
  assert_int_equal(load->run_time_ns, 60 * SP_NS_PER_S);
  assert_int_equal(load->stop_timeout_ns, 7 * SP_NS_PER_S);
  assert_int_equal(load->warm_up_ns, 3 * SP_NS_PER_S);
  assert_int_equal(load->seed, 9);
  const struct sp_lua_conf *conf = &rig.setup.conf;
  assert_int_equal(conf->timeouts.total_ns, 11 * SP_NS_PER_S);
  assert_int_equal(conf->timeouts.connect_ns, 12 * SP_NS_PER_S);
  assert_int_equal(conf->timeouts.first_byte_ns, 13 * SP_NS_PER_S);
  assert_int_equal(conf->timeouts.silence_ns, 14 * SP_NS_PER_S);
  assert_int_equal(conf->stall_ns, 2 * SP_NS_PER_S);
  assert_int_equal(conf->connection, SP_HTTP_CONNECTION_REQUEST);
  assert_false(conf->total_timeout_forced);
  assert_string_equal(rig.setup.host, "http://plan:1/");
  tear_down(&rig);
}

static void flags_win(void **state) {
  (void)state;
  SET_UP(rig, PLAN_LOAD, "-u", "8", "-r", "2", "-t", "9s", "--stop-timeout", "0", "--warm-up", "0", "--seed", "0", "--timeout", "0",
         "--connect-timeout", "1", "--first-byte-timeout", "0", "--silence-timeout", "0", "--stall", "5s", "-H", "http://u:p@flag:2",
         "--threads", "3");
  const struct sp_load *load = &rig.setup.load;
  assert_int_equal(load->users, 8);
  assert_true(load->spawn_per_s == 2);
  assert_int_equal(load->run_time_ns, 9 * SP_NS_PER_S);
  assert_int_equal(load->stop_timeout_ns, 0);
  assert_int_equal(load->warm_up_ns, 0);
  assert_int_equal(load->seed, 0);
  assert_int_equal(load->threads, 3);
  const struct sp_lua_conf *conf = &rig.setup.conf;
  assert_int_equal(conf->timeouts.total_ns, 0);
  assert_true(conf->total_timeout_forced);
  assert_int_equal(conf->timeouts.connect_ns, SP_NS_PER_S);
  assert_int_equal(conf->timeouts.first_byte_ns, 0);
  assert_int_equal(conf->timeouts.silence_ns, 0);
  assert_int_equal(conf->stall_ns, 5 * SP_NS_PER_S);
  assert_string_equal(rig.setup.host, "http://flag:2"); /* no password for people */
  assert_string_equal(sp_plan_host(rig.setup.plan), "http://u:p@flag:2");
  tear_down(&rig);
}

static void iterations_end_a_run(void **state) {
  (void)state;
  SET_UP(plain, PLAN_LOAD, "--iterations", "5");
  assert_int_equal(plain.setup.load.iterations, 5);
  assert_int_equal(plain.setup.load.run_time_ns, 0); /* the plan's run time is no longer meant */
  tear_down(&plain);
  SET_UP(both, PLAN_LOAD, "--iterations", "5", "-t", "10s");
  assert_int_equal(both.setup.load.run_time_ns, 10 * SP_NS_PER_S);
  tear_down(&both);
  SET_UP(own, "spate.load { iterations = 3, run_time = 20 }", NO_FLAGS);
  assert_int_equal(own.setup.load.iterations, 3);
  assert_int_equal(own.setup.load.run_time_ns, 20 * SP_NS_PER_S);
  tear_down(&own);
}

static void loads_of_the_plans_own(void **state) {
  (void)state;
  SET_UP(shape, "spate.load { shape = { rate = function() return 5 end, every = 0.5 }, run_time = 20 }", NO_FLAGS);
  const struct sp_load *load = &shape.setup.load;
  struct sp_shape_point point = { 0 };
  assert_int_equal(load->kind, SP_LOAD_RATE);
  assert_int_equal(load->shape_period_ns, SP_NS_PER_S / 2);
  assert_int_equal(load->run_time_ns, 20 * SP_NS_PER_S);
  assert_int_equal(load->shape(load->shape_ctx, 0, &point), 0);
  assert_true(point.level == 5);
  tear_down(&shape);
  SET_UP(flags, "spate.load { shape = function() return 5 end }", "-u", "3");
  assert_null(flags.setup.load.shape); /* as over stages: what the command line says wins */
  assert_int_equal(flags.setup.load.users, 3);
  tear_down(&flags);
}

static void a_recorded_load(void **state) {
  (void)state;
  char path[] = "/tmp/spate-setup-XXXXXX.jsonl", text[200];
  int fd = mkstemps(path, 6);
  assert_true(fd >= 0);
  dprintf(fd, "{\"timestamp\":1}\n{\"timestamp\":4}\n");
  close(fd);
  snprintf(text, sizeof(text), "spate.load { replay = spate.replay('%s', { speed = 2 }), max_in_flight = 7 }", path);
  SET_UP(replay, text, NO_FLAGS);
  const struct sp_load *load = &replay.setup.load;
  assert_int_equal(load->kind, SP_LOAD_RATE);
  assert_int_equal(load->trace_count, 2);
  assert_int_equal(load->trace[1], 1500 * SP_NS_PER_MS);
  assert_int_equal(load->max_in_flight, 7);
  assert_true(replay.setup.conf.replaying);
  tear_down(&replay);
  SET_UP(flags, text, "--rate", "9/s");
  assert_null(flags.setup.load.trace);
  assert_false(flags.setup.conf.replaying);
  tear_down(&flags);
  unlink(path);
}

static void threads(void **state) {
  (void)state;
  cpu_set_t allowed;
  assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  SET_UP(many, "", "-u", "100000");
  assert_int_equal(many.setup.load.threads, CPU_COUNT(&allowed)); /* what this process may use, not what the machine has */
  tear_down(&many);
  SET_UP(few, "", "-u", "2", "--threads", "8");
  assert_int_equal(few.setup.load.threads, 2);
  tear_down(&few);
}

static void one_processor_one_thread(void **state) {
  (void)state;
  cpu_set_t before, one;
  assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
  CPU_ZERO(&one);
  for (size_t i = 0; i < CPU_SETSIZE; i++) {
    if (!CPU_ISSET(i, &before)) continue;
    CPU_SET(i, &one);
    break;
  }
  assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
  SET_UP(rig, "", "-u", "100");
  assert_int_equal(rig.setup.load.threads, 1);
  tear_down(&rig);
  sched_setaffinity(0, sizeof(before), &before);
}

static void refused(void **state) {
  (void)state;
  REFUSE("spate.load { users = 5, shape = function() end }", SP_EPLAN,
         "a shape and a replay are loads that exclude each other", NO_FLAGS);
  REFUSE("spate.load { users = 0 }", SP_EPLAN, "the plan's load: users must be 1 to 1000000, not 0", NO_FLAGS);
  REFUSE("spate.load { users = 2000000 }", SP_EPLAN, "the plan's load: users must be 1 to 1000000, not 2000000", NO_FLAGS);
  REFUSE("spate.load { run_time = 10 }", SP_EUSAGE, "the warm-up must be shorter than the run time", "--warm-up", "10s");
  REFUSE("spate.load { stages = '5:x' }", SP_EPLAN, "the plan's load: stages: ", "--iterations", "3");
  REFUSE("spate.load { host = 'localhost:80' }", SP_EPARSE, "host: 'localhost:80' has no scheme", NO_FLAGS);
  REFUSE("error('on purpose')", SP_EPLAN, ".lua:3: on purpose", NO_FLAGS);
  REFUSE("", SP_EUSAGE, "no task is left to run", "-T", "nothing");
  REFUSE("", SP_EUSAGE, "the plan has no parameter 'x'", "-e", "x=1");
  REFUSE("", SP_EUSAGE, "--key needs its certificate", "--key", "file");
  REFUSE("", SP_EIO, "/nothing/here", "--cacert", "/nothing/here");
}

/* What would do nothing is said, not passed over. */
static void idle_beside_this_load(void **state) {
  (void)state;
  REFUSE("", SP_EUSAGE, "max-in-flight caps an open loop", "-u", "5", "--max-in-flight", "9");
  REFUSE("spate.load { users = 5 }", SP_EUSAGE, "max-in-flight caps an open loop", "--max-in-flight", "9");
  REFUSE("", SP_EUSAGE, "arrivals space the starts of an open loop", "--in-flight", "5", "--arrivals", "poisson");
  REFUSE("", SP_EUSAGE, "the spawn rate is of users", "--rate", "5/s", "-r", "5");
  REFUSE("spate.load { rate = '5/s' }", SP_EUSAGE, "the spawn rate is of users", "-r", "5");
  REFUSE("spate.load { users = 5, max_in_flight = 9 }", SP_EPLAN, "the plan's load: max-in-flight caps", NO_FLAGS);
  REFUSE("spate.load { users = 5, arrivals = 'even' }", SP_EPLAN, "the plan's load: arrivals space", NO_FLAGS);
  REFUSE("spate.load { rate = '5/s', spawn_rate = 5 }", SP_EPLAN, "the plan's load: the spawn rate", NO_FLAGS);
  SET_UP(flags, "spate.load { rate = '5/s', arrivals = 'even', max_in_flight = 9 }", "-u", "3", "-r", "1");
  tear_down(&flags); /* the plan's whole shape is replaced */
  SET_UP(plan, "spate.load { rate = '5/s' }", "--arrivals", "even", "--max-in-flight", "9");
  assert_int_equal(plan.setup.load.arrivals, SP_ARRIVALS_EVEN);
  tear_down(&plan);
}

static void no_plan(void **state) {
  (void)state;
  struct sp_options options;
  struct sp_setup setup;
  struct sp_err err;
  sp_options_init(&options);
  options.arguments[0] = "dify:caht";
  assert_int_equal(sp_setup_init(&setup, &options, &err), SP_ENOTFOUND);
  assert_non_null(strstr(err.text, "did you mean 'dify:chat'?"));
}

/* -- the limit of open files, in a child: a hard limit cannot be raised again -- */

static void in_child(void (*body)(void)) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void expect(bool fine, int code) {
  if (!fine) _exit(code);
}

static void lower_soft_only(void) {
  struct rlimit limit;
  struct sp_err err;
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < 400) return;
  limit.rlim_cur = 100;
  expect(setrlimit(RLIMIT_NOFILE, &limit) == 0, 1);
  expect(sp_raise_file_limit(10, &err) == 0, 2);
  getrlimit(RLIMIT_NOFILE, &limit);
  expect(limit.rlim_cur == 100, 3); /* enough: left alone */
  expect(sp_raise_file_limit(300, &err) == 0, 4);
  getrlimit(RLIMIT_NOFILE, &limit);
  expect(limit.rlim_cur >= 300, 5);
}

static void lower_both(void) {
  struct rlimit limit = { 100, 200 };
  struct sp_err err;
  expect(setrlimit(RLIMIT_NOFILE, &limit) == 0, 1);
  if (geteuid() == 0) expect(setgid(65534) == 0 && setuid(65534) == 0, 2); /* root could raise the hard one */
  expect(sp_raise_file_limit(100, &err) == 0, 3);
  expect(sp_raise_file_limit(100000, &err) == SP_EIO, 4);
  expect(strstr(err.text, "100000 users need 100064 open files, but the limit (RLIMIT_NOFILE, hard) is 200: raise it with "
                          "'ulimit -n 100064' as root") != NULL, 5);
  getrlimit(RLIMIT_NOFILE, &limit);
  expect(limit.rlim_cur == 200, 6); /* what is allowed is taken: a mock goes on with that */
}

static void the_limit_of_files(void **state) {
  (void)state;
  in_child(lower_soft_only);
  in_child(lower_both);
}

/* Where no option is given, the environment's proxy is used for what is not on this machine. */
static void ways(void **state) {
  (void)state;
  setenv("http_proxy", "http://me:hunter2@proxy.test:3128", 1);
  setenv("no_proxy", "near.test", 1);
  SET_UP(ambient, "", "-H", "http://far.test");
  assert_string_equal(sp_reach_ambient_proxy(&ambient.setup.reach, "http://far.test"), "http://proxy.test:3128 (http_proxy)");
  assert_null(sp_reach_ambient_proxy(&ambient.setup.reach, "http://near.test"));
  assert_null(sp_reach_ambient_proxy(&ambient.setup.reach, "http://localhost:5001"));
  assert_ptr_equal(ambient.setup.conf.reach, &ambient.setup.reach);
  tear_down(&ambient);
  SET_UP(given, "", "--proxy", "http://other.test:1", "--connect-rate", "50/s", "--dns", "random");
  assert_null(sp_reach_ambient_proxy(&given.setup.reach, "http://far.test")); /* asked for: no notice */
  assert_string_equal(given.setup.reach.proxies.https.host, "other.test");
  assert_int_equal(given.setup.reach.pacer.gap_ns, 20 * SP_NS_PER_MS);
  assert_int_equal(given.setup.reach.choice, SP_DNS_RANDOM);
  tear_down(&given);
  SET_UP(socket, "", "--unix-socket", "/run/app.sock");
  assert_true(socket.setup.reach.unix_socket.len > 0);
  assert_null(socket.setup.reach.proxies.http.host);
  tear_down(&socket);
  SET_UP(network, "", "--resolve", "a:80:127.0.0.1", "--resolve", "b:80:127.0.0.2", "--source", "127.0.0.1");
  assert_int_equal(network.setup.reach.resolves.count, 2);
  assert_int_equal(network.setup.reach.sources.count, 1);
  tear_down(&network);
  unsetenv("no_proxy");
}

static void ways_that_cannot_be(void **state) {
  (void)state;
  REFUSE("", SP_EUSAGE, "--resolve is for networks", "--unix-socket", "/s", "--resolve", "a:1:127.0.0.1");
  REFUSE("", SP_EUSAGE, "--source is for networks", "--unix-socket", "/s", "--source", "127.0.0.1");
  REFUSE("", SP_EUSAGE, "two ways to the target", "--unix-socket", "/s", "--proxy", "http://p:1");
  setenv("http_proxy", "socks5://me:hunter2@proxy.test:1", 1);
  REFUSE("", SP_EUSAGE, "http_proxy of the environment: SOCKS proxies are not known here", "-H", "http://far.test");
  SET_UP(unminded, "", "-H", "http://127.0.0.1:5001");
  tear_down(&unminded);
  SET_UP(without, "", "-H", "http://far.test", "--proxy", "");
  tear_down(&without);
  unsetenv("http_proxy");
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(defaults),
    cmocka_unit_test(the_plans_word),
    cmocka_unit_test(version_and_redirects),
    cmocka_unit_test(flags_win),
    cmocka_unit_test(iterations_end_a_run),
    cmocka_unit_test(loads_of_the_plans_own),
    cmocka_unit_test(a_recorded_load),
    cmocka_unit_test(threads),
    cmocka_unit_test(one_processor_one_thread),
    cmocka_unit_test(refused),
    cmocka_unit_test(idle_beside_this_load),
    cmocka_unit_test(no_plan),
    cmocka_unit_test(the_limit_of_files),
    cmocka_unit_test(ways),
    cmocka_unit_test(ways_that_cannot_be),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
