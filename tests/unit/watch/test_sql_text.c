#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/sql_text.h"

static void assert_text(const char *sql, const char *wanted) {
  char text[400];
  text[sp_sql_text(text, sizeof(text) - 1, sp_str_from(sql))] = 0;
  assert_string_equal(text, wanted);
}

static void literals_are_gone(void **state) {
  (void)state;
  assert_text("SELECT * FROM t WHERE a = 'it''s' AND b=42 AND c = -1.5e-3", "SELECT * FROM t WHERE a = ? AND b=? AND c = -?");
  assert_text("ALTER ROLE x PASSWORD 'hunter2'", "ALTER ROLE x PASSWORD ?");
  assert_text("select E'a\\'b', X'ff', b'01', U&'d\\0061', 0x1F, .5, 1_000", "select ?, ?, ?, ?, ?, ?, ?");
  assert_text("DO $$ secret 'x' $$; SELECT $a$ $$ 1 $a$, 'x'", "DO ?; SELECT ?, ?");
}

static void names_and_parameters_stay(void **state) {
  (void)state;
  assert_text("UPDATE \"Apps 1\" SET c2 = $1, \"a\"\"b\" = $12 WHERE tab_3.x1 = $2::int4",
              "UPDATE \"Apps 1\" SET c2 = $1, \"a\"\"b\" = $12 WHERE tab_3.x1 = $2::int4");
  assert_text("SELECT größe, e, n FROM x1", "SELECT größe, e, n FROM x1");
}

static void spaces_and_comments_shrink(void **state) {
  (void)state;
  assert_text("  SELECT\t1 -- with 'secret'\n\n /* a /* nested */ 'b' */ FROM\r\n t ; ", "SELECT ? FROM t ;");
  assert_text("SELECT a-b, a/b", "SELECT a-b, a/b");
}

static void a_cut_text_shows_nothing_of_its_literal(void **state) {
  (void)state;
  assert_text("SELECT 'secr", "SELECT ?");
  assert_text("SELECT E'secr\\", "SELECT ?");
  assert_text("SELECT $x$ secr", "SELECT ?");
  assert_text("SELECT /* secr", "SELECT");
  assert_text("", "");
}

static void long_ones_are_cut_between_characters(void **state) {
  (void)state;
  char text[8];
  size_t len = sp_sql_text(text, 8, SP_STR("SELECT é"));
  assert_int_equal(len, 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(literals_are_gone),
      cmocka_unit_test(names_and_parameters_stay),
      cmocka_unit_test(spaces_and_comments_shrink),
      cmocka_unit_test(a_cut_text_shows_nothing_of_its_literal),
      cmocka_unit_test(long_ones_are_cut_between_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
