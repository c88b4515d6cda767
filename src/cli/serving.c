#include "cli/serving.h"

#include "base/mem.h"
#include "base/units.h"
#include "cli/downloads.h"
#include "cli/serving_inside.h"
#include "cli/stop_signals.h"
#include "web/access.h"

#include <stdlib.h>

#define NOTE_SIZE 200

/* -- a run from the page -- */

/* The last run is shown until the next one begins. */
static void drop_run(struct sp_serving *serving) {
  if (!serving->order) return;
  sp_runner_destroy(serving->runner);
  sp_order_fini(serving->order);
  free(serving->order);
  serving->runner = NULL;
  serving->order = NULL;
}

static void show_outputs(struct sp_serving *serving) {
  sp_downloads_names(serving->runner, serving->folder, serving->outputs);
  sp_web_set_outputs(serving->web, serving->outputs);
}

static void finish(void *arg) {
  struct sp_serving *serving = arg;
  serving->running = false;
  sp_runner_finish(serving->runner);
  sp_serving_quiet(serving);
}

static void on_end(void *ctx) {
  struct sp_serving *serving = ctx;
  sp_loop_post(serving->conf.loop, finish, serving); /* the run is still on the stack */
}

int sp_serving_start(struct sp_serving *serving, struct sp_order *order, struct sp_err *err) {
  drop_run(serving);
  serving->order = order;
  struct sp_runner_options options = {.setup = &order->setup, .options = &order->options,
      .plan_name = order->options.arguments[0], .loop = serving->conf.loop, .web = serving->web, .keep = serving->folder,
      .on_end = on_end, .ctx = serving};
  serving->runner = sp_runner_create(&options, err);
  show_outputs(serving);
  if (serving->runner && sp_runner_start(serving->runner, err) == 0) {
    serving->running = true;
    return 0;
  }
  drop_run(serving);
  return err->code;
}

/* -- a run that somebody else owns -- */

void sp_serving_show(struct sp_serving *serving, struct sp_runner *runner) {
  serving->runner = runner;
  show_outputs(serving);
}

/* The token is for whoever sits here: it is on no page and in no log. */
void sp_serving_began(struct sp_serving *serving) {
  char text[NOTE_SIZE];
  const char *url = sp_web_url(serving->web);
  serving->running = true;
  if (sp_web_needs_token(serving->web)) {
    fprintf(stderr, "live: %s (for Prometheus: %smetrics, the token as its bearer)\n", sp_web_entry(serving->web), url);
    return;
  }
  snprintf(text, sizeof(text), "live: %s, for Prometheus: %smetrics", url, url);
  sp_runner_note(serving->runner, text);
}

struct stay {
  struct sp_loop *loop;
  struct sp_stop_signals signals;
  struct sp_timer over;
};

static void leave(struct stay *stay) {
  sp_timer_stop(&stay->over);
  sp_stop_signals_close(&stay->signals);
}

static void on_stay_signal(void *ctx, unsigned count) { (void)count, leave(ctx); }
static void on_stay_over(struct sp_timer *timer) { leave(sp_container_of(timer, struct stay, over)); }
static void on_stay_closed(void *ctx) { sp_loop_stop(((struct stay *)ctx)->loop); }

/* The run's signals are closed by now, and its exit code is known: Ctrl-C changes nothing of it any more. */
static void stay(struct sp_serving *serving, int64_t most_ns) {
  struct stay stay = {.loop = serving->conf.loop, .signals = {.on_signal = on_stay_signal, .on_closed = on_stay_closed, .ctx = &stay}};
  char most[SP_UNIT_TEXT_SIZE], text[NOTE_SIZE];
  struct sp_err err;
  bool limited = most_ns != SP_NEVER_NS;
  if (sp_stop_signals_open(&stay.signals, stay.loop, &err)) {
    sp_runner_note(serving->runner, err.text);
    return;
  }
  snprintf(text, sizeof(text), "live: %s stays %s%s (Ctrl-C ends it)", sp_web_url(serving->web), limited ? "for " : "as long as you want",
           limited ? sp_format_duration(most_ns, most, sizeof(most)) : "");
  sp_runner_note(serving->runner, text);
  sp_timer_init(&stay.over, stay.loop, on_stay_over);
  if (limited) sp_timer_start(&stay.over, sp_loop_now(stay.loop) + most_ns);
  sp_loop_run(stay.loop);
}

void sp_serving_linger(struct sp_serving *serving) {
  char text[NOTE_SIZE];
  int64_t linger_ns = serving->conf.options->web_linger_ns;
  serving->running = false;
  sp_web_serve(serving->web); /* who asked while the end was written */
  if (linger_ns > 0) {
    stay(serving, linger_ns);
    return;
  }
  if (!sp_web_linger_note(serving->web, text, sizeof(text))) return;
  sp_runner_note(serving->runner, text);
  sp_web_linger(serving->web);
}

/* -- the end -- */

void sp_serving_quiet(struct sp_serving *serving) {
  if (serving->quits > 0 && !serving->running && !serving->trying) serving->conf.on_quiet(serving->conf.ctx);
}

void sp_serving_quit(struct sp_serving *serving) {
  serving->quits++;
  if (serving->trying) sp_web_try_cut(serving->trying);
  if (serving->running) {
    serving->cut_short = true;
    sp_runner_interrupt(serving->runner);
    if (serving->quits == 1) {
      sp_runner_note(serving->runner, "stopping: started requests may finish (Ctrl-C again stops at once)");
    }
    sp_runner_stop(serving->runner, serving->quits > 1);
  }
  sp_serving_quiet(serving);
}

bool sp_serving_was_cut_short(const struct sp_serving *serving) { return serving->cut_short; }

/* -- life -- */

struct sp_serving *sp_serving_open(const struct sp_serving_options *options, struct sp_err *err) {
  const struct sp_options *given = options->options;
  struct sp_serving *serving = sp_alloc(sizeof(*serving));
  const char *token = getenv(SP_WEB_TOKEN_VARIABLE);
  serving->conf = *options;
  struct sp_web_options web = {.address = given->web, .host = &sp_serving_host, .ctx = serving, .serve = options->serve,
      .token = token && *token ? token : NULL, .cert = given->web_cert, .key = given->web_key, .name = given->web_name};
  serving->web = sp_web_open(&web, err);
  if (!serving->web) {
    sp_err_context(err, "--web");
    free(serving);
    return NULL;
  }
  serving->folder = sp_downloads_make_folder();
  return serving;
}

void sp_serving_close(struct sp_serving *serving) {
  if (!serving) return;
  sp_web_close(serving->web);
  drop_run(serving);
  sp_downloads_remove_folder(serving->folder);
  free(serving);
}

struct sp_web *sp_serving_web(const struct sp_serving *serving) { return serving->web; }
const char *sp_serving_folder(const struct sp_serving *serving) { return serving->folder; }
