#include "cli/run_params.h"

#include "base/mem.h"
#include "cli/setup.h"

#include <stdlib.h>

/* A secret's value stays here, and so does a password in a URL. */
static char *shown_value(const struct sp_param *param) {
  const char *value = param->value ? param->value : param->default_text ? param->default_text : "";
  if (param->secret) return NULL;
  return strstr(value, "://") ? sp_setup_redact(value) : sp_strdup(value);
}

void sp_run_params_init(struct sp_run_params *params, const struct sp_plan *plan, struct sp_run_begin *begin) {
  for (params->count = 0; params->count < plan->param_count; params->count++) {
    char *value = params->owned[params->count] = shown_value(&plan->params[params->count]);
    params->list[params->count] = (struct sp_run_param){plan->params[params->count].name, value};
  }
  begin->plan_text = sp_str_of(plan->source, plan->source_len);
  begin->params = params->list;
  begin->param_count = params->count;
}

void sp_run_params_fini(struct sp_run_params *params) {
  for (size_t i = 0; i < params->count; i++) free(params->owned[i]);
  params->count = 0;
}
