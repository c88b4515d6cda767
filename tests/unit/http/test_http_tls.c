/* https end to end: a TLS server in the same loop, good and bad certificates. */
#include "harness.h"

#include "base/mem.h"
#include "net/certs.h"

#include <stdlib.h>

#define ANSWER "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsecret\r\n0\r\n\r\n"

struct tls_server {
  struct sp_listener listener;
  struct sp_net net;
  struct sp_tls_context *context;
  struct sp_loop *loop;
  int open, accepted;
  bool closing;
};
struct tls_peer {
  struct sp_conn conn;
  struct tls_server *server;
};

static struct tls_peer *peer_of(struct sp_conn *conn) { return sp_container_of(conn, struct tls_peer, conn); }

static void on_data(struct sp_conn *conn, struct sp_str bytes, const struct sp_rx *rx) {
  (void)rx;
  assert_true(sp_str_starts(bytes, SP_STR("GET /"))); /* requests are short: one record */
  sp_conn_write(conn, SP_STR(ANSWER));
}

static void on_end(struct sp_conn *conn, enum sp_conn_end end, const struct sp_err *err) {
  (void)end;
  (void)err;
  sp_conn_close(conn);
}

static void stop_when_gone(struct tls_server *server) {
  if (server->closing && server->open == 0) sp_loop_stop(server->loop);
}

static void on_closed(struct sp_conn *conn) {
  struct tls_server *server = peer_of(conn)->server;
  free(peer_of(conn));
  server->open--;
  stop_when_gone(server);
}

static const struct sp_conn_handler peer_handler = { .on_data = on_data, .on_end = on_end, .on_closed = on_closed };

static void on_accept(struct sp_listener *listener, int fd) {
  struct tls_server *server = sp_container_of(listener, struct tls_server, listener);
  struct tls_peer *peer = sp_alloc(sizeof *peer);
  struct sp_err err;
  peer->server = server;
  sp_conn_init(&peer->conn, &server->net, &peer_handler);
  assert_int_equal(sp_conn_accept(&peer->conn, fd, server->context, &err), 0);
  server->open++;
  server->accepted++;
}

static void on_listener_closed(struct sp_listener *listener) {
  struct tls_server *server = sp_container_of(listener, struct tls_server, listener);
  server->open--;
  stop_when_gone(server);
}

static struct certs certs;

struct world {
  struct bed bed;
  struct tls_server server;
  struct sp_tls_context *client_context;
};

static void world_open(struct world *world, const char *certificate, struct sp_tls_context *client_context) {
  struct sp_err err;
  memset(world, 0, sizeof *world);
  bed_open(&world->bed, &(struct sp_http_client_options){ .tls = client_context });
  world->client_context = client_context;
  world->server.loop = world->bed.loop;
  world->server.open = 1;
  world->server.context = certs_server(&certs, certificate, false);
  sp_net_init(&world->server.net, world->bed.loop);
  assert_int_equal(sp_listen(&world->server.listener, world->bed.loop, "127.0.0.1:0", on_accept, &err), 0);
}

static void world_close(struct world *world) {
  sp_http_session_fini(&world->bed.session); /* the peers see it and close */
  world->server.closing = true;
  sp_listener_close(&world->server.listener, on_listener_closed);
  sp_loop_run(world->bed.loop);
  sp_net_fini(&world->server.net);
  sp_tls_context_destroy(world->server.context);
  sp_http_session_init(&world->bed.session, world->bed.client);
  bed_close(&world->bed);
  sp_tls_context_destroy(world->client_context);
}

static void fetch(struct world *world, struct exchange *one, const char *host) {
  char url[64];
  snprintf(url, sizeof url, "https://%s:%u/", host, sp_listener_port(&world->server.listener));
  get(&world->bed, one, &(struct ask){ .url = url });
}

static void test_good(void **state) {
  (void)state;
  struct world world;
  struct exchange one = { 0 }, two = { 0 };
  world_open(&world, "good", certs_client(&certs, NULL));
  fetch(&world, &one, "127.0.0.1");
  assert_ok(&one, 200, "secret");
  assert_true(one.result.tls_ns > 0 && one.result.connect_ns > 0);
  fetch(&world, &two, "127.0.0.1");
  assert_ok(&two, 200, "secret");
  assert_true(two.result.reused);
  assert_true(two.result.bytes_in > sizeof ANSWER && two.result.bytes_in < 400); /* no handshake among them */
  assert_int_equal(world.server.accepted, 1);
  exchange_drop(&one);
  exchange_drop(&two);
  world_close(&world);
}

static void test_bad_certificates(void **state) {
  (void)state;
  static const struct { const char *certificate, *detail; } rows[] = {
      { "expired", "expired" }, { "other", "" }, { "self", "self" } };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct world world;
    struct exchange one = { 0 };
    world_open(&world, rows[i].certificate, certs_client(&certs, NULL));
    fetch(&world, &one, "localhost");
    assert_end(&one, SP_HTTP_CONNECT, rows[i].detail);
    assert_int_equal(one.heads, 0);
    assert_int_equal(one.result.first_write_ns, 0); /* no byte of the request went out */
    exchange_drop(&one);
    world_close(&world);
  }
}

static void test_insecure(void **state) {
  (void)state;
  struct world world;
  struct exchange one = { 0 };
  world_open(&world, "expired", certs_insecure_client());
  fetch(&world, &one, "localhost");
  assert_ok(&one, 200, "secret");
  exchange_drop(&one);
  world_close(&world);
}

static void test_plain_server(void **state) {
  (void)state;
  static const struct step plain[] = { { STEP_PAUSE, NULL, 0, 5 }, SEND("HTTP/1.1 400 Bad Request\r\n\r\n"), HOLD };
  struct sp_tls_context *context = certs_client(&certs, NULL);
  struct bed bed;
  struct exchange one = { 0 };
  char url[64];
  bed_open(&bed, &(struct sp_http_client_options){ .tls = context });
  bed_serve(&bed, SCRIPTS(plain));
  snprintf(url, sizeof url, "https://127.0.0.1:%u/", bed.server.port);
  get(&bed, &one, &(struct ask){ .url = url });
  assert_end(&one, SP_HTTP_CONNECT, "");
  exchange_drop(&one);
  bed_close(&bed);
  sp_tls_context_destroy(context);
}

static void test_handshake_that_stalls(void **state) {
  (void)state;
  static const struct step silent[] = { HOLD };
  struct sp_tls_context *context = certs_client(&certs, NULL);
  struct bed bed;
  struct exchange one = { 0 };
  char url[64];
  bed_open(&bed, &(struct sp_http_client_options){ .tls = context });
  bed_serve(&bed, SCRIPTS(silent));
  snprintf(url, sizeof url, "https://127.0.0.1:%u/", bed.server.port);
  get(&bed, &one, &(struct ask){ .url = url, .timeouts = { .connect_ns = 80 * SP_NS_PER_MS } });
  assert_end(&one, SP_HTTP_TIMEOUT, "could not connect within 80 ms (timeout)");
  exchange_drop(&one);
  bed_close(&bed);
  sp_tls_context_destroy(context);
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
      cmocka_unit_test(test_good),         cmocka_unit_test(test_bad_certificates),
      cmocka_unit_test(test_insecure),     cmocka_unit_test(test_plain_server),
      cmocka_unit_test(test_handshake_that_stalls),
  };
  return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
