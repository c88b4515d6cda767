/* The calls that change something, or ask for what only the program knows. */
#include "base/mem.h"
#include "base/units.h"
#include "cli/downloads.h"
#include "cli/serving_inside.h"
#include "report/page_data.h"

#include <stdlib.h>

#define NOTE_SIZE 120

static void wake_serve(void *arg) { sp_web_serve(((struct sp_serving *)arg)->web); }

static void wake(void *ctx) {
  struct sp_serving *serving = ctx;
  sp_loop_post(serving->conf.loop, wake_serve, serving);
}

static char *summary(void *ctx) {
  struct sp_serving *serving = ctx;
  if (!serving->runner) return NULL;
  const struct sp_result *result = sp_runner_shown(serving->runner);
  return result ? sp_page_summary(result, !sp_runner_ended(serving->runner)) : NULL;
}

/* -- starting -- */

static void plans(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_serving *serving = ctx;
  (void)form;
  sp_serving_put_plans(serving->conf.options, &answer->body);
}

static void check(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_serving *serving = ctx;
  struct sp_order *order = sp_alloc(sizeof(*order));
  struct sp_err err;
  const char *field;
  int code = sp_order_read(order, serving->conf.options, form, &field, &err);
  if (code == 0 && form->plan) code = sp_order_settle(order, &field, &err);
  if (code) {
    sp_buf_append_text(&answer->body, "{\"ok\":false,");
    sp_web_put_fault(&answer->body, field, err.text);
    sp_buf_append_text(&answer->body, "}\n");
  } else {
    sp_buf_append_text(&answer->body, "{\"ok\":true}\n");
  }
  sp_order_fini(order);
  free(order);
}

/* True: something is under way, and the answer says what. */
static bool is_taken(struct sp_serving *serving, struct sp_web_answer *answer) {
  const char *why = !serving->conf.serve ? "this page belongs to one run: 'spate serve' starts runs from the page"
                    : serving->quits     ? "spate is ending"
                    : serving->running   ? "a run is under way"
                    : serving->trying    ? "a try is under way"
                                         : NULL;
  if (why) sp_web_answer_error(answer, 409, NULL, "%s", why);
  return why != NULL;
}

/* NULL: it can't be, and the answer says why. */
static struct sp_order *order_of(struct sp_serving *serving, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_order *order = sp_alloc(sizeof(*order));
  struct sp_err err;
  const char *field;
  int code = sp_order_read(order, serving->conf.options, form, &field, &err);
  if (code == 0) code = sp_order_settle(order, &field, &err);
  if (code == 0) return order;
  sp_web_answer_error(answer, 400, field, "%s", err.text);
  sp_order_fini(order);
  free(order);
  return NULL;
}

static void run(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_serving *serving = ctx;
  struct sp_err err;
  if (is_taken(serving, answer)) return;
  struct sp_order *order = order_of(serving, form, answer);
  if (!order) return;
  if (sp_serving_start(serving, order, &err)) sp_web_answer_error(answer, 400, NULL, "%s", err.text);
  else sp_buf_printf(&answer->body, "{\"id\":\"%s\"}\n", sp_runner_id(serving->runner));
}

static void try_once(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_serving *serving = ctx;
  struct sp_err err;
  if (is_taken(serving, answer)) return;
  struct sp_order *order = order_of(serving, form, answer);
  if (!order) return;
  serving->trying = sp_web_try_start(serving, order, form->task, answer, &err);
  if (serving->trying) sp_web_set_trying(serving->web, true);
  else sp_web_answer_error(answer, 400, NULL, "%s", err.text);
}

/* -- while it runs -- */

/* NULL: nothing runs, and the answer says so. */
static struct sp_run *running(struct sp_serving *serving, struct sp_web_answer *answer) {
  if (serving->running) return sp_runner_run(serving->runner);
  sp_web_answer_error(answer, 409, NULL, "no run is under way");
  return NULL;
}

static void note(struct sp_serving *serving, const char *what, const char *value) {
  char text[NOTE_SIZE];
  snprintf(text, sizeof(text), "from the page: %s%s", what, value);
  sp_runner_note(serving->runner, text);
}

static void stop(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_serving *serving = ctx;
  if (!running(serving, answer)) return;
  note(serving, "stop", form->at_once ? " at once" : "");
  sp_runner_interrupt(serving->runner);
  sp_runner_stop(serving->runner, form->at_once);
  sp_web_answer_done(answer);
}

static bool read_option(struct sp_options *scratch, const char *option, const char *text, const char *field,
                        struct sp_web_answer *answer) {
  static const struct sp_option *const groups[] = {sp_options_load, NULL};
  struct sp_err err;
  if (sp_options_take(scratch, groups, option, text, &err) == 0) return true;
  sp_web_answer_error(answer, 400, field, "%s", err.text);
  return false;
}

static void users(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_serving *serving = ctx;
  struct sp_options scratch;
  struct sp_run *of = running(serving, answer);
  if (!of) return;
  if (sp_runner_load(serving->runner)->kind == SP_LOAD_RATE) {
    sp_web_answer_error(answer, 409, "users", "this run makes a rate, not users: change that");
    return;
  }
  sp_options_init(&scratch);
  if (!read_option(&scratch, "users", form->users, "users", answer)) return;
  if (form->spawn_rate[0] && !read_option(&scratch, "spawn-rate", form->spawn_rate, "spawn_rate", answer)) return;
  note(serving, "users ", form->users);
  sp_run_set_users(of, (uint64_t)scratch.load.users, scratch.load.spawn_per_s > 0 ? scratch.load.spawn_per_s : 0);
  sp_web_answer_done(answer);
}

static void rate(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_serving *serving = ctx;
  struct sp_err err;
  double per_s;
  struct sp_run *of = running(serving, answer);
  if (!of) return;
  if (sp_runner_load(serving->runner)->kind != SP_LOAD_RATE) {
    sp_web_answer_error(answer, 409, "per_s", "this run makes users, not a rate: change those");
    return;
  }
  if (sp_parse_rate(form->per_s, &per_s, &err)) {
    sp_web_answer_error(answer, 400, "per_s", "--rate: %s", err.text);
    return;
  }
  note(serving, "rate ", form->per_s);
  sp_run_set_rate(of, per_s);
  sp_web_answer_done(answer);
}

static void reset(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_serving *serving = ctx;
  (void)form;
  if (!running(serving, answer)) return;
  sp_runner_reset(serving->runner);
  sp_web_reset(serving->web);
  sp_web_answer_done(answer);
}

static void out(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_serving *serving = ctx;
  if (serving->runner) sp_downloads_give(serving->runner, serving->folder, form->rest, answer);
  else sp_web_answer_error(answer, 404, NULL, "there was no run yet");
}

const struct sp_web_host sp_serving_host = {.wake = wake, .summary = summary, .plans = plans, .check = check, .run = run,
    .stop = stop, .users = users, .rate = rate, .reset = reset, .try_once = try_once, .out = out,
    .history = sp_serving_history, .history_run = sp_serving_history_run, .compare = sp_serving_compare,
    .campaigns = sp_serving_campaigns, .campaign = sp_serving_campaign};
