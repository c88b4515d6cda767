/* SLO expressions: what is read, what is said of what is not, and that text and struct are the same thing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "stats/slo.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define S (INT64_C(1000000000))

static struct sp_slo parsed(const char *text) {
  struct sp_slo slo;
  struct sp_err err = { 0 };
  if (sp_slo_parse(sp_str_from(text), &slo, &err) < 0) {
    fail_msg("%s", err.text);
  }
  return slo;
}

static void metrics(void **state) {
  (void)state;
  struct sp_slo slo = parsed("p95(ttft) < 1500ms");
  assert_int_equal(slo.of, SP_SLO_OF_METRIC);
  assert_int_equal(slo.metric, SP_METRIC_TTFT);
  assert_int_equal(slo.statistic, SP_SLO_PERCENTILE);
  assert_true(slo.percentile == 95 && slo.limit == 1500);
  assert_int_equal(slo.op, SP_SLO_LT);
  assert_string_equal(slo.on, "");
  assert_int_equal(slo.window_ns, 0);
  assert_string_equal(slo.text, "p95(ttft) < 1500ms");
  slo = parsed("  P99.9( ITL )<=0.2s\n");
  assert_true(slo.metric == SP_METRIC_ITL && slo.percentile == 99.9 && slo.limit == 200 && slo.op == SP_SLO_LE);
  assert_string_equal(slo.text, "P99.9( ITL )<=0.2s");
  slo = parsed("mean(e2e) < 4s");
  assert_true(slo.statistic == SP_SLO_MEAN && slo.metric == SP_METRIC_E2E && slo.limit == 4000);
  slo = parsed("max(max_gap) >= 5 s");
  assert_true(slo.statistic == SP_SLO_MAX && slo.op == SP_SLO_GE && slo.limit == 5000);
  slo = parsed("min(wait) > 250us");
  assert_true(slo.statistic == SP_SLO_MIN && slo.op == SP_SLO_GT && slo.limit == 0.25);
  assert_true(parsed("p50(tpot) < 20").limit == 20); /* bare: ms */
  assert_true(parsed("p50(tpot) < 20 µs").limit == 0.02);
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    char text[64];
    snprintf(text, sizeof(text), "p99(%s) < 1", sp_metric_info((enum sp_metric)i)->name);
    assert_int_equal(parsed(text).metric, i);
  }
}

static void shares_and_rates(void **state) {
  (void)state;
  assert_true(parsed("failed_share < 1%").limit == 0.01);
  assert_true(parsed("failed_share < 1").limit == 1); /* a ratio: the default SLO */
  assert_true(parsed("failed_share < 0.5%").limit == 0.005);
  assert_true(parsed("stall_share <= 0.001").limit == 0.001);
  assert_int_equal(parsed("stall_share < 1%").of, SP_SLO_OF_STALL_SHARE);
  assert_true(parsed("goodput_share > 95 %").limit == 0.95);
  assert_true(parsed("failed_share <= 100%").limit == 1);
  assert_true(parsed("rps > 40").limit == 40);
  assert_true(parsed("rps > 40/s").limit == 40);
  assert_int_equal(parsed("ok_rps > 40 /s").of, SP_SLO_OF_OK_RPS);
  assert_int_equal(parsed("goodput > 30/s").of, SP_SLO_OF_GOODPUT);
  assert_int_equal(parsed("events_per_s > 1000").of, SP_SLO_OF_EVENTS_PER_S);
}

static void nodes_and_customs(void **state) {
  (void)state;
  struct sp_slo slo = parsed("p95(node:LLM) < 2s");
  assert_int_equal(slo.of, SP_SLO_OF_NODE);
  assert_string_equal(slo.name, "LLM");
  assert_string_equal(parsed("max(node:'LLM (2)') < 2s").name, "LLM (2)");
  assert_string_equal(parsed("max(node:\"it's\" ) < 2s").name, "it's");
  assert_string_equal(parsed("max(node:'it\\'s \\\\') < 2s").name, "it's \\");
  assert_string_equal(parsed("p50(node:知识检索) < 800ms").name, "知识检索");
  slo = parsed("p95(custom:score) < 3");
  assert_int_equal(slo.of, SP_SLO_OF_CUSTOM);
  assert_true(slo.limit == 3 && sp_slo_unit(&slo) == SP_SLO_OWN);
}

static void clauses(void **state) {
  (void)state;
  struct sp_slo slo = parsed("p95(e2e) < 4s on 'simple chat'");
  assert_string_equal(slo.on, "simple chat");
  slo = parsed("p95(ttft) < 2s over 30s on chat");
  assert_string_equal(slo.on, "chat");
  assert_true(slo.window_ns == 30 * S);
  slo = parsed("rps>1 on\"a b\"over 1m30s");
  assert_string_equal(slo.on, "a b");
  assert_true(slo.window_ns == 90 * S);
  assert_true(parsed("rps > 1 over 60").window_ns == 60 * S);
  assert_true(parsed("p95(ttft) < 2 over 1h").window_ns == 3600 * S);
}

/* The column is that of the fault, and the way out is named. */
static void faults(void **state) {
  (void)state;
  static const struct {
    const char *text;
    unsigned column;
    const char *says;
  } rows[] = {
    { "p95(tfft) < 1s", 5, "no metric 'tfft': did you mean 'ttft'?" },
    { "p95(e2) < 1s", 5, "did you mean 'e2e'?" },
    { "p95(nod:LLM) < 1s", 5, "did you mean 'node:'?" },
    { "p95() < 1s", 5, "a metric is expected" },
    { "p95(ttft < 1s", 10, "a closing bracket ')' is expected, not '< 1s'" },
    { "p95(ttft", 9, "here is the end" },
    { "p95 < 1s", 5, "p95(ttft)" },
    { "ttft < 1s", 1, "'ttft' needs a statistic: p95(ttft)" },
    { "goodpt > 30", 1, "did you mean 'goodput'?" },
    { "GOODPT > 30", 1, "did you mean 'goodput'?" },
    { "faild_share < 1%", 1, "did you mean 'failed_share'?" },
    { "avg(ttft) < 1s", 1, "no statistic 'avg'" },
    { "mena(ttft) < 1s", 1, "did you mean 'mean'?" },
    { "p0(ttft) < 1s", 1, "over 0 and at most 100" },
    { "p101(ttft) < 1s", 1, "over 0 and at most 100" },
    { "p9999(ttft) < 1s", 1, "over 0 and at most 100" },
    { "p9.9.9(ttft) < 1s", 1, "is no percentile" },
    { "< 1s", 1, "a figure is expected" },
    { "p95(ttft)", 10, "one of < <= > >= is expected, here is the end" },
    { "p95(ttft) = 1s", 11, "one of < <= > >= is expected, not '= 1s'" },
    { "p95(ttft) =< 1s", 11, "one of" },
    { "p95(ttft) < fast", 13, "a number is expected, not 'fast'" },
    { "p95(ttft) < -1s", 13, "a number is expected" },
    { "p95(ttft) < 1.2.3s", 13, "'1.2.3'" },
    { "p95(ttft) < 1. s", 13, "'1.'" },
    { "p95(ttft) < 12345678901234567", 13, "over 15 digits" },
    { "p95(ttft) < 0.00001000000201776us", 13, "too small" }, /* in ms it would have 20 decimals */
    { "p95(ttft) < 1000000001s", 13, "over 10^12" },
    { "p95(ttft) < 2 min", 15, "'min' is no unit here: the limit is a time: ms, s or us" },
    { "p95(ttft) < 2%", 14, "'%' is no unit here" },
    { "failed_share < 1s", 17, "a share: % or a bare ratio" },
    { "failed_share < 5", 16, "did you mean 5%?" },
    { "failed_share < 101%", 16, "at most 100%" },
    { "rps > 40/m", 9, "'/m' is no unit here: the limit is a rate" },
    { "p95(custom:x) < 3ms", 18, "a bare number" },
    { "p95(node:) < 3", 10, "a node's title is expected" },
    { "p95(custom:'') < 3", 12, "a metric's name is expected" },
    { "p95(node:'LLM) < 3", 10, "no closing '" },
    { "p95(节点) < 3", 5, "a metric is expected (ttft, itl, e2e …), not '节点" },
    { "p95(node:节点 < 3", 13, "a closing bracket" }, /* characters, not bytes */
    { "rps > 1 onn x", 9, "did you mean 'on'?" },
    { "rps > 1 ovr 3s", 9, "did you mean 'over'?" },
    { "rps > 1 ) x", 9, "or the end is expected" },
    { "rps > 1 on", 11, "the name of a request or task is expected" },
    { "rps > 1 on a on b", 14, "a second time" },
    { "rps > 1 over 2s over 3s", 17, "a second time" },
    { "rps > 1 over", 13, "the length of a window" },
    { "rps > 1 over soon", 14, "the length of a window" },
    { "rps > 1 over 500ms", 14, "whole seconds" },
    { "rps > 1 over 2h", 14, "whole seconds, from 1s to 3600s" },
    { "p95(node:x) < 1 on chat", 17, "nodes are not counted by request" },
    { "p99(lag) < 5ms on 'chat'", 16, "the generator's lag is not counted by request: leave 'on' away" },
    { "lag < 5ms", 1, "'lag' needs a statistic: p95(lag)" },
    { "p95(lagg) < 5ms", 5, "did you mean 'lag'?" },
    { "events_per_s > 1 on chat", 18, "not counted by request" },
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct sp_slo slo;
    struct sp_err err = { 0 };
    char column[32];
    assert_int_equal(sp_slo_parse(sp_str_from(rows[i].text), &slo, &err), SP_EUSAGE);
    snprintf(column, sizeof(column), "column %u: ", rows[i].column);
    if (!strstr(err.text, column) || !strstr(err.text, rows[i].says)) {
      fail_msg("%s\n  wanted: %s… %s", err.text, column, rows[i].says);
    }
    assert_non_null(strstr(err.text, rows[i].text)); /* which of several expressions it is */
  }
}

static void empty_and_huge(void **state) {
  (void)state;
  struct sp_slo slo;
  struct sp_err err = { 0 };
  char huge[SP_SLO_TEXT_MAX + 2];
  assert_int_equal(sp_slo_parse(SP_STR(" \t"), &slo, &err), SP_EUSAGE);
  assert_non_null(strstr(err.text, "empty"));
  assert_int_equal(sp_slo_parse(sp_str_of(NULL, 0), &slo, &err), SP_EUSAGE);
  memset(huge, 'a', sizeof(huge));
  assert_int_equal(sp_slo_parse(sp_str_of(huge, sizeof(huge)), &slo, &err), SP_EUSAGE);
  assert_non_null(strstr(err.text, "SP_SLO_TEXT_MAX"));
  assert_int_equal(sp_slo_parse(sp_str_of(huge, SP_SLO_TEXT_MAX), &slo, NULL), SP_EUSAGE);
  memcpy(huge, "rps > 1 on ", 11); /* a name over its cap is cut as the names of requests are */
  assert_int_equal(sp_slo_parse(sp_str_of(huge, SP_SLO_TEXT_MAX), &slo, &err), SP_OK);
  assert_int_equal(strlen(slo.on), SP_NAME_MAX);
}

static bool same(const struct sp_slo *a, const struct sp_slo *b) {
  return a->of == b->of && a->op == b->op && a->limit == b->limit && a->window_ns == b->window_ns &&
         (a->of > SP_SLO_OF_CUSTOM || (a->statistic == b->statistic && a->percentile == b->percentile)) &&
         (a->of != SP_SLO_OF_METRIC || a->metric == b->metric) && strcmp(a->name, b->name) == 0 &&
         strcmp(a->on, b->on) == 0;
}

static void prints(void **state) {
  (void)state;
  static const char *const rows[][2] = {
    { "P95 ( ttft)<1.5s", "p95(ttft) < 1500ms" },
    { "p99.90(itl) <= 200us", "p99.9(itl) <= 0.2ms" },
    { "p999(itl) <= 200us", "p99.9(itl) <= 0.2ms" },
    { "failed_share < 0.01", "failed_share < 1%" },
    { "failed_share < 1", "failed_share < 100%" },
    { "failed_share < 0.07%", "failed_share < 0.07%" },
    { "goodput > 30", "goodput > 30/s" },
    { "P99( LAG )<5 over 5s", "p99(lag) < 5ms over 5s" },
    { "max(node:LLM) < 2 over 1m", "max(node:'LLM') < 2ms over 60s" },
    { "p5(custom:a\\b) >= 0.125", "p5(custom:'a\\\\b') >= 0.125" },
    { "mean(e2e) < 4s on \"it's\"", "mean(e2e) < 4000ms on 'it\\'s'" },
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char text[SP_SLO_PRINT_SIZE];
    struct sp_slo slo = parsed(rows[i][0]);
    assert_string_equal(sp_slo_print(&slo, text, sizeof(text)), rows[i][1]);
  }
}

/* -- printing and parsing undo each other -- */

static void random_number(struct sp_rng *rng, uint64_t below, char *out, size_t size) {
  unsigned decimals = (unsigned)sp_rng_below(rng, 5);
  uint64_t whole = sp_rng_below(rng, below), part = sp_rng_below(rng, 10000);
  if (decimals == 0) {
    snprintf(out, size, "%llu", (unsigned long long)whole);
  } else {
    static const uint64_t tens[] = { 1, 10, 100, 1000, 10000 };
    snprintf(out, size, "%llu.%0*llu", (unsigned long long)whole, (int)decimals,
             (unsigned long long)(part % tens[decimals]));
  }
}

static void random_name(struct sp_rng *rng, char *out) {
  static const char *const pieces[] = { "a", "LLM", " ", "'", "\"", "\\", ")", "节点", ":", "é", "on", "<", "\x01" };
  out[0] = 0;
  strcat(out, "n");
  for (uint64_t n = sp_rng_below(rng, 8); n > 0; n--) {
    strcat(out, pieces[sp_rng_below(rng, sizeof(pieces) / sizeof(pieces[0]))]);
  }
}

static void quoted(const char *name, char *out) {
  *out++ = '"';
  for (; *name; name++) {
    if (*name == '"' || *name == '\\') {
      *out++ = '\\';
    }
    *out++ = *name;
  }
  *out++ = '"';
  *out = 0;
}

static void random_expression(struct sp_rng *rng, char *out, size_t size) {
  static const char *const ops[] = { "<", "<=", ">", ">=" };
  static const char *const statistics[] = { "mean", "min", "max", "p50", "p99.9", "p97.25", "p0.001", "p100" };
  static const char *const shares[] = { "failed_share", "stall_share", "goodput_share" };
  static const char *const rates[] = { "rps", "ok_rps", "goodput", "events_per_s" };
  static const char *const times[] = { "", "ms", "s", "us", " s" };
  char number[64], name[128], quote[300], on[320] = "", over[32] = "";
  const char *op = ops[sp_rng_below(rng, 4)], *statistic = statistics[sp_rng_below(rng, 8)];
  bool events = false, by_request = true;
  random_name(rng, name);
  quoted(name, quote);
  switch (sp_rng_below(rng, 4)) {
  case 0: {
    random_number(rng, 100000, number, sizeof(number));
    enum sp_metric metric = (enum sp_metric)sp_rng_below(rng, SP_METRIC_COUNT);
    snprintf(out, size, "%s(%s)%s%s%s", statistic, sp_metric_info(metric)->name, op, number, times[sp_rng_below(rng, 5)]);
    break;
  }
  case 1: {
    bool percent = sp_rng_below(rng, 2);
    random_number(rng, percent ? 100 : 1, number, sizeof(number));
    snprintf(out, size, "%s %s %s%s", shares[sp_rng_below(rng, 3)], op, number, percent ? "%" : "");
    break;
  }
  case 2: {
    uint64_t which = sp_rng_below(rng, 4);
    events = which == 3;
    random_number(rng, 100000, number, sizeof(number));
    snprintf(out, size, "%s %s %s%s", rates[which], op, number, sp_rng_below(rng, 2) ? "/s" : "");
    break;
  }
  default: {
    bool node = sp_rng_below(rng, 2);
    by_request = false;
    random_number(rng, 1000, number, sizeof(number));
    snprintf(out, size, "%s(%s:%s) %s %s", statistic, node ? "node" : "custom", quote, op, number);
  }
  }
  if (by_request && !events && sp_rng_below(rng, 2)) {
    snprintf(on, sizeof(on), " on %s", quote);
  }
  if (sp_rng_below(rng, 2)) {
    snprintf(over, sizeof(over), " over %llus", 1 + (unsigned long long)sp_rng_below(rng, 3600));
  }
  bool swap = sp_rng_below(rng, 2);
  snprintf(out + strlen(out), size - strlen(out), "%s%s", swap ? over : on, swap ? on : over);
}

static void text_and_struct_are_the_same(void **state) {
  (void)state;
  struct sp_rng rng;
  sp_rng_seed(&rng, 20250101, 0);
  for (int i = 0; i < 20000; i++) {
    char text[SP_SLO_TEXT_MAX], once[SP_SLO_PRINT_SIZE], twice[SP_SLO_PRINT_SIZE];
    random_expression(&rng, text, sizeof(text));
    struct sp_slo slo = parsed(text);
    struct sp_slo again = parsed(sp_slo_print(&slo, once, sizeof(once)));
    if (!same(&slo, &again)) {
      fail_msg("%s\n%s", text, once);
    }
    assert_string_equal(sp_slo_print(&again, twice, sizeof(twice)), once);
  }
}

/* Cut anywhere, with nothing behind it: fails or holds, and never reads on. */
static void cut_against_a_guard_page(void **state) {
  (void)state;
  static const char *const texts[] = {
    "p99.9(node:'a \\'b\\' 节点') <= 1500.25ms over 1m30s",
    "failed_share < 0.5% on \"simple \\\"chat\" over 30s",
    "mean(e2e) >= 4 µs on x",
    "rps\t>\r\n40 /s over 5s on 'a'",
  };
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(map, MAP_FAILED);
  assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    size_t whole = strlen(texts[i]);
    for (size_t len = 0; len <= whole; len++) {
      struct sp_slo slo;
      struct sp_err err = { 0 };
      char *place = map + page - len;
      memcpy(place, texts[i], len);
      int code = sp_slo_parse(sp_str_of(place, len), &slo, &err);
      assert_true(code == SP_OK || (code == SP_EUSAGE && err.text[0]));
      assert_true(len < whole || code == SP_OK);
    }
  }
  munmap(map, 2 * page);
}

static void values_for_people(void **state) {
  (void)state;
  static const struct {
    const char *slo;
    double value;
    const char *shown;
  } rows[] = {
    { "p95(ttft) < 1", 1234.5, "1,235 ms" },   { "p95(ttft) < 1", 12.34, "12.3 ms" },
    { "failed_share < 1", 0.0042, "0.42 %" },  { "rps > 1", 21.53, "21.5/s" },
    { "events_per_s > 1", 12345, "12345/s" },  { "p5(custom:x) < 1", 3.25, "3.25" },
  };
  char text[SP_SLO_VALUE_SIZE];
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct sp_slo slo = parsed(rows[i].slo);
    assert_string_equal(sp_slo_format(&slo, rows[i].value, text, sizeof(text)), rows[i].shown);
    assert_string_equal(sp_slo_format(&slo, 0.0 / 0.0, text, sizeof(text)), "no samples");
  }
}

static void worse_is_further_from_the_limit(void **state) {
  (void)state;
  struct sp_slo most = parsed("p95(ttft) < 100"), least = parsed("rps >= 40");
  assert_true(sp_slo_holds(&most, 99.9) && !sp_slo_holds(&most, 100) && !sp_slo_holds(&most, 0.0 / 0.0));
  assert_true(sp_slo_holds(&least, 40) && !sp_slo_holds(&least, 39.9) && !sp_slo_holds(&least, 0.0 / 0.0));
  assert_true(sp_slo_is_worse(&most, 2, 1) && !sp_slo_is_worse(&most, 1, 2));
  assert_true(sp_slo_is_worse(&least, 1, 2) && !sp_slo_is_worse(&least, 2, 2));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(metrics),
    cmocka_unit_test(shares_and_rates),
    cmocka_unit_test(nodes_and_customs),
    cmocka_unit_test(clauses),
    cmocka_unit_test(faults),
    cmocka_unit_test(empty_and_huge),
    cmocka_unit_test(prints),
    cmocka_unit_test(text_and_struct_are_the_same),
    cmocka_unit_test(cut_against_a_guard_page),
    cmocka_unit_test(values_for_people),
    cmocka_unit_test(worse_is_further_from_the_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
