/* TLS over connections: certificates good and bad, ends of every kind, back-pressure, OpenSSL's own server. */
#include "net_test.h"

#include "certs.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define BIG (6u * 1024u * 1024u)

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

static void world_of(struct world *w, const char *server_cert, bool wants_client, struct sp_tls_context *client) {
  world_init(w);
  if (server_cert) w->server_tls = certs_server(&certs, server_cert, wants_client);
  w->client_tls = client;
  world_listen(w, "127.0.0.1:0");
}

static void echo(struct peer *peer, struct sp_str bytes, const struct sp_rx *rx) {
  (void)rx;
  sp_conn_write(&peer->conn, bytes);
}
static void set_up_echo(struct peer *peer) { peer->on_data = echo; }
static void say_hello(struct peer *peer) { peer_write(peer, "hello"); }
static void close_at_5(struct peer *peer, struct sp_str bytes, const struct sp_rx *rx) {
  (void)bytes, (void)rx;
  if (peer->got.len >= 5) peer_close(peer);
}

static struct peer *connect_as(struct world *w, const char *host) {
  struct peer *client = peer_create(w);
  client->on_open = say_hello;
  client->on_data = close_at_5;
  peer_connect_to(client, "127.0.0.1", sp_listener_port(&w->listener), host);
  return client;
}

/* -- certificates -- */

static void check_accepted(const char *cert, const char *host, struct sp_tls_context *client_tls, bool wants_client) {
  struct world w;
  world_of(&w, cert, wants_client, client_tls);
  w.set_up = set_up_echo;
  struct peer *client = connect_as(&w, host);
  world_run(&w);
  if (client->ends) fail_msg("%s", client->err);
  assert_string_equal(client->got.bytes, "hello");
  assert_true(client->tls_ns > 0 && client->connect_ns > 0);
  assert_true(client->conn.bytes_in > 500); /* counts the socket's bytes */
  assert_int_equal(client->read_ends >= 0, 1);
  struct peer *server = world_server(&w);
  assert_int_equal(server->opens, 1);
  assert_int_equal(server->end, SP_CONN_CLOSED);
  world_fini(&w);
}

static void test_accepted(void **state) {
  (void)state;
  check_accepted("good", "localhost", certs_client(&certs, NULL), false);
  check_accepted("good", "127.0.0.1", certs_client(&certs, NULL), false);
  check_accepted("good", "localhost", certs_client(&certs, "client"), true);
  check_accepted("expired", "localhost", certs_insecure_client(), false);
  check_accepted("other", "localhost", certs_insecure_client(), false);
  check_accepted("self", "localhost", certs_insecure_client(), false);
}

static void check_refused(const char *cert, const char *host, struct sp_tls_context *client_tls, const char *sentence) {
  struct world w;
  world_of(&w, cert, false, client_tls);
  w.set_up = set_up_echo;
  struct peer *client = connect_as(&w, host);
  world_run(&w);
  assert_int_equal(client->opens, 0);
  assert_int_equal(client->datas, 0);
  assert_int_equal(client->ends, 1);
  assert_int_equal(client->end, SP_CONN_TLS_FAILED);
  if (!strstr(client->err, sentence)) fail_msg("'%s' is not in: %s", sentence, client->err);
  assert_int_equal(world_server(&w)->end, SP_CONN_TLS_FAILED); /* our alert reached it */
  world_fini(&w);
}

static void test_refused(void **state) {
  (void)state;
  check_refused("expired", "localhost", certs_client(&certs, NULL), "certificate has expired");
  check_refused("other", "localhost", certs_client(&certs, NULL), "certificate is not for host 'localhost'");
  check_refused("other", "127.0.0.1", certs_client(&certs, NULL), "certificate is not for host '127.0.0.1'");
  check_refused("self", "localhost", certs_client(&certs, NULL), "self-signed certificate");
  struct sp_tls_options system_options = { 0 };
  struct sp_tls_context *system_client = sp_tls_context_create(&system_options, NULL);
  assert_non_null(system_client);
  check_refused("good", "localhost", system_client, "unknown authority");
}

/* TLS 1.3 tells the client only after its own handshake is done. */
static void test_client_certificate_required(void **state) {
  (void)state;
  struct world w;
  world_of(&w, "good", true, certs_client(&certs, NULL));
  struct peer *client = connect_as(&w, "localhost");
  world_run(&w);
  assert_int_equal(client->datas, 0);
  assert_int_equal(client->end, SP_CONN_TLS_FAILED);
  assert_string_equal(client->err, "a client certificate is required (--cert, --key)");
  assert_int_equal(world_server(&w)->end, SP_CONN_TLS_FAILED);
  world_fini(&w);
}

/* -- peers that do not speak TLS -- */

static void answer_plain(struct peer *peer) { peer_write(peer, "HTTP/1.1 400 Bad Request\r\n\r\n"); }
static void close_at_once(struct peer *peer) { peer_close(peer); }
static void reset_at_once(struct peer *peer) { sp_conn_reset(&peer->conn); }
static void fin_at_once(struct peer *peer) { sp_conn_shutdown(&peer->conn); }

static void test_no_tls_behind_the_port(void **state) {
  (void)state;
  static const struct {
    void (*set_up)(struct peer *);
    const char *part;
  } cases[] = {
    { answer_plain, "is the port plain http?" },
    { close_at_once, "during the TLS handshake: connection" },
    { fin_at_once, "during the TLS handshake: connection closed by the peer" },
    { reset_at_once, "during the TLS handshake: connection" },
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct world w;
    world_of(&w, NULL, false, certs_client(&certs, NULL));
    w.set_up = cases[i].set_up;
    struct peer *client = connect_as(&w, "localhost");
    world_run(&w);
    assert_int_equal(client->opens, 0);
    assert_int_equal(client->end, SP_CONN_TLS_FAILED);
    if (!strstr(client->err, cases[i].part)) fail_msg("case %zu: %s", i, client->err);
    world_fini(&w);
  }
}

static void test_plain_client_at_tls_server(void **state) {
  (void)state;
  struct world w;
  world_of(&w, "good", false, NULL);
  struct peer *client = connect_as(&w, "localhost"); /* says hello in plain */
  client->on_data = NULL;
  world_run(&w);
  assert_int_equal(world_server(&w)->end, SP_CONN_TLS_FAILED);
  assert_true(client->end == SP_CONN_CLOSED || client->end == SP_CONN_RESET);
  world_fini(&w);
}

/* -- ends -- */

static void last_words_and_close(struct peer *peer) {
  peer_write(peer, "last words");
  peer_close(peer);
}
static void last_words_and_shutdown(struct peer *peer) {
  peer_write(peer, "last words");
  sp_conn_shutdown(&peer->conn);
}
static void last_words_and_fin(struct peer *peer) { /* no close_notify: many servers do that */
  peer_write(peer, "last words");
  shutdown(peer->conn.fd, SHUT_WR);
}
static void last_words_and_reset(struct peer *peer) {
  peer_write(peer, "last words");
  sp_conn_reset(&peer->conn);
}

static void check_end(void (*on_server_open)(struct peer *), enum sp_conn_end end);

static void (*server_open)(struct peer *);
static void set_up_open(struct peer *peer) { peer->on_open = server_open; }

static void check_end(void (*on_server_open)(struct peer *), enum sp_conn_end end) {
  struct world w;
  world_of(&w, "good", false, certs_client(&certs, NULL));
  server_open = on_server_open;
  w.set_up = set_up_open;
  struct peer *client = peer_create(&w);
  peer_connect(client);
  world_run(&w);
  assert_int_equal(client->opens, 1);
  assert_non_null(client->got.bytes);
  assert_string_equal(client->got.bytes, "last words");
  assert_int_equal(client->end, end);
  world_fini(&w);
}

static void test_ends(void **state) {
  (void)state;
  check_end(last_words_and_close, SP_CONN_CLOSED);
  check_end(last_words_and_shutdown, SP_CONN_CLOSED);
  check_end(last_words_and_fin, SP_CONN_CLOSED);
  check_end(last_words_and_reset, SP_CONN_RESET);
}

static void close_on_data(struct peer *peer, struct sp_str bytes, const struct sp_rx *rx) {
  (void)bytes, (void)rx;
  peer_close(peer);
}
static void set_up_close_on_data(struct peer *peer) { peer->on_data = close_on_data; }
static void set_up_close_on_open(struct peer *peer) { peer->on_open = close_at_once; }
static void set_up_close_on_read_end(struct peer *peer) { peer->on_read_end = close_at_once; }
static void set_up_close_on_end(struct peer *peer) { peer->on_end = close_at_once; }

static void test_close_inside_each_callback(void **state) {
  (void)state;
  void (*const set_ups[])(struct peer *) = { set_up_close_on_open, set_up_close_on_data, set_up_close_on_read_end,
                                             set_up_close_on_end };
  for (size_t i = 0; i < sizeof(set_ups) / sizeof(set_ups[0]); i++) {
    struct world w;
    world_of(&w, "good", false, certs_client(&certs, NULL));
    server_open = last_words_and_close;
    w.set_up = set_up_open;
    struct peer *client = peer_create(&w);
    set_ups[i](client);
    peer_connect(client);
    world_run(&w);
    assert_int_equal(client->closed, 1);
    assert_int_equal(client->opens, 1);
    world_fini(&w);
  }
}

/* -- much data, and back-pressure inside TLS -- */

static void write_big(struct peer *peer) {
  char *bytes = sp_alloc(BIG);
  for (size_t i = 0; i < BIG; i++) bytes[i] = (char)(i * 13 + (i >> 10));
  sp_conn_write(&peer->conn, sp_str_of(bytes, BIG));
  free(bytes);
}

static void stop_on_data(struct peer *peer, struct sp_str bytes, const struct sp_rx *rx) {
  (void)bytes, (void)rx;
  assert_true(peer->conn.reading);
  sp_conn_read_stop(&peer->conn);
  peer->number++; /* stops */
  if (peer->got.len >= BIG) peer_close(peer);
}

static void start_again(struct sp_timer *timer) {
  struct world *w = sp_container_of(timer, struct world, later);
  bool open = false;
  for (struct peer *peer = w->peers; peer; peer = peer->next) {
    if (peer->closed) continue;
    open = true;
    if (!peer->server) sp_conn_read_start(&peer->conn);
  }
  if (open) sp_timer_start(timer, sp_clock_mono_ns() + 100 * SP_NS_PER_US);
}

static void test_stopping_after_every_record(void **state) {
  (void)state;
  struct world w;
  world_of(&w, "good", false, certs_client(&certs, NULL));
  server_open = write_big;
  w.set_up = set_up_open;
  struct peer *client = peer_create(&w);
  client->on_data = stop_on_data;
  peer_connect(client);
  sp_timer_init(&w.later, w.loop, start_again);
  sp_timer_start(&w.later, sp_clock_mono_ns());
  world_run(&w);
  assert_int_equal(client->got.len, BIG);
  for (size_t i = 0; i < BIG; i++)
    if (client->got.bytes[i] != (char)(i * 13 + (i >> 10))) fail_msg("byte %zu is wrong", i);
  assert_int_equal(client->number, client->datas); /* not one more record came after a stop */
  assert_true(client->datas >= (int)(BIG / 16384));
  assert_int_equal(world_server(&w)->drained, 1);
  world_fini(&w);
}

static void test_hundred_connections(void **state) {
  (void)state;
  struct world w;
  world_of(&w, "good", false, certs_client(&certs, NULL));
  w.set_up = set_up_echo;
  struct peer *clients[100];
  for (int i = 0; i < 100; i++) clients[i] = connect_as(&w, "localhost");
  world_run(&w);
  for (int i = 0; i < 100; i++) assert_string_equal(clients[i]->got.bytes, "hello");
  world_fini(&w);
}

/* -- OpenSSL's own server -- */

struct s_server {
  pid_t pid;
  FILE *out;
  uint16_t port;
};

static void s_server_start(struct s_server *server, const char *version) {
  int pipe_fds[2];
  assert_int_equal(pipe(pipe_fds), 0);
  server->pid = fork();
  assert_true(server->pid >= 0);
  if (server->pid == 0) {
    char cert[CERTS_PATH_MAX], key[CERTS_PATH_MAX];
    dup2(pipe_fds[1], 1);
    close(pipe_fds[0]);
    execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", version, "-cert",
           certs_path(&certs, "good.pem", cert), "-key", certs_path(&certs, "good.key", key), "-naccept", "1",
           (char *)NULL);
    _exit(127);
  }
  close(pipe_fds[1]);
  server->out = fdopen(pipe_fds[0], "r");
  char line[256] = "";
  unsigned int port = 0;
  while (fgets(line, sizeof(line), server->out) && sscanf(line, "ACCEPT 127.0.0.1:%u", &port) != 1) {
  }
  assert_true(port > 0);
  server->port = (uint16_t)port;
}

static void s_server_stop(struct s_server *server) {
  kill(server->pid, SIGTERM);
  waitpid(server->pid, NULL, 0);
  fclose(server->out);
}

static void get(struct peer *peer) { peer_write(peer, "GET / HTTP/1.0\r\n\r\n"); }

static void test_openssl_s_server(void **state) {
  (void)state;
  static const char *const versions[] = { "-tls1_2", "-tls1_3" };
  for (int i = 0; i < 2; i++) {
    struct s_server server;
    struct world w;
    s_server_start(&server, versions[i]);
    world_init(&w);
    w.client_tls = certs_client(&certs, NULL);
    struct peer *client = peer_create(&w);
    client->on_open = get;
    peer_connect_to(client, "127.0.0.1", server.port, "localhost");
    world_run(&w);
    assert_int_equal(client->opens, 1);
    assert_non_null(client->got.bytes);
    assert_non_null(strstr(client->got.bytes, "HTTP/1.0 200"));
    assert_non_null(strstr(client->got.bytes, "</pre>"));
    assert_int_equal(client->end, SP_CONN_CLOSED);
    world_fini(&w);
    s_server_stop(&server);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_accepted),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_client_certificate_required),
    cmocka_unit_test(test_no_tls_behind_the_port),
    cmocka_unit_test(test_plain_client_at_tls_server),
    cmocka_unit_test(test_ends),
    cmocka_unit_test(test_close_inside_each_callback),
    cmocka_unit_test(test_stopping_after_every_record),
    cmocka_unit_test(test_hundred_connections),
    cmocka_unit_test(test_openssl_s_server),
  };
  return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
