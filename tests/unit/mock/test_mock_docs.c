/* docs/mock.md says what is: its profiles load, and it names every fault and word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "base/mem.h"
#include "mock/fault.h"
#include "mock/mock.h"
#include "mock/mock_doc_path.h" /* made by meson.build: MOCK_DOC */
#include "mock/profile.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOC_MAX (1u << 20)

static int read_doc(void **state) {
  FILE *file = fopen(MOCK_DOC, "r");
  assert_non_null(file);
  char *text = sp_alloc(DOC_MAX);
  size_t len = fread(text, 1, DOC_MAX - 1, file);
  fclose(file);
  assert_true(len > 1000);
  *state = text;
  return 0;
}

static int free_doc(void **state) {
  free(*state);
  return 0;
}

/* The next block ```json … ```; NULL at the end. The caller frees. */
static char *next_json(const char **at) {
  const char *from = strstr(*at, "```json\n");
  if (!from) return NULL;
  from += strlen("```json\n");
  const char *end = strstr(from, "\n```");
  assert_non_null(end);
  *at = end + 4;
  return sp_strndup(from, (size_t)(end - from));
}

static void its_profiles_load(void **state) {
  const char *at = *state;
  char *json;
  unsigned count = 0;
  for (; (json = next_json(&at)) != NULL; count++) {
    struct sp_profile profile;
    struct sp_err err;
    if (sp_profile_load(&profile, json, &err)) fail_msg("%s", err.text);
    sp_profile_fini(&profile);
    free(json);
  }
  assert_int_equal(count, 3);
}

static void its_builtin_profile_is_the_builtin_profile(void **state) {
  const char *at = *state;
  free(next_json(&at));
  char *json = next_json(&at);
  json_t *shown = json_loads(json, 0, NULL), *real = json_loads(sp_profile_builtin, 0, NULL);
  assert_true(json_equal(shown, real));
  json_decref(shown);
  json_decref(real);
  free(json);
}

static void it_names_every_resource_and_profile(void **state) {
  char quoted[64];
  for (unsigned i = 0; i < SP_RES_COUNT; i++) {
    snprintf(quoted, sizeof quoted, "`%s`", sp_resource_name((enum sp_resource)i));
    if (!strstr(*state, quoted)) fail_msg("%s", quoted);
  }
  for (size_t i = 0; sp_mock_profile_name(i); i++) {
    snprintf(quoted, sizeof quoted, "`%s`", sp_mock_profile_name(i));
    if (!strstr(*state, quoted)) fail_msg("%s", quoted);
  }
}

static void it_names_every_fault(void **state) {
  for (size_t i = 0; sp_fault_at(i); i++) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "`%s`", sp_fault_at(i)->name);
    if (!strstr(*state, quoted)) fail_msg("%s", quoted);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(its_profiles_load),
    cmocka_unit_test(its_builtin_profile_is_the_builtin_profile),
    cmocka_unit_test(it_names_every_fault),
    cmocka_unit_test(it_names_every_resource_and_profile),
  };
  return cmocka_run_group_tests(tests, read_doc, free_doc);
}
