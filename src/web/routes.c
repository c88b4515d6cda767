/* The calls of docs/web-api.md: one row each. What they do, they do on the main thread. */
#include "base/mem.h"
#include "web/inside.h"

#include <stdlib.h>
#include <string.h>

/* --- the page's own --- */

static void state(struct sp_web *web, const struct sp_web_form *form, struct sp_web_answer *answer) {
  (void)form;
  sp_web_put_state(web, &answer->body);
}

/* The number behind "RUN:" of this run, or a bare one; false: of another run, or nothing of ours. */
static bool seen_number(const struct sp_web *web, const char *id, uint64_t *seen) {
  size_t len = strlen(web->run_id);
  if (!*id) {
    return false;
  }
  if (strchr(id, ':')) {
    if (strncmp(id, web->run_id, len) != 0 || id[len] != ':') {
      return false;
    }
    id += len + 1;
  }
  char *end;
  unsigned long long number = strtoull(id, &end, 10);
  *seen = number;
  return *id >= '0' && *id <= '9' && *end == 0 && number < sp_page_data_next(web->page);
}

static void add_ticks(struct sp_web *web, const struct sp_web_form *form, struct sp_web_answer *answer) {
  char id[SP_WEB_EVENT_ID_SIZE];
  uint64_t seen = 0;
  bool some = seen_number(web, form->last_event_id, &seen);
  for (size_t i = 0; i < sp_page_data_count(web->page); i++) {
    const struct sp_page_tick *tick = sp_page_data_at(web->page, i);
    if (!some || tick->gauges.n > seen) {
      snprintf(id, sizeof(id), "%s:%llu", web->run_id, (unsigned long long)tick->gauges.n);
      sp_web_answer_event(answer, "tick", id, sp_blob_ref(tick->text));
    }
  }
}

static struct sp_str summary_now(struct sp_web *web) {
  if (sp_web_is_busy(web) && web->host->summary) {
    char *text = web->host->summary(web->ctx);
    if (text) {
      sp_page_data_summary(web->page, sp_str_from(text));
    }
    free(text);
  }
  return sp_page_data_summary_json(web->page);
}

static void live(struct sp_web *web, const struct sp_web_form *form, struct sp_web_answer *answer) {
  if (!sp_web_answer_watch(answer, web->feed, SP_WEB_WATCHERS_MAX)) {
    return;
  }
  struct sp_buf text;
  sp_buf_init(&text, SP_WEB_ANSWER_MAX);
  sp_web_put_state(web, &text);
  sp_web_answer_event(answer, "state", NULL, sp_blob_create(sp_buf_str(&text)));
  sp_buf_fini(&text);
  add_ticks(web, form, answer);
  for (size_t i = 0; i < sp_page_data_log_count(web->page); i++) {
    sp_web_answer_event(answer, "log", NULL, sp_blob_create(sp_page_data_log_at(web->page, i)));
  }
  struct sp_str summary = summary_now(web);
  if (summary.len > 0) {
    sp_web_answer_event(answer, "summary", NULL, sp_blob_create(summary));
  }
}

static void no_run(struct sp_web_answer *answer) {
  sp_web_answer_error(answer, MHD_HTTP_NOT_FOUND, NULL, "there was no run yet");
}

static void summary(struct sp_web *web, const struct sp_web_form *form, struct sp_web_answer *answer) {
  (void)form;
  struct sp_str text = summary_now(web);
  if (text.len == 0) {
    no_run(answer);
    return;
  }
  sp_buf_append_str(&answer->body, text);
}

static void data(struct sp_web *web, const struct sp_web_form *form, struct sp_web_answer *answer) {
  (void)form;
  if (sp_page_data_begin_json(web->page).len == 0) {
    no_run(answer);
    return;
  }
  summary_now(web);
  if (!sp_page_data_put(web->page, &answer->body)) {
    sp_web_answer_error(answer, MHD_HTTP_CONTENT_TOO_LARGE, NULL, "the run's data are over %u MiB", SP_WEB_ANSWER_MAX >> 20);
  }
}

/* --- the host's --- */

static void ask_host(struct sp_web *web, sp_web_call *call, const struct sp_web_form *form, struct sp_web_answer *answer) {
  if (call) {
    call(web->ctx, form, answer);
  } else {
    sp_web_answer_error(answer, MHD_HTTP_NOT_FOUND, NULL, "this spate has no such call here");
  }
}

#define OF_HOST(name, member) \
  static void name(struct sp_web *web, const struct sp_web_form *form, struct sp_web_answer *answer) { \
    ask_host(web, web->host->member, form, answer); \
  }
OF_HOST(plans, plans)
OF_HOST(check, check)
OF_HOST(start_run, run)
OF_HOST(stop, stop)
OF_HOST(users, users)
OF_HOST(rate, rate)
OF_HOST(reset, reset)
OF_HOST(try_once, try_once)
OF_HOST(out, out)
OF_HOST(history, history)
OF_HOST(history_run, history_run)
OF_HOST(compare, compare)
OF_HOST(campaigns, campaigns)
OF_HOST(campaign, campaign)

/* --- the table --- */

static const struct sp_web_route routes[] = {
  { "GET", "/api/state", state },
  { "GET", "/api/plans", plans },
  { "POST", "/api/check", check },
  { "POST", "/api/run", start_run },
  { "POST", "/api/stop", stop },
  { "POST", "/api/users", users },
  { "POST", "/api/rate", rate },
  { "POST", "/api/reset", reset },
  { "GET", "/api/live", live },
  { "GET", "/api/summary", summary },
  { "GET", "/api/data", data },
  { "GET", "/api/out/", out },
  { "POST", "/api/try", try_once },
  { "GET", "/api/history", history },
  { "GET", "/api/history/", history_run },
  { "GET", "/api/compare", compare },
  { "GET", "/api/campaigns", campaigns },
  { "GET", "/api/campaign", campaign },
};

/* One word of a path that can lead nowhere: no slash, no leading dot. */
static bool is_word(const char *rest) {
  size_t len = strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~");
  return len > 0 && len <= SP_WEB_REST_MAX && rest[len] == 0 && rest[0] != '.';
}

static bool fits(const struct sp_web_route *route, const char *path, const char **rest) {
  size_t len = strlen(route->path);
  if (route->path[len - 1] != '/') {
    return strcmp(route->path, path) == 0;
  }
  *rest = path + len;
  return strncmp(route->path, path, len) == 0 && is_word(*rest);
}

const struct sp_web_route *sp_web_route_find(const char *method, const char *path, const char **rest, bool *method_fits) {
  for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
    *rest = NULL;
    if (fits(&routes[i], path, rest)) {
      *method_fits = strcmp(routes[i].method, method) == 0 || (strcmp(routes[i].method, "GET") == 0 && strcmp(method, "HEAD") == 0);
      return &routes[i];
    }
  }
  return NULL;
}
