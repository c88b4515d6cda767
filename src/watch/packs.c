/* The families of exporters: a new one is a file or a pack in one, and a line here. */
#include "watch/packs.h"

static const struct sp_pack *const packs[] = {
    &sp_pack_containers, &sp_pack_node,          &sp_pack_postgres, &sp_pack_pgbouncer, &sp_pack_redis,
    &sp_pack_celery,     &sp_pack_nginx,         &sp_pack_gunicorn, &sp_pack_vllm,      &sp_pack_xinference,
    &sp_pack_weaviate,   &sp_pack_plugin_daemon, &sp_pack_process, /* behind the servers whose figures it has */
};

const struct sp_pack *sp_pack_at(size_t i) { return i < sizeof(packs) / sizeof(packs[0]) ? packs[i] : NULL; }

const struct sp_pack *sp_pack_find(const char *name) {
  const struct sp_pack *pack;
  for (size_t i = 0; (pack = sp_pack_at(i)); i++) {
    if (strcmp(pack->name, name) == 0) return pack;
  }
  return NULL;
}

bool sp_pack_is_named(const char *list, const char *name) {
  struct sp_str rest = sp_str_from(list);
  while (rest.len) {
    if (sp_str_eq(sp_str_split(&rest, ','), sp_str_from(name))) return true;
  }
  return false;
}

bool sp_how_is_rate(enum sp_pack_how how) {
  return how == SP_HOW_RATE || how == SP_HOW_RATE_LESS || how == SP_HOW_RATIO;
}

bool sp_pack_names(struct sp_str names, struct sp_str metric) {
  while (names.len) {
    if (sp_str_eq(sp_str_split(&names, '|'), metric)) return true;
  }
  return false;
}

/* Literal, or with its end left open: "veth*". */
static bool is_like(struct sp_str pattern, struct sp_str value) {
  if (pattern.len == 0 || pattern.bytes[pattern.len - 1] != '*') return sp_str_eq(pattern, value);
  return sp_str_starts(value, sp_str_of(pattern.bytes, pattern.len - 1));
}

bool sp_pack_next_condition(struct sp_str *rest, struct sp_pack_condition *out) {
  if (rest->len == 0) return false;
  out->values = sp_str_split(rest, ',');
  out->label = sp_str_split(&out->values, '=');
  out->is_not = out->label.len > 0 && out->label.bytes[out->label.len - 1] == '!';
  if (out->is_not) out->label.len--;
  return true;
}

static bool is_one_of(struct sp_str patterns, struct sp_str value) {
  if (patterns.len == 0) return value.len == 0;
  while (patterns.len) {
    if (is_like(sp_str_split(&patterns, '|'), value)) return true;
  }
  return false;
}

bool sp_pack_fits(const char *where, const struct sp_prom_sample *sample) {
  struct sp_str rest = sp_str_from(where);
  struct sp_pack_condition condition;
  while (sp_pack_next_condition(&rest, &condition)) {
    struct sp_str value = sp_prom_label_of(sample, condition.label);
    if (is_one_of(condition.values, value) == condition.is_not) return false;
  }
  return true;
}
