#include "net_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#define WATCHDOG_NS (30 * SP_NS_PER_S)

static struct peer *peer_of(struct sp_conn *conn) {
  struct peer *peer = sp_container_of(conn, struct peer, conn);
  peer->late += conn->closing;
  peer->inside += peer->calling;
  return peer;
}

static void on_open(struct sp_conn *conn, int64_t connect_ns, int64_t tls_ns) {
  struct peer *peer = peer_of(conn);
  peer->opens++;
  peer->connect_ns = connect_ns;
  peer->tls_ns = tls_ns;
  if (peer->on_open) peer->on_open(peer);
}

static void on_data(struct sp_conn *conn, struct sp_str bytes, const struct sp_rx *rx) {
  struct peer *peer = peer_of(conn);
  peer->datas++;
  peer->rx = *rx;
  assert_int_equal(sp_buf_append_str(&peer->got, bytes), 0);
  if (peer->on_data) peer->on_data(peer, bytes, rx);
}

static void on_read_end(struct sp_conn *conn, const struct sp_rx *rx) {
  struct peer *peer = peer_of(conn);
  peer->read_ends++;
  assert_memory_equal(&peer->rx, rx, sizeof(*rx));
  if (peer->on_read_end) peer->on_read_end(peer);
}

static void on_end(struct sp_conn *conn, enum sp_conn_end end, const struct sp_err *err) {
  struct peer *peer = peer_of(conn);
  peer->ends++;
  peer->end = end;
  memcpy(peer->err, err->text, sizeof(peer->err));
  if (peer->on_end) peer->on_end(peer);
  else sp_conn_close(conn);
}

static void on_drained(struct sp_conn *conn) {
  struct peer *peer = peer_of(conn);
  peer->drained++;
  if (peer->on_drained) peer->on_drained(peer);
}

static void on_listener_closed(struct sp_listener *listener) {
  sp_loop_stop(sp_container_of(listener, struct world, listener)->loop);
}

static void stop_when_done(struct world *world) {
  if (world->open > 0) return;
  if (world->listening) sp_listener_close(&world->listener, on_listener_closed);
  else sp_loop_stop(world->loop);
  world->listening = false;
}

static void on_closed(struct sp_conn *conn) {
  struct peer *peer = sp_container_of(conn, struct peer, conn);
  peer->inside += peer->calling;
  peer->closed++;
  peer->world->open--;
  stop_when_done(peer->world);
}

static const struct sp_conn_handler handler = {
  .on_open = on_open,
  .on_data = on_data,
  .on_read_end = on_read_end,
  .on_end = on_end,
  .on_drained = on_drained,
  .on_closed = on_closed,
};

struct peer *peer_create(struct world *world) {
  struct peer *peer = sp_alloc(sizeof(*peer));
  peer->world = world;
  peer->next = world->peers;
  world->peers = peer;
  world->open++;
  sp_buf_init(&peer->got, SIZE_MAX / 2);
  sp_conn_init(&peer->conn, &world->net, &handler);
  return peer;
}

struct sp_address address_of(const char *literal, uint16_t port) {
  struct sp_address address = { 0 };
  struct sockaddr_in *in = (struct sockaddr_in *)&address.sa;
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address.sa;
  if (strchr(literal, ':')) {
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    assert_int_equal(inet_pton(AF_INET6, literal, &in6->sin6_addr), 1);
    address.len = sizeof(*in6);
  } else {
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    assert_int_equal(inet_pton(AF_INET, literal, &in->sin_addr), 1);
    address.len = sizeof(*in);
  }
  return address;
}

void peer_connect_to(struct peer *peer, const char *literal, uint16_t port, const char *host) {
  struct sp_address address = address_of(literal, port);
  peer->calling = true;
  sp_conn_connect(&peer->conn, &address, peer->world->client_tls, host);
  peer->calling = false;
}

void peer_connect(struct peer *peer) {
  peer_connect_to(peer, "127.0.0.1", sp_listener_port(&peer->world->listener), "localhost");
}

void peer_write(struct peer *peer, const char *text) {
  peer->calling = true;
  sp_conn_write(&peer->conn, sp_str_from(text));
  peer->calling = false;
}

void peer_close(struct peer *peer) { sp_conn_close(&peer->conn); }

static void on_accept(struct sp_listener *listener, int fd) {
  struct world *world = sp_container_of(listener, struct world, listener);
  struct peer *peer = peer_create(world);
  struct sp_err err;
  peer->server = true;
  if (sp_conn_accept(&peer->conn, fd, world->server_tls, &err) < 0) {
    world->accept_failed++;
    world->open--;
    return;
  }
  world->accepted++;
  if (world->set_up) world->set_up(peer);
}

struct peer *world_server(struct world *world) {
  struct peer *peer = world->peers;
  while (peer && !peer->server) peer = peer->next;
  assert_non_null(peer);
  return peer;
}

static void on_watchdog(struct sp_timer *timer) {
  struct world *world = sp_container_of(timer, struct world, watchdog);
  world->timed_out = true;
  sp_loop_stop(world->loop);
}

void world_init(struct world *world) {
  struct sp_err err;
  memset(world, 0, sizeof(*world));
  world->loop = sp_loop_create(&err);
  assert_non_null(world->loop);
  sp_net_init(&world->net, world->loop);
  sp_timer_init(&world->watchdog, world->loop, on_watchdog);
}

void world_listen(struct world *world, const char *address) {
  struct sp_err err = { 0 };
  if (sp_listen(&world->listener, world->loop, address, on_accept, &err) < 0) fail_msg("%s", err.text);
  world->listening = true;
}

void world_run(struct world *world) {
  sp_timer_start(&world->watchdog, sp_clock_mono_ns() + WATCHDOG_NS);
  sp_loop_run(world->loop);
  sp_timer_stop(&world->watchdog);
  if (world->timed_out) fail_msg("the test hangs: %d peers are open", world->open);
  for (struct peer *peer = world->peers; peer; peer = peer->next) {
    assert_int_equal(peer->late, 0);
    assert_int_equal(peer->inside, 0);
    assert_true(peer->ends <= 1);
    assert_true(peer->opens <= 1);
  }
}

void world_fini(struct world *world) {
  while (world->peers) {
    struct peer *peer = world->peers;
    world->peers = peer->next;
    sp_buf_fini(&peer->got);
    free(peer);
  }
  sp_net_fini(&world->net);
  sp_tls_context_destroy(world->server_tls);
  sp_tls_context_destroy(world->client_tls);
  sp_loop_destroy(world->loop);
}

uint16_t free_port(const char *literal) {
  struct sp_address address = address_of(literal, 0);
  int fd = socket(address.sa.ss_family, SOCK_STREAM, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address.sa, address.len), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address.sa, &address.len), 0);
  close(fd);
  return ntohs(((struct sockaddr_in *)&address.sa)->sin_port); /* the port stands in the same place in both */
}
