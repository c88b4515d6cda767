/* The history file: what is written is read, by others too; lists, ids, cleaning up; runs whose process is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"

#include "base/buf.h"
#include "base/clock.h"
#include "stats/series.h"
#include "stats/snapshot.h"
#include "store/process.h"
#include "store/store_log.h"
#include "store/store_read.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define S SP_NS_PER_S

static struct scratch scratch;

static int set_up(void **state) {
  (void)state;
  scratch_make(&scratch);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  scratch_remove(&scratch);
  return 0;
}

static void ok(int code, const struct sp_err *err) {
  if (code) {
    fail_msg("%s", err->text);
  }
}

/* -- a run -- */

static int64_t begin(struct sp_store *store, const char *id, int64_t real_ns, const char *plan, const char *colour) {
  const struct sp_store_pair tags[] = { { "colour", colour }, { "n", "1" } };
  const struct sp_store_pair params[] = { { "key", NULL }, { "query", "请简单介绍一下你自己" } };
  struct sp_store_begin run = { .id = id, .name = "a name", .plan = plan, .host = "http://x", .version = "0.1",
                                .plan_text = SP_STR("return 1"), .real_ns = real_ns, .mono_ns = 77, .seed = UINT64_MAX,
                                .tags = tags, .tag_count = 2, .params = params, .param_count = 2,
                                .asked = SP_STR("asked\0for") };
  int64_t no = 0;
  struct sp_err err = { 0 };
  ok(sp_store_begin(store, &run, &no, &err), &err);
  return no;
}

static struct sp_interval *second(uint64_t n) {
  static const struct sp_request_key chat = { "chat", "U", "t", SP_ROLE_LOAD };
  struct sp_interval *interval = sp_interval_create();
  struct sp_cell *cell = sp_interval_cell(interval, &chat);
  cell->started = 4;
  cell->outcomes[SP_OUTCOME_OK] = 3;
  cell->outcomes[SP_OUTCOME_TIMEOUT] = 1;
  sp_hist_record_n(&cell->metrics[SP_METRIC_TTFT], 100000, 3);
  sp_hist_record_n(&cell->metrics[SP_METRIC_E2E], 500000, 3);
  interval->begin_ns = (int64_t)n * S + 1;
  interval->end_ns = (int64_t)(n + 1) * S + 1;
  return interval;
}

static void tick(struct sp_store *store, int64_t run, uint64_t n, enum sp_series_part part) {
  struct sp_buf bytes;
  struct sp_err err = { 0 };
  sp_buf_init(&bytes, SP_SNAPSHOT_MAX);
  struct sp_interval *interval = second(n);
  sp_snapshot_encode(interval, &bytes);
  struct sp_store_tick row = { .n = n, .elapsed_ns = (int64_t)(n + 1) * S, .part = part, .phase = 1, .users = 10 + n,
                               .users_target = 20, .in_flight = 3, .rate_target = 1.5, .stage = 2,
                               .interval = sp_buf_str(&bytes) };
  ok(sp_store_ticks(store, run, &row, 1, &err), &err);
  sp_interval_destroy(interval);
  sp_buf_fini(&bytes);
}

static void say(struct sp_store *store, int64_t run, uint64_t n, const char *text) {
  struct sp_err err = { 0 };
  struct sp_store_line line = { n, (int64_t)n * S, "warn", text };
  ok(sp_store_lines(store, run, &line, 1, &err), &err);
}

static void end(struct sp_store *store, int64_t run) {
  struct sp_err err = { 0 };
  struct sp_interval *totals = second(0);
  struct sp_store_end done = { .duration_ns = 3 * S, .measured_ns = 2 * S, .users_max = 12, .valid = true, .slos_met = false,
                               .totals = totals, .result = SP_STR("res\0ult"), .summary = "{}" };
  ok(sp_store_end(store, run, &done, &err), &err);
  sp_interval_destroy(totals);
}

/* -- reading -- */

struct listed {
  size_t count;
  char ids[2000];
  struct sp_store_run last;
};

static int list_one(void *ctx, const struct sp_store_run *run) {
  struct listed *listed = ctx;
  listed->count++;
  snprintf(listed->ids + strlen(listed->ids), sizeof(listed->ids) - strlen(listed->ids), "%s ", run->id);
  listed->last = *run;
  return 0;
}

static struct listed list(struct sp_store *store, const struct sp_store_filter *filter) {
  struct listed listed = { 0 };
  struct sp_err err = { 0 };
  ok(sp_store_list(store, filter, list_one, &listed, &err), &err);
  return listed;
}

static int check_detail(void *ctx, const struct sp_store_detail *detail) {
  (void)ctx;
  const struct sp_store_run *run = &detail->run;
  assert_string_equal(run->id, "one");
  assert_string_equal(run->name, "a name");
  assert_string_equal(run->plan, "plan");
  assert_int_equal(strlen(run->plan_hash), 16);
  assert_string_equal(run->host, "http://x");
  assert_string_equal(run->version, "0.1");
  assert_true(run->seed == UINT64_MAX && run->real_ns == 5 * S && run->mono_ns == 77);
  assert_int_equal(run->state, SP_STORE_FINISHED);
  assert_true(run->duration_s == 3 && run->measured_s == 2 && run->users_max == 12 && run->rps == 2);
  assert_true(run->failed_share == 0.25 && fabs(run->ttft_p95_ms - 100) < 0.2 && fabs(run->e2e_p95_ms - 500) < 0.5);
  assert_true(run->valid == 1 && run->slos_met == 0);
  assert_int_equal(run->tag_count, 2);
  assert_string_equal(run->tags[0].key, "colour");
  assert_string_equal(run->tags[0].value, "red");
  assert_int_equal(detail->param_count, 2);
  assert_string_equal(detail->params[0].key, "key");
  assert_null(detail->params[0].value);
  assert_string_equal(detail->params[1].value, "请简单介绍一下你自己");
  assert_true(sp_str_eq(detail->plan_text, SP_STR("return 1")));
  assert_true(sp_str_eq(detail->asked, SP_STR("asked\0for")));
  assert_true(sp_str_eq(detail->result, SP_STR("res\0ult")));
  assert_true(sp_str_eq(detail->summary, SP_STR("{}")));
  struct sp_interval *totals = sp_snapshot_decode(detail->totals, NULL);
  assert_non_null(totals);
  sp_interval_destroy(totals);
  return 42;
}

static int check_tick(void *ctx, const struct sp_store_tick *tick) {
  uint64_t *n = ctx;
  struct sp_interval *interval = sp_snapshot_decode(tick->interval, NULL);
  assert_non_null(interval);
  assert_true(tick->n == *n && tick->elapsed_ns == (int64_t)(*n + 1) * S && tick->users == 10 + *n);
  assert_true(tick->part == SP_SERIES_STEADY && tick->phase == 1 && tick->users_target == 20 && tick->in_flight == 3);
  assert_true(tick->rate_target == 1.5 && tick->stage == 2 && interval->begin_ns == (int64_t)*n * S + 1);
  sp_interval_destroy(interval);
  (*n)++;
  return 0;
}

static void a_run_comes_back(void **state) {
  (void)state;
  struct sp_store *store = scratch_open(&scratch, SP_STORE_WRITE), *reader = scratch_open(&scratch, SP_STORE_READ);
  struct sp_err err = { 0 };
  int64_t run = begin(store, "one", 5 * S, "plan", "red");
  tick(store, run, 0, SP_SERIES_STEADY);
  struct listed listed = list(reader, NULL); /* at once, for another */
  assert_int_equal(listed.count, 1);
  assert_int_equal(listed.last.state, SP_STORE_RUNNING);
  assert_true(isnan(listed.last.rps) && listed.last.valid == -1);
  tick(store, run, 1, SP_SERIES_STEADY);
  end(store, run);
  assert_int_equal(sp_store_read(reader, "one", check_detail, NULL, &err), 42);
  uint64_t n = 0;
  ok(sp_store_read_ticks(reader, run, check_tick, &n, &err), &err);
  assert_int_equal(n, 2);
  assert_int_equal(sp_store_read(reader, "two", check_detail, NULL, &err), SP_ENOTFOUND);
  sp_store_close(store);
  sp_store_close(reader);
}

static void it_is_private(void **state) {
  (void)state;
  struct stat facts;
  char deep[100];
  sp_store_close(scratch_open(&scratch, SP_STORE_WRITE));
  assert_int_equal(stat(scratch.path, &facts), 0);
  assert_int_equal(facts.st_mode & 0777, 0600);
  snprintf(deep, sizeof(deep), "%s/deep", scratch.folder);
  assert_int_equal(stat(deep, &facts), 0);
  assert_int_equal(facts.st_mode & 0777, 0700);
}

static void lists(void **state) {
  (void)state;
  struct sp_store *store = scratch_open(&scratch, SP_STORE_WRITE);
  end(store, begin(store, "aa-1", 10 * S, "one", "red"));
  end(store, begin(store, "aa-2", 20 * S, "two", "red"));
  end(store, begin(store, "bb-3", 30 * S, "one", "blue"));
  const struct sp_store_pair red[] = { { "colour", "red" }, { "n", "1" } }, none[] = { { "colour", "r" } };
  assert_string_equal(list(store, NULL).ids, "bb-3 aa-2 aa-1 ");
  assert_string_equal(list(store, &(struct sp_store_filter){ .limit = 2 }).ids, "bb-3 aa-2 ");
  assert_string_equal(list(store, &(struct sp_store_filter){ .plan = "one" }).ids, "bb-3 aa-1 ");
  assert_string_equal(list(store, &(struct sp_store_filter){ .since_real_ns = 20 * S }).ids, "bb-3 aa-2 ");
  assert_string_equal(list(store, &(struct sp_store_filter){ .tags = red, .tag_count = 2 }).ids, "aa-2 aa-1 ");
  assert_string_equal(list(store, &(struct sp_store_filter){ .tags = red, .tag_count = 1, .plan = "two" }).ids, "aa-2 ");
  assert_string_equal(list(store, &(struct sp_store_filter){ .tags = none, .tag_count = 1 }).ids, "");
  sp_store_close(store);
}

static void assert_found(struct sp_store *store, const char *word, const char *wanted) {
  char id[SP_STORE_ID_SIZE];
  struct sp_err err = { 0 };
  ok(sp_store_find(store, word, id, &err), &err);
  assert_string_equal(id, wanted);
}

static void assert_not_found(struct sp_store *store, const char *word, const char *says) {
  char id[SP_STORE_ID_SIZE];
  struct sp_err err = { 0 };
  assert_int_equal(sp_store_find(store, word, id, &err), SP_ENOTFOUND);
  if (!strstr(err.text, says)) {
    fail_msg("'%s' lacks '%s'", err.text, says);
  }
}

static void words_for_runs(void **state) {
  (void)state;
  struct sp_store *store = scratch_open(&scratch, SP_STORE_WRITE);
  assert_not_found(store, "last", "0 are kept");
  begin(store, "2026-aa", 10 * S, "p", "c");
  begin(store, "2026-ab", 20 * S, "p", "c");
  begin(store, "2026-a", 30 * S, "p", "c");
  assert_found(store, "last", "2026-a");
  assert_found(store, "last~0", "2026-a");
  assert_found(store, "last~2", "2026-aa");
  assert_found(store, "2026-aa", "2026-aa");
  assert_found(store, "2026-a", "2026-a"); /* all of it, though others begin so */
  assert_not_found(store, "2026", "3 runs begin with '2026': 2026-a, 2026-ab, 2026-aa");
  assert_not_found(store, "last~3", "there is no run 'last~3': 3 are kept");
  assert_not_found(store, "last~", "there is no run 'last~'");
  assert_not_found(store, "last~99999999999999999999", "there is no run");
  assert_not_found(store, "", "there is no run ''");
  assert_not_found(store, "%", "there is no run '%'");
  for (char id[] = "many-0"; id[5] < '8'; id[5]++) {
    begin(store, id, 1 * S, "p", "c");
  }
  assert_not_found(store, "many", "8 runs begin with 'many': ");
  assert_not_found(store, "many", ", …");
  sp_store_close(store);
}

/* -- processes -- */

static void who_is_gone(void **state) {
  (void)state;
  struct sp_process self, other;
  sp_process_self(&self);
  assert_true(self.pid == getpid() && self.started > 0 && self.boot[0]);
  assert_false(sp_process_is_gone(&self, INT64_MAX));
  other = self;
  other.started++; /* the number was given anew */
  assert_true(sp_process_is_gone(&other, 0));
  other = self;
  other.boot[0] ^= 1; /* before the machine's restart */
  assert_true(sp_process_is_gone(&other, 0));
  other = self;
  other.space++; /* in another container: only its silence can tell */
  assert_false(sp_process_is_gone(&other, SP_SILENT_NS));
  assert_true(sp_process_is_gone(&other, SP_SILENT_NS + 1));
  pid_t child = fork();
  if (child == 0) {
    _exit(0);
  }
  assert_int_equal(waitpid(child, NULL, 0), child);
  other = self;
  other.pid = child;
  assert_true(sp_process_is_gone(&other, 0));
}

/* A child begins a run and dies. */
static void leave_one_behind(void) {
  pid_t child = fork();
  if (child == 0) {
    struct sp_store *store = sp_store_open(scratch.path, SP_STORE_WRITE, NULL);
    int64_t run = begin(store, "gone", 5 * S, "p", "c");
    tick(store, run, 0, SP_SERIES_WARM);
    tick(store, run, 1, SP_SERIES_STEADY);
    tick(store, run, 2, SP_SERIES_STEADY);
    _exit(0); /* without closing anything */
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static void cut_off_runs_get_figures(void **state) {
  (void)state;
  struct sp_store *store = scratch_open(&scratch, SP_STORE_WRITE);
  int64_t alive = begin(store, "alive", 9 * S, "p", "c");
  leave_one_behind();
  struct listed listed = list(store, NULL); /* seen as it is without a word written */
  assert_string_equal(listed.ids, "alive gone ");
  assert_int_equal(listed.last.state, SP_STORE_INTERRUPTED);
  assert_true(isnan(listed.last.rps));
  struct sp_store *reader = scratch_open(&scratch, SP_STORE_READ);
  listed = list(reader, NULL);
  assert_int_equal(listed.last.state, SP_STORE_INTERRUPTED);
  assert_true(listed.last.duration_s == 3 && listed.last.measured_s == 2 && listed.last.rps == 4); /* not of the warm-up */
  assert_true(listed.last.users_max == 12 && listed.last.valid == -1 && listed.last.failed_share == 0.25);
  end(store, alive); /* which nobody took for gone */
  listed = list(reader, &(struct sp_store_filter){ .limit = 1 });
  assert_int_equal(listed.last.state, SP_STORE_FINISHED);
  sp_store_close(reader);
  sp_store_close(store);
}

/* -- the log -- */

static int check_line(void *ctx, const struct sp_store_line *line) {
  static const char *const texts[] = { "the first", "二 'quoted'", "the last" };
  uint64_t *next = ctx;
  assert_int_equal(line->n, *next);
  assert_int_equal(line->elapsed_ns, (int64_t)line->n * S);
  assert_string_equal(line->level, "warn");
  assert_string_equal(line->text, texts[line->n]);
  (*next)++;
  return *next == 3 ? 7 : 0;
}

static void lines_come_back(void **state) {
  (void)state;
  struct sp_store *store = scratch_open(&scratch, SP_STORE_WRITE);
  struct sp_err err = { 0 };
  uint64_t next = 0;
  int64_t run = begin(store, "one", 1 * S, "p", "c"), other = begin(store, "two", 2 * S, "p", "c");
  say(store, run, 1, "二 'quoted'");
  say(store, run, 0, "the first");
  say(store, run, 2, "the last");
  say(store, run, 2, "written once more: as it was");
  say(store, other, 0, "of another run");
  assert_int_equal(sp_store_read_lines(store, run, check_line, &next, &err), 7); /* its own answer ends it */
  assert_int_equal(next, 3);
  assert_int_equal(sp_store_read_lines(store, 99, check_line, &next, &err), 0);
  sp_store_close(store);
}

/* -- throwing away -- */

static void cleaning_up(void **state) {
  (void)state;
  struct sp_store *store = scratch_open(&scratch, SP_STORE_WRITE);
  struct sp_store_gc done;
  struct sp_err err = { 0 };
  begin(store, "alive", 1 * S, "p", "c");
  for (char id[] = "old-0"; id[4] < '5'; id[4]++) {
    int64_t run = begin(store, id, 2 * S, "p", "c");
    for (uint64_t n = 0; n < 200; n++) {
      tick(store, run, n, SP_SERIES_STEADY);
    }
    say(store, run, 0, "gone with its run");
    end(store, run);
  }
  end(store, begin(store, "new", 100 * S, "p", "c"));
  ok(sp_store_gc(store, 50 * S, true, &done, &err), &err);
  assert_true(done.runs == 5 && done.bytes_after == done.bytes_before);
  assert_int_equal(list(store, NULL).count, 7);
  ok(sp_store_gc(store, 50 * S, false, &done, &err), &err);
  assert_int_equal(done.runs, 5);
  assert_true(done.bytes_after < done.bytes_before / 2);
  assert_string_equal(list(store, NULL).ids, "new alive ");
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  assert_int_equal(sqlite3_open(scratch.path, &db), SQLITE_OK);
  static const char rest[] = "SELECT (SELECT count(*) FROM ticks) + (SELECT count(*) FROM tags) + (SELECT count(*) FROM log)";
  assert_int_equal(sqlite3_prepare_v2(db, rest, -1, &stmt, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  assert_int_equal(sqlite3_column_int(stmt, 0), 2 + 2); /* nothing of the others is left */
  sqlite3_finalize(stmt);
  sqlite3_close(db);
  sp_store_close(store);
}

/* -- what can be wrong -- */

static void assert_no_store(enum sp_store_mode mode, int code, const char *says) {
  struct sp_err err = { 0 };
  assert_null(sp_store_open(scratch.path, mode, &err));
  assert_int_equal(err.code, code);
  if (!strstr(err.text, says)) {
    fail_msg("'%s' lacks '%s'", err.text, says);
  }
}

static void write_file(const char *text) {
  FILE *file = fopen(scratch.path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static void files_that_are_none(void **state) {
  (void)state;
  assert_no_store(SP_STORE_READ, SP_ENOTFOUND, "there is no history");
  sp_store_close(scratch_open(&scratch, SP_STORE_WRITE));
  unlink(scratch.path);
  for (int i = 0; i < 2; i++) {
    write_file("This is no SQLite file, and it is longer than the header of one, which has a hundred bytes ............");
    assert_no_store(SP_STORE_WRITE, SP_EIO, "the file is no history");
  }
  unlink(scratch.path);
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(scratch.path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "CREATE TABLE theirs (x); PRAGMA user_version = 2", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  assert_no_store(SP_STORE_WRITE, SP_EIO, "a database of another program");
  snprintf(scratch.path, sizeof(scratch.path), "/proc/self/cmdline/history.db");
  assert_no_store(SP_STORE_WRITE, SP_EIO, "/proc/self/cmdline");
}

static void locked(void **state) {
  (void)state;
  struct sp_store *store = scratch_open(&scratch, SP_STORE_WRITE);
  struct sp_err err = { 0 };
  int64_t run = 0;
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(scratch.path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  struct sp_store_begin empty = { .id = "x", .name = "", .plan = "", .host = "", .version = "" };
  assert_int_equal(sp_store_begin(store, &empty, &run, &err), SP_EIO);
  assert_non_null(strstr(err.text, "another process has it locked"));
  assert_int_equal(list(store, NULL).count, 0); /* reading goes on */
  sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
  sqlite3_close(db);
  ok(sp_store_begin(store, &empty, &run, &err), &err);
  sp_store_close(store);
}

/* What a list costs: one statement for all and one for each run's tags, whatever their ticks. */
static void a_thousand_runs(void **state) {
  (void)state;
  struct sp_store *store = scratch_open(&scratch, SP_STORE_WRITE);
  struct timespec from, to;
  char id[20];
  for (int i = 0; i < 1000; i++) {
    snprintf(id, sizeof(id), "run-%04d", i);
    end(store, begin(store, id, i * S, "p", "c"));
  }
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
  assert_int_equal(list(store, NULL).count, 1000);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
  double ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
  print_message("1,000 runs listed in %.1f ms of CPU time\n", ms);
  assert_true(ms < 1000); /* 100 ms are asked for; sanitizers and busy machines have room */
  sp_store_close(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(a_run_comes_back), TEST(it_is_private),       TEST(lists),  TEST(words_for_runs), TEST(who_is_gone),
    TEST(cut_off_runs_get_figures), TEST(lines_come_back), TEST(cleaning_up),
    TEST(files_that_are_none), TEST(locked), TEST(a_thousand_runs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
