#include "report/history_begin.h"

#include "base/mem.h"
#include "report/kept.h"

#include <stdlib.h>

#define TEXTS_MAX (64u * 1024u * 1024u)

struct sp_history_begin {
  struct sp_store_begin begin;
  struct sp_buf asked, plan_text;
  char *texts[5];
  struct sp_store_pair *tags, *params;
};

static struct sp_store_pair *copy_pairs(size_t count, const char *(*at)(const void *list, size_t i, const char **value),
                                        const void *list) {
  struct sp_store_pair *pairs = sp_alloc_array(count + 1, sizeof(*pairs));
  for (size_t i = 0; i < count; i++) {
    const char *value = NULL;
    pairs[i].key = sp_strdup(at(list, i, &value));
    pairs[i].value = sp_strdup(value);
  }
  return pairs;
}

static void free_pairs(struct sp_store_pair *pairs, size_t count) {
  for (size_t i = 0; i < count; i++) {
    free((char *)(uintptr_t)pairs[i].key);
    free((char *)(uintptr_t)pairs[i].value);
  }
  free(pairs);
}

static const char *tag_at(const void *list, size_t i, const char **value) {
  const struct sp_tag *tags = list;
  *value = tags[i].value;
  return tags[i].key;
}

static const char *param_at(const void *list, size_t i, const char **value) {
  const struct sp_run_param *params = list;
  *value = params[i].value;
  return params[i].key;
}

struct sp_history_begin *sp_history_begin_create(const struct sp_run_begin *begin) {
  struct sp_history_begin *kept = sp_alloc(sizeof(*kept));
  const char *const texts[] = { begin->id, begin->name, begin->plan, begin->host, begin->version };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    kept->texts[i] = sp_strdup(texts[i] ? texts[i] : "");
  }
  sp_buf_init(&kept->asked, TEXTS_MAX);
  sp_buf_init(&kept->plan_text, TEXTS_MAX);
  sp_kept_put_asked(&kept->asked, begin);
  sp_buf_append_str(&kept->plan_text, begin->plan_text);
  kept->tags = copy_pairs(begin->tag_count, tag_at, begin->tags);
  kept->params = copy_pairs(begin->param_count, param_at, begin->params);
  kept->begin = (struct sp_store_begin){ .id = kept->texts[0],
                                         .name = kept->texts[1],
                                         .plan = kept->texts[2],
                                         .host = kept->texts[3],
                                         .version = kept->texts[4],
                                         .plan_text = sp_buf_str(&kept->plan_text),
                                         .real_ns = begin->real_ns,
                                         .mono_ns = begin->mono_ns,
                                         .seed = begin->load->seed,
                                         .tags = kept->tags,
                                         .tag_count = begin->tag_count,
                                         .params = kept->params,
                                         .param_count = begin->param_count,
                                         .asked = sp_buf_str(&kept->asked) };
  return kept;
}

const struct sp_store_begin *sp_history_begin_of(const struct sp_history_begin *kept) { return &kept->begin; }

void sp_history_begin_destroy(struct sp_history_begin *kept) {
  if (!kept) {
    return;
  }
  for (size_t i = 0; i < sizeof(kept->texts) / sizeof(kept->texts[0]); i++) {
    free(kept->texts[i]);
  }
  free_pairs(kept->tags, kept->begin.tag_count);
  free_pairs(kept->params, kept->begin.param_count);
  sp_buf_fini(&kept->asked);
  sp_buf_fini(&kept->plan_text);
  free(kept);
}
