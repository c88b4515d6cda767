/* Which figures a sample is part of: found once a series. */
#include "watch/panel_parts.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define MARK '\x1f' /* between the parts of a key: no label has it */
#define ROW_KEY_MAX (SP_OBSERVED_SUBJECT_MAX + SP_OBSERVED_DETAIL_MAX + 60u)

struct place { /* where a sample belongs, for one use */
  char subject[SP_OBSERVED_SUBJECT_MAX + 1], detail[SP_OBSERVED_DETAIL_MAX + 1];
  const char *label; /* NULL: the instance */
  struct sp_str instance;
  struct sp_str detail_label; /* the one that gave it, where there is a choice */
};

static void copy_text(char *out, size_t size, struct sp_str text) { snprintf(out, size, SP_STR_FMT, SP_STR_ARG(text)); }

/* -- subjects -- */

static struct sp_str instance_of(const struct sp_panel *panel, const struct sp_prom_sample *sample) {
  struct sp_str instance = sp_prom_label_of(sample, SP_STR("instance"));
  return instance.len ? instance : sp_str_from(panel->options.instance);
}

static struct sp_str instance_key(char *key, size_t size, const struct sp_pack *pack, struct sp_str instance) {
  int len = snprintf(key, size, "%s%c" SP_STR_FMT, pack->name, MARK, SP_STR_ARG(instance));
  return sp_str_of(key, (size_t)len < size ? (size_t)len : size - 1);
}

/* The first instance has the pack's name; the others have their address behind it. */
static const char *name_instance(struct sp_panel *panel, const struct sp_pack *pack, struct sp_str instance) {
  char key[ROW_KEY_MAX], name[SP_OBSERVED_SUBJECT_MAX + 1];
  struct sp_str whole = instance_key(key, sizeof(key), pack, instance), first = instance_key(name, sizeof(name), pack, SP_STR(""));
  char *known = sp_map_get(&panel->subjects, whole);
  if (known) return known;
  bool is_first = true;
  for (size_t i = 0; i < panel->subjects.count && is_first; i++) {
    is_first = !sp_str_starts(sp_str_of(panel->subjects.entries[i].key, panel->subjects.entries[i].key_len), first);
  }
  const char *base = panel->options.subject ? panel->options.subject : pack->subject;
  if (is_first) snprintf(name, sizeof(name), "%s", base);
  else snprintf(name, sizeof(name), "%s:" SP_STR_FMT, base, SP_STR_ARG(instance));
  return *sp_map_put(&panel->subjects, whole) = sp_strdup(name);
}

/* A process is the server's that is served at the same address. */
static const char *server_at(const struct sp_panel *panel, struct sp_str instance) {
  char key[ROW_KEY_MAX];
  for (size_t i = 0; i < panel->pack_count; i++) {
    const struct sp_pack *pack = panel->packs[i].pack;
    const char *name = pack->is_server ? sp_map_get(&panel->subjects, instance_key(key, sizeof(key), pack, instance)) : NULL;
    if (name) return name;
  }
  return NULL;
}

static bool find_subject(struct sp_panel *panel, const struct sp_pack *pack, const struct sp_prom_sample *sample,
                         struct place *place) {
  struct sp_str named;
  const char *fixed = NULL;
  place->label = NULL;
  if (pack->named) {
    if (!pack->named(sample, place->instance, &place->label, &named)) return false;
    bool says = place->label && strcmp(place->label, "instance") != 0;
    if (!says && panel->options.subject) fixed = panel->options.subject;
    else snprintf(place->subject, sizeof(place->subject), "%s" SP_STR_FMT, pack->subject, SP_STR_ARG(named));
  } else {
    fixed = pack->is_process ? server_at(panel, place->instance) : name_instance(panel, pack, place->instance);
    if (!fixed) return false;
  }
  if (fixed) snprintf(place->subject, sizeof(place->subject), "%s", fixed);
  return true;
}

/* -- details -- */

struct sp_str sp_panel_detail_labels(const struct sp_pack_row *row, struct sp_str *otherwise) {
  struct sp_str rest = sp_str_from(row->detail);
  struct sp_str labels = sp_str_split(&rest, '?');
  *otherwise = rest;
  return labels;
}

/* "redis" becomes "redis data". */
static void set_apart(struct place *place, struct sp_str by) {
  size_t len = strlen(place->subject);
  snprintf(place->subject + len, sizeof(place->subject) - len, " " SP_STR_FMT, SP_STR_ARG(by));
}

/* The first of "pod|name" that is there; what the subject says already is not said again. */
static void take_first(const struct sp_prom_sample *sample, struct sp_str labels, struct place *place) {
  struct sp_str value = {0};
  while (value.len == 0 && labels.len) {
    place->detail_label = sp_str_split(&labels, '|');
    value = sp_prom_label_of(sample, place->detail_label);
  }
  if (!sp_str_eq(value, sp_str_from(place->subject))) copy_text(place->detail, sizeof(place->detail), value);
}

/* "IO/WALSync" of "wait_event_type,wait_event". */
static void take_all(const struct sp_prom_sample *sample, struct sp_str labels, struct place *place) {
  size_t len = 0;
  while (labels.len) {
    struct sp_str value = sp_prom_label_of(sample, sp_str_split(&labels, ','));
    if (value.len == 0 || len >= sizeof(place->detail)) continue;
    int wrote = snprintf(place->detail + len, sizeof(place->detail) - len, "%s" SP_STR_FMT, len ? "/" : "", SP_STR_ARG(value));
    len += (size_t)wrote;
  }
}

/* False: the row is split by labels that the sample lacks, and has no word for that. */
static bool find_detail(const struct sp_panel_use *use, const struct sp_prom_sample *sample, struct place *place) {
  struct sp_str otherwise, labels = sp_panel_detail_labels(use->row, &otherwise);
  place->detail[0] = '\0';
  if (labels.len == 0 || use->row->how == SP_HOW_SETTING) return true;
  if (labels.bytes[0] == '=') return set_apart(place, sp_str_of(labels.bytes + 1, labels.len - 1)), true;
  if (memchr(labels.bytes, '|', labels.len)) return take_first(sample, labels, place), true;
  take_all(sample, labels, place);
  if (place->detail[0]) use->pack->split[use->row_index] = true;
  else copy_text(place->detail, sizeof(place->detail), otherwise);
  return place->detail[0] != '\0';
}

/* -- groups and beats -- */

static struct sp_str row_key(char *key, size_t size, const struct sp_panel_use *use, const char *subject, const char *detail) {
  int len = snprintf(key, size, "%s%c%zu%c%s%c%s", use->pack->pack->name, MARK, use->row_index, MARK, subject, MARK, detail);
  return sp_str_of(key, (size_t)len < size ? (size_t)len : size - 1);
}

static struct sp_panel_beat *beat_of(struct sp_panel *panel, const struct sp_panel_use *use, const struct place *place) {
  char key[ROW_KEY_MAX];
  void **beat = sp_map_put(&panel->beats, row_key(key, sizeof(key), use, place->subject, ""));
  if (!*beat) *beat = sp_alloc(sizeof(struct sp_panel_beat));
  return *beat;
}

static char *label_value(const struct place *place, const struct sp_prom_sample *sample) {
  if (!place->label || strcmp(place->label, "instance") == 0) return sp_strndup(place->instance.bytes, place->instance.len);
  struct sp_str value = sp_prom_label_of(sample, sp_str_from(place->label));
  return sp_strndup(value.bytes, value.len);
}

static struct sp_panel_group *group_of(struct sp_panel *panel, const struct sp_panel_use *use,
                                       const struct sp_prom_sample *sample, const struct place *place) {
  char key[ROW_KEY_MAX];
  struct sp_str name = row_key(key, sizeof(key), use, place->subject, place->detail);
  struct sp_panel_group *group = sp_map_get(&panel->groups, name);
  if (group) return group;
  group = sp_alloc(sizeof(*group));
  group->use = use;
  group->subject = sp_strdup(place->subject);
  group->detail = sp_strdup(place->detail);
  group->label = sp_strdup(place->label ? place->label : place->instance.len ? "instance" : "");
  if (place->detail[0] && strcmp(group->label, "pod") == 0) group->label[0] = '\0'; /* the detail says it */
  group->label_value = label_value(place, sample);
  if (place->detail_label.len) group->detail_label = sp_strndup(place->detail_label.bytes, place->detail_label.len);
  if (use->row->flags & SP_PACK_ZERO) group->beat = beat_of(panel, use, place);
  return *sp_map_put(&panel->groups, name) = group;
}

static void add_member(struct sp_panel_group *group, struct sp_panel_series *series, bool is_b) {
  if (group->count == group->cap) {
    group->cap = group->cap ? 2 * group->cap : 4;
    group->members = sp_realloc(group->members, group->cap * sizeof(*group->members));
  }
  group->members[group->count++] = (struct sp_panel_member){series, is_b};
  if (!is_b && !group->leader) group->leader = series;
}

/* -- series -- */

static void join_use(struct sp_panel *panel, const struct sp_panel_use *use, const struct sp_prom_sample *sample,
                     struct sp_panel_series *series, size_t *joined) {
  struct place place = {.instance = instance_of(panel, sample)};
  const struct sp_pack_row *row = use->row;
  bool zero = (row->flags & SP_PACK_ZERO) && series->beat_count < sizeof(series->beats) / sizeof(series->beats[0]);
  if (!find_subject(panel, use->pack->pack, sample, &place)) return;
  use->pack->saw[use->row_index] |= !use->is_b;
  bool fits = find_detail(use, sample, &place) && sp_pack_fits(use->is_b ? row->b.where : row->a.where, sample);
  if (zero) series->beats[series->beat_count++] = beat_of(panel, use, &place);
  if (zero && !row->detail[0]) group_of(panel, use, sample, &place); /* nobody at all is 0 too */
  if (fits) add_member(group_of(panel, use, sample, &place), series, use->is_b);
  *joined += fits || zero;
}

/* "a=b" of each label; false: too long. */
static bool write_labels(const struct sp_prom_sample *sample, struct sp_buf *out) {
  bool fits = sp_buf_append_text(out, "") == 0;
  for (size_t i = 0; i < sample->label_count && fits; i++) {
    const struct sp_prom_label *label = &sample->labels[i];
    fits = sp_buf_append_str(out, label->name) == 0 && sp_buf_append_char(out, '=') == 0 &&
           sp_buf_append_str(out, label->value) == 0 && sp_buf_append_char(out, MARK) == 0;
  }
  return fits;
}

static struct sp_panel_series *new_series(struct sp_panel *panel, const struct sp_panel_use *use,
                                          const struct sp_prom_sample *sample, const struct sp_buf *key) {
  size_t joined = 0;
  struct sp_panel_series *series = sp_alloc(sizeof(*series));
  series->metric = sp_strndup(sample->name.bytes, sample->name.len);
  series->labels = sp_strdup(key->bytes + sample->name.len + 1);
  for (; use; use = use->next) join_use(panel, use, sample, series, &joined);
  if (joined) return *sp_map_put(&panel->series, sp_buf_str(key)) = series;
  free(series->metric);
  free(series->labels);
  free(series);
  return NULL;
}

struct sp_panel_series *sp_panel_series(struct sp_panel *panel, const struct sp_prom_sample *sample) {
  const struct sp_panel_use *use = sp_map_get(&panel->uses, sample->name);
  if (!use || (panel->options.match && !sp_pack_fits(panel->options.match, sample))) return NULL;
  struct sp_buf key;
  sp_buf_init(&key, SP_PANEL_KEY_MAX);
  sp_buf_append_str(&key, sample->name);
  sp_buf_append_char(&key, MARK);
  bool fits = write_labels(sample, &key);
  struct sp_panel_series *series = fits ? sp_map_get(&panel->series, sp_buf_str(&key)) : NULL;
  if (!series && (!fits || panel->series.count == SP_PANEL_SERIES_MAX)) panel->left_out++;
  else if (!series) series = new_series(panel, use, sample, &key);
  sp_buf_fini(&key);
  return series;
}
