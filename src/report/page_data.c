#include "report/page_data.h"

#include "base/check.h"
#include "base/mem.h"
#include "report/json_put.h"

#include <stdlib.h>

struct sp_page_data {
  char *begin, *summary;
  size_t ticks_max, bytes_max;
  struct sp_page_tick *ticks;
  size_t count, cap, bytes;
  uint64_t next, first;
  int64_t start_ns;
  bool started; /* start_ns is known */
  char *log[SP_PAGE_LOG_MAX];
  size_t log_count, log_lost;
  struct sp_buf making;
};

struct sp_page_data *sp_page_data_create(size_t ticks_max, size_t bytes_max) {
  struct sp_page_data *page = sp_alloc(sizeof(*page));
  page->ticks_max = ticks_max > 1 ? ticks_max : SP_PAGE_TICKS_MAX;
  page->bytes_max = bytes_max > 0 ? bytes_max : SP_PAGE_BYTES_MAX;
  sp_buf_init(&page->making, 2 * SP_TICK_BYTES_MAX);
  return page;
}

static void free_tick(struct sp_page_data *page, struct sp_page_tick *tick) {
  page->bytes -= sp_blob_str(tick->text).len + tick->packed.len;
  sp_blob_unref(tick->text);
  free((char *)tick->packed.bytes);
}

static void clear_ticks(struct sp_page_data *page) {
  for (size_t i = 0; i < page->count; i++) {
    free_tick(page, &page->ticks[i]);
  }
  page->count = 0;
}

static void clear(struct sp_page_data *page) {
  clear_ticks(page);
  for (size_t i = 0; i < page->log_count; i++) {
    free(page->log[i]);
  }
  free(page->begin);
  free(page->summary);
  page->begin = page->summary = NULL;
  page->log_count = page->log_lost = 0;
  page->next = page->first = 0;
  page->started = false;
}

void sp_page_data_destroy(struct sp_page_data *page) {
  if (!page) {
    return;
  }
  clear(page);
  free(page->ticks);
  sp_buf_fini(&page->making);
  free(page);
}

/* --- begin --- */

void sp_page_data_begin(struct sp_page_data *page, const struct sp_run_begin *begin) {
  clear(page);
  page->begin = sp_page_begin(begin);
}

void sp_page_data_begin_text(struct sp_page_data *page, struct sp_str begin, int64_t start_ns) {
  clear(page);
  page->begin = sp_strndup(begin.bytes, begin.len);
  page->start_ns = start_ns;
  page->started = true;
}

/* --- ticks --- */

static void fill(struct sp_page_data *page, struct sp_page_tick *tick, const struct sp_interval *interval) {
  struct sp_buf *making = &page->making;
  tick->begin_ns = interval->begin_ns;
  tick->end_ns = interval->end_ns;
  sp_buf_clear(making);
  sp_tick_put(making, interval, &tick->gauges);
  tick->text = sp_blob_create(sp_buf_str(making));
  page->bytes += making->len;
  sp_buf_clear(making);
  sp_tick_pack(making, interval);
  tick->packed = sp_str_of(sp_strndup(making->bytes, making->len), making->len);
  page->bytes += making->len;
}

static void join(struct sp_page_data *page, size_t at) {
  struct sp_page_tick *a = &page->ticks[at], *b = a + 1;
  struct sp_interval *both = sp_interval_create();
  sp_tick_unpack(a->packed, both);
  sp_tick_unpack(b->packed, both);
  free_tick(page, a);
  free_tick(page, b);
  a->gauges = b->gauges;
  fill(page, a, both);
  sp_interval_destroy(both);
  memmove(b, b + 1, (size_t)(page->ticks + page->count - (b + 1)) * sizeof(*b));
  page->count--;
}

/* The shortest pair is joined, the oldest among equals; of two parts only where no part has a pair. */
static void join_one(struct sp_page_data *page) {
  size_t best = 0;
  int64_t best_ns = 0;
  bool best_mixed = true;
  for (size_t i = 0; i + 1 < page->count; i++) {
    int64_t ns = page->ticks[i + 1].end_ns - page->ticks[i].begin_ns;
    bool mixed = page->ticks[i].gauges.part != page->ticks[i + 1].gauges.part;
    if (i == 0 || (best_mixed && !mixed) || (mixed == best_mixed && ns < best_ns)) {
      best = i;
      best_ns = ns;
      best_mixed = mixed;
    }
  }
  join(page, best);
}

static void make_room(struct sp_page_data *page) {
  while (page->count > 1 && (page->count >= page->ticks_max || page->bytes > page->bytes_max)) {
    join_one(page);
  }
  if (page->count == page->cap) {
    page->cap = page->cap ? page->cap * 2 : 64;
    page->ticks = sp_realloc(page->ticks, page->cap * sizeof(*page->ticks));
  }
}

const struct sp_page_tick *sp_page_data_push(struct sp_page_data *page, const struct sp_interval *interval,
                                             struct sp_tick_gauges *gauges) {
  if (!page->started) {
    page->start_ns = interval->begin_ns;
    page->started = true;
  }
  make_room(page);
  gauges->n = page->next++;
  gauges->start_ns = page->start_ns;
  struct sp_page_tick *tick = &page->ticks[page->count++];
  *tick = (struct sp_page_tick){ .gauges = *gauges };
  fill(page, tick, interval);
  return tick;
}

const struct sp_page_tick *sp_page_data_tick(struct sp_page_data *page, const struct sp_run_view *view) {
  struct sp_tick_gauges gauges;
  sp_tick_gauges_of(view, &gauges);
  return sp_page_data_push(page, view->last, &gauges);
}

void sp_page_data_reset(struct sp_page_data *page) {
  clear_ticks(page);
  page->first = page->next;
}

/* --- log and summary --- */

static struct sp_str keep_line(struct sp_page_data *page, size_t at, double t_s, const char *level, const char *text) {
  sp_buf_clear(&page->making);
  sp_buf_printf(&page->making, "{\"t\":%.1f,\"level\":\"%s\",\"text\":", t_s, level);
  sp_json_put_text(&page->making, sp_str_from(text), SP_PAGE_LOG_TEXT_MAX);
  sp_buf_append_char(&page->making, '}');
  struct sp_str line = sp_str_of(sp_strndup(page->making.bytes, page->making.len), page->making.len);
  page->log[at] = (char *)line.bytes;
  return line;
}

struct sp_str sp_page_data_log(struct sp_page_data *page, double t_s, const char *level, const char *text) {
  char more[80];
  if (page->log_count < SP_PAGE_LOG_MAX - 1) {
    return keep_line(page, page->log_count++, t_s, level, text);
  }
  if (page->log_lost++ > 0) {
    free(page->log[SP_PAGE_LOG_MAX - 1]);
  }
  page->log_count = SP_PAGE_LOG_MAX;
  snprintf(more, sizeof(more), "%zu more lines are not kept", page->log_lost);
  return keep_line(page, SP_PAGE_LOG_MAX - 1, t_s, "warn", more);
}

void sp_page_data_summary(struct sp_page_data *page, struct sp_str summary) {
  free(page->summary);
  page->summary = sp_strndup(summary.bytes, summary.len);
}

/* --- reading --- */

struct sp_str sp_page_data_begin_json(const struct sp_page_data *page) { return sp_str_from(page->begin); }
struct sp_str sp_page_data_summary_json(const struct sp_page_data *page) { return sp_str_from(page->summary); }
size_t sp_page_data_count(const struct sp_page_data *page) { return page->count; }
uint64_t sp_page_data_next(const struct sp_page_data *page) { return page->next; }
uint64_t sp_page_data_first(const struct sp_page_data *page) { return page->first; }
size_t sp_page_data_log_count(const struct sp_page_data *page) { return page->log_count; }

const struct sp_page_tick *sp_page_data_at(const struct sp_page_data *page, size_t i) {
  SP_CHECK(i < page->count);
  return &page->ticks[i];
}

struct sp_str sp_page_data_log_at(const struct sp_page_data *page, size_t i) {
  SP_CHECK(i < page->log_count);
  return sp_str_from(page->log[i]);
}

bool sp_page_data_put(const struct sp_page_data *page, struct sp_buf *out) {
  int code = sp_buf_printf(out, "{\"schema\":\"spate.page/1\",\"begin\":");
  code |= sp_buf_append_text(out, page->begin ? page->begin : "null");
  code |= sp_buf_append_text(out, ",\"ticks\":[");
  for (size_t i = 0; i < page->count; i++) {
    code |= sp_buf_append_text(out, i > 0 ? "," : "");
    code |= sp_buf_append_str(out, sp_blob_str(page->ticks[i].text));
  }
  code |= sp_buf_append_text(out, "],\"summary\":");
  code |= sp_buf_append_text(out, page->summary ? page->summary : "null");
  code |= sp_buf_append_text(out, ",\"log\":[");
  for (size_t i = 0; i < page->log_count; i++) {
    code |= sp_buf_append_text(out, i > 0 ? "," : "");
    code |= sp_buf_append_text(out, page->log[i]);
  }
  code |= sp_buf_append_text(out, "]}");
  return code == 0;
}
