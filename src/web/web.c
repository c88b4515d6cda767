#include "web/web.h"

#include "base/mem.h"
#include "report/json_put.h"
#include "web/inside.h"
#include "base/wait.h"

#include <stdlib.h>

#define SUMMARY_SHARE 20 /* making summaries may take a twentieth of the main thread's time */

/* --- STATE --- */

bool sp_web_is_busy(const struct sp_web *web) {
  return strcmp(web->phase, "idle") != 0 && strcmp(web->phase, "ended") != 0;
}

static void put_flag(struct sp_buf *out, const char *name, bool value) {
  sp_buf_printf(out, "\"%s\":%s", name, value ? "true" : "false");
}

static void put_can(struct sp_web *web, struct sp_buf *out) {
  bool busy = sp_web_is_busy(web), ending = strcmp(web->phase, "ending") == 0;
  bool start = web->serve && web->host->run && !busy && !web->trying;
  sp_buf_append_text(out, ",\"can\":{");
  put_flag(out, "start", start);
  sp_buf_append_char(out, ',');
  put_flag(out, "change", busy && !ending);
  sp_buf_append_char(out, ',');
  put_flag(out, "stop", busy);
  sp_buf_append_char(out, ',');
  put_flag(out, "history", web->host->history != NULL);
  sp_buf_append_char(out, ',');
  put_flag(out, "try", start && web->host->try_once);
  sp_buf_append_text(out, "},\"outputs\":[");
  for (size_t i = 0; web->outputs && web->outputs[i]; i++) {
    sp_buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", web->outputs[i]);
  }
  sp_buf_append_char(out, ']');
}

void sp_web_put_state(struct sp_web *web, struct sp_buf *out) {
  char now[SP_RFC3339_SIZE];
  struct sp_str begin = sp_page_data_begin_json(web->page);
  sp_clock_rfc3339(sp_clock_real_ns(), now, sizeof(now));
  sp_buf_printf(out, "{\"version\":\"%s\",\"mode\":\"%s\",\"phase\":\"%s\",\"begin\":", SP_VERSION,
                web->serve ? "serve" : "run", web->phase);
  sp_buf_append_str(out, begin.len > 0 ? begin : SP_STR("null"));
  sp_buf_printf(out, ",\"ticks\":%llu,\"first\":%llu,\"elapsed_s\":%.3f", (unsigned long long)sp_page_data_next(web->page),
                (unsigned long long)sp_page_data_first(web->page), (double)web->elapsed_ns / (double)SP_NS_PER_S);
  put_can(web, out);
  sp_buf_printf(out, ",\"now\":\"%s\"}", now);
}

/* --- events --- */

static void publish(struct sp_web *web, const char *kind, struct sp_blob *data) {
  sp_web_feed_publish(web->feed, (struct sp_web_event){ .kind = kind, .data = data });
}

void sp_web_changed(struct sp_web *web) {
  struct sp_buf text;
  sp_buf_init(&text, SP_WEB_ANSWER_MAX);
  sp_web_put_state(web, &text);
  publish(web, "state", sp_blob_create(sp_buf_str(&text)));
  sp_buf_fini(&text);
}

static void show_phase(struct sp_web *web, const char *phase) {
  if (strcmp(web->phase, phase) != 0) {
    web->phase = phase;
    sp_web_changed(web);
  }
}

void sp_web_set_trying(struct sp_web *web, bool trying) {
  web->trying = trying;
  sp_web_changed(web);
}

void sp_web_set_outputs(struct sp_web *web, const char *const *outputs) { web->outputs = outputs; }

/* --- the run --- */

void sp_web_begin(struct sp_web *web, const struct sp_run_begin *begin) {
  sp_page_data_begin(web->page, begin);
  sp_export_run_fini(&web->run);
  sp_export_run_init(&web->run, begin);
  snprintf(web->run_id, sizeof(web->run_id), "%s", begin->id);
  web->elapsed_ns = web->summary_ns = 0;
  web->phase = sp_phase_name(SP_PHASE_SPAWNING);
  sp_web_changed(web);
}

static void make_summary(struct sp_web *web) {
  char *text = web->host->summary ? web->host->summary(web->ctx) : NULL;
  if (!text) {
    return;
  }
  sp_page_data_summary(web->page, sp_str_from(text));
  free(text);
}

static void publish_summary(struct sp_web *web) {
  int64_t begin_ns = sp_clock_mono_ns();
  if (begin_ns < web->summary_ns || sp_web_feed_watchers(web->feed) == 0) {
    return;
  }
  make_summary(web);
  int64_t end_ns = sp_clock_mono_ns();
  web->summary_ns = end_ns + (end_ns - begin_ns) * SUMMARY_SHARE;
  if (sp_page_data_summary_json(web->page).len > 0) {
    publish(web, "summary", sp_blob_create(sp_page_data_summary_json(web->page)));
  }
}

static void tick_id(const struct sp_web *web, const struct sp_page_tick *tick, char *id, size_t size) {
  snprintf(id, size, "%s:%llu", web->run_id, (unsigned long long)tick->gauges.n);
}

void sp_web_tick(struct sp_web *web, const struct sp_run_view *view) {
  const struct sp_page_tick *tick = sp_page_data_tick(web->page, view);
  struct sp_web_event event = { .kind = "tick", .data = sp_blob_ref(tick->text) };
  tick_id(web, tick, event.id, sizeof(event.id));
  web->elapsed_ns = view->elapsed_ns;
  sp_web_feed_publish(web->feed, event);
  if (view->phase != SP_PHASE_ENDED) { /* the end shows when there is its result */
    show_phase(web, sp_phase_name(view->phase));
    publish_summary(web);
  }
  sp_web_publish_metrics(web, &(struct sp_export_source){ .run = &web->run, .view = view });
}

void sp_web_log(struct sp_web *web, const char *level, const char *text) {
  struct sp_str line = sp_page_data_log(web->page, (double)web->elapsed_ns / (double)SP_NS_PER_S, level, text);
  publish(web, "log", sp_blob_create(line));
}

void sp_web_end(struct sp_web *web, const struct sp_result *result) {
  web->summary_ns = 0;
  char *text = sp_page_summary(result, false);
  sp_page_data_summary(web->page, sp_str_from(text));
  free(text);
  publish(web, "summary", sp_blob_create(sp_page_data_summary_json(web->page)));
  show_phase(web, sp_phase_name(SP_PHASE_ENDED));
  sp_web_publish_metrics(web, &(struct sp_export_source){ .run = &web->run, .result = result });
}

void sp_web_abandon(struct sp_web *web) { show_phase(web, "idle"); }

void sp_web_reset(struct sp_web *web) {
  sp_page_data_reset(web->page);
  sp_web_changed(web);
}

/* --- life --- */

struct sp_web *sp_web_open(const struct sp_web_options *options, struct sp_err *err) {
  struct sp_web *web = sp_alloc(sizeof(*web));
  web->host = options->host;
  web->ctx = options->ctx;
  web->serve = options->serve;
  web->phase = "idle";
  web->listener = -1;
  pthread_mutex_init(&web->lock, NULL);
  sp_cond_init(&web->changed);
  web->page = sp_page_data_create(0, 0);
  web->feed = sp_web_feed_create(SP_WEB_EVENTS_MAX, SP_WEB_EVENT_BYTES_MAX);
  if (sp_web_server_start(web, options, err)) {
    sp_web_close(web);
    return NULL;
  }
  return web;
}

void sp_web_close(struct sp_web *web) {
  if (!web) {
    return;
  }
  sp_web_feed_end(web->feed);
  sp_web_feed_drain(web->feed, SP_WEB_DRAIN_NS);
  sp_web_calls_refuse(web);
  sp_web_server_stop(web);
  sp_web_feed_unref(web->feed);
  sp_page_data_destroy(web->page);
  sp_export_run_fini(&web->run);
  sp_blob_unref(web->metrics[0]);
  sp_blob_unref(web->metrics[1]);
  pthread_cond_destroy(&web->changed);
  pthread_mutex_destroy(&web->lock);
  free(web->cert);
  free(web->key);
  free(web);
}

const char *sp_web_url(const struct sp_web *web) { return web->url; }
const char *sp_web_entry(const struct sp_web *web) { return web->entry; }
bool sp_web_needs_token(const struct sp_web *web) { return web->access.token[0] != 0; }
