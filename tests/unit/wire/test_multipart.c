#include "wire/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define TYPE "multipart/form-data; boundary=b"

static void test_written(void **state) {
  (void)state;
  struct sp_buf out;
  struct sp_multipart_part field = {.name = SP_STR("a\"\r\n"), .data = SP_STR("1")};
  struct sp_multipart_part file = {
      .name = SP_STR("file"), .filename = SP_STR("x.txt"), .type = SP_STR("text/plain"), .data = SP_STR("two\r\n")};
  sp_buf_init(&out, 1000);
  assert_int_equal(sp_multipart_append(&out, SP_STR("b"), &field), 0);
  assert_int_equal(sp_multipart_append(&out, SP_STR("b"), &file), 0);
  assert_int_equal(sp_multipart_append_end(&out, SP_STR("b")), 0);
  assert_string_equal(out.bytes, "--b\r\nContent-Disposition: form-data; name=\"a%22%0D%0A\"\r\n\r\n1\r\n"
                                 "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.txt\"\r\n"
                                 "Content-Type: text/plain\r\n\r\ntwo\r\n\r\n--b--\r\n");
  sp_buf_fini(&out);
  sp_buf_init(&out, 20);
  assert_int_equal(sp_multipart_append(&out, SP_STR("b"), &file), SP_ELIMIT);
  sp_buf_fini(&out);
}

/* "name|filename|type|data;" for each part, then how it ended. */
static void check_read(const char *type, const char *body, const char *expected) {
  struct sp_multipart multipart;
  struct sp_multipart_part part;
  struct sp_err err;
  char got[2000] = "";
  int code = sp_multipart_open(&multipart, sp_str_from(type), sp_str_from(body), &err);
  while (code == 0 && (code = sp_multipart_next(&multipart, &part, &err)) == 1) {
    snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s|%.*s|%.*s|%.*s;", SP_STR_ARG(part.name),
             SP_STR_ARG(part.filename), SP_STR_ARG(part.type), SP_STR_ARG(part.data));
    code = 0;
  }
  if (code) snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s", err.text);
  if (strcmp(got, expected) != 0) fail_msg("%s\ngave '%s', not '%s'", body, got, expected);
}

#define CUT "the multipart form ends in its middle"

static void test_read(void **state) {
  (void)state;
  check_read(TYPE, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n", "a|||1;");
  check_read("Multipart/Form-Data ; x=y; Boundary=\"b\"",
             "preamble\r\n--b\r\ncontent-type: t/x\r\nContent-Disposition: form-data; filename=\"a;b.txt\"; name=f"
             "\r\n\r\n--c\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"e\"\r\n\r\n\r\n--b--",
             "f|a;b.txt|t/x|--c\r\n;e|||;");
  check_read(TYPE, "--b\r\n\r\nx\r\n--b--", "|||x;");
  check_read(TYPE, "--b--", "");
  check_read(TYPE, "", CUT);
  check_read(TYPE, "--b", CUT);
  check_read(TYPE, "x--b--", CUT);
  check_read(TYPE, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n", CUT);
  check_read(TYPE, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1", CUT);
  check_read(TYPE, "--b\r\n\r\n--b--", "|||;");
  check_read("application/json", "", "it is no multipart/form-data");
  check_read("multipart/form-data", "", "the multipart form has no boundary of 1 to 70 bytes");
}

static void test_types(void **state) {
  (void)state;
  assert_string_equal(sp_multipart_type_of(SP_STR("a.b.PDF")), "application/pdf");
  assert_string_equal(sp_multipart_type_of(SP_STR("notes.txt")), "text/plain");
  assert_string_equal(sp_multipart_type_of(SP_STR("txt")), "application/octet-stream");
  assert_string_equal(sp_multipart_type_of(SP_STR("a.")), "application/octet-stream");
  assert_string_equal(sp_multipart_type_of(SP_STR("")), "application/octet-stream");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_written), cmocka_unit_test(test_read),
                                     cmocka_unit_test(test_types)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
