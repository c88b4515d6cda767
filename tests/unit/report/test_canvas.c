#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/figures.h"
#include "report/table.h"

#include <math.h>

static struct sp_buf buf;

static struct sp_canvas canvas_of(int width) {
  sp_buf_fini(&buf);
  sp_buf_init(&buf, SP_CANVAS_MAX);
  sp_buf_append_text(&buf, "");
  return (struct sp_canvas){ &buf, width, false };
}

static const char *written(void) { return buf.bytes ? buf.bytes : ""; }

static int width_of(const char *text) { return sp_text_width(sp_str_from(text)); }

static void display_widths(void **state) {
  (void)state;
  assert_int_equal(width_of(""), 0);
  assert_int_equal(width_of("plain"), 5);
  assert_int_equal(width_of("请简单"), 6);
  assert_int_equal(width_of("전화"), 4);
  assert_int_equal(width_of("ひらカナ"), 8);
  assert_int_equal(width_of("ﾊﾝ"), 2); /* half width */
  assert_int_equal(width_of("\xef\xbc\xa1"), 2); /* a full-width A */
  assert_int_equal(width_of("\xef\xbc\x8c。"), 4);
  assert_int_equal(width_of("é"), 1);
  assert_int_equal(width_of("e\xcc\x81"), 1); /* with a combining accent */
  assert_int_equal(width_of("😀"), 2);
  assert_int_equal(width_of("→·×…─█"), 6);
  assert_int_equal(width_of("a\xe2\x80\x8b" "b"), 2); /* zero width space */
  assert_int_equal(width_of("\xff\xfe"), 2);
}

static void fitting(void **state) {
  (void)state;
  struct sp_str text = SP_STR("a请b简");
  static const size_t bytes[] = { 0, 1, 1, 4, 5, 5, 8, 8 };
  for (int width = 0; width < 8; width++) {
    assert_int_equal(sp_text_fit(text, width), bytes[width]);
  }
}

static void assert_cell(const char *text, int width, bool right, const char *want) {
  struct sp_canvas canvas = canvas_of(100);
  sp_put_cell(&canvas, sp_str_from(text), width, right);
  assert_string_equal(written(), want);
  assert_int_equal(width_of(written()), width);
}

static void cells(void **state) {
  (void)state;
  assert_cell("ab", 5, false, "ab   ");
  assert_cell("ab", 5, true, "   ab");
  assert_cell("abcde", 5, true, "abcde");
  assert_cell("abcdef", 5, false, "abcd…");
  assert_cell("请简单", 5, false, "请简…");
  assert_cell("请简单", 4, false, "请… ");
  assert_cell("请简单", 4, true, "请… ");
  assert_cell("请", 1, false, "…");
  assert_cell("", 3, true, "   ");
}

static void cells_are_exact_at_every_width(void **state) {
  (void)state;
  for (int width = 1; width < 40; width++) {
    for (int right = 0; right < 2; right++) {
      struct sp_canvas canvas = canvas_of(100);
      sp_put_cell(&canvas, SP_STR("a复杂e\xcc\x81对话流程: x申请一台新电脑"), width, right);
      assert_int_equal(width_of(written()), width);
    }
  }
}

static void assert_wrapped(const char *text, int width, int at, int indent, const char *want) {
  struct sp_canvas canvas = canvas_of(width);
  sp_put_wrapped(&canvas, sp_str_from(text), at, indent);
  assert_string_equal(written(), want);
}

static void wrapping(void **state) {
  (void)state;
  assert_wrapped("one two three", 20, 0, 2, "one two three\n");
  assert_wrapped("one two three", 8, 0, 2, "one two\n  three\n");
  assert_wrapped("one two three", 10, 5, 2, "one\n  two\n  three\n");
  assert_wrapped("unbreakable", 5, 0, 1, "unbre\n akab\n le\n");
  assert_wrapped("from 44 to 100 % now", 14, 0, 2, "from 44 to\n  100 % now\n"); /* a number keeps its sign */
  assert_wrapped("请简单介绍", 6, 0, 0, "请简单\n介绍\n");
  assert_wrapped("", 10, 0, 2, "\n");
  assert_wrapped("a\tb\nc", 10, 0, 2, "a b c\n");
}

static void parts(void **state) {
  (void)state;
  static const char text[] = "one two · three · four";
  static const struct {
    int width;
    const char *want;
  } cases[] = { { 40, "one two · three · four\n" },
                { 22, "one two · three · four\n" },
                { 21, "one two · three\n  four\n" },
                { 12, "one two\n  three\n  four\n" } };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct sp_canvas canvas = canvas_of(cases[i].width);
    sp_put_parts(&canvas, sp_str_from(text), 0, 2);
    assert_string_equal(written(), cases[i].want);
  }
}

static void facts_go_by_priority(void **state) {
  (void)state;
  static const struct sp_fact facts[] = { { 1, "first" }, { 3, "second" }, { 2, "third" } };
  static const struct {
    int width;
    const char *want;
  } cases[] = { { 22, "first   second   third\n" }, { 21, "second   third\n" }, { 13, "second\n" }, { 5, "seco…\n" } };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct sp_canvas canvas = canvas_of(cases[i].width);
    sp_put_facts(&canvas, facts, 3);
    assert_string_equal(written(), cases[i].want);
  }
}

static void ink_only_in_color(void **state) {
  (void)state;
  struct sp_canvas canvas = canvas_of(80);
  sp_put_inked(&canvas, SP_INK_RED, "%d", 7);
  assert_string_equal(written(), "7");
  canvas = canvas_of(80);
  canvas.color = true;
  sp_put_inked(&canvas, SP_INK_RED, "%d", 7);
  assert_string_equal(written(), "\x1b[31m7\x1b[0m");
}

/* --- tables --- */

static const struct sp_column columns[] = {
  { NULL, "name", 100, .left = true }, { NULL, "low", 10, .left = false },
  { "both", "p50", 20, .left = false }, { "both", "p95", 40, .left = false },
  { NULL, "never", 90, .optional = true },
};

static void fill(struct sp_table *table) {
  sp_table_init(table, columns, 5);
  sp_table_add_row(table);
  sp_table_set(table, 0, "a rather long name");
  sp_table_set(table, 1, "1");
  sp_table_set(table, 2, "22");
  sp_table_set(table, 3, "333");
  sp_table_set(table, 4, SP_TABLE_NONE);
  sp_table_add_line(table, SP_INK_PLAIN, "a line over the whole width of it");
}

static void tables_fit(void **state) {
  (void)state;
  static const struct {
    int width;
    const char *want;
  } cases[] = {
    { 80, "                         ─ both ─\nname                low  p50  p95\n"
          "a rather long name    1   22  333\na line over the whole width of it\n" },
    { 30, "                      ─ both ─\nname             low  p50  p95\n"
          "a rather long …    1   22  333\na line over the whole width o…\n" },
    { 26, "                  ─ both ─\nname         low  p50  p95\n"
          "a rather l…    1   22  333\n" },
  };
  for (size_t i = 0; i < 2; i++) {
    struct sp_table table;
    struct sp_canvas canvas = canvas_of(cases[i].width);
    fill(&table);
    sp_table_put(&table, &canvas, 0);
    assert_string_equal(written(), cases[i].want);
    sp_table_fini(&table);
  }
}

static void no_line_is_wider_than_asked(void **state) {
  (void)state;
  for (int indent = 0; indent < 3; indent++) {
    for (int width = SP_WIDTH_MIN; width < 60; width++) {
      struct sp_table table;
      struct sp_canvas canvas = canvas_of(width);
      fill(&table);
      sp_table_put(&table, &canvas, indent);
      struct sp_str rest = sp_buf_str(&buf);
      while (rest.len > 0) {
        assert_true(sp_text_width(sp_str_split(&rest, '\n')) <= width);
      }
      assert_null(strstr(written(), "never"));
      sp_table_fini(&table);
    }
  }
}

/* --- figures --- */

static void assert_text(const char *got, const char *want) { assert_string_equal(got, want); }

static void figures(void **state) {
  (void)state;
  char text[SP_FIGURE_SIZE];
  assert_text(sp_figure_rate(NAN, text, sizeof(text)), "-");
  assert_text(sp_figure_rate(0, text, sizeof(text)), "0");
  assert_text(sp_figure_rate(0.004, text, sizeof(text)), "0.004");
  assert_text(sp_figure_rate(21.46, text, sizeof(text)), "21.5");
  assert_text(sp_figure_rate(437, text, sizeof(text)), "437");
  assert_text(sp_figure_rate(12345.6, text, sizeof(text)), "12,346");
  assert_text(sp_figure_percent(NAN, text, sizeof(text)), "-");
  assert_text(sp_figure_percent(0, text, sizeof(text)), "0 %");
  assert_text(sp_figure_percent(0.0001, text, sizeof(text)), "<0.1 %");
  assert_text(sp_figure_percent(0.123, text, sizeof(text)), "12.3 %");
  assert_text(sp_figure_percent(0.99999, text, sizeof(text)), ">99.9 %");
  assert_text(sp_figure_percent(1, text, sizeof(text)), "100 %");
  assert_text(sp_figure_ms(NAN, text, sizeof(text)), "-");
  assert_text(sp_figure_ms(1437000, text, sizeof(text)), "1,437");
  struct sp_hist hist;
  sp_hist_init(&hist);
  assert_text(sp_figure_percentile(&hist, 50, text, sizeof(text)), "-");
  assert_true(isnan(sp_per_s(5, 0)) && isnan(sp_share(1, 0)));
  assert_true(sp_per_s(5, 2000000000) == 2.5 && sp_share(1, 4) == 0.25);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(display_widths), cmocka_unit_test(fitting),
    cmocka_unit_test(cells),          cmocka_unit_test(cells_are_exact_at_every_width),
    cmocka_unit_test(wrapping),       cmocka_unit_test(parts),
    cmocka_unit_test(facts_go_by_priority),
    cmocka_unit_test(ink_only_in_color),
    cmocka_unit_test(tables_fit),     cmocka_unit_test(no_line_is_wider_than_asked),
    cmocka_unit_test(figures),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  sp_buf_fini(&buf);
  return failed;
}
