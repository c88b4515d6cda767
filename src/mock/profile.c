#include "mock/profile.h"

#include "base/clock.h"
#include "base/mem.h"
#include "mock/fault.h"
#include "mock/mock.h"
#include "mock/profile_read.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const mode_names[] = { "advanced-chat", "chat", "agent-chat", "completion", "workflow",
                                          "retrieve", "openai" };

const char *sp_mock_mode_name(enum sp_mock_mode mode) { return mode_names[mode]; }

static const char *mode_at(const void *table, size_t i) {
  (void)table;
  return i < sizeof mode_names / sizeof *mode_names ? mode_names[i] : NULL;
}

/* -- nodes -- */

static const struct sp_reader node_members[] = {
  { "title", sp_read_text, offsetof(struct sp_node_entry, title) },
  { "type", sp_read_text, offsetof(struct sp_node_entry, type) },
  { "time", sp_read_time, offsetof(struct sp_node_entry, time) },
  { NULL },
};

static void drop_nodes(struct sp_mock_app *app) {
  for (unsigned i = 0; i < app->node_count; i++) {
    free(app->nodes[i].title);
    free(app->nodes[i].type);
  }
  free(app->nodes);
  free(app->node_times);
  app->nodes = NULL;
  app->node_times = NULL;
  app->node_count = 0;
}

static int read_node(struct sp_mock_app *app, unsigned i, json_t *value, struct sp_err *err) {
  struct sp_node_entry entry = { .time = sp_dist_constant((double)SP_NS_PER_MS) };
  int code = sp_read_members(node_members, value, &entry, err);
  if (!code && !entry.type) code = sp_fail(err, SP_EPLAN, "'type' is missing (\"llm\", \"tool\", …)");
  if (!code && !entry.title) entry.title = sp_strdup(entry.type);
  app->nodes[i] = (struct sp_mock_node){ entry.title, entry.type };
  app->node_times[i] = entry.time;
  app->node_count = i + 1;
  return code;
}

static int read_nodes(json_t *value, void *into, struct sp_err *err) {
  struct sp_mock_app *app = into;
  size_t count = json_array_size(value);
  if (!json_is_array(value)) return sp_fail(err, SP_EPLAN, "must be a list of nodes");
  if (count > SP_MOCK_NODES_MAX) return sp_fail(err, SP_ELIMIT, "more than %u nodes", SP_MOCK_NODES_MAX);
  drop_nodes(app);
  app->nodes = sp_alloc_array(count + 1, sizeof *app->nodes);
  app->node_times = sp_alloc_array(count + 1, sizeof *app->node_times);
  for (unsigned i = 0; i < count; i++)
    if (read_node(app, i, json_array_get(value, i), err)) return sp_err_context(err, "node %u", i + 1);
  return 0;
}

static unsigned find_stream_node(const struct sp_mock_app *app) {
  for (unsigned i = 0; i < app->node_count; i++)
    if (strcmp(app->nodes[i].type, "llm") == 0) return i;
  for (unsigned i = 0; i < app->node_count; i++)
    if (strcmp(app->nodes[i].type, "answer") == 0) return i;
  return app->node_count > 0 ? app->node_count - 1 : 0;
}

/* -- apps -- */

static int read_mode(json_t *value, void *into, struct sp_err *err) {
  const char *text = json_string_value(value);
  if (!text) return sp_fail(err, SP_EPLAN, "must be a text");
  for (size_t i = 0; i < sizeof mode_names / sizeof *mode_names; i++) {
    if (strcmp(text, mode_names[i]) != 0) continue;
    *(enum sp_mock_mode *)into = (enum sp_mock_mode)i;
    return 0;
  }
  return sp_fail_unknown(err, "mode", text, mode_at, NULL);
}

static int read_answer(json_t *value, void *into, struct sp_err *err) {
  char *text = NULL;
  if (sp_read_text(value, &text, err)) return err->code;
  sp_mock_text_fini(into);
  sp_mock_text_init(into, text);
  free(text);
  return 0;
}

static int read_records(json_t *value, void *into, struct sp_err *err) {
  uint64_t records = 0;
  if (sp_read_count(value, &records, err)) return err->code;
  if (records > 100) return sp_fail(err, SP_EPLAN, "must be at most 100");
  *(unsigned *)into = (unsigned)records;
  return 0;
}

#define TIMING(member) (offsetof(struct sp_mock_app, timing) + offsetof(struct sp_mock_timing, member))

static const struct sp_reader app_members[] = {
  { "mode", read_mode, offsetof(struct sp_mock_app, mode) },
  { "key", sp_read_text, offsetof(struct sp_mock_app, key) },
  { "head", sp_read_time, TIMING(head) },
  { "time", sp_read_time, TIMING(head) }, /* what a retrieval calls it */
  { "queue", sp_read_time, TIMING(queue) },
  { "first", sp_read_time, TIMING(first) },
  { "gap", sp_read_time, TIMING(gap) },
  { "tail", sp_read_time, TIMING(tail) },
  { "tokens", sp_read_count_dist, TIMING(tokens) },
  { "eof_lag", sp_read_ns, TIMING(eof_lag_ns) },
  { "nodes", read_nodes, 0 },
  { "text", read_answer, offsetof(struct sp_mock_app, text) },
  { "records", read_records, offsetof(struct sp_mock_app, records) },
  { "model", sp_read_text, offsetof(struct sp_mock_app, model) },
  { NULL },
};

static void app_destroy(struct sp_mock_app *app) {
  drop_nodes(app);
  sp_mock_text_fini(&app->text);
  free(app->name);
  free(app->key);
  free(app->model);
  free(app);
}

static struct sp_mock_app *find_app(struct sp_profile *profile, const char *name) {
  for (unsigned i = 0; i < profile->app_count; i++)
    if (strcmp(profile->apps[i]->name, name) == 0) return profile->apps[i];
  return NULL;
}

static struct sp_mock_app *add_app(struct sp_profile *profile, const char *name) {
  struct sp_mock_app *app = sp_alloc(sizeof *app);
  app->name = sp_strdup(name);
  app->index = profile->app_count;
  app->timing.tokens = sp_dist_constant(1);
  app->timing.eof_lag_ns = profile->eof_lag_ns;
  app->records = 3;
  sp_mock_text_init(&app->text, "ok");
  profile->apps[profile->app_count++] = app;
  return app;
}

static int read_app(struct sp_profile *profile, const char *name, json_t *value, struct sp_err *err) {
  struct sp_mock_app *app = find_app(profile, name);
  if (!app && profile->app_count >= SP_MOCK_APPS_MAX)
    return sp_fail(err, SP_ELIMIT, "more than %u apps", SP_MOCK_APPS_MAX);
  if (!app) app = add_app(profile, name);
  int code = sp_read_members(app_members, value, app, err);
  if (code) return code;
  if (!app->key) return sp_fail(err, SP_EPLAN, "'key' is missing: it is how a request chooses this app");
  app->stream_node = find_stream_node(app);
  return 0;
}

static int check_keys(const struct sp_profile *profile, struct sp_err *err) {
  for (unsigned i = 0; i < profile->app_count; i++)
    for (unsigned j = 0; j < i; j++)
      if (strcmp(profile->apps[i]->key, profile->apps[j]->key) == 0)
        return sp_fail(err, SP_EPLAN, "'%s' and '%s' have the same key '%s'", profile->apps[j]->name,
                       profile->apps[i]->name, profile->apps[i]->key);
  return 0;
}

static int read_apps(json_t *value, void *into, struct sp_err *err) {
  struct sp_profile *profile = into;
  const char *name;
  json_t *app;
  if (!json_is_object(value)) return sp_fail(err, SP_EPLAN, "must be an object: {\"simple\": {…}, …}");
  json_object_foreach(value, name, app)
    if (read_app(profile, name, app, err)) return sp_err_context(err, "%s", name);
  return check_keys(profile, err);
}

/* -- faults and datasets -- */

static int read_fault_name(json_t *value, void *into, struct sp_err *err) {
  uint64_t at;
  const char *text = json_string_value(value);
  if (!text) return sp_fail(err, SP_EPLAN, "must be a text");
  return sp_fault_parse(sp_str_from(text), into, &at, err);
}

static const struct sp_reader fault_members[] = {
  { "fault", read_fault_name, offsetof(struct sp_mock_fault_share, fault) },
  { "share", sp_read_share, offsetof(struct sp_mock_fault_share, share) },
  { "at", sp_read_count, offsetof(struct sp_mock_fault_share, at) },
  { "stall", sp_read_ns, offsetof(struct sp_mock_fault_share, stall_ns) },
  { "app", sp_read_text, offsetof(struct sp_mock_fault_share, app) },
  { NULL },
};

static int read_fault(struct sp_profile *profile, json_t *value, struct sp_err *err) {
  struct sp_mock_fault_share *share = &profile->faults[profile->fault_count++];
  share->at = 1;
  if (sp_read_members(fault_members, value, share, err)) return err->code;
  if (!share->fault) return sp_fail(err, SP_EPLAN, "'fault' is missing");
  if (share->app && !find_app(profile, share->app)) return sp_fail(err, SP_EPLAN, "there is no app '%s'", share->app);
  return 0;
}

static int read_faults(json_t *value, void *into, struct sp_err *err) {
  struct sp_profile *profile = into;
  size_t count = json_array_size(value);
  if (!json_is_array(value)) return sp_fail(err, SP_EPLAN, "must be a list: [{\"fault\": \"reset\", \"share\": 0.01}]");
  if (count > SP_MOCK_FAULTS_MAX) return sp_fail(err, SP_ELIMIT, "more than %u entries", SP_MOCK_FAULTS_MAX);
  profile->faults = sp_alloc_array(count + 1, sizeof *profile->faults);
  double sum = 0;
  for (unsigned i = 0; i < count; i++) {
    if (read_fault(profile, json_array_get(value, i), err)) return sp_err_context(err, "entry %u", i + 1);
    sum += profile->faults[i].share;
  }
  return sum > 1 ? sp_fail(err, SP_EPLAN, "the shares sum to more than 1") : 0;
}

static int read_datasets(json_t *value, void *into, struct sp_err *err) {
  struct sp_profile *profile = into;
  size_t count = json_array_size(value);
  if (!json_is_array(value)) return sp_fail(err, SP_EPLAN, "must be a list of ids");
  if (count > SP_MOCK_DATASETS_MAX) return sp_fail(err, SP_ELIMIT, "more than %u entries", SP_MOCK_DATASETS_MAX);
  profile->datasets = sp_alloc_array(count + 1, sizeof *profile->datasets);
  for (size_t i = 0; i < count; i++)
    if (sp_read_text(json_array_get(value, i), &profile->datasets[profile->dataset_count++], err)) return err->code;
  return 0;
}

/* -- notes, and what lies below -- */

static void drop_notes(struct sp_profile *profile) {
  for (unsigned i = 0; i < profile->note_count; i++) free(profile->notes[i]);
  free(profile->notes);
  profile->notes = NULL;
  profile->note_count = 0;
}

static int read_notes(json_t *value, void *into, struct sp_err *err) {
  struct sp_profile *profile = into;
  size_t count = json_array_size(value);
  if (!json_is_array(value)) return sp_fail(err, SP_EPLAN, "must be a list of texts");
  if (count > SP_MOCK_NOTES_MAX) return sp_fail(err, SP_ELIMIT, "more than %u entries", SP_MOCK_NOTES_MAX);
  drop_notes(profile); /* those of a profile below are about that one */
  profile->notes = sp_alloc_array(count + 1, sizeof *profile->notes);
  for (size_t i = 0; i < count; i++)
    if (sp_read_text(json_array_get(value, i), &profile->notes[profile->note_count++], err)) return err->code;
  return 0;
}

static const char *profile_at(const void *table, size_t i) {
  (void)table;
  return sp_mock_profile_name(i);
}

static int read_document(struct sp_profile *profile, const char *json, struct sp_err *err);

/* The built-in profile below this one is read first. */
static int read_base(json_t *value, void *into, struct sp_err *err) {
  const char *name = json_string_value(value);
  if (!name) return sp_fail(err, SP_EPLAN, "must be the name of a built-in profile");
  const char *json = sp_mock_profile_find(name);
  return json ? read_document(into, json, err) : sp_fail_unknown(err, "profile", name, profile_at, NULL);
}

/* -- the whole -- */

static int read_version(json_t *value, void *into, struct sp_err *err) {
  const char *text = json_string_value(value);
  return text ? sp_dify_version_parse(sp_str_from(text), into, err)
              : sp_fail(err, SP_EPLAN, "must be a text: \"1.13.3\"");
}

static int read_style(json_t *value, void *into, struct sp_err *err) {
  const char *text = json_string_value(value);
  return text ? sp_mock_style_parse(sp_str_from(text), into, err) : sp_fail(err, SP_EPLAN, "must be a text");
}

static int read_log(json_t *value, void *into, struct sp_err *err) {
  uint64_t *size = into;
  if (sp_read_count(value, size, err)) return err->code;
  return *size > SP_MOCK_LOG_MAX ? sp_fail(err, SP_ELIMIT, "must be at most %u", SP_MOCK_LOG_MAX) : 0;
}

static int read_eof_lag(json_t *value, void *into, struct sp_err *err) {
  struct sp_profile *profile = into;
  if (sp_read_ns(value, &profile->eof_lag_ns, err)) return err->code;
  for (unsigned i = 0; i < profile->app_count; i++) profile->apps[i]->timing.eof_lag_ns = profile->eof_lag_ns;
  return 0;
}

/* In the order in which they are read, whatever the order in the document. */
static const struct sp_reader profile_members[] = {
  { "base", read_base, 0 },
  { "notes", read_notes, 0 },
  { "seed", sp_read_count, offsetof(struct sp_profile, seed) },
  { "dify_version", read_version, offsetof(struct sp_profile, version) },
  { "style", read_style, offsetof(struct sp_profile, style) },
  { "log", read_log, offsetof(struct sp_profile, log) },
  { "max_active", sp_read_count, offsetof(struct sp_profile, max_active) },
  { "retry_after_s", sp_read_count, offsetof(struct sp_profile, retry_after_s) },
  { "eof_lag", read_eof_lag, 0 },
  { "apps", read_apps, 0 },
  { "faults", read_faults, 0 },
  { "datasets", read_datasets, 0 },
  { "resources", sp_read_resources, offsetof(struct sp_profile, resources) },
  { NULL },
};

static int read_document(struct sp_profile *profile, const char *json, struct sp_err *err) {
  json_error_t why;
  size_t len = strnlen(json, SP_MOCK_PROFILE_MAX + 1);
  if (len > SP_MOCK_PROFILE_MAX) return sp_fail(err, SP_ELIMIT, "is over %u bytes", SP_MOCK_PROFILE_MAX);
  json_t *doc = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
  if (!doc) return sp_fail(err, SP_EPLAN, "is no JSON: line %d, column %d: %s", why.line, why.column, why.text);
  int code = sp_read_members(profile_members, doc, profile, err);
  json_decref(doc);
  return code;
}

int sp_profile_load(struct sp_profile *profile, const char *json, struct sp_err *err) {
  struct sp_err local; /* the readers pass on err->code */
  if (!err) err = &local;
  *profile = (struct sp_profile){ 0 };
  profile->apps = sp_alloc_array(SP_MOCK_APPS_MAX, sizeof(struct sp_mock_app *));
  int code = read_document(profile, sp_profile_builtin, err);
  if (!code && json) code = read_document(profile, json, err);
  if (!code && profile->resources) code = sp_resources_check(profile->resources, err);
  if (code) sp_profile_fini(profile);
  return code;
}

void sp_profile_fini(struct sp_profile *profile) {
  for (unsigned i = 0; i < profile->app_count; i++) app_destroy(profile->apps[i]);
  for (unsigned i = 0; i < profile->fault_count; i++) free(profile->faults[i].app);
  for (unsigned i = 0; i < profile->dataset_count; i++) free(profile->datasets[i]);
  free(profile->apps);
  free(profile->faults);
  free(profile->datasets);
  drop_notes(profile);
  free(profile->resources);
  *profile = (struct sp_profile){ 0 };
}

const struct sp_mock_app *sp_profile_app_by_key(const struct sp_profile *profile, struct sp_str key) {
  for (unsigned i = 0; i < profile->app_count; i++)
    if (sp_str_eq(key, sp_str_from(profile->apps[i]->key))) return profile->apps[i];
  return NULL;
}
