/* PLAN of docs/web-api.md: what a plan says of itself. A secret's value is never among it. */
#include "base/units.h"
#include "cli/serving_inside.h"
#include "report/json_put.h"
#include "script/embedded.h"

#include <stdlib.h>

static void put_text(struct sp_buf *out, const char *key, const char *text) {
  sp_buf_printf(out, "\"%s\":", key);
  if (text) sp_json_put_text(out, sp_str_from(text), SP_JSON_PUT_MAX);
  else sp_buf_append_text(out, "null");
}

/* -- classes and parameters -- */

static void put_tasks(struct sp_buf *out, const struct sp_class_spec *class) {
  for (size_t i = 0; i < class->task_count; i++) {
    sp_buf_append_text(out, i ? ",{" : "{");
    put_text(out, "name", class->tasks[i].name);
    sp_buf_printf(out, ",\"weight\":%u}", class->tasks[i].weight);
  }
}

static void put_classes(struct sp_buf *out, const struct sp_plan *plan) {
  sp_buf_append_text(out, ",\"classes\":[");
  for (size_t i = 0; i < plan->class_count; i++) {
    sp_buf_append_text(out, i ? ",{" : "{");
    put_text(out, "name", plan->classes[i].name);
    sp_buf_printf(out, ",\"weight\":%u,\"tasks\":[", plan->classes[i].weight);
    put_tasks(out, &plan->classes[i]);
    sp_buf_append_text(out, "]}");
  }
  sp_buf_append_char(out, ']');
}

static void put_params(struct sp_buf *out, const struct sp_plan *plan, const struct sp_options *base) {
  struct sp_plan_options given = {.settings = base->settings, .setting_count = base->setting_count};
  sp_buf_append_text(out, ",\"params\":[");
  for (size_t i = 0; i < plan->param_count; i++) {
    const struct sp_param *param = &plan->params[i];
    sp_buf_append_text(out, i ? ",{" : "{");
    put_text(out, "name", param->name);
    sp_buf_append_char(out, ',');
    put_text(out, "description", param->description ? param->description : "");
    sp_buf_append_char(out, ',');
    put_text(out, "default", param->secret ? NULL : param->default_text);
    sp_buf_printf(out, ",\"secret\":%s,\"required\":%s,\"set\":%s}", param->secret ? "true" : "false",
                  param->required ? "true" : "false", sp_plan_given(&given, param->name) ? "true" : "false");
  }
  sp_buf_append_char(out, ']');
}

/* -- the load, as the options' readers would take it -- */

static int64_t pick(int64_t flag, int64_t plan) { return flag >= 0 ? flag : plan; }

static void put_count(struct sp_buf *out, const char *key, int64_t count) {
  if (count >= 0) sp_buf_printf(out, ",\"%s\":\"%lld\"", key, (long long)count);
  else sp_buf_printf(out, ",\"%s\":null", key);
}

/* Whole milliseconds as "1500ms", whole seconds as "90s": nothing is lost on the way back. */
static void put_duration(struct sp_buf *out, const char *key, int64_t ns) {
  const char *unit = ns % SP_NS_PER_S == 0 ? "s" : ns % SP_NS_PER_MS == 0 ? "ms" : "us";
  int64_t one = ns % SP_NS_PER_S == 0 ? SP_NS_PER_S : ns % SP_NS_PER_MS == 0 ? SP_NS_PER_MS : SP_NS_PER_US;
  if (ns >= 0) sp_buf_printf(out, ",\"%s\":\"%lld%s\"", key, (long long)(ns / one), unit);
  else sp_buf_printf(out, ",\"%s\":null", key);
}

static bool says_shape(const struct sp_plan_load *load) {
  return load->users >= 0 || load->stages || load->rate || load->in_flight >= 0;
}

static void put_load(struct sp_buf *out, const struct sp_plan_load *plan, const struct sp_plan_load *flags) {
  const struct sp_plan_load *shape = says_shape(flags) ? flags : plan;
  double spawn_per_s = flags->spawn_per_s > 0 ? flags->spawn_per_s : plan->spawn_per_s;
  sp_buf_append_text(out, ",\"load\":{");
  put_text(out, "stages", shape->stages);
  sp_buf_append_char(out, ',');
  put_text(out, "rate", shape->rate);
  put_count(out, "users", shape->users);
  put_count(out, "in-flight", shape->in_flight);
  if (spawn_per_s > 0) sp_buf_printf(out, ",\"spawn-rate\":\"%g\"", spawn_per_s);
  else sp_buf_append_text(out, ",\"spawn-rate\":null");
  put_duration(out, "run-time", pick(flags->run_time_ns, plan->run_time_ns));
  put_duration(out, "warm-up", pick(flags->warm_up_ns, plan->warm_up_ns));
  put_duration(out, "stop-timeout", pick(flags->stop_timeout_ns, plan->stop_timeout_ns));
  put_duration(out, "timeout", pick(flags->timeout_ns, plan->timeout_ns));
  put_count(out, "iterations", pick(flags->iterations, plan->iterations));
  put_count(out, "max-in-flight", pick(flags->max_in_flight, plan->max_in_flight));
  put_count(out, "seed", pick(flags->seed, plan->seed));
  sp_buf_append_char(out, ',');
  put_text(out, "arrivals", flags->arrivals ? flags->arrivals : plan->arrivals);
  sp_buf_append_char(out, '}');
}

static void put_slos(struct sp_buf *out, const struct sp_plan *plan, const struct sp_options *base) {
  size_t count = base->slo_count ? base->slo_count : plan->slo_count;
  sp_buf_append_text(out, ",\"slos\":[");
  for (size_t i = 0; i < count; i++) {
    sp_buf_append_text(out, i ? "," : "");
    sp_json_put_text(out, sp_str_from(base->slo_count ? base->slos[i] : plan->slos[i]), SP_JSON_PUT_MAX);
  }
  sp_buf_append_char(out, ']');
}

/* -- a plan -- */

static void put_loaded(struct sp_buf *out, const struct sp_plan *plan, const struct sp_options *base) {
  char *host = sp_setup_redact(base->host ? base->host : plan->load.host ? plan->load.host : "");
  put_classes(out, plan);
  put_params(out, plan, base);
  sp_buf_append_char(out, ',');
  put_text(out, "host", host);
  free(host);
  put_load(out, &plan->load, &base->load);
  put_slos(out, plan, base);
  sp_buf_append_text(out, ",\"error\":null");
}

static void put_broken(struct sp_buf *out, const struct sp_err *err) {
  sp_buf_append_text(out, ",\"classes\":[],\"params\":[],\"host\":\"\",\"load\":{},\"slos\":[],");
  put_text(out, "error", err->text);
}

static void put_plan(struct sp_buf *out, const char *name, const struct sp_options *base) {
  struct sp_err err;
  const struct sp_embedded *file = sp_embedded_find("plan", name);
  struct sp_plan_options options = {.name = name, .describing = true};
  struct sp_plan *plan = sp_plan_load(&options, &err);
  sp_buf_append_char(out, '{');
  put_text(out, "name", name);
  sp_buf_append_text(out, ",\"description\":");
  struct sp_str about = plan ? sp_plan_about(sp_str_of(plan->source, plan->source_len)) : SP_STR("");
  sp_json_put_text(out, about, SP_JSON_PUT_MAX);
  sp_buf_printf(out, ",\"builtin\":%s", file ? "true" : "false");
  if (plan) put_loaded(out, plan, base);
  else put_broken(out, &err);
  sp_buf_append_char(out, '}');
  sp_plan_destroy(plan);
}

void sp_serving_put_plans(const struct sp_options *base, struct sp_buf *out) {
  const char *comma = "[";
  for (int i = 0; i < base->argument_count; i++) {
    sp_buf_append_text(out, comma);
    put_plan(out, base->arguments[i], base);
    comma = ",";
  }
  for (const struct sp_embedded *file = sp_embedded_files; file->name; file++) {
    bool named = false;
    for (int i = 0; i < base->argument_count; i++) named |= strcmp(base->arguments[i], file->name) == 0;
    if (named || strcmp(file->kind, "plan") != 0) continue;
    sp_buf_append_text(out, comma);
    put_plan(out, file->name, base);
    comma = ",";
  }
  sp_buf_append_text(out, comma[0] == '[' ? "[]" : "]");
}
