/* Files of each earlier schema are brought up to date, once, with all that is in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schema_1.h"
#include "schema_2.h"
#include "schema_3.h"
#include "scratch.h"

#include "base/clock.h"
#include "store/store_campaign.h"
#include "store/store_log.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>

static struct scratch scratch;

static int set_up(void **state) {
  (void)state;
  scratch_make(&scratch);
  snprintf(scratch.path, sizeof(scratch.path), "%s/history.db", scratch.folder);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  scratch_remove(&scratch);
  return 0;
}

static void run_sql(const char *sql) {
  sqlite3 *db = NULL;
  char *why = NULL;
  assert_int_equal(sqlite3_open(scratch.path, &db), SQLITE_OK);
  if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
    fail_msg("%s", why);
  }
  sqlite3_close(db);
}

static int take_text(void *ctx, int count, char **values, char **names) {
  char *text = ctx;
  (void)names;
  for (int i = 0; i < count; i++) {
    strcat(strcat(text, values[i] ? values[i] : "-"), "\n");
  }
  return 0;
}

static void ask(const char *sql, char *text) {
  sqlite3 *db = NULL;
  text[0] = 0;
  assert_int_equal(sqlite3_open(scratch.path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, take_text, text, NULL), SQLITE_OK);
  sqlite3_close(db);
}

/* Of each earlier schema, the oldest first. */
static const char *const files[] = { schema_1_file, schema_2_file, schema_3_file };
#define FILES (sizeof(files) / sizeof(files[0]))

/* -- what was in them -- */

static int check_run(void *ctx, const struct sp_store_run *run) {
  unsigned *seen = ctx;
  switch (run->id[7]) {
  case '1':
    assert_true(run->rps == 2 && run->failed_share == 0.1 && fabs(run->ttft_p95_ms - 350) < 0.5 &&
                fabs(run->e2e_p95_ms - 1750) < 2);
    assert_true(run->duration_s == 21 && run->users_max == 50 && run->valid == 1 && run->slos_met == 1 && run->seed == 7);
    assert_int_equal(run->tag_count, 1);
    assert_string_equal(run->tags[0].value, "red");
    break;
  case '2':
    assert_true(isnan(run->rps) && isnan(run->ttft_p95_ms) && run->valid == 0 && run->seed == UINT64_MAX);
    break;
  case '3': assert_int_equal(run->state, SP_STORE_INTERRUPTED); break;
  default: fail_msg("who is %s?", run->id);
  }
  (*seen)++;
  return 0;
}

/* Figures are there, whichever schema it was; then what a later schema brought can be written. */
static void check_file(const char *file, enum sp_store_mode mode) {
  char text[4000];
  struct sp_err err = { 0 };
  const struct sp_store_pair red = { "colour", "red" };
  unsigned seen = 0;
  unlink(scratch.path);
  run_sql(file);
  struct sp_store *store = scratch_open(&scratch, mode);
  assert_int_equal(sp_store_list(store, NULL, check_run, &seen, &err), 0);
  assert_int_equal(seen, 3);
  seen = 0;
  assert_int_equal(sp_store_list(store, &(struct sp_store_filter){ .tags = &red, .tag_count = 1 }, check_run, &seen, &err), 0);
  assert_int_equal(seen, 1);
  const struct sp_store_line line = { 7, 1000, "info", "a line" };
  assert_int_equal(sp_store_lines(store, 1, &line, 1, &err), 0);
  struct sp_store_campaign campaign = { .name = "tune", .goal = "", .slos = "", .figure = "ok_rps" };
  struct sp_store_trial trial = { SP_STORE_TRIAL_RUN, "" };
  assert_int_equal(sp_store_find(store, "last", trial.id, &err), 0);
  assert_int_equal(sp_store_campaign_new(store, &campaign, &err), 0);
  struct sp_store_round round = { .title = "baseline", .trials = &trial, .trial_count = 1 };
  assert_int_equal(sp_store_round_add(store, "tune", &round, &err), 0);
  sp_store_close(store);
  ask("PRAGMA user_version; PRAGMA foreign_key_check; SELECT count(*) FROM log WHERE n = 7; SELECT count(*) FROM round_trials", text);
  assert_string_equal(text, "4\n1\n1\n");
  sp_store_close(scratch_open(&scratch, SP_STORE_WRITE)); /* once more: nothing to do */
}

static void from_each(void **state) {
  (void)state;
  for (size_t i = 0; i < FILES; i++) {
    check_file(files[i], SP_STORE_WRITE);
    check_file(files[i], SP_STORE_READ);
  }
}

/* A file that grew and one that was made new are the same. */
static void all_ways_lead_to_the_same(void **state) {
  (void)state;
  static const char tables[] = "SELECT m.name || ': ' || group_concat(p.name || ' ' || p.type, ', ') FROM sqlite_schema m,"
                               " pragma_table_info(m.name) p WHERE m.type = 'table' GROUP BY m.name ORDER BY m.name;"
                               "SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name;"
                               "PRAGMA application_id; PRAGMA user_version";
  char grown[8000], made[8000];
  sp_store_close(scratch_open(&scratch, SP_STORE_WRITE));
  ask(tables, made);
  for (size_t i = 0; i < FILES; i++) {
    unlink(scratch.path);
    run_sql(files[i]);
    sp_store_close(scratch_open(&scratch, SP_STORE_WRITE));
    ask(tables, grown);
    assert_string_equal(grown, made);
  }
}

#define PROCESSES 8

static void open_at_once(void) {
  pid_t children[PROCESSES];
  for (int i = 0; i < PROCESSES; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      struct sp_err err = { 0 };
      struct sp_store *store = sp_store_open(scratch.path, SP_STORE_WRITE, &err);
      fputs(err.text, stderr);
      sp_store_close(store);
      _exit(store ? 0 : 1);
    }
  }
  for (int i = 0; i < PROCESSES; i++) {
    int status = 1;
    assert_int_equal(waitpid(children[i], &status, 0), children[i]);
    assert_int_equal(status, 0);
  }
}

/* Several processes find an old file at once, or none: one of them does it, the others wait. */
static void many_at_once(void **state) {
  (void)state;
  char text[4000];
  run_sql(schema_1_file);
  open_at_once();
  ask("PRAGMA user_version; PRAGMA integrity_check; SELECT count(*) FROM runs", text);
  assert_string_equal(text, "4\nok\n3\n");
  for (int i = 0; i < 10; i++) {
    unlink(scratch.path);
    open_at_once();
    ask("PRAGMA user_version; PRAGMA integrity_check; SELECT count(*) FROM runs", text);
    assert_string_equal(text, "4\nok\n0\n");
  }
}

static void of_a_later_spate(void **state) {
  (void)state;
  struct sp_err err = { 0 };
  sp_store_close(scratch_open(&scratch, SP_STORE_WRITE));
  run_sql("PRAGMA user_version = 5");
  for (int mode = SP_STORE_WRITE; mode <= SP_STORE_READ; mode++) {
    assert_null(sp_store_open(scratch.path, (enum sp_store_mode)mode, &err));
    assert_non_null(strstr(err.text, "written by a later spate (schema 5, this one knows 4)"));
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = { TEST(from_each), TEST(all_ways_lead_to_the_same), TEST(many_at_once),
                                      TEST(of_a_later_spate) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
