/* gzip bodies: whole, cut anywhere, as a stream, broken, and bombs. */
#include "harness.h"

#include "base/rng.h"
#include "http/gzip.h"

#include <stdlib.h>
#include <zlib.h>

#define TEXT "data: hello\n\ndata: hello again, and again, and again\n\n"

/* -- making gzip -- */

static struct sp_buf gzip_text(struct sp_str text) {
  struct sp_buf out;
  sp_buf_init(&out, 1u << 20);
  assert_int_equal(sp_buf_reserve(&out, 1u << 19), 0);
  z_stream z = { 0 };
  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (Bytef *)text.bytes;
  z.avail_in = (uInt)text.len;
  z.next_out = (Bytef *)out.bytes;
  z.avail_out = 1u << 19;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.len = z.total_out;
  deflateEnd(&z);
  return out;
}

/* Two pieces, the first flushed as a streaming server does. */
static void gzip_stream(struct sp_str first, struct sp_str second, struct sp_buf *one, struct sp_buf *two) {
  z_stream z = { 0 };
  assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  struct sp_str in[2] = { first, second };
  struct sp_buf *out[2] = { one, two };
  for (int i = 0; i < 2; i++) {
    sp_buf_init(out[i], 1u << 16);
    assert_int_equal(sp_buf_reserve(out[i], 4096), 0);
    z.next_in = (Bytef *)in[i].bytes;
    z.avail_in = (uInt)in[i].len;
    z.next_out = (Bytef *)out[i]->bytes;
    z.avail_out = 4096;
    deflate(&z, i == 0 ? Z_SYNC_FLUSH : Z_FINISH);
    out[i]->len = 4096 - z.avail_out;
  }
  deflateEnd(&z);
}

/* -- the inflater alone -- */

static char piece[SP_GZIP_PIECE_SIZE];

static int collect(void *ctx, struct sp_str bytes, struct sp_err *err) {
  (void)err;
  return sp_buf_append_str(ctx, bytes);
}

static int count(void *ctx, struct sp_str bytes, struct sp_err *err) {
  (void)err;
  *(size_t *)ctx += bytes.len;
  return 0;
}

static void test_cut_at_every_point(void **state) {
  (void)state;
  struct sp_buf packed = gzip_text(SP_STR(TEXT));
  for (size_t cut = 0; cut <= packed.len; cut++) {
    struct sp_gzip *gzip = sp_gzip_create();
    struct sp_buf out;
    struct sp_err err;
    sp_buf_init(&out, 1u << 20);
    assert_true(sp_gzip_is_whole(gzip)); /* an empty body is fine */
    assert_int_equal(sp_gzip_feed(gzip, sp_str_of(packed.bytes, cut), piece, collect, &out, &err), 0);
    if (cut > 0 && cut < packed.len) assert_false(sp_gzip_is_whole(gzip));
    struct sp_str rest = sp_str_of(packed.bytes + cut, packed.len - cut);
    assert_int_equal(sp_gzip_feed(gzip, rest, piece, collect, &out, &err), 0);
    assert_true(sp_gzip_is_whole(gzip));
    assert_string_equal(out.bytes, TEXT);
    sp_buf_fini(&out);
    sp_gzip_destroy(gzip);
  }
  sp_buf_fini(&packed);
}

static void test_byte_by_byte_and_two_members(void **state) {
  (void)state;
  struct sp_buf packed = gzip_text(SP_STR(TEXT)), out;
  struct sp_gzip *gzip = sp_gzip_create();
  struct sp_err err;
  sp_buf_init(&out, 1u << 20);
  for (size_t i = 0; i < 2 * packed.len; i++)
    assert_int_equal(
        sp_gzip_feed(gzip, sp_str_of(packed.bytes + i % packed.len, 1), piece, collect, &out, &err), 0);
  assert_true(sp_gzip_is_whole(gzip));
  assert_string_equal(out.bytes, TEXT TEXT);
  sp_gzip_destroy(gzip);
  sp_buf_fini(&out);
  sp_buf_fini(&packed);
}

static void test_every_broken_byte_is_noticed(void **state) {
  (void)state;
  struct sp_buf packed = gzip_text(SP_STR(TEXT));
  for (size_t i = 10; i < packed.len; i++) { /* behind the header, whose time and system fields are free */
    struct sp_gzip *gzip = sp_gzip_create();
    struct sp_err err;
    size_t got = 0;
    packed.bytes[i] ^= 0x55;
    int failed = sp_gzip_feed(gzip, sp_buf_str(&packed), piece, count, &got, &err);
    assert_true(failed < 0 || !sp_gzip_is_whole(gzip));
    packed.bytes[i] ^= 0x55;
    sp_gzip_destroy(gzip);
  }
  sp_buf_fini(&packed);
}

static struct sp_buf bomb(size_t size) {
  char *zeros = calloc(1, size);
  struct sp_buf packed = gzip_text(sp_str_of(zeros, size));
  free(zeros);
  return packed;
}

static void test_bomb(void **state) {
  (void)state;
  struct sp_buf packed = bomb(64u << 20);
  struct sp_gzip *gzip = sp_gzip_create();
  struct sp_err err;
  size_t got = 0;
  assert_int_equal(sp_gzip_feed(gzip, sp_buf_str(&packed), piece, count, &got, &err), SP_ELIMIT);
  assert_non_null(strstr(err.text, "500 times"));
  assert_true(got <= SP_HTTP_INFLATE_FREE + SP_GZIP_PIECE_SIZE);
  sp_gzip_destroy(gzip);
  sp_buf_fini(&packed);
}

static void test_size_cap(void **state) {
  (void)state;
  struct sp_buf packed = bomb(8u << 20); /* fine alone; as many members it passes the cap on size, padded by ratio */
  char noise[20000];
  struct sp_rng rng;
  sp_rng_seed(&rng, 1, 0);
  for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)sp_rng_below(&rng, 256);
  struct sp_buf pad = gzip_text(sp_str_of(noise, sizeof noise));
  struct sp_gzip *gzip = sp_gzip_create();
  struct sp_err err;
  size_t got = 0;
  int failed = 0;
  for (int i = 0; i < 200 && !failed; i++) {
    failed = sp_gzip_feed(gzip, sp_buf_str(&pad), piece, count, &got, &err);
    if (!failed) failed = sp_gzip_feed(gzip, sp_buf_str(&packed), piece, count, &got, &err);
  }
  assert_int_equal(failed, SP_ELIMIT);
  assert_non_null(strstr(err.text, "1024 MiB"));
  sp_gzip_destroy(gzip);
  sp_buf_fini(&packed);
  sp_buf_fini(&pad);
}

/* -- through the client -- */

#define HEAD_TEXT "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: "

static struct exchange fetch(const struct sp_buf *packed, size_t len, bool asked, struct bed *bed) {
  char head[128];
  int n = snprintf(head, sizeof head, HEAD_TEXT "%zu\r\n\r\n", len);
  struct step steps[] = { EXPECT, { STEP_SEND, head, (size_t)n, 0 }, { STEP_SEND, packed->bytes, len, 0 }, HOLD };
  struct exchange one = { 0 };
  bed_open(bed, NULL);
  bed_serve(bed, SCRIPTS(steps));
  get(bed, &one, &(struct ask){ .gzip = asked });
  sp_http_session_fini(&bed->session); /* the script lives in this frame */
  sp_http_session_init(&bed->session, bed->client);
  bed_close(bed);
  return one;
}

static void test_whole(void **state) {
  (void)state;
  struct sp_buf packed = gzip_text(SP_STR(TEXT));
  struct bed bed;
  struct exchange one = fetch(&packed, packed.len, true, &bed);
  assert_ok(&one, 200, TEXT);
  exchange_drop(&one);
  one = fetch(&packed, packed.len, false, &bed); /* not asked for: given as it came */
  assert_end(&one, SP_HTTP_OK, "");
  assert_int_equal(one.body.len, packed.len);
  exchange_drop(&one);
  one = fetch(&packed, 0, true, &bed);
  assert_ok(&one, 200, "");
  exchange_drop(&one);
  sp_buf_fini(&packed);
}

static void test_broken(void **state) {
  (void)state;
  struct sp_buf packed = gzip_text(SP_STR(TEXT));
  struct bed bed;
  struct exchange one = fetch(&packed, packed.len - 5, true, &bed);
  assert_end(&one, SP_HTTP_PROTOCOL, "the gzip body ends in its middle");
  exchange_drop(&one);
  packed.bytes[packed.len - 6] ^= 1; /* checksum */
  one = fetch(&packed, packed.len, true, &bed);
  assert_end(&one, SP_HTTP_PROTOCOL, "the gzip body is broken");
  exchange_drop(&one);
  memcpy(packed.bytes, "no gzip", 7);
  one = fetch(&packed, packed.len, true, &bed);
  assert_end(&one, SP_HTTP_PROTOCOL, "the gzip body is broken");
  exchange_drop(&one);
  sp_buf_fini(&packed);
}

static void test_bomb_by_http(void **state) {
  (void)state;
  struct sp_buf packed = bomb(64u << 20);
  struct bed bed;
  struct exchange one = fetch(&packed, packed.len, true, &bed);
  assert_end(&one, SP_HTTP_PROTOCOL, "inflates to over 500 times its size");
  exchange_drop(&one);
  sp_buf_fini(&packed);
}

/* The first event is given while the server holds the second back. */
static void test_stream_is_not_held_back(void **state) {
  (void)state;
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
  struct sp_buf one, two;
  gzip_stream(SP_STR("data: first\n\n"), SP_STR("data: second\n\n"), &one, &two);
  struct step steps[] = { EXPECT, { STEP_SEND, head, sizeof head - 1, 0 }, { STEP_SEND, one.bytes, one.len, 0 },
                          PAUSE(100), { STEP_SEND, two.bytes, two.len, 0 }, END };
  struct bed bed;
  struct exchange exchange = { 0 };
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(steps));
  start(&bed, &exchange, &(struct ask){ .gzip = true });
  while (exchange.bodies == 0) bed_pause(&bed, 1);
  assert_string_equal(exchange.body.bytes, "data: first\n\n");
  bed_run(&bed);
  assert_ok(&exchange, 200, "data: first\n\ndata: second\n\n");
  exchange_drop(&exchange);
  bed_close(&bed);
  sp_buf_fini(&one);
  sp_buf_fini(&two);
}

static void test_abort_and_finish_inside(void **state) {
  (void)state;
  struct sp_buf packed = bomb(1u << 20); /* many pieces from one read */
  for (int i = 0; i < 2; i++) {
    char head[128];
    int n = snprintf(head, sizeof head, HEAD_TEXT "%zu\r\n\r\n", packed.len);
    struct step steps[] = { EXPECT, { STEP_SEND, head, (size_t)n, 0 }, { STEP_SEND, packed.bytes, packed.len, 0 },
                            HOLD };
    struct bed bed;
    struct exchange one = { .abort_in = i == 0 ? IN_BODY : NOWHERE, .finish_in = i == 1 ? IN_BODY : NOWHERE };
    bed_open(&bed, NULL);
    bed_serve(&bed, SCRIPTS(steps));
    get(&bed, &one, &(struct ask){ .gzip = true });
    assert_end(&one, i == 0 ? SP_HTTP_ABORTED : SP_HTTP_OK, "");
    assert_int_equal(one.bodies, 1);
    exchange_drop(&one);
    bed_close(&bed);
  }
  sp_buf_fini(&packed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cut_at_every_point),
      cmocka_unit_test(test_byte_by_byte_and_two_members),
      cmocka_unit_test(test_every_broken_byte_is_noticed),
      cmocka_unit_test(test_bomb),
      cmocka_unit_test(test_size_cap),
      cmocka_unit_test(test_whole),
      cmocka_unit_test(test_broken),
      cmocka_unit_test(test_bomb_by_http),
      cmocka_unit_test(test_stream_is_not_held_back),
      cmocka_unit_test(test_abort_and_finish_inside),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
