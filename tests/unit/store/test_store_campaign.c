/* Campaigns and searches for the capacity come back as they were written; what was said stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"

#include "base/clock.h"
#include "store/store_campaign.h"

#include <math.h>
#include <string.h>

#define S SP_NS_PER_S

static struct scratch scratch;
static struct sp_store *store;
static struct sp_err err;

static int set_up(void **state) {
  (void)state;
  scratch_make(&scratch);
  store = scratch_open(&scratch, SP_STORE_WRITE);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  sp_store_close(store);
  scratch_remove(&scratch);
  return 0;
}

static void ok(int code) {
  if (code) {
    fail_msg("%s", err.text);
  }
}

static void fails(int code, int wanted, const char *says) {
  assert_int_equal(code, wanted);
  if (!strstr(err.text, says)) {
    fail_msg("'%s' does not say '%s'", err.text, says);
  }
}

static void keep_run(const char *id, int64_t real_ns) {
  int64_t run;
  struct sp_interval *totals = sp_interval_create();
  struct sp_store_begin begin = { .id = id, .name = "n", .plan = "p", .host = "", .version = "1", .plan_text = SP_STR("return 1"),
                                  .real_ns = real_ns };
  struct sp_store_end end = { .duration_ns = S, .measured_ns = S, .valid = true, .slos_met = true, .totals = totals };
  ok(sp_store_begin(store, &begin, &run, &err));
  ok(sp_store_end(store, run, &end, &err));
  sp_interval_destroy(totals);
}

static const struct sp_store_capacity found = { .id = "20260105-1", .name = "how much", .plan = "p", .host = "h", .version = "1",
                                                .real_ns = 105 * S, .goal = "p95(e2e) < 1s", .unit = "/s", .verdict = "bounded",
                                                .lower = 51.5, .upper = NAN, .goodput = 46.9, .valid = true, .complete = false,
                                                .document = "{\"schema\":\"spate.capacity/1\"}" };

/* -- searches -- */

static int check_capacity(void *ctx, const struct sp_store_capacity *capacity) {
  unsigned *seen = ctx;
  assert_string_equal(capacity->id, found.id);
  assert_string_equal(capacity->goal, found.goal);
  assert_int_equal(strlen(capacity->plan_hash), 16);
  assert_true(capacity->lower == 51.5 && isnan(capacity->upper) && capacity->valid && !capacity->complete);
  if (capacity->document) {
    assert_string_equal(capacity->document, found.document);
    *seen += 10;
  }
  (*seen)++;
  return 0;
}

static void searches(void **state) {
  (void)state;
  unsigned seen = 0;
  char id[SP_STORE_ID_SIZE];
  enum sp_store_trial_kind kind;
  const struct sp_store_pair tag = { "a", "b" };
  keep_run("20260101-1", 101 * S);
  ok(sp_store_keep_capacity(store, &found, SP_STR("return 1"), &err));
  ok(sp_store_list_capacities(store, &(struct sp_store_filter){ 0 }, check_capacity, &seen, &err));
  ok(sp_store_list_capacities(store, &(struct sp_store_filter){ .plan = "p", .limit = 1 }, check_capacity, &seen, &err));
  assert_int_equal(seen, 2);
  ok(sp_store_list_capacities(store, &(struct sp_store_filter){ .plan = "q" }, check_capacity, &seen, &err));
  ok(sp_store_list_capacities(store, &(struct sp_store_filter){ .since_real_ns = 106 * S }, check_capacity, &seen, &err));
  ok(sp_store_list_capacities(store, &(struct sp_store_filter){ .tags = &tag, .tag_count = 1 }, check_capacity, &seen, &err));
  assert_int_equal(seen, 2);
  ok(sp_store_read_capacity(store, found.id, check_capacity, &seen, &err));
  assert_int_equal(seen, 13);
  fails(sp_store_read_capacity(store, "x", check_capacity, &seen, &err), SP_ENOTFOUND, "no search for the capacity 'x'");
  ok(sp_store_find_trial(store, "capacity", &kind, id, &err));
  assert_true(kind == SP_STORE_TRIAL_CAPACITY && strcmp(id, found.id) == 0);
  ok(sp_store_find_trial(store, "20260105", &kind, id, &err));
  assert_int_equal(kind, SP_STORE_TRIAL_CAPACITY);
  ok(sp_store_find_trial(store, "last", &kind, id, &err));
  assert_true(kind == SP_STORE_TRIAL_RUN && strcmp(id, "20260101-1") == 0);
  fails(sp_store_find_trial(store, "capacity~1", &kind, id, &err), SP_ENOTFOUND, "no search for the capacity 'capacity~1': 1 are kept");
  fails(sp_store_find_trial(store, "1999", &kind, id, &err), SP_ENOTFOUND, "no run or search for the capacity '1999'");
}

/* -- campaigns -- */

static void begin(const char *name) {
  struct sp_store_campaign campaign = { .name = name, .goal = "faster", .slos = "p95(e2e) < 4s", .figure = "ok_rps", .real_ns = 7 };
  ok(sp_store_campaign_new(store, &campaign, &err));
}

static void a_round_grows(void **state) {
  (void)state;
  struct sp_store_change changes[] = { { "api", "cpu", "0.8", "1.2", "typed" }, { "", "NEW", NULL, "1", "snapshot" } };
  struct sp_store_trial trials[] = { { SP_STORE_TRIAL_RUN, "20260101-1" }, { SP_STORE_TRIAL_CAPACITY, "20260105-1" } };
  struct sp_store_campaign read;
  begin("tune");
  ok(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "r1", .real_ns = 9, .hypothesis = "CPU", .changes = changes,
                                                                 .change_count = 1, .prediction = { "ok_rps", 28, 34, "law", 9 } }, &err));
  ok(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "r1", .trials = trials, .trial_count = 1, .note = "one" }, &err));
  ok(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "r1", .trials = trials + 1, .trial_count = 1, .note = "two",
                                                                 .changes = changes + 1, .change_count = 1, .snapshot = "A=1\n",
                                                                 .decision = SP_STORE_KEEP }, &err));
  ok(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "第二轮" }, &err));
  ok(sp_store_campaign_read(store, "tune", &read, &err));
  assert_true(read.round_count == 2 && read.real_ns == 7);
  assert_string_equal(read.figure, "ok_rps");
  const struct sp_store_round *round = &read.rounds[0];
  assert_true(round->real_ns == 9 && round->decision == SP_STORE_KEEP && round->change_count == 2 && round->trial_count == 2);
  assert_string_equal(round->hypothesis, "CPU");
  assert_string_equal(round->note, "one\ntwo");
  assert_string_equal(round->snapshot, "A=1\n");
  assert_true(round->prediction.low == 28 && round->prediction.high == 34 && round->prediction.real_ns == 9);
  assert_string_equal(round->prediction.because, "law");
  assert_string_equal(round->changes[0].old, "0.8");
  assert_null(round->changes[1].old);
  assert_string_equal(round->changes[1].source, "snapshot");
  assert_true(round->trials[1].kind == SP_STORE_TRIAL_CAPACITY && strcmp(round->trials[1].id, "20260105-1") == 0);
  assert_string_equal(read.rounds[1].title, "第二轮");
  assert_true(!read.rounds[1].hypothesis && !read.rounds[1].note && !read.rounds[1].prediction.figure);
  sp_store_campaign_fini(&read);
}

static void what_was_said_stays(void **state) {
  (void)state;
  struct sp_store_trial trials[] = { { SP_STORE_TRIAL_RUN, "a" }, { SP_STORE_TRIAL_RUN, "a" } };
  struct sp_store_round first = { .title = "r1", .hypothesis = "h", .snapshot = "A=1\n", .prediction = { .figure = "rps" },
                                  .trials = trials, .trial_count = 1 };
  struct sp_store_campaign read;
  begin("tune");
  fails(sp_store_campaign_new(store, &(struct sp_store_campaign){ .name = "tune", .goal = "", .slos = "", .figure = "" }, &err),
        SP_EUSAGE, "there is a campaign 'tune' already");
  ok(sp_store_round_add(store, "tune", &first, &err));
  fails(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "r1", .hypothesis = "x" }, &err), SP_EUSAGE,
        "has a hypothesis already");
  fails(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "r1", .snapshot = "x" }, &err), SP_EUSAGE,
        "has a snapshot already");
  fails(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "r1", .prediction = { .figure = "rps" } }, &err),
        SP_EUSAGE, "has a prediction already");
  fails(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "r2", .trials = trials, .trial_count = 1 }, &err),
        SP_EUSAGE, "a is a trial of round 'r1' already");
  snprintf(trials[0].id, sizeof(trials[0].id), "b");
  snprintf(trials[1].id, sizeof(trials[1].id), "b");
  fails(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "r2", .trials = trials, .trial_count = 2 }, &err),
        SP_EUSAGE, "b is there twice");
  fails(sp_store_round_add(store, "tone", &first, &err), SP_ENOTFOUND, "there is no campaign 'tone' (there are: 'tune')");
  ok(sp_store_campaign_read(store, "tune", &read, &err)); /* nothing of all that was written */
  assert_true(read.round_count == 1 && read.rounds[0].trial_count == 1);
  assert_string_equal(read.rounds[0].hypothesis, "h");
  sp_store_campaign_fini(&read);
}

static int count(void *ctx, const struct sp_store_campaign *campaign) {
  char *text = ctx;
  snprintf(text + strlen(text), 200, "%s:%zu ", campaign->name, campaign->round_count);
  return 0;
}

static void list_and_delete(void **state) {
  (void)state;
  char text[500] = "";
  begin("one");
  begin("two");
  ok(sp_store_round_add(store, "two", &(struct sp_store_round){ .title = "r" }, &err));
  ok(sp_store_campaign_list(store, count, text, &err));
  assert_string_equal(text, "two:1 one:0 ");
  ok(sp_store_campaign_delete(store, "two", &err));
  fails(sp_store_campaign_delete(store, "two", &err), SP_ENOTFOUND, "there is no campaign 'two' (there are: 'one')");
  ok(sp_store_campaign_delete(store, "one", &err));
  fails(sp_store_round_add(store, "one", &(struct sp_store_round){ .title = "r" }, &err), SP_ENOTFOUND, "there is none yet");
}

/* Trials of a campaign outlive the cleaning up of the rest; without the campaign they go like all. */
static void cleaning_up(void **state) {
  (void)state;
  struct sp_store_gc done;
  struct sp_store_trial trials[] = { { SP_STORE_TRIAL_RUN, "used" }, { SP_STORE_TRIAL_CAPACITY, "20260105-1" } };
  struct sp_store_capacity other = found;
  other.id = "20260105-2";
  begin("tune");
  keep_run("used", 101 * S);
  keep_run("unused", 102 * S);
  ok(sp_store_keep_capacity(store, &found, SP_STR(""), &err));
  ok(sp_store_keep_capacity(store, &other, SP_STR(""), &err));
  ok(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "r", .trials = trials, .trial_count = 2 }, &err));
  ok(sp_store_gc(store, 200 * S, true, &done, &err));
  assert_int_equal(done.runs, 2);
  ok(sp_store_gc(store, 200 * S, false, &done, &err));
  assert_int_equal(done.runs, 2);
  ok(sp_store_campaign_delete(store, "tune", &err));
  ok(sp_store_gc(store, 200 * S, false, &done, &err));
  assert_int_equal(done.runs, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = { TEST(searches), TEST(a_round_grows), TEST(what_was_said_stays), TEST(list_and_delete),
                                      TEST(cleaning_up) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
