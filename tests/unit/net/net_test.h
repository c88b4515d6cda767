/*
 * A small world for net's tests: a real loop, a listener on loopback, and peers (one connection each) that count
 * what happened to them and close when they end. world_run returns when every peer is closed.
 */
#ifndef SP_TESTS_NET_TEST_H
#define SP_TESTS_NET_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/conn.h"

#include <stdlib.h>
#include <string.h>

struct world;

struct peer {
  struct sp_conn conn;
  struct world *world;
  struct sp_buf got;
  int opens, datas, read_ends, drained, ends, closed; /* callbacks */
  int late;                                           /* callbacks after sp_conn_close, but on_closed */
  int inside;                                         /* callbacks while `calling` */
  bool calling;                                       /* a call of the owner's is under way */
  bool server;
  enum sp_conn_end end;
  char err[SP_ERR_TEXT_MAX];
  int64_t connect_ns, tls_ns;
  struct sp_rx rx; /* of the last read */
  int number;      /* for the test's own use */
  int64_t due_ns;
  struct peer *next; /* all of the world */
  /* MAY */
  void (*on_open)(struct peer *peer);
  void (*on_data)(struct peer *peer, struct sp_str bytes, const struct sp_rx *rx);
  void (*on_read_end)(struct peer *peer);
  void (*on_end)(struct peer *peer); /* NULL: closes */
  void (*on_drained)(struct peer *peer);
};

struct world {
  struct sp_loop *loop;
  struct sp_net net;
  struct sp_listener listener;
  struct sp_timer watchdog;
  struct sp_timer later; /* for the test */
  struct peer *peers;
  int open; /* peers not closed yet */
  int accepted, accept_failed;
  bool listening, timed_out;
  struct sp_tls_context *server_tls, *client_tls;
  void (*set_up)(struct peer *peer); /* MAY. An accepted peer's hooks */
};

void world_init(struct world *world);
void world_listen(struct world *world, const char *address);
void world_run(struct world *world); /* fails the test after 30 s */
void world_fini(struct world *world);

struct peer *peer_create(struct world *world);
void peer_connect(struct peer *peer); /* to the world's listener on 127.0.0.1 */
void peer_connect_to(struct peer *peer, const char *literal, uint16_t port, const char *host);
void peer_write(struct peer *peer, const char *text);
void peer_close(struct peer *peer);
struct peer *world_server(struct world *world); /* the accepted peer, the newest */

uint16_t free_port(const char *address); /* nobody listens there */
struct sp_address address_of(const char *literal, uint16_t port);

#endif
