#include "rig.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- plans -- */

bool rig_plan_load(struct rig_plan *it, const char *text) {
  snprintf(it->path, sizeof(it->path), "/tmp/spate-plan-XXXXXX.lua");
  int fd = mkstemps(it->path, 4);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
  it->options.name = it->path;
  it->plan = sp_plan_load(&it->options, &it->err);
  return it->plan != NULL;
}

void rig_plan_free(struct rig_plan *it) {
  sp_plan_destroy(it->plan);
  it->plan = NULL;
  if (*it->path) unlink(it->path);
}

void assert_plan_fails(const char *text, const char *sentence) {
  struct rig_plan it = { 0 };
  bool loaded = rig_plan_load(&it, text);
  if (loaded) print_error("loaded: %s\n", text);
  assert_false(loaded);
  if (!strstr(it.err.text, sentence)) print_error("'%s' is not in '%s'\n", sentence, it.err.text);
  assert_non_null(strstr(it.err.text, sentence));
  rig_plan_free(&it);
}

/* -- runs -- */

void rig_init(struct rig *rig, const struct route *routes) {
  memset(rig, 0, sizeof(*rig));
  rig->routes = routes;
  sp_load_init(&rig->load);
  rig->load.threads = 1;
  rig->load.iterations = 1;
  rig->conf.timeouts = (struct sp_http_timeouts){ .connect_ns = 10 * SP_NS_PER_S, .total_ns = 20 * SP_NS_PER_S };
  rig->conf.stall_ns = SP_NS_PER_S;
}

static void on_end(void *ctx) {
  struct rig *rig = ctx;
  sp_loop_stop(rig->loop);
}

static void on_due(struct sp_timer *timer) {
  struct rig *rig = sp_container_of(timer, struct rig, timer);
  int requests = rig->stop_at_requests + rig->cut_at_requests;
  if (atomic_load(&rig->server.request_count) < requests) {
    sp_timer_start(timer, sp_loop_now(rig->loop) + 2 * MS);
    return;
  }
  if (rig->cut_after_ns || rig->cut_at_requests) sp_run_cut(rig->run);
  else sp_run_stop(rig->run);
}

static void on_tick(void *ctx, const struct sp_run_view *view) {
  struct rig *rig = ctx;
  if (view->phase >= SP_PHASE_ENDING && ++rig->ending_ticks == 2) atomic_store(&rig->server.gate, true);
}

static void stop_run(void *arg) {
  struct rig *rig = arg;
  sp_run_stop(rig->run);
}

static void on_task_error(void *ctx, const char *task, const char *detail) {
  struct rig *rig = ctx;
  (void)task, (void)detail;
  sp_loop_post(rig->loop, stop_run, rig);
}

static void run_plan(struct rig *rig) {
  struct sp_err err;
  struct sp_plan *plan = rig->plan.plan;
  rig->conf.plan = plan;
  rig->tap = (struct sp_tap){ .ctx = rig, .on_task_error = on_task_error };
  if (rig->stop_on_error) rig->conf.tap = &rig->tap;
  rig->loop = sp_loop_create(&err);
  assert_non_null(rig->loop);
  struct sp_run_options options = { .loop = rig->loop, .load = &rig->load, .classes = plan->classes,
    .class_count = plan->class_count, .type = &sp_user_lua, .type_conf = &rig->conf,
    .on_tick = on_tick, .on_end = on_end, .ctx = rig };
  rig->run = sp_run_create(&options, &err);
  if (!rig->run) print_error("%s\n", err.text);
  assert_non_null(rig->run);
  sp_timer_init(&rig->timer, rig->loop, on_due);
  int64_t after_ns = rig->cut_after_ns + rig->stop_after_ns;
  if (after_ns || rig->stop_at_requests || rig->cut_at_requests) sp_timer_start(&rig->timer, sp_loop_now(rig->loop) + after_ns);
  assert_int_equal(sp_run_start(rig->run, &err), 0);
  sp_loop_run(rig->loop);
  sp_timer_stop(&rig->timer);
}

static void keep_results(struct rig *rig) {
  sp_run_facts(rig->run, &rig->facts);
  if (rig->facts.aborted) snprintf(rig->aborted, sizeof(rig->aborted), "%s", rig->facts.aborted);
  rig->totals = sp_interval_create();
  sp_interval_merge(rig->totals, sp_run_totals(rig->run));
  sp_tally_interval(rig->totals, &rig->tally);
  assert_true(sp_tally_closes(&rig->tally));
}

void rig_run(struct rig *rig, const char *text) {
  static const struct route none[] = { { NULL, NULL } };
  server_start(&rig->server, rig->routes ? rig->routes : none);
  char host[64];
  snprintf(host, sizeof(host), "http://127.0.0.1:%u", (unsigned)rig->server.port);
  rig->plan.options = rig->options;
  if (!rig->plan.options.host) rig->plan.options.host = host;
  if (!rig_plan_load(&rig->plan, text)) fail_msg("%s", rig->plan.err.text);
  run_plan(rig);
  keep_results(rig);
  sp_run_destroy(rig->run);
  sp_loop_destroy(rig->loop);
  rig_plan_free(&rig->plan);
  server_stop(&rig->server);
}

void rig_fini(struct rig *rig) {
  sp_interval_destroy(rig->totals);
  server_fini(&rig->server);
}

void rig_run_task(struct rig *rig, const char *body) {
  char text[10000];
  int len = snprintf(text, sizeof(text),
                     "local spate = require('spate')\n"
                     "spate.user('U', { tasks = { t = function(user)\n%s\nend } })\n", body);
  assert_true(len > 0 && (size_t)len < sizeof(text));
  rig_run(rig, text);
}

void rig_task(struct rig *rig, const struct route *routes, const char *body) {
  rig_init(rig, routes);
  rig_run_task(rig, body);
}

/* -- looking at it -- */

const struct sp_cell *rig_cell(const struct rig *rig, const char *name) {
  for (size_t i = 0; i < rig->totals->cells.count; i++) {
    const struct sp_cell *cell = rig->totals->cells.entries[i].value;
    if (strcmp(cell->name, name) == 0) return cell;
  }
  return NULL;
}

uint64_t rig_outcomes(const struct rig *rig, const char *name, enum sp_outcome outcome) {
  const struct sp_cell *cell = rig_cell(rig, name);
  return cell ? cell->outcomes[outcome] : 0;
}

static const struct sp_error_cell *error_at(const struct rig *rig, size_t i) { return rig->totals->errors.entries[i].value; }

void assert_no_task_errors(const struct rig *rig) {
  for (size_t i = 0; i < rig->totals->errors.count; i++) {
    const struct sp_error_cell *error = error_at(rig, i);
    if (strcmp(error->kind, "task") == 0) print_error("%s: %s\n", error->name, error->detail);
  }
  assert_int_equal(rig->totals->task_errors, 0);
}

void assert_error(const struct rig *rig, const char *kind, const char *text) {
  for (size_t i = 0; i < rig->totals->errors.count; i++) {
    if (strcmp(error_at(rig, i)->kind, kind) == 0 && strstr(error_at(rig, i)->detail, text)) return;
  }
  for (size_t i = 0; i < rig->totals->errors.count; i++) {
    print_error("%s %s: %s\n", error_at(rig, i)->name, error_at(rig, i)->kind, error_at(rig, i)->detail);
  }
  fail_msg("there is no error '%s' of kind %s", text, kind);
}
