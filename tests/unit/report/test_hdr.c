/* The encoding, decoded again here by its own description; tests/real reads whole logs with another's library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fabricate.h"

#include "base/rng.h"
#include "report/hdr_encode.h"

#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#define COUNTERS 32768

static size_t unbase64(const char *text, unsigned char *out) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t len = 0;
  assert_int_equal(strlen(text) % 4, 0);
  for (; *text; text += 4) {
    uint32_t three = 0, pads = 0;
    for (int i = 0; i < 4; i++) {
      const char *letter = strchr(letters, text[i]);
      pads += text[i] == '=';
      assert_true(text[i] == '=' ? i >= 2 : letter != NULL);
      three = three << 6 | (text[i] == '=' ? 0 : (uint32_t)(letter - letters));
    }
    for (uint32_t i = 0; i < 3 - pads; i++) {
      out[len++] = (unsigned char)(three >> (16 - 8 * i));
    }
  }
  return len;
}

static uint64_t big_endian(const unsigned char *bytes, size_t len) {
  uint64_t value = 0;
  for (size_t i = 0; i < len; i++) {
    value = value << 8 | bytes[i];
  }
  return value;
}

static int64_t unzigzag(const unsigned char **at) {
  uint64_t value = 0;
  for (unsigned i = 0; i < 9; i++) {
    unsigned char byte = *(*at)++;
    value |= (uint64_t)(i < 8 ? byte & 0x7f : byte) << (7 * i);
    if (i < 8 && !(byte & 0x80)) {
      break;
    }
  }
  return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* counts[index of the counter] */
static void decode(const char *text, uint64_t *counts) {
  static unsigned char packed[1 << 20], plain[1 << 20];
  size_t len = unbase64(text, packed);
  assert_int_equal(big_endian(packed, 4), 0x1c849314);
  assert_int_equal(big_endian(packed + 4, 4), len - 8);
  uLongf plain_len = sizeof(plain);
  assert_int_equal(uncompress(plain, &plain_len, packed + 8, len - 8), Z_OK);
  assert_int_equal(big_endian(plain, 4), 0x1c849313);
  assert_int_equal(big_endian(plain + 4, 4), plain_len - 40);
  assert_int_equal(big_endian(plain + 8, 4), 0);
  assert_int_equal(big_endian(plain + 12, 4), 3);
  assert_int_equal(big_endian(plain + 16, 8), 1);
  assert_int_equal(big_endian(plain + 24, 8), SP_HDR_HIGHEST);
  assert_int_equal(big_endian(plain + 32, 8), 0x3ff0000000000000); /* 1.0 */
  memset(counts, 0, COUNTERS * sizeof(*counts));
  size_t index = 0;
  for (const unsigned char *at = plain + 40; at < plain + plain_len;) {
    int64_t count = unzigzag(&at);
    assert_true(index < COUNTERS);
    if (count < 0) {
      index += (size_t)-count;
    } else {
      counts[index++] = (uint64_t)count;
    }
  }
}

/* The values of a counter, as HdrHistogram's own description has it: sub-bucket count 2048. */
static int64_t value_of(size_t index) {
  if (index < 2048) {
    return (int64_t)index;
  }
  size_t bucket = index / 1024 - 1;
  return (int64_t)(index % 1024 + 1024) << bucket;
}

static void assert_arrives(const struct sp_hist *hist) {
  static uint64_t counts[COUNTERS];
  struct sp_buf out;
  struct sp_err err;
  struct sp_hist_bucket bucket;
  sp_buf_init(&out, 1 << 20);
  assert_int_equal(sp_hdr_encode(hist, &out, &err), 0);
  decode(out.bytes, counts);
  uint32_t cursor = 0;
  for (size_t i = 0; i < COUNTERS; i++) {
    if (counts[i] > 0) {
      assert_true(sp_hist_next(hist, &cursor, &bucket));
      assert_int_equal(bucket.low, value_of(i));
      assert_int_equal(bucket.count, counts[i]);
    }
  }
  assert_false(sp_hist_next(hist, &cursor, &bucket));
  sp_buf_fini(&out);
}

static void every_bucket_arrives(void **state) {
  (void)state;
  static const int64_t values[] = { 0, 1, 2, 4, 1023, 1024, 2047, 2048, 2049, 2050, 4095, 4096, 100000, 123456789,
                                    INT64_C(1) << 39, SP_HIST_MAX - 1, SP_HIST_MAX };
  struct sp_hist hist;
  sp_hist_init(&hist);
  assert_arrives(&hist); /* empty */
  for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
    struct sp_hist one;
    sp_hist_init(&one);
    sp_hist_record(&one, values[i]);
    assert_arrives(&one);
    sp_hist_fini(&one);
    sp_hist_record_n(&hist, values[i], (uint32_t)(1u << (2 * i % 32)));
    assert_arrives(&hist);
  }
  sp_hist_record_n(&hist, 7, UINT32_MAX);
  assert_arrives(&hist);
  sp_hist_fini(&hist);
}

static void random_ones_arrive(void **state) {
  (void)state;
  struct sp_rng rng;
  sp_rng_seed(&rng, 7, 1);
  for (int round = 0; round < 50; round++) {
    struct sp_hist hist;
    sp_hist_init(&hist);
    for (int i = 0; i < 300; i++) {
      sp_hist_record_n(&hist, (int64_t)(sp_rng_u64(&rng) >> (24 + sp_rng_below(&rng, 40))), 1 + (uint32_t)sp_rng_below(&rng, 1000));
    }
    assert_arrives(&hist);
    sp_hist_fini(&hist);
  }
}

static void a_small_buffer_says_so(void **state) {
  (void)state;
  struct sp_buf out;
  struct sp_err err;
  struct sp_hist hist;
  sp_hist_init(&hist);
  sp_hist_record(&hist, 5);
  sp_buf_init(&out, 20);
  assert_int_equal(sp_hdr_encode(&hist, &out, &err), SP_ELIMIT);
  assert_int_equal(out.len, 0);
  sp_buf_fini(&out);
  sp_hist_fini(&hist);
}

/* --- the log --- */

/* Requests of one name are one tag, and a name's own signs stay apart from the log's. */
static void log_lines(void **state) {
  (void)state;
  static const struct sp_request_key keys[] = { { "a b,c%", "X", "one" }, { "other", "X", "two" }, { "a b,c%", "Y", "one" } };
  static uint64_t counts[COUNTERS];
  struct sp_load load = { .warm_up_ns = 5 * SP_NS_PER_S };
  struct sp_run_begin begin = { .version = "1", .id = "id", .real_ns = 1500 * SP_NS_PER_MS, .mono_ns = BEGIN_NS, .load = &load };
  struct sp_interval *last = sp_interval_create();
  struct sp_err err;
  char path[] = "/tmp/spate-hdr-XXXXXX", text[8192] = "";
  void *report;
  last->begin_ns = BEGIN_NS + SP_NS_PER_S;
  last->end_ns = BEGIN_NS + 2 * SP_NS_PER_S;
  for (size_t i = 0; i < 3; i++) {
    sp_hist_record(&sp_interval_cell(last, &keys[i])->metrics[SP_METRIC_E2E], 1000 + (int64_t)i);
  }
  close(mkstemp(path));
  assert_int_equal(sp_report_hdr.open(path, &report, &err), 0);
  sp_report_hdr.begin(report, &begin);
  sp_report_hdr.on_tick(report, &(struct sp_run_view){ .last = last });
  assert_int_equal(sp_report_hdr.write(report, NULL, &err), 0);
  sp_report_hdr.close(report);
  FILE *file = fopen(path, "r");
  assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
  fclose(file);
  unlink(path);
  assert_non_null(strstr(text, "#[StartTime: 1.500 (seconds since epoch), 1970-01-01T00:00:01.500Z]\n"));
  assert_non_null(strstr(text, "#[The warm-up is in here: it ends at 5.000]\n"));
  char *line = strstr(text, "Tag=a%20b%2Cc%25/e2e,1.000,1.000,1.002,");
  assert_non_null(line);
  assert_null(strstr(line + 1, "Tag=a"));
  assert_non_null(strstr(text, "Tag=other/e2e,1.000,1.000,1.001,"));
  line = strrchr(strtok(line, "\n"), ',') + 1;
  decode(line, counts);
  assert_true(counts[1000] == 1 && counts[1001] == 0 && counts[1002] == 1);
  sp_interval_destroy(last);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_bucket_arrives),
    cmocka_unit_test(random_ones_arrive),
    cmocka_unit_test(a_small_buffer_says_so),
    cmocka_unit_test(log_lines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
