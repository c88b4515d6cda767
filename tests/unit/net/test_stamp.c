/* The kernel's receive stamps: there, in order, never after the read; a late reader sees its lag. */
#include "net_test.h"

#include "net/stamp.h"

#include <time.h>

enum { ROUNDS = 200 };
#define PATIENCE_NS (10 * SP_NS_PER_S) /* the kernel switches stamping on in a work queue, late on a busy machine */

static void ping(struct peer *peer) { peer_write(peer, "ping"); }

static void pong(struct peer *peer, struct sp_str bytes, const struct sp_rx *rx) {
  (void)rx;
  sp_conn_write(&peer->conn, bytes);
}
static void set_up_pong(struct peer *peer) { peer->on_data = pong; }

static struct {
  int stamped, unstamped; /* unstamped: after the first with a stamp */
  int64_t last_kernel_ns, last_user_ns;
} seen;

static void ping_again(struct sp_timer *timer) {
  struct world *w = sp_container_of(timer, struct world, later);
  for (struct peer *peer = w->peers; peer; peer = peer->next)
    if (!peer->server) peer_write(peer, "ping");
}

static void check_stamp(struct peer *peer, struct sp_str bytes, const struct sp_rx *rx) {
  assert_true(rx->user_ns >= seen.last_user_ns);
  assert_true(rx->user_ns <= sp_clock_mono_ns());
  seen.last_user_ns = rx->user_ns;
  if (rx->kernel_ns == 0) {
    seen.unstamped += seen.stamped > 0;
  } else {
    seen.stamped++;
    assert_true(rx->kernel_ns <= rx->user_ns);
    /* the offset may be renewed between two reads: allow its error */
    assert_true(rx->kernel_ns >= seen.last_kernel_ns - SP_NS_PER_MS);
    seen.last_kernel_ns = rx->kernel_ns;
  }
  if (seen.stamped + seen.unstamped == ROUNDS) peer_close(peer);
  else if (seen.stamped == 0) sp_timer_start(&peer->world->later, sp_clock_mono_ns() + SP_NS_PER_MS);
  else sp_conn_write(&peer->conn, bytes);
}

static void test_stamps_are_there(void **state) {
  (void)state;
  struct world w;
  memset(&seen, 0, sizeof(seen));
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  w.set_up = set_up_pong;
  struct peer *client = peer_create(&w);
  client->on_open = ping;
  client->on_data = check_stamp;
  sp_timer_init(&w.later, w.loop, ping_again);
  peer_connect(client);
  world_run(&w);
  assert_int_equal(seen.stamped, ROUNDS);
  assert_int_equal(seen.unstamped, 0);
  world_fini(&w);
}

static void send_then_sleep(struct sp_timer *timer) { /* the loop is busy with something else for 50 ms */
  struct world *w = sp_container_of(timer, struct world, later);
  sp_conn_write(&world_server(w)->conn, SP_STR("token"));
  struct timespec pause = { .tv_nsec = 50 * SP_NS_PER_MS };
  nanosleep(&pause, NULL);
}

static void close_now(struct peer *peer) { peer_close(peer); }

static void test_late_reader_sees_its_lag(void **state) {
  (void)state;
  int64_t lag_ns = 0;
  int64_t until_ns = sp_clock_mono_ns() + PATIENCE_NS;
  while (lag_ns == 0 && sp_clock_mono_ns() < until_ns) {
    struct world w;
    world_init(&w);
    world_listen(&w, "127.0.0.1:0");
    struct peer *client = peer_create(&w);
    client->on_read_end = close_now;
    peer_connect(client);
    sp_timer_init(&w.later, w.loop, send_then_sleep);
    sp_timer_start(&w.later, sp_clock_mono_ns() + 20 * SP_NS_PER_MS);
    world_run(&w);
    assert_int_equal(client->datas, 1);
    if (client->rx.kernel_ns != 0) lag_ns = client->rx.user_ns - client->rx.kernel_ns;
    world_fini(&w);
  }
  assert_true(lag_ns >= 40 * SP_NS_PER_MS);
}

static void test_mapping(void **state) {
  (void)state;
  struct sp_net net = { .real_offset_ns = 1000 * SP_NS_PER_S };
  int64_t now_ns = 500 * SP_NS_PER_S;
  int64_t real_ns = now_ns + net.real_offset_ns;
  assert_int_equal(sp_stamp_to_mono(&net, real_ns, now_ns), now_ns);
  assert_int_equal(sp_stamp_to_mono(&net, real_ns - 5, now_ns), now_ns - 5);
  assert_int_equal(sp_stamp_to_mono(&net, real_ns + 5, now_ns), now_ns);
  assert_int_equal(sp_stamp_to_mono(&net, real_ns + SP_NS_PER_S, now_ns), 0);
  assert_int_equal(sp_stamp_to_mono(&net, real_ns - 60 * SP_NS_PER_S, now_ns), now_ns - 60 * SP_NS_PER_S);
  assert_int_equal(sp_stamp_to_mono(&net, real_ns - 61 * SP_NS_PER_S, now_ns), 0);
  assert_int_equal(sp_stamp_to_mono(&net, 0, now_ns), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_stamps_are_there),
    cmocka_unit_test(test_late_reader_sees_its_lag),
    cmocka_unit_test(test_mapping),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
