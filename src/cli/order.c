#include "cli/order.h"

#include "base/mem.h"
#include "script/embedded.h"
#include "stats/slo.h"

#include <stdlib.h>

static const struct sp_option *const groups[] = {sp_options_plan, sp_options_load, sp_options_slo, sp_options_http,
                                                 sp_options_output, NULL};

/* What the page may give. Nothing that names a file, an output or a certificate; settings and host have places of their
 * own. A shape replaces whichever the command line gave, a list the command line's list. */
static const struct {
  const char *name;
  bool shape;
} allowed[] = {
    {"users", true}, {"stages", true}, {"rate", true}, {"in-flight", true}, {"spawn-rate", false}, {"run-time", false},
    {"iterations", false}, {"warm-up", false}, {"stop-timeout", false}, {"arrivals", false}, {"max-in-flight", false},
    {"stall", false}, {"threads", false}, {"seed", false}, {"slo", false}, {"compat", false}, {"task", false},
    {"user-class", false}, {"name", false}, {"tag", false}, {"timeout", false}, {"connect-timeout", false},
    {"first-byte-timeout", false}, {"silence-timeout", false}, {"http", false}};

static int find_allowed(const char *name) {
  for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
    if (strcmp(allowed[i].name, name) == 0) return (int)i;
  }
  return -1;
}

static const char *keep(struct sp_order *order, const char *text) {
  return order->texts[order->text_count++] = sp_strdup(text);
}

bool sp_plan_is_offered(const struct sp_options *base, const char *name) {
  for (int i = 0; i < base->argument_count; i++) {
    if (strcmp(base->arguments[i], name) == 0) return true;
  }
  return sp_embedded_find("plan", name) != NULL;
}

/* -- options -- */

/* With what only makes sense beside it. */
static void clear_shape(struct sp_plan_load *load) {
  load->users = load->in_flight = load->max_in_flight = -1;
  load->spawn_per_s = -1;
  load->stages = load->rate = load->arrivals = NULL;
}

/* The command line's, where the page gives the same in its place. */
static void make_way(struct sp_options *options, const struct sp_web_form *form) {
  for (size_t i = 0; i < form->option_count; i++) {
    const char *key = form->options[i].key;
    int at = find_allowed(key);
    if (at >= 0 && allowed[at].shape) clear_shape(&options->load);
    if (strcmp(key, "slo") == 0) options->slo_count = 0;
    if (strcmp(key, "task") == 0) options->task_pattern_count = 0;
    if (strcmp(key, "user-class") == 0) options->class_name_count = 0;
    if (strcmp(key, "tag") == 0) options->tag_count = 0;
    if (strcmp(key, "compat") == 0) options->compat = 0;
  }
}

static int take_options(struct sp_order *order, const struct sp_web_form *form, const char **field, struct sp_err *err) {
  for (size_t i = 0; i < form->option_count; i++) {
    *field = form->options[i].key;
    if (find_allowed(*field) < 0) return sp_fail(err, SP_EUSAGE, "there is no option '--%s' here", *field);
    int code = sp_options_take(&order->options, groups, *field, keep(order, form->options[i].value), err);
    if (code) return code;
  }
  *field = NULL;
  return 0;
}

static int take_settings(struct sp_order *order, const struct sp_web_form *form, const char **field, struct sp_err *err) {
  struct sp_options *options = &order->options;
  for (size_t i = 0; i < form->setting_count; i++) {
    const struct sp_web_pair *pair = &form->settings[i];
    if (!*pair->value) continue; /* left empty: what the command line or the plan says */
    *field = pair->key;
    if (options->setting_count == SP_SETTINGS_MAX) return sp_fail(err, SP_EUSAGE, "over %u settings", SP_SETTINGS_MAX);
    options->settings[options->setting_count++] = (struct sp_setting){keep(order, pair->key), keep(order, pair->value)};
  }
  *field = NULL;
  return 0;
}

static int take_plan(struct sp_order *order, const struct sp_options *base, const char *plan, const char **field,
                     struct sp_err *err) {
  order->options.argument_count = 0;
  if (!plan) return 0;
  *field = "plan";
  if (!sp_plan_is_offered(base, plan)) {
    return sp_fail(err, SP_EUSAGE, "there is no plan '%s' here: name it when spate is started", plan);
  }
  order->options.arguments[order->options.argument_count++] = keep(order, plan);
  *field = NULL;
  return 0;
}

int sp_order_read(struct sp_order *order, const struct sp_options *base, const struct sp_web_form *form, const char **field,
                  struct sp_err *err) {
  order->options = *base;
  order->options.owned_count = 0; /* those are the command line's */
  *field = NULL;
  make_way(&order->options, form);
  int code = take_plan(order, base, form->plan, field, err);
  if (code == 0 && form->host) {
    *field = "host";
    code = sp_options_take(&order->options, groups, "host", keep(order, form->host), err);
    if (code == 0) *field = NULL;
  }
  if (code == 0) code = take_settings(order, form, field, err);
  return code ? code : take_options(order, form, field, err);
}

/* -- the setup -- */

/* The parameter whose value the plan misses; NULL: that is not it. */
static const char *missing_param(struct sp_order *order) {
  struct sp_plan_options options = {.name = order->options.arguments[0], .settings = order->options.settings,
      .setting_count = order->options.setting_count};
  struct sp_plan_options describing = {.name = options.name, .describing = true};
  struct sp_err ignored;
  struct sp_plan *plan = sp_plan_load(&describing, &ignored);
  const char *missing = NULL;
  for (size_t i = 0; plan && i < plan->param_count && !missing; i++) {
    const char *name = plan->params[i].name;
    if (plan->params[i].required && !sp_plan_given(&options, name)) missing = keep(order, name);
  }
  sp_plan_destroy(plan);
  return missing;
}

int sp_order_settle(struct sp_order *order, const char **field, struct sp_err *err) {
  *field = NULL;
  if (order->options.argument_count == 0) {
    *field = "plan";
    return sp_fail(err, SP_EUSAGE, "a run needs a plan");
  }
  if (sp_setup_init(&order->setup, &order->options, err)) {
    *field = missing_param(order);
    return err->code;
  }
  order->settled = true;
  return 0;
}

void sp_order_fini(struct sp_order *order) {
  if (order->settled) sp_setup_fini(&order->setup);
  sp_options_fini(&order->options);
  for (size_t i = 0; i < order->text_count; i++) free(order->texts[i]);
  *order = (struct sp_order){0};
}
