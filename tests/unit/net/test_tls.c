/* The TLS filter without sockets: a client and a server session pass each other's bytes, whole or in pieces. */
#include "net_test.h"

#include "certs.h"

struct pair {
  struct sp_tls_context *client_context, *server_context;
  struct sp_tls *client, *server;
};

static struct certs certs;

static int make_certs(void **state) {
  (void)state;
  certs_make(&certs);
  return 0;
}
static int remove_certs(void **state) {
  (void)state;
  certs_remove(&certs);
  return 0;
}

static void pair_init(struct pair *pair) {
  pair->client_context = certs_client(&certs, NULL);
  pair->server_context = certs_server(&certs, "good", false);
  pair->client = sp_tls_create(pair->client_context, "localhost", NULL);
  pair->server = sp_tls_create(pair->server_context, NULL, NULL);
  assert_non_null(pair->client);
  assert_non_null(pair->server);
}

static void pair_fini(struct pair *pair) {
  sp_tls_destroy(pair->client);
  sp_tls_destroy(pair->server);
  sp_tls_context_destroy(pair->client_context);
  sp_tls_context_destroy(pair->server_context);
}

/* Bytes that wait until somebody reads. */
static int input(struct sp_tls *tls, struct sp_str bytes, struct sp_err *err) {
  sp_tls_input(tls, bytes);
  return sp_tls_keep_input(tls, err);
}

static int shake(struct sp_tls *tls) {
  struct sp_err err = { 0 };
  int done = sp_tls_handshake(tls, &err);
  if (done < 0) fail_msg("%s", err.text);
  return done;
}

/* Carries what `from` has made to `to`, `step` bytes at a time, going on with the handshake at each. */
static void carry(struct sp_tls *from, struct sp_tls *to, size_t step) {
  struct sp_buf bytes;
  sp_buf_init(&bytes, SIZE_MAX / 2);
  assert_int_equal(sp_tls_take_output(from, &bytes), 0);
  for (size_t i = 0; i < bytes.len; i += step) {
    size_t len = bytes.len - i < step ? bytes.len - i : step;
    assert_int_equal(input(to, sp_str_of(bytes.bytes + i, len), NULL), 0);
    shake(to);
  }
  sp_buf_fini(&bytes);
}

static void shake_hands(struct pair *pair, size_t step) {
  int turns = 0;
  while (shake(pair->client) + shake(pair->server) < 2) {
    carry(pair->client, pair->server, step);
    carry(pair->server, pair->client, step);
    assert_true(++turns < 10);
  }
  carry(pair->server, pair->client, step); /* session tickets */
}

static int read_all(struct sp_tls *tls, struct sp_buf *got) { /* the last sp_tls_read's result */
  char plain[1000];
  int count;
  while ((count = sp_tls_read(tls, plain, sizeof(plain), NULL)) > 0) sp_buf_append(got, plain, (size_t)count);
  return count;
}

static void check_talk(size_t step) {
  enum { LEN = 100000 };
  struct pair pair;
  struct sp_buf got;
  char *bytes = sp_alloc(LEN);
  pair_init(&pair);
  sp_buf_init(&got, LEN * 2);
  for (size_t i = 0; i < LEN; i++) bytes[i] = (char)(i * 7 + (i >> 9));
  shake_hands(&pair, step);
  assert_string_equal(sp_tls_alpn(pair.client), "http/1.1");
  assert_string_equal(sp_tls_alpn(pair.server), "http/1.1");
  struct sp_tls *ends[2] = { pair.client, pair.server };
  for (int i = 0; i < 2; i++) {
    assert_int_equal(sp_tls_read(ends[1 - i], bytes, 0, NULL) <= 0, 1);
    assert_int_equal(sp_tls_write(ends[i], sp_str_of(bytes, LEN), NULL), 0);
    assert_int_equal(sp_tls_shutdown(ends[i]), 0);
    assert_int_equal(sp_tls_shutdown(ends[i]), 0); /* once */
    sp_buf_clear(&got);
    struct sp_buf cipher;
    sp_buf_init(&cipher, SIZE_MAX / 2);
    sp_tls_take_output(ends[i], &cipher);
    int last = 0;
    for (size_t k = 0; k < cipher.len; k += step) {
      size_t len = cipher.len - k < step ? cipher.len - k : step;
      assert_int_equal(last, 0);
      assert_int_equal(input(ends[1 - i], sp_str_of(cipher.bytes + k, len), NULL), 0);
      last = read_all(ends[1 - i], &got);
    }
    assert_int_equal(last, -1); /* close_notify, after the last byte */
    assert_int_equal(got.len, LEN);
    assert_memory_equal(got.bytes, bytes, LEN);
    sp_buf_fini(&cipher);
  }
  sp_buf_fini(&got);
  free(bytes);
  pair_fini(&pair);
}

static void test_whole(void **state) {
  (void)state;
  check_talk(SP_TLS_INPUT_MAX);
}
static void test_byte_by_byte(void **state) {
  (void)state;
  check_talk(1);
}
static void test_in_pieces(void **state) {
  (void)state;
  check_talk(17);
  check_talk(4096);
}

static void test_cut_at_every_point(void **state) {
  (void)state;
  struct pair pair;
  struct sp_buf cipher, got;
  pair_init(&pair);
  sp_buf_init(&cipher, 4096);
  sp_buf_init(&got, 4096);
  shake_hands(&pair, SP_TLS_INPUT_MAX);
  for (size_t cut = 0; cut == 0 || cut <= cipher.len; cut++) {
    sp_buf_clear(&cipher);
    sp_buf_clear(&got);
    assert_int_equal(sp_tls_write(pair.server, SP_STR("data: one\n\n"), NULL), 0);
    assert_int_equal(sp_tls_write(pair.server, SP_STR("data: two\n\n"), NULL), 0);
    sp_tls_take_output(pair.server, &cipher);
    assert_int_equal(input(pair.client, sp_str_of(cipher.bytes, cut), NULL), 0);
    assert_int_equal(read_all(pair.client, &got), 0);
    assert_int_equal(input(pair.client, sp_str_of(cipher.bytes + cut, cipher.len - cut), NULL), 0);
    assert_int_equal(read_all(pair.client, &got), 0);
    assert_string_equal(got.bytes, "data: one\n\ndata: two\n\n");
  }
  sp_buf_fini(&cipher);
  sp_buf_fini(&got);
  pair_fini(&pair);
}

static void test_flipped_bytes_fail(void **state) {
  (void)state;
  for (size_t at = 0; at < 60; at++) {
    struct pair pair;
    struct sp_buf cipher;
    struct sp_err err = { 0 };
    char plain[100];
    pair_init(&pair);
    sp_buf_init(&cipher, 4096);
    shake_hands(&pair, SP_TLS_INPUT_MAX);
    sp_tls_write(pair.server, SP_STR("a secret that somebody meddles with, 60 bytes are enough"), NULL);
    sp_tls_take_output(pair.server, &cipher);
    cipher.bytes[at] ^= 0x40;
    input(pair.client, sp_buf_str(&cipher), NULL);
    int rc = sp_tls_read(pair.client, plain, sizeof(plain), &err);
    assert_true(rc < -1 || (rc == 0 && at == 3)); /* byte 3 is the length's high one: too long, or waits for more */
    if (rc < -1) {
      assert_non_null(strstr(err.text, "TLS"));
      assert_true(sp_tls_write(pair.client, SP_STR("x"), &err) < 0); /* broken for good */
      assert_true(sp_tls_read(pair.client, plain, sizeof(plain), &err) < -1);
      assert_int_equal(sp_tls_shutdown(pair.client), 0);
    }
    sp_buf_fini(&cipher);
    pair_fini(&pair);
  }
}

static void test_garbage(void **state) {
  (void)state;
  static const struct {
    struct sp_str bytes;
    const char *part;
  } cases[] = {
    { { "HTTP/1.1 400 Bad Request\r\n\r\n", 28 }, "plain http" },
    { { "SSH-2.0-OpenSSH_9.2p1 Debian\r\n", 30 }, "TLS" },
    { { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 }, "TLS" },
    { { "\x15\x03\x03\x00\x02\x02\x28", 7 }, "handshake failure" }, /* alert */
    { { "\x15\x03\x03\x00\x02\x02\x46", 7 }, "no common TLS version" },
    { { "\x15\x03\x03\x00\x02\x01\x00", 7 }, "TLS" }, /* close_notify */
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pair pair;
    struct sp_err err = { 0 };
    pair_init(&pair);
    assert_int_equal(shake(pair.client), 0);
    assert_int_equal(input(pair.client, cases[i].bytes, NULL), 0);
    assert_true(sp_tls_handshake(pair.client, &err) < 0);
    if (!strstr(err.text, cases[i].part)) fail_msg("case %zu: %s", i, err.text);
    pair_fini(&pair);
  }
}

/* What one read of the socket brought is read without a copy of it, record by record, and no further than it goes. */
static void test_lent_input(void **state) {
  (void)state;
  struct pair pair;
  struct sp_buf cipher;
  char plain[64];
  pair_init(&pair);
  shake_hands(&pair, SIZE_MAX);
  sp_buf_init(&cipher, SIZE_MAX / 2);
  for (int i = 0; i < 3; i++) assert_int_equal(sp_tls_write(pair.server, SP_STR("a record"), NULL), 0);
  sp_tls_take_output(pair.server, &cipher);
  size_t cut = cipher.len - 5;
  sp_tls_input(pair.client, sp_str_of(cipher.bytes, cut));
  assert_true(sp_tls_has_more(pair.client));
  for (int i = 0; i < 2; i++) assert_int_equal(sp_tls_read(pair.client, plain, sizeof(plain), NULL), 8);
  assert_true(sp_tls_has_more(pair.client)); /* a part of the third, and nobody knows of what */
  assert_int_equal(sp_tls_read(pair.client, plain, sizeof(plain), NULL), 0);
  assert_int_equal(sp_tls_keep_input(pair.client, NULL), 0);
  sp_tls_input(pair.client, sp_str_of(cipher.bytes + cut, cipher.len - cut));
  assert_int_equal(sp_tls_read(pair.client, plain, 3, NULL), 3);
  assert_true(sp_tls_has_more(pair.client)); /* decrypted, and not read yet */
  assert_int_equal(sp_tls_read(pair.client, plain, sizeof(plain), NULL), 5);
  assert_false(sp_tls_has_more(pair.client));
  assert_int_equal(sp_tls_keep_input(pair.client, NULL), 0);
  assert_int_equal(sp_tls_read(pair.client, plain, sizeof(plain), NULL), 0);
  sp_buf_fini(&cipher);
  pair_fini(&pair);
}

static void test_input_cap(void **state) {
  (void)state;
  struct pair pair;
  struct sp_err err = { 0 };
  pair_init(&pair);
  char *bytes = sp_alloc(SP_TLS_INPUT_MAX + 1);
  assert_int_equal(input(pair.client, sp_str_of(bytes, SP_TLS_INPUT_MAX + 1), &err), SP_ELIMIT);
  assert_non_null(strstr(err.text, "SP_TLS_INPUT_MAX"));
  free(bytes);
  pair_fini(&pair);
}

static void check_context(struct sp_tls_options options, const char *part) {
  struct sp_err err = { 0 };
  assert_null(sp_tls_context_create(&options, &err));
  if (!strstr(err.text, part)) fail_msg("%s", err.text);
}

static void test_bad_contexts(void **state) {
  (void)state;
  char pem[CERTS_PATH_MAX], key[CERTS_PATH_MAX], none[CERTS_PATH_MAX], log[CERTS_PATH_MAX];
  certs_path(&certs, "good.pem", pem);
  certs_path(&certs, "client.key", key);
  certs_path(&certs, "none.pem", none);
  certs_path(&certs, "log", log);
  check_context((struct sp_tls_options){ .server = true }, "needs a certificate");
  check_context((struct sp_tls_options){ .cert_file = none, .key_file = key }, none);
  check_context((struct sp_tls_options){ .cert_file = log, .key_file = key }, log);
  check_context((struct sp_tls_options){ .cert_file = pem, .key_file = key }, key); /* another one's key */
  check_context((struct sp_tls_options){ .cert_file = pem, .key_file = none }, none);
  check_context((struct sp_tls_options){ .cert_file = pem }, pem); /* there is no key in it */
  check_context((struct sp_tls_options){ .ca_file = none }, none);
  check_context((struct sp_tls_options){ .ca_file = log }, log);
  sp_tls_context_destroy(NULL);
  sp_tls_destroy(NULL);
}

static void test_hosts(void **state) {
  (void)state;
  struct sp_tls_context *context = certs_client(&certs, NULL);
  static const char *const good[] = { "localhost", "localhost.", "127.0.0.1", "::1", "fe80::1%eth0", "a.b-c.example" };
  char longest[300];
  memset(longest, 'a', sizeof(longest) - 1);
  longest[sizeof(longest) - 1] = '\0';
  const char *const bad[] = { NULL, "", longest };
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    struct sp_tls *tls = sp_tls_create(context, good[i], NULL);
    assert_non_null(tls);
    assert_int_equal(sp_tls_shutdown(tls), 0); /* before the handshake: nothing */
    sp_tls_destroy(tls);
  }
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct sp_err err = { 0 };
    assert_null(sp_tls_create(context, bad[i], &err));
    assert_true(strlen(err.text) > 0);
  }
  sp_tls_context_destroy(context);
}

/* -- ALPN -- */

static struct sp_tls_context *alpn_server(const char *alpn) {
  char cert[CERTS_PATH_MAX], key[CERTS_PATH_MAX];
  struct sp_tls_options options = { .server = true, .alpn = alpn };
  options.cert_file = certs_path(&certs, "good.pem", cert);
  options.key_file = certs_path(&certs, "good.key", key);
  return sp_tls_context_create(&options, NULL);
}

static void check_alpn(const char *offered, const char *accepted, const char *chosen) {
  struct pair pair;
  pair_init(&pair);
  sp_tls_destroy(pair.server);
  sp_tls_context_destroy(pair.server_context);
  pair.server_context = alpn_server(accepted);
  assert_non_null(pair.server_context);
  pair.server = sp_tls_create(pair.server_context, NULL, NULL);
  if (offered) assert_int_equal(sp_tls_offer(pair.client, offered, NULL), 0);
  shake_hands(&pair, SP_TLS_INPUT_MAX);
  assert_string_equal(sp_tls_alpn(pair.client), chosen);
  assert_string_equal(sp_tls_alpn(pair.server), chosen);
  pair_fini(&pair);
}

static void test_alpn(void **state) {
  (void)state;
  check_alpn("h2,http/1.1", "h2,http/1.1", "h2");
  check_alpn("h2,http/1.1", NULL, "http/1.1"); /* a server of HTTP/1.1 only */
  check_alpn("h2,http/1.1", "http/1.1,h2", "http/1.1"); /* the server's order counts */
  check_alpn("h2", "h2", "h2");
  check_alpn("h2", "http/1.1", ""); /* nothing in common */
  check_alpn(NULL, "h2,http/1.1", "http/1.1"); /* the context's offer */
}

static void test_bad_alpn(void **state) {
  (void)state;
  static const char *const bad[] = { ",", "h2,,http/1.1",
                                     "a-name-of-thirty-two-characters.,another-name-of-thirty-two-chars" };
  struct pair pair;
  pair_init(&pair);
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct sp_err err = { 0 };
    assert_int_equal(sp_tls_offer(pair.client, bad[i], &err), SP_EUSAGE);
    assert_non_null(strstr(err.text, "protocols"));
    check_context((struct sp_tls_options){ .alpn = bad[i] }, "protocols");
  }
  pair_fini(&pair);
}

/* SNI is for names only (RFC 6066): an address must not be in the ClientHello. */
static bool hello_contains(struct sp_tls_context *context, const char *host) {
  struct sp_tls *tls = sp_tls_create(context, host, NULL);
  struct sp_buf hello;
  sp_buf_init(&hello, 65536);
  assert_int_equal(shake(tls), 0);
  sp_tls_take_output(tls, &hello);
  bool contains = memmem(hello.bytes, hello.len, host, strlen(host)) != NULL;
  sp_buf_fini(&hello);
  sp_tls_destroy(tls);
  return contains;
}

static void test_sni(void **state) {
  (void)state;
  struct sp_tls_context *context = certs_client(&certs, NULL);
  assert_true(hello_contains(context, "some.example"));
  assert_true(hello_contains(context, "http/1.1")); /* ALPN; the host's name is "http/1.1" here */
  assert_false(hello_contains(context, "127.0.0.1"));
  assert_false(hello_contains(context, "::1"));
  sp_tls_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_whole),
    cmocka_unit_test(test_byte_by_byte),
    cmocka_unit_test(test_in_pieces),
    cmocka_unit_test(test_cut_at_every_point),
    cmocka_unit_test(test_flipped_bytes_fail),
    cmocka_unit_test(test_garbage),
    cmocka_unit_test(test_lent_input), cmocka_unit_test(test_input_cap),
    cmocka_unit_test(test_bad_contexts),
    cmocka_unit_test(test_hosts),
    cmocka_unit_test(test_alpn),
    cmocka_unit_test(test_bad_alpn),
    cmocka_unit_test(test_sni),
  };
  return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
