/*
 * Texts held to files in tests/unit/report/golden: SP_UPDATE=1 writes them anew (then read the diff).
 */
#ifndef TESTS_REPORT_GOLDEN_H
#define TESTS_REPORT_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Meson compiles with paths relative to the build folder: go there, it is three above this program. */
static inline void golden_go_to_build(void) {
  char path[4096];
  ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
  assert_true(len > 0);
  path[len] = 0;
  for (int i = 0; i < 3; i++) {
    *strrchr(path, '/') = 0;
  }
  assert_int_equal(chdir(path), 0);
}

static inline void golden_path(const char *name, char *path, size_t size) {
  snprintf(path, size, "%s", __FILE__);
  char *slash = strrchr(path, '/');
  assert_non_null(slash);
  snprintf(slash, size - (size_t)(slash - path), "/golden/%s.txt", name);
}

static inline char *golden_read(const char *path) {
  FILE *file = fopen(path, "r");
  char *text = calloc(1, 1 << 20);
  assert_non_null(text);
  if (file) {
    size_t len = fread(text, 1, (1 << 20) - 1, file);
    text[len] = 0;
    fclose(file);
  }
  return text;
}

static inline void assert_golden(const char *name, const char *got) {
  char path[4096];
  golden_path(name, path, sizeof(path));
  if (getenv("SP_UPDATE")) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(got, file);
    fclose(file);
  }
  char *want = golden_read(path);
  if (strcmp(got, want) != 0) {
    fprintf(stderr, "--- %s says\n%s--- but is\n%s---\n", path, want, got);
  }
  assert_string_equal(got, want);
  free(want);
}

#endif
