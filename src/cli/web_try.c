/*
 * A try from the page: one user, each task once (or one task), every event as it arrives, as an event stream. The tap is
 * called on the engine's thread and publishes to the feed, which any thread may; everything else is the main thread's.
 */
#include "base/mem.h"
#include "cli/serving_inside.h"
#include "cli/task_pick.h"
#include "report/json_put.h"
#include "report/terminal.h"
#include "script/exchange_detail.h"

#include <stdlib.h>

#define TRY_EVENTS_MAX 16384u /* what may wait for the page: it reads as fast as it can */
#define TRY_BYTES_MAX (32u * 1024u * 1024u)
#define LOOK_NS (SP_NS_PER_S / 2) /* whether anybody watches still */
#define HELD_MAX 4096u            /* events of one read, whose time is known at its end */
#define TRY_TEXT_MAX 1000u
#define TRY_LINE_MAX 8192u

struct sp_web_try {
  struct sp_serving *serving;
  struct sp_order *order;
  struct sp_web_feed *feed;
  struct sp_task_pick picks[SP_TASKS_MAX];
  size_t pick_count, pick_at;
  struct sp_run *run;
  struct sp_timer look;
  struct sp_tap tap;
  bool cut;
  /* engine thread, while a run is on: */
  uint64_t before; /* requests of the tasks before this one */
  uint64_t most;   /* the highest number of a request of this one */
  char *held[HELD_MAX]; /* the ends of their lines, behind the time */
  size_t held_count;
};

/* -- lines -- */

static void publish(struct sp_web_try *trying, const char *kind, struct sp_buf *line) {
  sp_web_feed_publish(trying->feed, (struct sp_web_event){.kind = kind, .data = sp_blob_create(sp_buf_str(line))});
  sp_buf_fini(line);
}

static void put_clean(struct sp_web_try *trying, struct sp_buf *line, const char *key, struct sp_str text) {
  const struct sp_plan *plan = trying->order->setup.plan;
  char clean[TRY_TEXT_MAX];
  size_t len = sp_detail_line(clean, sizeof(clean), text, plan->secrets, plan->secret_count);
  sp_buf_printf(line, ",\"%s\":", key);
  sp_json_put_text(line, sp_str_of(clean, len), TRY_TEXT_MAX);
}

static uint64_t number_of(struct sp_web_try *trying, const struct sp_tap_request *request) {
  if (request->number > trying->most) trying->most = request->number;
  return trying->before + request->number;
}

static double since_ms(const struct sp_tap_request *request, int64_t at_ns) { return (double)(at_ns - request->start_ns) / 1e6; }

/* -- the tap -- */

static void on_start(void *ctx, const struct sp_tap_request *request, struct sp_str method, struct sp_str url) {
  struct sp_web_try *trying = ctx;
  struct sp_buf line, shown;
  sp_buf_init(&line, TRY_LINE_MAX);
  sp_buf_init(&shown, SP_URL_MAX * 2);
  sp_url_redact(url, &shown);
  sp_buf_printf(&line, "{\"n\":%llu,\"t\":0", (unsigned long long)number_of(trying, request));
  put_clean(trying, &line, "name", sp_str_from(request->key->name));
  put_clean(trying, &line, "method", method);
  put_clean(trying, &line, "url", sp_buf_str(&shown));
  sp_buf_append_char(&line, '}');
  sp_buf_fini(&shown);
  publish(trying, "request", &line);
}

static const char *kind_of(const struct sp_meaning *meaning) {
  if (meaning->state == SP_STREAM_FAILED) return "error";
  if (meaning->state == SP_STREAM_DONE || meaning->marks & SP_MARK_END) return "end";
  if (meaning->marks & SP_MARK_TOKEN) return "token";
  if (meaning->marks & SP_MARK_REASONING) return "reasoning";
  if (meaning->marks & SP_MARK_NODE) return "node";
  return meaning->marks & SP_MARK_PING ? "ping" : "other";
}

static struct sp_str text_of(const struct sp_meaning *meaning) {
  if (meaning->state == SP_STREAM_FAILED) return meaning->detail;
  return meaning->marks & SP_MARK_NODE ? meaning->node.title : meaning->text;
}

static void on_event(void *ctx, const struct sp_tap_request *request, const struct sp_exchange_event *event) {
  struct sp_web_try *trying = ctx;
  struct sp_buf line;
  (void)request;
  if (trying->held_count == HELD_MAX) return; /* of one read: more than a page shows */
  sp_buf_init(&line, TRY_LINE_MAX);
  put_clean(trying, &line, "name", event->meaning->name);
  sp_buf_printf(&line, ",\"kind\":\"%s\"", kind_of(event->meaning));
  put_clean(trying, &line, "text", text_of(event->meaning));
  put_clean(trying, &line, "data", event->sse->data);
  sp_buf_append_char(&line, '}');
  trying->held[trying->held_count++] = sp_buf_take(&line);
  sp_buf_fini(&line);
}

static void publish_event(struct sp_web_try *trying, const struct sp_tap_request *request, int64_t at_ns, const char *end) {
  struct sp_buf line;
  sp_buf_init(&line, TRY_LINE_MAX);
  sp_buf_printf(&line, "{\"n\":%llu,\"t\":%.3f%s", (unsigned long long)number_of(trying, request), since_ms(request, at_ns), end);
  publish(trying, "event", &line);
}

static void on_events_timed(void *ctx, const struct sp_tap_request *request, int64_t first_ns, int64_t others_ns) {
  struct sp_web_try *trying = ctx;
  for (size_t i = 0; i < trying->held_count; i++) {
    publish_event(trying, request, i ? others_ns : first_ns, trying->held[i]);
    free(trying->held[i]);
  }
  trying->held_count = 0;
}

static void on_blank(void *ctx, const struct sp_tap_request *request, struct sp_str type) {
  struct sp_web_try *trying = ctx;
  struct sp_buf end;
  sp_buf_init(&end, TRY_LINE_MAX);
  put_clean(trying, &end, "name", type.len ? type : SP_STR("(comment)"));
  sp_buf_append_text(&end, ",\"kind\":\"ping\",\"text\":\"\",\"data\":\"\"}");
  publish_event(trying, request, sp_clock_mono_ns(), end.bytes);
  sp_buf_fini(&end);
}

static void put_metrics(struct sp_buf *line, const struct sp_sample *sample) {
  const char *comma = "";
  sp_buf_append_text(line, ",\"metrics\":{");
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    if (sample->metric_ns[i] == SP_METRIC_NA || i == SP_METRIC_ITL) continue;
    sp_buf_printf(line, "%s\"%s\":%.3f", comma, sp_metric_info((enum sp_metric)i)->name, (double)sample->metric_ns[i] / 1e6);
    comma = ",";
  }
  sp_buf_append_char(line, '}');
}

static void put_remedy(struct sp_buf *line, const char *kind, const char *detail) {
  const char *remedy = sp_remedy(kind, detail);
  sp_buf_append_text(line, ",\"remedy\":");
  if (remedy) sp_json_put_text(line, sp_str_from(remedy), SP_JSON_PUT_MAX);
  else sp_buf_append_text(line, "null");
}

static void on_end(void *ctx, const struct sp_tap_request *request, struct sp_exchange *exchange) {
  struct sp_web_try *trying = ctx;
  const struct sp_sample *sample = sp_exchange_sample(exchange);
  const char *outcome = sp_outcome_name(sample->outcome), *detail = sp_exchange_detail(exchange);
  struct sp_buf line;
  on_events_timed(ctx, request, sample->end_ns, sample->end_ns);
  sp_buf_init(&line, TRY_LINE_MAX);
  sp_buf_printf(&line, "{\"n\":%llu,\"outcome\":\"%s\",\"status\":%d", (unsigned long long)number_of(trying, request), outcome,
                (int)sp_exchange_status(exchange));
  put_clean(trying, &line, "detail", sp_str_from(detail));
  put_clean(trying, &line, "text", sp_exchange_text(exchange));
  put_remedy(&line, outcome, detail);
  put_metrics(&line, sample);
  sp_buf_append_char(&line, '}');
  publish(trying, "done", &line);
}

static void on_task_error(void *ctx, const char *task, const char *detail) {
  struct sp_web_try *trying = ctx;
  struct sp_buf line;
  sp_buf_init(&line, TRY_LINE_MAX);
  sp_buf_append_text(&line, "{\"n\":0,\"outcome\":\"task\",\"status\":0");
  put_clean(trying, &line, "name", sp_str_from(task));
  put_clean(trying, &line, "detail", sp_str_from(detail));
  put_remedy(&line, "task", detail);
  sp_buf_append_text(&line, ",\"metrics\":{}}");
  publish(trying, "done", &line);
}

/* -- task by task -- */

static void destroy(struct sp_web_try *trying) {
  sp_timer_stop(&trying->look);
  sp_run_destroy(trying->run);
  for (size_t i = 0; i < trying->held_count; i++) free(trying->held[i]);
  sp_web_feed_end(trying->feed);
  sp_web_feed_unref(trying->feed);
  sp_order_fini(trying->order);
  free(trying->order);
  free(trying);
}

static void finish(struct sp_web_try *trying) {
  struct sp_serving *serving = trying->serving;
  struct sp_err ignored;
  (void)sp_plan_fire(trying->order->setup.plan, "stop", &ignored);
  sp_web_feed_publish(trying->feed, (struct sp_web_event){.kind = "end", .data = sp_blob_create(SP_STR("{}"))});
  destroy(trying);
  serving->trying = NULL;
  sp_web_set_trying(serving->web, false);
  sp_serving_quiet(serving);
}

static int start_next(struct sp_web_try *trying, struct sp_err *err);

static void go_on(void *arg) {
  struct sp_web_try *trying = arg;
  struct sp_err err;
  sp_run_destroy(trying->run);
  trying->run = NULL;
  trying->before += trying->most;
  trying->most = 0;
  if (trying->cut || trying->pick_at == trying->pick_count) {
    finish(trying);
  } else if (start_next(trying, &err)) {
    on_task_error(trying, "", err.text);
    finish(trying);
  }
}

static void on_run_end(void *ctx) {
  struct sp_web_try *trying = ctx;
  sp_loop_post(trying->serving->conf.loop, go_on, trying); /* the run is still on the stack */
}

static int start_next(struct sp_web_try *trying, struct sp_err *err) {
  struct sp_setup *setup = &trying->order->setup;
  sp_task_pick_only(setup->plan, trying->picks[trying->pick_at++]);
  struct sp_run_options options = {.loop = trying->serving->conf.loop, .load = &setup->load, .classes = setup->plan->classes,
      .class_count = setup->plan->class_count, .type = &sp_user_lua, .type_conf = &setup->conf, .on_end = on_run_end,
      .ctx = trying};
  trying->run = sp_run_create(&options, err);
  if (!trying->run) return err->code;
  int code = sp_run_start(trying->run, err);
  if (code) {
    sp_run_destroy(trying->run);
    trying->run = NULL;
  }
  return code;
}

/* Whoever closes the page has seen enough. */
static void on_look(struct sp_timer *timer) {
  struct sp_web_try *trying = sp_container_of(timer, struct sp_web_try, look);
  if (sp_web_feed_left(trying->feed)) sp_web_try_cut(trying);
  sp_timer_start(timer, sp_loop_now(timer->loop) + LOOK_NS);
}

void sp_web_try_cut(struct sp_web_try *trying) {
  trying->cut = true;
  if (trying->run) sp_run_cut(trying->run);
}

static int begin(struct sp_web_try *trying, const char *task, struct sp_web_answer *answer, struct sp_err *err) {
  struct sp_setup *setup = &trying->order->setup;
  trying->pick_count = sp_task_pick_all(setup->plan, task, trying->picks, SP_TASKS_MAX);
  if (trying->pick_count == 0) return sp_fail(err, SP_EUSAGE, "the plan has no task '%s' to try", task ? task : "");
  sp_task_pick_load(&setup->load);
  setup->conf.replaying = false;
  setup->conf.tap = &trying->tap;
  int code = sp_plan_fire(setup->plan, "start", err);
  if (code) return code;
  if (!sp_web_answer_watch(answer, trying->feed, 1)) return sp_fail(err, SP_ELIMIT, "nobody can watch it");
  return start_next(trying, err);
}

struct sp_web_try *sp_web_try_start(struct sp_serving *serving, struct sp_order *order, const char *task,
                                    struct sp_web_answer *answer, struct sp_err *err) {
  struct sp_web_try *trying = sp_alloc(sizeof(*trying));
  trying->serving = serving;
  trying->order = order;
  trying->feed = sp_web_feed_create(TRY_EVENTS_MAX, TRY_BYTES_MAX);
  trying->tap = (struct sp_tap){.ctx = trying, .on_start = on_start, .on_event = on_event, .on_blank = on_blank,
      .on_events_timed = on_events_timed, .on_end = on_end, .on_task_error = on_task_error};
  sp_timer_init(&trying->look, serving->conf.loop, on_look);
  if (begin(trying, task, answer, err)) {
    sp_web_answer_fini(answer);
    destroy(trying);
    return NULL;
  }
  sp_timer_start(&trying->look, sp_loop_now(serving->conf.loop) + LOOK_NS);
  return trying;
}
