#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "mock/payload.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[] = {"", "plain", "quote \" and \\ and / \b\f\n\r\t\x01\x1f\x7f", "申请新电脑",
                                    "é 😀 \xf4\x8f\xbf\xbf"};

static void strings_read_back_in_both_styles(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    for (int spaced = 0; spaced < 2; spaced++) {
      struct sp_buf out;
      sp_buf_init(&out, 4096);
      struct sp_jw jw = sp_jw_begin(&out, spaced);
      sp_jw_open(&jw, NULL, '{');
      sp_jw_text(&jw, "a", texts[i]);
      sp_jw_text(&jw, "b", NULL);
      sp_jw_close(&jw, '}');
      json_t *doc = json_loadb(out.bytes, out.len, 0, NULL);
      assert_non_null(doc);
      assert_string_equal(json_string_value(json_object_get(doc, "a")), texts[i]);
      assert_true(json_is_null(json_object_get(doc, "b")));
      json_decref(doc);
      sp_buf_fini(&out);
    }
  }
}

static void the_spaced_style_is_that_of_json_dumps(void **state) {
  (void)state;
  struct sp_buf out;
  sp_buf_init(&out, 4096);
  struct sp_jw jw = sp_jw_begin(&out, true);
  sp_jw_open(&jw, NULL, '{');
  sp_jw_text(&jw, "answer", "流\xf0\x9f\x98\x80\"");
  sp_jw_open(&jw, "list", '[');
  sp_jw_int(&jw, NULL, -5);
  sp_jw_bool(&jw, NULL, true);
  sp_jw_seconds(&jw, NULL, 1500000000);
  sp_jw_close(&jw, ']');
  sp_jw_raw(&jw, "none", "null");
  sp_jw_close(&jw, '}');
  assert_string_equal(out.bytes,
                      "{\"answer\": \"\\u6d41\\ud83d\\ude00\\\"\", \"list\": [-5, true, 1.500000], \"none\": null}");
  sp_buf_fini(&out);
}

static void stray_bytes_become_the_replacement_character(void **state) {
  (void)state;
  const char *strays[] = {"\x80", "\xff", "\xc3", "\xe6\xb5", "\xed\xa0\x80", "\xc0\xaf", "\xf5\x80\x80\x80", "\xe6z"};
  for (size_t i = 0; i < sizeof strays / sizeof *strays; i++) {
    struct sp_buf out;
    sp_buf_init(&out, 4096);
    assert_int_equal(sp_payload_escape_ascii(&out, sp_str_from(strays[i])), 0);
    assert_int_equal(strncmp(out.bytes, "\\ufffd", 6), 0);
    sp_buf_fini(&out);
  }
}

static void ids_are_uuids_and_repeat_with_the_seed(void **state) {
  (void)state;
  struct sp_rng rng, same;
  sp_rng_seed(&rng, 1, 2);
  sp_rng_seed(&same, 1, 2);
  for (int i = 0; i < 100; i++) {
    char a[SP_UUID_SIZE], b[SP_UUID_SIZE];
    sp_payload_uuid(&rng, a);
    sp_payload_uuid(&same, b);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 36);
    assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
    assert_int_equal(a[14], '4');
    assert_non_null(strchr("89ab", a[19]));
  }
}

static void a_signed_id_is_known_again_and_no_other(void **state) {
  (void)state;
  struct sp_rng rng;
  sp_rng_seed(&rng, 3, 0);
  for (int i = 0; i < 100; i++) {
    char id[SP_UUID_SIZE];
    sp_payload_signed_uuid(&rng, 77, id);
    assert_true(sp_payload_is_signed_uuid(77, sp_str_from(id)));
    assert_false(sp_payload_is_signed_uuid(78, sp_str_from(id)));
    for (size_t at = 0; at < 36; at++) {
      char changed = id[at];
      id[at] = changed == '0' ? '1' : '0';
      assert_false(sp_payload_is_signed_uuid(77, sp_str_from(id)));
      id[at] = changed;
    }
    assert_false(sp_payload_is_signed_uuid(77, sp_str_of(id, 35)));
    sp_payload_uuid(&rng, id);
    assert_false(sp_payload_is_signed_uuid(77, sp_str_from(id)));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(strings_read_back_in_both_styles),
    cmocka_unit_test(the_spaced_style_is_that_of_json_dumps),
    cmocka_unit_test(stray_bytes_become_the_replacement_character),
    cmocka_unit_test(ids_are_uuids_and_repeat_with_the_seed),
    cmocka_unit_test(a_signed_id_is_known_again_and_no_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
