#include "watch/panel_parts.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define SUBJECTS_TOLD 8u

/* -- the index of metrics -- */

static void add_use(struct sp_panel *panel, struct sp_panel_pack *pack, size_t row_index, bool is_b) {
  const struct sp_pack_row *row = &pack->pack->rows[row_index];
  struct sp_str names = sp_str_from(is_b ? row->b.metric : row->a.metric);
  while (names.len) {
    void **first = sp_map_put(&panel->uses, sp_str_split(&names, '|'));
    struct sp_panel_use *use = sp_alloc(sizeof(*use));
    *use = (struct sp_panel_use){.pack = pack, .row = row, .row_index = row_index, .is_b = is_b, .next = *first};
    *first = use;
  }
}

static void add_pack(struct sp_panel *panel, const struct sp_pack *pack) {
  SP_CHECK(panel->pack_count < SP_PANEL_PACKS_MAX);
  struct sp_panel_pack *kept = &panel->packs[panel->pack_count++];
  kept->pack = pack;
  kept->takes = !panel->options.packs || sp_pack_is_named(panel->options.packs, pack->name);
  for (size_t i = 0; kept->takes && pack->rows[i].a.metric; i++) {
    SP_CHECK(i < SP_PANEL_ROWS_MAX);
    add_use(panel, kept, i, false);
    if (pack->rows[i].b.metric) add_use(panel, kept, i, true);
  }
}

/* -- making -- */

static const char *next_pack_name(const void *table, size_t i) {
  (void)table;
  const struct sp_pack *pack = sp_pack_at(i);
  return pack ? pack->name : NULL;
}

static int check_packs(const char *names, struct sp_err *err) {
  struct sp_str rest = sp_str_from(names);
  while (rest.len) {
    char name[60];
    struct sp_str word = sp_str_split(&rest, ',');
    snprintf(name, sizeof(name), SP_STR_FMT, SP_STR_ARG(word));
    if (sp_pack_find(name)) continue;
    const char *near = sp_str_nearest(name, next_pack_name, NULL);
    return sp_fail(err, SP_EUSAGE, "there is no pack '%s'%s%s%s (docs/watch.md has them)", name, near ? ": did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
  }
  return 0;
}

static int check_match(const char *match, struct sp_err *err) {
  struct sp_str rest = sp_str_from(match);
  struct sp_pack_condition condition;
  while (sp_pack_next_condition(&rest, &condition)) {
    bool is_name = condition.label.len > 0;
    for (size_t i = 0; i < condition.label.len; i++) {
      char c = condition.label.bytes[i];
      is_name = is_name && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_');
    }
    if (!is_name || condition.values.len == 0) {
      return sp_fail(err, SP_EUSAGE, "match must be LABEL=VALUE, with commas between, e.g. namespace=dify; not '%s'", match);
    }
  }
  return 0;
}

int sp_panel_create(const struct sp_panel_options *options, struct sp_panel **out, struct sp_err *err) {
  const struct sp_pack *pack;
  if (options->packs && check_packs(options->packs, err)) return err->code;
  if (options->match && check_match(options->match, err)) return err->code;
  struct sp_panel *panel = sp_alloc(sizeof(*panel));
  panel->options = *options;
  sp_map_init(&panel->uses);
  sp_map_init(&panel->series);
  sp_map_init(&panel->groups);
  sp_map_init(&panel->beats);
  sp_map_init(&panel->subjects);
  for (size_t i = 0; (pack = sp_pack_at(i)); i++) add_pack(panel, pack);
  *out = panel;
  return 0;
}

static void free_use(void *value) {
  for (struct sp_panel_use *use = value, *next; use; use = next) {
    next = use->next;
    free(use);
  }
}

static void free_series(void *value) {
  struct sp_panel_series *series = value;
  free(series->metric);
  free(series->labels);
  free(series);
}

static void free_group(void *value) {
  struct sp_panel_group *group = value;
  free(group->subject);
  free(group->detail);
  free(group->label);
  free(group->label_value);
  free(group->detail_label);
  free(group->query);
  free(group->members);
  free(group);
}

static void free_map(struct sp_map *map, void (*free_value)(void *value)) {
  for (size_t i = 0; i < map->count; i++) free_value(map->entries[i].value);
  sp_map_fini(map);
}

void sp_panel_destroy(struct sp_panel *panel) {
  if (!panel) return;
  free_map(&panel->uses, free_use);
  free_map(&panel->series, free_series);
  free_map(&panel->groups, free_group);
  free_map(&panel->beats, free);
  free_map(&panel->subjects, free);
  free(panel);
}

void sp_panel_set_interval(struct sp_panel *panel, int64_t interval_ns) { panel->options.interval_ns = interval_ns; }
size_t sp_panel_gaps(const struct sp_panel *panel) { return panel->gaps; }
size_t sp_panel_left_out(const struct sp_panel *panel) { return panel->left_out; }

/* -- what was seen -- */

static const struct sp_panel_pack *kept_of(const struct sp_panel *panel, const struct sp_pack *pack) {
  for (size_t i = 0; i < panel->pack_count; i++) {
    if (panel->packs[i].pack == pack) return &panel->packs[i];
  }
  return NULL;
}

bool sp_panel_takes(const struct sp_panel *panel, const struct sp_pack *pack) { return kept_of(panel, pack)->takes; }

bool sp_panel_saw(const struct sp_panel *panel, const struct sp_pack *pack) {
  const struct sp_panel_pack *kept = kept_of(panel, pack);
  for (size_t i = 0; pack->rows[i].a.metric; i++) {
    if (kept->saw[i]) return true;
  }
  return false;
}

void sp_panel_saw_metric(struct sp_panel *panel, struct sp_str metric) {
  for (struct sp_panel_use *use = sp_map_get(&panel->uses, metric); use; use = use->next) {
    if (!use->is_b) use->pack->saw[use->row_index] = true;
  }
}

/* "dify-api, postgres and 3 more" of a pack; "" where none is known yet. */
static void list_subjects(const struct sp_panel *panel, const struct sp_pack *pack, char *text, size_t size) {
  const char *told[SUBJECTS_TOLD];
  size_t count = 0, more = 0;
  for (size_t i = 0; i < panel->groups.count; i++) {
    const struct sp_panel_group *group = panel->groups.entries[i].value;
    bool is_new = group->use->pack->pack == pack;
    for (size_t j = 0; is_new && j < count; j++) is_new = strcmp(told[j], group->subject) != 0;
    if (is_new && count < SUBJECTS_TOLD) told[count++] = group->subject;
    else if (is_new) more++;
  }
  text[0] = '\0';
  for (size_t i = 0; i < count; i++) {
    size_t len = strlen(text);
    snprintf(text + len, size - len, "%s%s", i ? ", " : ": ", told[i]);
  }
  if (more) strncat(text, " and more", size - strlen(text) - 1);
}

/* What a diagnosis would want of a row, and does not get. */
static void tell_missing(const struct sp_panel_pack *kept, size_t i, struct sp_watch_sink *sink) {
  const struct sp_pack_row *row = &kept->pack->rows[i];
  struct sp_str names = sp_str_from(row->a.metric), name = sp_str_split(&names, '|'), otherwise;
  struct sp_str labels = sp_panel_detail_labels(row, &otherwise);
  if (!row->without) return;
  if (!kept->saw[i]) {
    sp_watch_cannot(sink, "%s: %s: there is no " SP_STR_FMT, kept->pack->title, row->without, SP_STR_ARG(name));
  } else if (otherwise.len && !kept->split[i]) {
    struct sp_str label = sp_str_split(&labels, ',');
    sp_watch_cannot(sink, "%s: %s: its " SP_STR_FMT " has no label " SP_STR_FMT, kept->pack->title, row->without,
                    SP_STR_ARG(name), SP_STR_ARG(label));
  }
}

static void tell_pack(const struct sp_panel *panel, const struct sp_panel_pack *kept, struct sp_watch_sink *sink) {
  char subjects[SP_OBSERVED_DETAIL_MAX];
  list_subjects(panel, kept->pack, subjects, sizeof(subjects));
  if (kept->pack->is_process && !subjects[0]) return; /* an exporter's own */
  sp_watch_can(sink, "%s%s", kept->pack->title, subjects);
  for (size_t i = 0; kept->pack->rows[i].a.metric; i++) tell_missing(kept, i, sink);
}

void sp_panel_tell(const struct sp_panel *panel, struct sp_watch_sink *sink) {
  for (size_t i = 0; i < panel->pack_count; i++) {
    if (sp_panel_saw(panel, panel->packs[i].pack)) tell_pack(panel, &panel->packs[i], sink);
  }
}
