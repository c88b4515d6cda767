/* Plain connections: bytes there and back, back-pressure, ends of every kind, closing inside each callback. */
#include "net_test.h"

#include "net/conn_priv.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BIG (24u * 1024u * 1024u)

static void echo_data(struct peer *peer, struct sp_str bytes, const struct sp_rx *rx) {
  (void)rx;
  sp_conn_write(&peer->conn, bytes);
}
static void set_up_echo(struct peer *peer) { peer->on_data = echo_data; }

static void say_hello(struct peer *peer) { peer_write(peer, "hello"); }

static void close_at_5(struct peer *peer, struct sp_str bytes, const struct sp_rx *rx) {
  (void)bytes, (void)rx;
  if (peer->got.len >= 5) peer_close(peer);
}

static void test_echo(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  w.set_up = set_up_echo;
  struct peer *client = peer_create(&w);
  client->on_open = say_hello;
  client->on_data = close_at_5;
  peer_connect(client);
  world_run(&w);
  assert_int_equal(client->opens, 1);
  assert_string_equal(client->got.bytes, "hello");
  assert_int_equal(client->tls_ns, -1);
  assert_true(client->connect_ns >= 0);
  assert_int_equal(client->conn.bytes_in, 5);
  assert_int_equal(client->conn.bytes_out, 5);
  assert_int_equal(client->ends, 0);
  assert_int_equal(client->closed, 1);
  struct peer *server = world_server(&w);
  assert_int_equal(server->opens, 0);
  assert_int_equal(server->ends, 1);
  assert_int_equal(server->end, SP_CONN_CLOSED);
  assert_int_equal(server->read_ends, server->datas);
  world_fini(&w);
}

/* -- much data, both ways at once -- */

static char pattern_at(size_t i) { return (char)(i * 31 + (i >> 11)); }

static char *make_pattern(size_t len) {
  char *bytes = sp_alloc(len);
  for (size_t i = 0; i < len; i++) bytes[i] = pattern_at(i);
  return bytes;
}

static void assert_pattern(const struct sp_buf *got, size_t len) {
  assert_int_equal(got->len, len);
  for (size_t i = 0; i < len; i++)
    if (got->bytes[i] != pattern_at(i)) fail_msg("byte %zu is wrong", i);
}

static void write_big(struct peer *peer) {
  char *bytes = make_pattern(BIG);
  peer->calling = true;
  sp_conn_write(&peer->conn, sp_str_of(bytes, BIG));
  peer->calling = false;
  free(bytes);
}

static void start_reading(struct sp_timer *timer) {
  struct world *w = sp_container_of(timer, struct world, later);
  for (struct peer *peer = w->peers; peer; peer = peer->next) {
    assert_int_equal(peer->datas, 0);
    sp_conn_read_start(&peer->conn);
  }
}

static void close_at_big(struct peer *peer, struct sp_str bytes, const struct sp_rx *rx) {
  (void)bytes, (void)rx;
  if (peer->got.len >= BIG && peer->drained) sp_conn_shutdown(&peer->conn);
}

static void shutdown_at_big(struct peer *peer) {
  if (peer->got.len >= BIG) sp_conn_shutdown(&peer->conn);
}

static void set_up_big(struct peer *peer) {
  peer->on_data = close_at_big;
  peer->on_drained = shutdown_at_big;
  sp_conn_read_stop(&peer->conn);
  write_big(peer);
  assert_true(peer->conn.output.len > 0); /* the kernel does not take that much: back-pressure works */
}

static void test_big_both_ways_with_back_pressure(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  w.set_up = set_up_big;
  struct peer *client = peer_create(&w);
  client->on_open = set_up_big;
  client->on_data = close_at_big;
  peer_connect(client);
  sp_timer_init(&w.later, w.loop, start_reading);
  sp_timer_start(&w.later, sp_clock_mono_ns() + 50 * SP_NS_PER_MS);
  world_run(&w);
  for (struct peer *peer = w.peers; peer; peer = peer->next) {
    assert_pattern(&peer->got, BIG);
    assert_int_equal(peer->drained, 1);
    assert_int_equal(peer->end, SP_CONN_CLOSED);
    assert_int_equal(peer->conn.bytes_in, BIG);
    assert_int_equal(peer->conn.bytes_out, BIG);
    assert_true(peer->datas > (int)(BIG / SP_NET_READ_SIZE) - 1);
  }
  world_fini(&w);
}

static void test_output_cap(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  struct peer *client = peer_create(&w);
  client->on_open = write_big;
  client->conn.output.max = 1024 * 1024; /* the cap itself would take a while to fill */
  peer_connect(client);
  world_run(&w);
  assert_int_equal(client->ends, 1);
  assert_int_equal(client->end, SP_CONN_RESET);
  assert_non_null(strstr(client->err, "wait to be written"));
  world_fini(&w);
}

/* -- ends -- */

static void write_then_fin(struct peer *peer) {
  peer_write(peer, "last words");
  sp_conn_shutdown(&peer->conn);
}
static void write_then_close(struct peer *peer) {
  peer_write(peer, "last words");
  peer_close(peer);
}
static void write_then_reset(struct peer *peer) {
  peer_write(peer, "last words");
  sp_conn_reset(&peer->conn);
}

static void test_data_comes_before_fin(void **state) {
  (void)state;
  void (*const ways[])(struct peer *) = { write_then_fin, write_then_close };
  for (size_t i = 0; i < 2; i++) {
    struct world w;
    world_init(&w);
    world_listen(&w, "127.0.0.1:0");
    w.set_up = ways[i];
    struct peer *client = peer_create(&w);
    peer_connect(client);
    world_run(&w);
    assert_non_null(client->got.bytes);
  assert_string_equal(client->got.bytes, "last words");
    assert_int_equal(client->end, SP_CONN_CLOSED);
    assert_int_equal(client->ends, 1);
    assert_string_equal(client->err, "connection closed by the peer");
    world_fini(&w);
  }
}

static void test_data_comes_before_rst(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  w.set_up = write_then_reset;
  struct peer *client = peer_create(&w);
  peer_connect(client);
  world_run(&w);
  assert_non_null(client->got.bytes);
  assert_string_equal(client->got.bytes, "last words");
  assert_int_equal(client->ends, 1);
  assert_int_equal(client->end, SP_CONN_RESET);
  assert_string_equal(client->err, "connection reset by the peer");
  world_fini(&w);
}

/* The client writes into a connection that was reset, before its loop has seen anything of it. */
static void write_after_reset(struct sp_timer *timer) {
  struct world *w = sp_container_of(timer, struct world, later);
  struct peer *client = NULL;
  for (struct peer *peer = w->peers; peer; peer = peer->next) {
    if (peer->server) write_then_reset(peer);
    else client = peer;
  }
  peer_write(client, "x");
  assert_int_equal(client->ends, 0); /* never inside our call */
}

/* Accepted, answered and reset before the client's loop came to see that it is connected: that is no "refused". */
static void test_reset_right_after_accept(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  struct peer *client = peer_create(&w);
  client->on_open = say_hello;
  peer_connect(client);
  int fd;
  do fd = accept(w.listener.fd, NULL, NULL);
  while (fd < 0);
  struct linger hard = { .l_onoff = 1 };
  assert_int_equal(send(fd, "last words", 10, 0), 10);
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
  close(fd);
  world_run(&w);
  assert_int_equal(client->opens, 1);
  assert_non_null(client->got.bytes);
  assert_string_equal(client->got.bytes, "last words");
  assert_int_equal(client->end, SP_CONN_RESET);
  world_fini(&w);
}

static void test_failing_write_still_gives_the_data(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  struct peer *client = peer_create(&w);
  peer_connect(client);
  sp_timer_init(&w.later, w.loop, write_after_reset);
  sp_timer_start(&w.later, sp_clock_mono_ns() + 30 * SP_NS_PER_MS);
  world_run(&w);
  assert_non_null(client->got.bytes);
  assert_string_equal(client->got.bytes, "last words");
  assert_int_equal(client->ends, 1);
  assert_int_equal(client->end, SP_CONN_RESET);
  world_fini(&w);
}

/* Who does not read learns of the end by writing. */
static void stop_and_write(struct sp_timer *timer) {
  struct world *w = sp_container_of(timer, struct world, later);
  struct peer *client = w->peers;
  while (client->server) client = client->next;
  if (client->closed) return;
  peer_write(client, "x");
  sp_timer_start(timer, sp_clock_mono_ns() + SP_NS_PER_MS);
}
static void stop_reading(struct peer *peer) { sp_conn_read_stop(&peer->conn); }

static void test_stopped_reader_ends_by_writing(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  w.set_up = write_then_reset;
  struct peer *client = peer_create(&w);
  client->on_open = stop_reading;
  peer_connect(client);
  sp_timer_init(&w.later, w.loop, stop_and_write);
  sp_timer_start(&w.later, sp_clock_mono_ns() + 20 * SP_NS_PER_MS);
  world_run(&w);
  assert_int_equal(client->datas, 0);
  assert_int_equal(client->ends, 1);
  assert_int_equal(client->end, SP_CONN_RESET);
  world_fini(&w);
}

static void check_refused(const char *literal) {
  struct world w;
  world_init(&w);
  struct peer *client = peer_create(&w);
  peer_connect_to(client, literal, free_port(literal), NULL);
  world_run(&w);
  assert_int_equal(client->opens, 0);
  assert_int_equal(client->ends, 1);
  assert_int_equal(client->end, SP_CONN_REFUSED);
  assert_string_equal(client->err, "connection refused");
  assert_int_equal(client->conn.lack, SP_CONN_LACKS_NOTHING);
  assert_int_equal(client->closed, 1);
  world_fini(&w);
}

static bool has_ipv6_loopback(void) {
  struct sp_address address = address_of("::1", 0);
  int fd = socket(AF_INET6, SOCK_STREAM, 0);
  bool has = fd >= 0 && bind(fd, (struct sockaddr *)&address.sa, address.len) == 0;
  if (fd >= 0) close(fd);
  return has;
}

static void test_refused(void **state) {
  (void)state;
  check_refused("127.0.0.1");
}

static void test_refused_ipv6(void **state) {
  (void)state;
  if (!has_ipv6_loopback()) skip();
  check_refused("::1");
}

static void test_echo_ipv6(void **state) {
  (void)state;
  if (!has_ipv6_loopback()) skip();
  struct world w;
  world_init(&w);
  world_listen(&w, "[::1]:0");
  w.set_up = set_up_echo;
  struct peer *client = peer_create(&w);
  client->on_open = say_hello;
  client->on_data = close_at_5;
  peer_connect_to(client, "::1", sp_listener_port(&w.listener), NULL);
  world_run(&w);
  assert_string_equal(client->got.bytes, "hello");
  world_fini(&w);
}

static void test_meeting_itself(void **state) {
  (void)state;
  const char *const literals[] = { "127.0.0.1", "::1" };
  for (int i = 0; i < (has_ipv6_loopback() ? 2 : 1); i++) {
    uint16_t port = free_port(literals[i]);
    struct sp_address address = address_of(literals[i], port);
    int fd = socket(address.sa.ss_family, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address.sa, address.len), 0);
    assert_false(sp_conn_meets_itself(fd, port)); /* not connected */
    assert_int_equal(connect(fd, (struct sockaddr *)&address.sa, address.len), 0);
    assert_true(sp_conn_meets_itself(fd, port));
    assert_false(sp_conn_meets_itself(fd, (uint16_t)(port + 1)));
    close(fd);
  }
}

static void test_no_descriptors_left(void **state) {
  (void)state;
  struct world w;
  struct rlimit before;
  world_init(&w);
  struct peer *client = peer_create(&w);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit none = { .rlim_cur = 3, .rlim_max = before.rlim_max };
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  peer_connect_to(client, "127.0.0.1", 9, NULL);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  world_run(&w);
  assert_int_equal(client->end, SP_CONN_REFUSED);
  assert_string_equal(client->err, "too many open files: this process may have 3 (raise it with `ulimit -n`)");
  assert_int_equal(client->conn.lack, SP_CONN_LACKS_FILE);
  assert_int_equal(client->closed, 1);
  world_fini(&w);
}

/* -- closing, anywhere -- */

static void close_on_data(struct peer *peer, struct sp_str bytes, const struct sp_rx *rx) {
  (void)bytes, (void)rx;
  peer_close(peer);
  peer_close(peer); /* the second does nothing */
}

static void set_up_close_on_data(struct peer *peer) { peer->on_data = close_on_data; }
static void set_up_close_on_read_end(struct peer *peer) { peer->on_read_end = peer_close; }
static void set_up_close_on_end(struct peer *peer) { peer->on_end = peer_close; }
static void set_up_close_on_open(struct peer *peer) { peer->on_open = peer_close; }
static void set_up_reset_on_read_end(struct peer *peer) { peer->on_read_end = write_then_reset; }

static void test_close_inside_each_callback(void **state) {
  (void)state;
  void (*const set_ups[])(struct peer *) = { set_up_close_on_open, set_up_close_on_data, set_up_close_on_read_end,
                                             set_up_close_on_end, set_up_reset_on_read_end };
  for (size_t i = 0; i < sizeof(set_ups) / sizeof(set_ups[0]); i++) {
    struct world w;
    world_init(&w);
    world_listen(&w, "127.0.0.1:0");
    w.set_up = write_then_close;
    struct peer *client = peer_create(&w);
    set_ups[i](client);
    peer_connect(client);
    world_run(&w);
    assert_int_equal(client->closed, 1);
    assert_int_equal(client->opens, 1);
    assert_int_equal(client->ends, set_ups[i] == set_up_close_on_end);
    world_fini(&w);
  }
}

static void test_close_inside_drained(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  struct peer *client = peer_create(&w);
  client->on_open = write_big;
  client->on_drained = peer_close;
  peer_connect(client);
  world_run(&w);
  assert_int_equal(client->drained, 1);
  assert_pattern(&world_server(&w)->got, BIG);
  world_fini(&w);
}

static void test_close_before_anything(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  struct peer *connecting = peer_create(&w);
  peer_connect(connecting);
  peer_close(connecting);
  struct peer *refused = peer_create(&w); /* fails at once, and is closed before it could say so */
  peer_connect_to(refused, "127.0.0.1", free_port("127.0.0.1"), NULL);
  peer_close(refused);
  struct peer *idle = peer_create(&w);
  peer_close(idle);
  world_run(&w);
  assert_int_equal(connecting->opens + refused->ends + idle->opens, 0);
  assert_int_equal(connecting->closed + refused->closed + idle->closed, 3);
  world_fini(&w);
}

static void end_and_linger(struct peer *peer) {
  sp_conn_write(&peer->conn, SP_STR("nobody reads this")); /* dropped */
  sp_timer_start(&peer->world->later, sp_clock_mono_ns() + 5 * SP_NS_PER_MS);
}

static void close_client(struct sp_timer *timer) {
  struct world *w = sp_container_of(timer, struct world, later);
  for (struct peer *peer = w->peers; peer; peer = peer->next)
    if (!peer->server) peer_close(peer);
}

static void test_close_after_the_end(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  w.set_up = write_then_close;
  sp_timer_init(&w.later, w.loop, close_client);
  struct peer *client = peer_create(&w);
  client->on_end = end_and_linger;
  peer_connect(client);
  world_run(&w);
  assert_int_equal(client->ends, 1);
  assert_int_equal(client->conn.bytes_out, 0);
  world_fini(&w);
}

/* -- many at once -- */

static void test_thousand_connections(void **state) {
  (void)state;
  enum { COUNT = 1000 };
  struct world w;
  struct rlimit files;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
  if (files.rlim_cur < 2 * COUNT + 100) {
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < 2 * COUNT + 100) skip();
  }
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  w.set_up = set_up_echo;
  struct peer *clients[COUNT];
  for (int i = 0; i < COUNT; i++) {
    clients[i] = peer_create(&w);
    clients[i]->on_open = say_hello;
    clients[i]->on_data = close_at_5;
    peer_connect(clients[i]);
  }
  world_run(&w);
  assert_int_equal(w.accepted, COUNT);
  for (int i = 0; i < COUNT; i++) {
    assert_int_equal(clients[i]->closed, 1);
    assert_string_equal(clients[i]->got.bytes, "hello");
  }
  world_fini(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_echo),
    cmocka_unit_test(test_big_both_ways_with_back_pressure),
    cmocka_unit_test(test_output_cap),
    cmocka_unit_test(test_data_comes_before_fin),
    cmocka_unit_test(test_data_comes_before_rst),
    cmocka_unit_test(test_reset_right_after_accept),
    cmocka_unit_test(test_failing_write_still_gives_the_data),
    cmocka_unit_test(test_stopped_reader_ends_by_writing),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_refused_ipv6),
    cmocka_unit_test(test_echo_ipv6),
    cmocka_unit_test(test_meeting_itself),
    cmocka_unit_test(test_no_descriptors_left),
    cmocka_unit_test(test_close_inside_each_callback),
    cmocka_unit_test(test_close_inside_drained),
    cmocka_unit_test(test_close_before_anything),
    cmocka_unit_test(test_close_after_the_end),
    cmocka_unit_test(test_thousand_connections),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
