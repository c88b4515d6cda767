/* Listeners: addresses and their errors, running out of descriptors, closing inside on_accept. */
#include "net_test.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_bad_addresses(void **state) {
  (void)state;
  static const struct {
    const char *address, *part;
  } cases[] = {
    { "127.0.0.1", "no port" },          { "", "no port" },
    { "127.0.0.1:", "is no port" },      { "127.0.0.1:65536", "is no port" },
    { "127.0.0.1:http", "is no port" },  { "127.0.0.1:-1", "is no port" },
    { "127.0.0.1:8k", "is no port" },    { "::1:80", "brackets" },
    { "300.0.0.1:0", "cannot listen on 300.0.0.1:0" },
  };
  struct sp_loop *loop = sp_loop_create(NULL);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct sp_listener listener;
    struct sp_err err = { 0 };
    assert_true(sp_listen(&listener, loop, cases[i].address, NULL, &err) < 0);
    if (!strstr(err.text, cases[i].part)) fail_msg("'%s': %s", cases[i].address, err.text);
  }
  sp_loop_destroy(loop);
}

static void close_client(struct peer *peer) { peer_close(peer); }

static void test_taken_port_and_names(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_listen(&w, "localhost:0");
  uint16_t port = sp_listener_port(&w.listener);
  assert_true(port > 0);
  char address[64];
  struct sp_listener second;
  struct sp_err err;
  snprintf(address, sizeof(address), "localhost:%u", port);
  assert_int_equal(sp_listen(&second, w.loop, address, NULL, &err), SP_EIO);
  assert_non_null(strstr(err.text, "the port is taken"));
  assert_non_null(strstr(err.text, address));
  struct sockaddr_storage sa;
  socklen_t len = sizeof(sa);
  assert_int_equal(getsockname(w.listener.fd, (struct sockaddr *)&sa, &len), 0);
  struct peer *client = peer_create(&w);
  client->on_open = close_client;
  peer_connect_to(client, sa.ss_family == AF_INET6 ? "::1" : "127.0.0.1", port, NULL);
  world_run(&w);
  assert_int_equal(client->opens, 1);
  world_fini(&w);
}

/* -- no descriptor left for an accept -- */

static struct rlimit before;

static void give_descriptors_back(struct sp_timer *timer) {
  struct world *w = sp_container_of(timer, struct world, later);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_int_equal(w->accepted, 0);
  /* Paused 100 ms each: a listener that spins would be in the thousands. */
  assert_in_range(w->listener.pauses, 1, 3);
}

static void hello_and_close(struct peer *peer) {
  peer_write(peer, "hello");
  peer_close(peer);
}

static void test_out_of_descriptors(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  w.set_up = hello_and_close;
  struct peer *client = peer_create(&w);
  peer_connect(client);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit none = { .rlim_cur = 3, .rlim_max = before.rlim_max };
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  sp_timer_init(&w.later, w.loop, give_descriptors_back);
  sp_timer_start(&w.later, sp_clock_mono_ns() + 150 * SP_NS_PER_MS);
  world_run(&w);
  assert_int_equal(w.accepted, 1);
  assert_string_equal(client->got.bytes, "hello");
  world_fini(&w);
}

/* -- closing inside on_accept -- */

struct one_shot {
  struct sp_listener listener;
  int accepted, closed;
};

static void on_one_closed(struct sp_listener *listener) {
  struct one_shot *shot = sp_container_of(listener, struct one_shot, listener);
  shot->closed++;
  sp_loop_stop(listener->poll.loop);
}

static void accept_one(struct sp_listener *listener, int fd) {
  sp_container_of(listener, struct one_shot, listener)->accepted++;
  close(fd);
  sp_listener_close(listener, on_one_closed);
}

static void test_close_inside_accept(void **state) {
  (void)state;
  struct one_shot shot = { 0 };
  struct sp_loop *loop = sp_loop_create(NULL);
  assert_int_equal(sp_listen(&shot.listener, loop, "127.0.0.1:0", accept_one, NULL), 0);
  struct sp_address address = address_of("127.0.0.1", sp_listener_port(&shot.listener));
  int fds[3];
  for (int i = 0; i < 3; i++) {
    fds[i] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fds[i], (struct sockaddr *)&address.sa, address.len), 0);
  }
  sp_loop_run(loop);
  assert_int_equal(shot.accepted, 1);
  assert_int_equal(shot.closed, 1);
  for (int i = 0; i < 3; i++) close(fds[i]);
  sp_loop_destroy(loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bad_addresses),
    cmocka_unit_test(test_taken_port_and_names),
    cmocka_unit_test(test_out_of_descriptors),
    cmocka_unit_test(test_close_inside_accept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
