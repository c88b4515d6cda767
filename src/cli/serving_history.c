/* The calls of docs/web-api.md that show past runs. Each opens the history by itself: that is cheap, and it may not be
 * there yet. */
#include "base/mem.h"
#include "base/units.h"
#include "cli/history_place.h"
#include "cli/serving_inside.h"
#include "report/comparison.h"
#include "report/history_json.h"
#include "report/page_data.h"
#include "report/replay.h"

#include <stdlib.h>

#define LISTED 100u /* runs, where the page does not say */

static const struct sp_options *options_of(void *ctx) { return ((const struct sp_serving *)ctx)->conf.options; }

static unsigned status_of(const struct sp_err *err) {
  return err->code == SP_ENOTFOUND ? 404 : err->code == SP_EUSAGE ? 400 : 503;
}

static void fail(struct sp_web_answer *answer, const char *field, const struct sp_err *err) {
  sp_web_answer_error(answer, status_of(err), field, "%s", err->text);
}

/* -- the list -- */

/* "k=v" of each tag=; the keys are cut out of `texts`, which the caller frees. */
static size_t read_tags(const struct sp_web_form *form, struct sp_store_pair *tags, char **texts) {
  size_t count = 0;
  for (size_t i = 0; i < form->query_count && count < SP_TAGS_MAX; i++) {
    const char *value = form->query[i].value;
    const char *equals = strcmp(form->query[i].key, "tag") == 0 ? strchr(value, '=') : NULL;
    if (!equals || equals == value) continue;
    texts[count] = sp_strndup(value, (size_t)(equals - value));
    tags[count] = (struct sp_store_pair){texts[count], equals + 1};
    count++;
  }
  return count;
}

static int read_limit(const struct sp_web_form *form, uint64_t *limit, struct sp_err *err) {
  const char *text = sp_web_form_query(form, "limit");
  *limit = LISTED;
  return text && *text ? sp_parse_count(text, limit, err) : 0;
}

static void put_list(struct sp_store *store, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_store_pair tags[SP_TAGS_MAX];
  char *texts[SP_TAGS_MAX];
  struct sp_err err;
  const char *plan = sp_web_form_query(form, "plan");
  struct sp_store_filter filter = {.tags = tags, .plan = plan && *plan ? plan : NULL};
  if (read_limit(form, &filter.limit, &err)) {
    sp_web_answer_error(answer, 400, "limit", "%s", err.text);
    return;
  }
  filter.tag_count = read_tags(form, tags, texts);
  char *list = sp_history_list_json(store, &filter, &err);
  if (list) sp_buf_append_text(&answer->body, list);
  else fail(answer, NULL, &err);
  free(list);
  for (size_t i = 0; i < filter.tag_count; i++) free(texts[i]);
}

void sp_serving_history(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_err err;
  struct sp_store *store = sp_history_open(options_of(ctx), &err);
  if (store) put_list(store, form, answer);
  else if (err.code == SP_ENOTFOUND) sp_buf_append_text(&answer->body, "{\"runs\":[],\"capacities\":[]}\n"); /* nothing was kept yet */
  else fail(answer, NULL, &err);
  sp_store_close(store);
}

/* -- one run -- */

static void on_begin(void *ctx, const struct sp_run_begin *begin) { sp_page_data_begin(ctx, begin); }

static void on_tick(void *ctx, const struct sp_run_view *view) { (void)sp_page_data_tick(ctx, view); }

static void on_log(void *ctx, int64_t elapsed_ns, const char *level, const char *text) {
  sp_page_data_log(ctx, (double)elapsed_ns / (double)SP_NS_PER_S, level, text);
}

static int on_end(void *ctx, const struct sp_result *result, struct sp_err *err) {
  char *summary = sp_page_summary(result, false);
  if (!summary) return sp_fail(err, SP_EIO, "the run's summary cannot be made: out of memory");
  sp_page_data_summary(ctx, sp_str_from(summary));
  free(summary);
  return 0;
}

static void put_run(struct sp_store *store, const char *word, struct sp_web_answer *answer) {
  static const struct sp_replay_hooks hooks = {.begin = on_begin, .on_tick = on_tick, .on_log = on_log, .end = on_end};
  char id[SP_STORE_ID_SIZE];
  struct sp_err err;
  struct sp_page_data *page = sp_page_data_create(0, 0);
  if (sp_store_find(store, word, id, &err) || sp_replay(store, id, &hooks, page, &err)) fail(answer, NULL, &err);
  else if (!sp_page_data_put(page, &answer->body)) sp_web_answer_error(answer, 413, NULL, "this run is too large to show");
  sp_page_data_destroy(page);
}

void sp_serving_history_run(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_err err;
  struct sp_store *store = sp_history_open(options_of(ctx), &err);
  if (store) put_run(store, form->rest, answer);
  else fail(answer, NULL, &err);
  sp_store_close(store);
}

/* -- two runs -- */

static void put_comparison(struct sp_store *store, const char *const *ids, struct sp_web_answer *answer) {
  struct sp_comparison comparison;
  struct sp_err err;
  int code = sp_comparison_make(store, ids[0], ids[1], &comparison, &err);
  char *text = code ? NULL : sp_comparison_json(&comparison);
  if (text) sp_buf_append_text(&answer->body, text);
  else if (code) fail(answer, NULL, &err);
  else sp_web_answer_error(answer, 503, NULL, "the comparison cannot be made: out of memory");
  free(text);
  sp_comparison_fini(&comparison);
}

void sp_serving_compare(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  static const char *const fields[2] = {"a", "b"};
  char found[2][SP_STORE_ID_SIZE];
  const char *const ids[2] = {found[0], found[1]};
  struct sp_err err;
  struct sp_store *store = sp_history_open(options_of(ctx), &err);
  if (!store) {
    fail(answer, NULL, &err);
    return;
  }
  bool both = true;
  for (size_t i = 0; i < 2 && both; i++) {
    const char *word = sp_web_form_query(form, fields[i]);
    both = word && *word && sp_store_find(store, word, found[i], &err) == 0;
    if (!word || !*word) sp_web_answer_error(answer, 400, fields[i], "a comparison needs two runs: a= and b=");
    else if (!both) fail(answer, fields[i], &err);
  }
  if (both) put_comparison(store, ids, answer);
  sp_store_close(store);
}
