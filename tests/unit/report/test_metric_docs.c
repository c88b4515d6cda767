/* docs/metrics.md names everything that outputs may say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden.h"
#include "stats/interval.h"

static char *page;

static void assert_named(const char *name) {
  char quoted[64];
  snprintf(quoted, sizeof(quoted), "| `%s`", name);
  if (!strstr(page, quoted)) {
    fprintf(stderr, "docs/metrics.md has no row for `%s`\n", name);
  }
  assert_non_null(strstr(page, quoted));
}

static void metrics(void **state) {
  (void)state;
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    assert_named(sp_metric_info((enum sp_metric)i)->name);
  }
}

static void outcomes(void **state) {
  (void)state;
  for (int i = 0; i < SP_OUTCOME_COUNT; i++) {
    assert_named(sp_outcome_name((enum sp_outcome)i));
  }
}

static void hang_ups(void **state) {
  (void)state;
  for (int i = 0; i < SP_HANG_UP_COUNT; i++) {
    assert_named(sp_hang_up_name((enum sp_hang_up)i));
  }
}

static void counters(void **state) {
  (void)state;
  for (int i = 0; i < SP_COUNTER_COUNT; i++) {
    assert_named(sp_counter_name((enum sp_counter)i));
  }
}

static int read_page(void **state) {
  (void)state;
  char path[4096];
  golden_go_to_build();
  snprintf(path, sizeof(path), "%s", __FILE__);
  for (int i = 0; i < 4; i++) { /* tests/unit/report/test_docs.c */
    char *slash = strrchr(path, '/');
    if (!slash) {
      return -1;
    }
    *slash = 0;
  }
  snprintf(path + strlen(path), sizeof(path) - strlen(path), "/docs/metrics.md");
  page = golden_read(path);
  return page[0] ? 0 : -1;
}

static int free_page(void **state) {
  (void)state;
  free(page);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(metrics),
    cmocka_unit_test(outcomes),
    cmocka_unit_test(hang_ups),
    cmocka_unit_test(counters),
  };
  return cmocka_run_group_tests(tests, read_page, free_page);
}
