#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fabricate.h"
#include "golden.h"

#include "report/csv_text.h"
#include "report/outputs.h"

static char folder[64];

static char *read_file(const char *name) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  return golden_read(path);
}

/* --- cells --- */

static void assert_cell(const char *text, const char *want) {
  struct sp_buf out;
  sp_buf_init(&out, 4096);
  sp_csv_raw(&out, "x");
  sp_csv_text(&out, text);
  assert_memory_equal(out.bytes, "x,", 2);
  assert_string_equal(out.bytes + 2, want);
  sp_buf_fini(&out);
}

static void cells_are_quoted(void **state) {
  (void)state;
  assert_cell("plain", "plain");
  assert_cell("", "");
  assert_cell(NULL, "");
  assert_cell("a,b", "\"a,b\"");
  assert_cell("say \"hi\"", "\"say \"\"hi\"\"\"");
  assert_cell("two\r\nlines", "\"two\r\nlines\"");
  assert_cell("复杂,流程", "\"复杂,流程\"");
}

/* What a spreadsheet would run is text. */
static void formulas_are_text(void **state) {
  (void)state;
  assert_cell("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"");
  assert_cell("+1", "'+1");
  assert_cell("-1", "'-1");
  assert_cell("@SUM(A1)", "'@SUM(A1)");
  assert_cell("\t=1", "'\t=1");
  assert_cell("a=1", "a=1");
}

static void assert_number(double value, const char *want) {
  struct sp_buf out;
  sp_buf_init(&out, 4096);
  sp_csv_number(&out, value);
  assert_string_equal(out.bytes, want);
  sp_buf_fini(&out);
}

static void numbers(void **state) {
  (void)state;
  assert_number(0, "0");
  assert_number(1.5, "1.5");
  assert_number(100, "100");
  assert_number(0.000001, "0.000001");
  assert_number(12345.678, "12345.678");
  assert_number(NAN, "N/A");
  assert_number(INFINITY, "N/A");
}

static void a_first_empty_cell_counts(void **state) {
  (void)state;
  struct sp_buf out;
  sp_buf_init(&out, 4096);
  sp_csv_text(&out, "");
  sp_csv_text(&out, "b");
  sp_csv_end(&out);
  sp_csv_text(&out, "");
  sp_csv_text(&out, "");
  sp_csv_end(&out);
  assert_string_equal(out.bytes, "\"\",b\r\n\"\",\r\n");
  sp_buf_fini(&out);
}

/* --- the files --- */

static struct sp_run_begin begin_of(const struct fabricated *f) {
  return (struct sp_run_begin){ .version = "0.1.0", .id = f->result.id, .name = f->result.name, .plan = f->result.plan,
                                .host = f->result.host, .real_ns = f->result.started_real_ns, .mono_ns = BEGIN_NS,
                                .load = &f->load };
}

static void write_csv(struct fabricated *f, const char *prefix) {
  struct sp_err err;
  struct sp_outputs outputs = { 0 };
  struct sp_run_begin begin = begin_of(f);
  char path[100];
  snprintf(path, sizeof(path), "%s/%s", folder, prefix);
  assert_int_equal(sp_outputs_add(&outputs, &sp_report_csv, path, &err), 0);
  sp_outputs_begin(&outputs, &begin);
  sp_outputs_tick(&outputs, &f->view);
  sp_outputs_write(&outputs, &f->result, NULL, NULL, NULL); /* calls neither: nothing goes wrong */
  sp_outputs_close(&outputs);
}

/* The heading lines of locust 2.12's stats.py, word by word. */
#define LOCUST_PERCENTILES "50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%"
#define LOCUST_REQUESTS                                                                                          \
  "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,"          \
  "Max Response Time,Average Content Size,Requests/s,Failures/s," LOCUST_PERCENTILES ","
#define LOCUST_FAILURES "Method,Name,Error,Occurrences,"
#define LOCUST_HISTORY                                                                                            \
  "Timestamp,User Count,Type,Name,Requests/s,Failures/s," LOCUST_PERCENTILES                                      \
  ",Total Request Count,Total Failure Count,Total Median Response Time,Total Average Response Time,"             \
  "Total Min Response Time,Total Max Response Time,Total Average Content Size,"

static void headings_are_locusts(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  write_csv(&f, "headings");
  char *requests = read_file("headings_requests.csv"), *failures = read_file("headings_failures.csv");
  char *history = read_file("headings_history.csv");
  assert_memory_equal(requests, LOCUST_REQUESTS, strlen(LOCUST_REQUESTS));
  assert_memory_equal(failures, LOCUST_FAILURES, strlen(LOCUST_FAILURES));
  assert_memory_equal(history, LOCUST_HISTORY, strlen(LOCUST_HISTORY));
  free(requests);
  free(failures);
  free(history);
  fabricated_fini(&f);
}

static void assert_file_golden(const char *name, const char *file) {
  char *text = read_file(file);
  char *to = text;
  for (char *from = text; *from; from++) {
    if (*from != '\r') {
      *to++ = *from;
    }
  }
  *to = 0;
  assert_golden(name, text);
  free(text);
}

static void files_are_golden(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  fabricate_errors(&f.recorder);
  write_csv(&f, "whole");
  assert_file_golden("csv_requests", "whole_requests.csv");
  assert_file_golden("csv_failures", "whole_failures.csv");
  assert_file_golden("csv_history", "whole_history.csv");
  fabricated_fini(&f);
}

static void a_run_without_requests(void **state) {
  (void)state;
  struct fabricated f;
  fabricate(&f);
  sp_interval_clear(f.recorder.interval);
  sp_interval_clear(f.last);
  write_csv(&f, "none");
  char *requests = read_file("none_requests.csv");
  const char *all = strstr(requests, "\r\n") + 2;
  assert_string_equal(all, "\"\",Aggregated,0,0,N/A,N/A,N/A,N/A,N/A,0,0,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,,,0,0,0,0,"
                           "N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,0,0\r\n");
  free(requests);
  fabricated_fini(&f);
}

/* --- what can't be written --- */

static void standard_output_is_refused(void **state) {
  (void)state;
  struct sp_err err;
  void *report;
  assert_int_equal(sp_report_csv.open("-", &report, &err), SP_EUSAGE);
  assert_non_null(strstr(err.text, "run_requests.csv"));
}

static void a_missing_folder_leaves_nothing(void **state) {
  (void)state;
  struct sp_err err;
  struct sp_outputs outputs = { 0 };
  char path[100];
  snprintf(path, sizeof(path), "%s/missing/run", folder);
  assert_int_equal(sp_outputs_add(&outputs, &sp_report_csv, path, &err), SP_EIO);
  assert_non_null(strstr(err.text, "--out csv="));
  assert_non_null(strstr(err.text, "does not exist"));
  assert_int_equal(outputs.count, 0);
  sp_outputs_close(&outputs);
}

/* A run that never began leaves what was there, and no files of its own. */
static void nothing_begun_nothing_changed(void **state) {
  (void)state;
  struct sp_err err;
  struct sp_outputs outputs = { 0 };
  char path[100], kept[120];
  snprintf(path, sizeof(path), "%s/kept", folder);
  snprintf(kept, sizeof(kept), "%s_history.csv", path);
  FILE *file = fopen(kept, "w");
  fputs("old", file);
  fclose(file);
  assert_int_equal(sp_outputs_add(&outputs, &sp_report_csv, path, &err), 0);
  sp_outputs_close(&outputs);
  char *text = read_file("kept_history.csv");
  assert_string_equal(text, "old");
  free(text);
  snprintf(kept, sizeof(kept), "%s_requests.csv", path);
  assert_int_equal(access(kept, F_OK), -1);
}

static int make_folder(void **state) {
  (void)state;
  golden_go_to_build();
  snprintf(folder, sizeof(folder), "/tmp/spate-csv-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char command[100];
  snprintf(command, sizeof(command), "rm -rf %s", folder);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(cells_are_quoted),
    cmocka_unit_test(formulas_are_text),
    cmocka_unit_test(numbers),
    cmocka_unit_test(a_first_empty_cell_counts),
    cmocka_unit_test(headings_are_locusts),
    cmocka_unit_test(files_are_golden),
    cmocka_unit_test(a_run_without_requests),
    cmocka_unit_test(standard_output_is_refused),
    cmocka_unit_test(a_missing_folder_leaves_nothing),
    cmocka_unit_test(nothing_begun_nothing_changed),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
