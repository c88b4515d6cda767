/* By what a person can see a figure: PromQL, or curl and grep. */
#include "watch/panel_parts.h"

#define WINDOW_LEAST_S 60 /* of a rate; Prometheus' own advice is four scrapes and more */
#define WINDOW_SCRAPES 4

static void put_quoted(struct sp_buf *out, struct sp_str text) {
  sp_buf_append_char(out, '"');
  for (size_t i = 0; i < text.len; i++) {
    char c = text.bytes[i];
    if (c == '"' || c == '\\') sp_buf_append_char(out, '\\');
    if (c == '\n') sp_buf_append_text(out, "\\n");
    else sp_buf_append_char(out, c);
  }
  sp_buf_append_char(out, '"');
}

/* "a|b*" as a regular expression: "a|b.*". */
static void put_pattern(struct sp_buf *out, struct sp_str values) {
  sp_buf_append_char(out, '"');
  for (size_t i = 0; i < values.len; i++) {
    if (values.bytes[i] == '*') sp_buf_append_char(out, '.');
    sp_buf_append_char(out, values.bytes[i]);
  }
  sp_buf_append_char(out, '"');
}

static void put_condition(const struct sp_pack_condition *condition, struct sp_buf *out) {
  bool is_pattern = false;
  for (size_t i = 0; i < condition->values.len; i++) is_pattern |= strchr("|*", condition->values.bytes[i]) != NULL;
  sp_buf_append_str(out, condition->label);
  sp_buf_append_text(out, condition->is_not ? (is_pattern ? "!~" : "!=") : (is_pattern ? "=~" : "="));
  if (is_pattern) put_pattern(out, condition->values);
  else put_quoted(out, condition->values);
  sp_buf_append_char(out, ',');
}

void sp_panel_put_match(const char *where, struct sp_buf *out) {
  struct sp_str rest = sp_str_from(where);
  struct sp_pack_condition condition;
  while (sp_pack_next_condition(&rest, &condition)) put_condition(&condition, out);
}

static struct sp_str detail_labels(const struct sp_panel_group *group, struct sp_str *otherwise) {
  struct sp_str labels = sp_panel_detail_labels(group->use->row, otherwise);
  return group->detail[0] == '\0' ? sp_str_of(NULL, 0) : group->detail_label ? sp_str_from(group->detail_label) : labels;
}

/* The row's conditions, but those on labels whose one value is said anyway. */
static void put_where(const struct sp_panel_group *group, const char *where, struct sp_buf *out) {
  struct sp_str rest = sp_str_from(where), otherwise;
  struct sp_pack_condition condition;
  while (sp_pack_next_condition(&rest, &condition)) {
    bool said = sp_str_eq(condition.label, sp_str_from(group->label));
    struct sp_str labels = detail_labels(group, &otherwise);
    while (labels.len) said |= sp_str_eq(sp_str_split(&labels, ','), condition.label);
    if (!said) put_condition(&condition, out);
  }
}

/* The names of the operand's metric that are there: "a", or "a|b" (*several). */
static void put_names(const struct sp_panel_group *group, bool is_b, struct sp_buf *out, bool *several) {
  size_t start = out->len, count = 0;
  for (size_t i = 0; i < group->count; i++) {
    struct sp_str metric = sp_str_from(group->members[i].series->metric);
    if (group->members[i].is_b != is_b || (count && sp_pack_names(sp_str_of(out->bytes + start, out->len - start), metric))) continue;
    if (count++) sp_buf_append_char(out, '|');
    sp_buf_append_str(out, metric);
  }
  *several = count > 1;
  if (count > 0) return;
  struct sp_str names = sp_str_from(is_b ? group->use->row->b.metric : group->use->row->a.metric);
  sp_buf_append_str(out, sp_str_split(&names, '|'));
}

static void put_details(const struct sp_panel_group *group, struct sp_buf *out) {
  struct sp_str otherwise, labels = detail_labels(group, &otherwise), values = sp_str_from(group->detail);
  bool none = otherwise.len && sp_str_eq(values, otherwise);
  while (labels.len) {
    struct sp_str label = sp_str_split(&labels, ',');
    sp_buf_append_str(out, label);
    sp_buf_append_char(out, '=');
    put_quoted(out, none ? SP_STR("") : labels.len ? sp_str_split(&values, '/') : values);
    sp_buf_append_char(out, ',');
  }
}

static void put_selector(const struct sp_panel *panel, const struct sp_panel_group *group, bool is_b, struct sp_str name,
                         struct sp_buf *out) {
  const struct sp_pack_row *row = group->use->row;
  sp_buf_printf(out, SP_STR_FMT "{", SP_STR_ARG(name));
  put_where(group, is_b ? row->b.where : row->a.where, out);
  if (group->label[0]) {
    sp_buf_printf(out, "%s=", group->label);
    put_quoted(out, sp_str_from(group->label_value));
    sp_buf_append_char(out, ',');
  }
  put_details(group, out);
  if (panel->options.match) sp_panel_put_match(panel->options.match, out);
  if (out->bytes[out->len - 1] == ',') out->len--; /* a comma before the brace is allowed, and ugly */
  sp_buf_append_char(out, '}');
}

/* "sum(rate(a{…}[60s]))", of one name. */
static void put_part(const struct sp_panel *panel, const struct sp_panel_group *group, bool is_b, const char *function,
                     struct sp_str name, struct sp_buf *out) {
  int64_t window_s = WINDOW_SCRAPES * panel->options.interval_ns / SP_NS_PER_S;
  if (window_s < WINDOW_LEAST_S) window_s = WINDOW_LEAST_S;
  bool is_rate = sp_how_is_rate(group->use->row->how);
  sp_buf_printf(out, "%s(%s", function, is_rate ? "rate(" : "");
  put_selector(panel, group, is_b, name, out);
  if (is_rate) sp_buf_printf(out, "[%llds])", (long long)window_s);
  if (!is_b && group->use->row->how == SP_HOW_QUOTIENT) {
    sp_buf_append_text(out, " / ");
    put_selector(panel, group, true, sp_str_from(group->use->row->b.metric), out);
  }
  sp_buf_append_char(out, ')');
}

/* Several names are a sum: a rate of them in one would have the same labels twice. */
static void put_operand(const struct sp_panel *panel, const struct sp_panel_group *group, bool is_b, const char *function,
                        struct sp_buf *out) {
  struct sp_buf names;
  bool several;
  sp_buf_init(&names, SP_PANEL_KEY_MAX);
  put_names(group, is_b, &names, &several);
  struct sp_str rest = sp_buf_str(&names);
  if (several) sp_buf_append_char(out, '(');
  while (rest.len) {
    struct sp_str name = sp_str_split(&rest, '|');
    put_part(panel, group, is_b, function, name, out);
    if (rest.len) sp_buf_append_text(out, " + ");
  }
  if (several) sp_buf_append_char(out, ')');
  sp_buf_fini(&names);
}

static void put_promql(const struct sp_panel *panel, const struct sp_panel_group *group, struct sp_buf *out) {
  const struct sp_pack_row *row = group->use->row;
  bool is_most = row->how == SP_HOW_MOST, is_less = row->how == SP_HOW_LESS || row->how == SP_HOW_RATE_LESS;
  put_operand(panel, group, false, is_most ? "max" : row->how == SP_HOW_COUNT ? "count" : "sum", out);
  if (is_less || row->how == SP_HOW_RATIO) {
    sp_buf_append_text(out, is_less ? " - " : " / ");
    put_operand(panel, group, true, "sum", out);
  }
  if (row->scale > 0) sp_buf_printf(out, " * %g", row->scale);
  if (row->flags & SP_PACK_ZERO) sp_buf_append_text(out, " or vector(0)");
}

/* A line for a person's shell: what an exporter calls its things must not end a quote in it. */
static void put_pattern_of(const char *label, const char *value, struct sp_buf *out) {
  if (value[0] && !strpbrk(value, "'\\\n")) sp_buf_printf(out, ".*%s=\"%s\"", label, value);
}

/* The lines that the figure comes from; a counter's needs two looks. */
static void put_curl(const struct sp_panel *panel, const struct sp_panel_group *group, struct sp_buf *out) {
  const struct sp_pack_row *row = group->use->row;
  bool several;
  sp_buf_printf(out, "curl -s '%s' | grep -E '^(", panel->options.url);
  put_names(group, false, out, &several);
  if (row->b.metric) {
    sp_buf_append_char(out, '|');
    put_names(group, true, out, &several);
  }
  sp_buf_append_text(out, ")[{ ]");
  bool named = group->label[0] && strcmp(group->label, "instance") != 0;
  if (named) put_pattern_of(group->label, group->label_value, out);
  else if (group->detail_label) put_pattern_of(group->detail_label, group->detail, out);
  sp_buf_append_char(out, '\'');
}

char *sp_panel_query(const struct sp_panel *panel, const struct sp_panel_group *group) {
  struct sp_buf out;
  sp_buf_init(&out, 4 * SP_PANEL_KEY_MAX);
  if (panel->options.url) put_curl(panel, group, &out);
  else put_promql(panel, group, &out);
  char *text = sp_buf_take(&out);
  sp_buf_fini(&out);
  return text;
}
