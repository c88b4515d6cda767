#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fabricate.h"
#include "report/page_data.h"
#include "report/page_html.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVIL "</script><script>alert(1)</script><!-- <SCRIPT"

static char *read_file(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  *len = (size_t)ftell(file);
  char *text = malloc(*len + 1);
  rewind(file);
  assert_int_equal(fread(text, 1, *len, file), *len);
  text[*len] = 0;
  fclose(file);
  return text;
}

/* A run of one second whose names want out of the script element. */
static char *report_of(const char *name, size_t *len) {
  const struct sp_report_type *type = &sp_report_html;
  char path[] = "/tmp/spate-html-XXXXXX";
  int fd = mkstemp(path);
  struct fabricated f;
  struct sp_err err;
  void *report;
  assert_true(fd >= 0);
  close(fd);
  fabricate(&f);
  struct sp_run_begin begin = { .version = "0.1.0", .id = "id", .name = name, .plan = "plan", .host = "http://h",
                                .real_ns = f.result.started_real_ns, .mono_ns = BEGIN_NS, .load = &f.load };
  f.result.name = name;
  assert_int_equal(type->open(path, &report, &err), SP_OK);
  type->begin(report, &begin);
  type->on_tick(report, &f.view);
  type->on_log(report, "warn", name);
  assert_int_equal(type->write(report, &f.result, &err), SP_OK);
  type->close(report);
  char *text = read_file(path, len);
  unlink(path);
  fabricated_fini(&f);
  return text;
}

static json_t *data_of(char *text) {
  const struct sp_page_html *page = &sp_page_html;
  json_error_t error;
  char *begin = text + page->data_at, *end = strstr(begin, "</script");
  assert_memory_equal(text, page->html, page->data_at);
  assert_non_null(end);
  assert_memory_equal(end, page->html + page->data_at, page->html_len - page->data_at);
  json_t *data = json_loadb(begin, (size_t)(end - begin), 0, &error);
  if (!data) {
    fprintf(stderr, "%s\n", error.text);
  }
  assert_non_null(data);
  return data;
}

static void test_the_page_holds_the_data(void **state) {
  (void)state;
  size_t len;
  char *text = report_of("a name", &len);
  json_t *data = data_of(text);
  assert_string_equal(json_string_value(json_object_get(data, "schema")), "spate.page/1");
  assert_int_equal(json_array_size(json_object_get(data, "ticks")), 1);
  assert_int_equal(json_array_size(json_object_get(data, "log")), 1);
  json_t *totals = json_object_get(json_object_get(data, "summary"), "totals");
  assert_int_equal(json_integer_value(json_object_get(totals, "ok")), 1300);
  json_decref(data);
  free(text);
}

static void test_nothing_gets_out_of_it(void **state) {
  (void)state;
  size_t len, plain_len;
  char *text = report_of(EVIL, &len), *plain = report_of("x", &plain_len);
  size_t scripts = 0, plain_scripts = 0;
  for (const char *at = text; (at = strcasestr(at, "<script")); at++) scripts++;
  for (const char *at = plain; (at = strcasestr(at, "<script")); at++) plain_scripts++;
  assert_int_equal(scripts, plain_scripts);
  json_t *data = data_of(text);
  assert_string_equal(json_string_value(json_object_get(json_object_get(data, "begin"), "name")), EVIL);
  json_decref(data);
  free(text);
  free(plain);
}

/* Twice while the run goes on, each to a file of its own; the report's own file is not there before the end. */
static void test_the_run_so_far(void **state) {
  (void)state;
  const struct sp_report_type *type = &sp_report_html;
  char folder[] = "/tmp/spate-html-XXXXXX", own[64], now[64];
  struct fabricated f;
  struct sp_err err;
  void *report;
  size_t len;
  assert_non_null(mkdtemp(folder));
  snprintf(own, sizeof(own), "%s/own.html", folder);
  snprintf(now, sizeof(now), "%s/now.html", folder);
  fabricate(&f);
  struct sp_run_begin begin = { .version = "0.1.0", .id = "id", .name = "name", .plan = "plan", .host = "http://h",
                                .real_ns = f.result.started_real_ns, .mono_ns = BEGIN_NS, .load = &f.load };
  assert_int_equal(type->open(own, &report, &err), SP_OK);
  type->begin(report, &begin);
  for (size_t ticks = 1; ticks <= 2; ticks++) {
    type->on_tick(report, &f.view);
    assert_int_equal(type->write_now(report, &f.result, now, &err), SP_OK);
    char *text = read_file(now, &len);
    json_t *data = data_of(text);
    assert_int_equal(json_array_size(json_object_get(data, "ticks")), ticks);
    assert_true(json_is_true(json_object_get(json_object_get(data, "summary"), "partial")));
    json_decref(data);
    free(text);
    assert_int_equal(unlink(now), 0);
  }
  assert_true(type->write_now(report, &f.result, "/nowhere/at/all.html", &err) < 0);
  assert_int_equal(type->write(report, &f.result, &err), SP_OK);
  type->close(report);
  char *text = read_file(own, &len);
  json_t *data = data_of(text);
  assert_int_equal(json_array_size(json_object_get(data, "ticks")), 2);
  assert_null(json_object_get(json_object_get(data, "summary"), "partial"));
  json_decref(data);
  free(text);
  assert_int_equal(unlink(own) || rmdir(folder), 0);
  fabricated_fini(&f);
}

static void test_a_path_that_cannot_be(void **state) {
  (void)state;
  struct sp_err err;
  void *report;
  assert_true(sp_report_html.open("/nowhere/at/all.html", &report, &err) < 0);
  assert_non_null(strstr(err.text, "/nowhere/at/all.html"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_the_page_holds_the_data),
    cmocka_unit_test(test_nothing_gets_out_of_it),
    cmocka_unit_test(test_the_run_so_far),
    cmocka_unit_test(test_a_path_that_cannot_be),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
