/* HTTP/2 over TLS: what ALPN chooses, and what happens where it does not choose HTTP/2. */
#include "h2_server.h"

#include "http/internal.h"
#include "net/certs.h"

#include <stdlib.h>

#define BIG_LEN (3u << 20)
#define HTTP1 "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhttp"

static struct certs certs;

struct world {
  struct bed bed;
  struct h2_server server;
  struct sp_tls_context *client_context;
};

static void answer(struct h2_peer *peer, struct h2_request *request) {
  if (strcmp(request->path, "/big") != 0) {
    h2_answer(peer, request, "secret");
    return;
  }
  char *body = malloc(BIG_LEN);
  memset(body, 'b', BIG_LEN);
  h2_head(peer, request, 200, NULL, false);
  h2_data(peer, request, body, BIG_LEN, true);
  free(body);
}

static void open_world(struct world *world, const char *alpn) {
  char cert[CERTS_PATH_MAX], key[CERTS_PATH_MAX];
  struct sp_tls_options options = {.server = true, .alpn = alpn};
  options.cert_file = certs_path(&certs, "good.pem", cert);
  options.key_file = certs_path(&certs, "good.key", key);
  memset(world, 0, sizeof *world);
  world->client_context = certs_client(&certs, NULL);
  world->server.tls = sp_tls_context_create(&options, NULL);
  world->server.on_request = answer;
  world->server.http1 = HTTP1;
  bed_open(&world->bed, &(struct sp_http_client_options){.tls = world->client_context});
  h2_serve(&world->server);
}

static void close_world(struct world *world) {
  bed_close(&world->bed);
  h2_stop(&world->server);
  sp_tls_context_destroy(world->server.tls);
  sp_tls_context_destroy(world->client_context);
}

static void test_versions(void **state) {
  (void)state;
  static const struct {
    const char *server;
    enum sp_http_version version;
    const char *body; /* NULL: CONNECT */
    bool http2;
  } rows[] = {
      {"h2,http/1.1", SP_HTTP_1_1, "http", false}, {"h2,http/1.1", SP_HTTP_2, "secret", true},
      {"h2,http/1.1", SP_HTTP_AUTO, "secret", true}, {"http/1.1", SP_HTTP_1_1, "http", false},
      {"http/1.1", SP_HTTP_2, NULL, false},        {"http/1.1", SP_HTTP_AUTO, "http", false},
      {"h2", SP_HTTP_AUTO, "secret", true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct world world;
    open_world(&world, rows[i].server);
    for (int round = 0; round < 2; round++) {
      struct exchange one = {0};
      get(&world.bed, &one, &(struct ask){.url = h2_url(&world.server, "/"), .version = rows[i].version});
      if (rows[i].body) assert_ok(&one, 200, rows[i].body);
      else assert_end(&one, SP_HTTP_CONNECT, "the server does not speak HTTP/2 (ALPN: it chose nothing)");
      assert_int_equal(one.result.http2, rows[i].http2);
      assert_int_equal(one.result.reused, rows[i].body && round > 0);
      if (round == 0) assert_true(one.result.tls_ns > 0 && one.result.connect_ns > 0);
      exchange_drop(&one);
    }
    assert_int_equal(world.server.peer_count, rows[i].body ? 1 : 2);
    close_world(&world);
  }
}

/* Five at once while nobody knows what the server speaks: one asks. It is HTTP/1.1, so each gets its own connection;
 * the next time none waits for another. */
static void test_five_fall_back(void **state) {
  (void)state;
  struct world world;
  struct exchange exchanges[5] = {{0}};
  open_world(&world, "http/1.1");
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 5; i++)
      start(&world.bed, &exchanges[i], &(struct ask){.url = h2_url(&world.server, "/"), .version = SP_HTTP_AUTO});
    bed_run(&world.bed);
    for (int i = 0; i < 5; i++) {
      assert_ok(&exchanges[i], 200, "http");
      assert_int_equal(exchanges[i].result.reused, round > 0);
      exchange_drop(&exchanges[i]);
    }
  }
  assert_int_equal(world.server.peer_count, 5);
  close_world(&world);
}

static void test_versions_do_not_mix(void **state) {
  (void)state;
  struct world world;
  struct exchange one = {0}, two = {0}, three = {0};
  open_world(&world, "h2,http/1.1");
  struct ask ask = {.url = h2_url(&world.server, "/"), .version = SP_HTTP_AUTO};
  get(&world.bed, &one, &ask);
  ask.version = SP_HTTP_1_1;
  get(&world.bed, &two, &ask);
  ask.version = SP_HTTP_2;
  get(&world.bed, &three, &ask);
  assert_ok(&one, 200, "secret");
  assert_ok(&two, 200, "http");
  assert_ok(&three, 200, "secret");
  assert_true(!two.result.reused && three.result.reused);
  assert_int_equal(world.server.peer_count, 2);
  exchange_drop(&one);
  exchange_drop(&two);
  exchange_drop(&three);
  close_world(&world);
}

static void test_big_body(void **state) {
  (void)state;
  struct world world;
  struct exchange exchanges[4] = {{0}};
  open_world(&world, "h2");
  for (int i = 0; i < 4; i++)
    start(&world.bed, &exchanges[i], &(struct ask){.url = h2_url(&world.server, "/big"), .version = SP_HTTP_2});
  bed_run(&world.bed);
  for (int i = 0; i < 4; i++) {
    assert_end(&exchanges[i], SP_HTTP_OK, "");
    assert_true(exchanges[i].result.bytes_in > BIG_LEN);
    assert_true(exchanges[i].read_ends > 10); /* all streams of a read hear of its end */
    exchange_drop(&exchanges[i]);
  }
  assert_int_equal(world.server.peer_count, 1);
  close_world(&world);
}

static void test_without_tls_in_the_client(void **state) {
  (void)state;
  struct bed bed;
  struct exchange one = {0};
  bed_open(&bed, NULL);
  get(&bed, &one, &(struct ask){.url = "https://127.0.0.1:1/", .version = SP_HTTP_AUTO});
  assert_end(&one, SP_HTTP_CONNECT, "without TLS");
  exchange_drop(&one);
  bed_close(&bed);
}

static void test_auto_without_tls_is_http1(void **state) {
  (void)state;
  static const struct step once[] = {EXPECT, SEND(HTTP1), END};
  struct bed bed;
  struct exchange one = {0};
  bed_open(&bed, NULL);
  bed_serve(&bed, SCRIPTS(once));
  get(&bed, &one, &(struct ask){.version = SP_HTTP_AUTO});
  assert_ok(&one, 200, "http");
  assert_false(one.result.http2);
  exchange_drop(&one);
  bed_close(&bed);
}

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_versions),
      cmocka_unit_test(test_five_fall_back),
      cmocka_unit_test(test_versions_do_not_mix),
      cmocka_unit_test(test_big_body),
      cmocka_unit_test(test_without_tls_in_the_client),
      cmocka_unit_test(test_auto_without_tls_is_http1),
  };
  return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
