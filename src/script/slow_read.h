/*
 * A user that reads its answer slowly, or stops reading for a while: back-pressure. Private to this folder.
 *
 * The socket is left alone until what was read is paid for: a read of n bytes is followed by n / bytes_per_s seconds
 * without one. The kernel's buffers (HTTP/2: the stream's window) fill first, so the target feels it once they are full,
 * and a read takes what is there, up to SP_NET_READ_SIZE: the rate is a mean, not a spacing of bytes.
 */
#ifndef SP_SCRIPT_SLOW_READ_H
#define SP_SCRIPT_SLOW_READ_H

#include "loop/loop.h"
#include "script/exchange.h"

#define SP_SLOW_READ_PAUSE_MIN_NS SP_NS_PER_MS /* a shorter debt is carried on */

struct sp_slow_read {
  struct sp_exchange *exchange; /* set when it has started */
  struct sp_timer timer;
  double bytes_per_s; /* 0: no limit */
  int64_t paid_ns;    /* until then what was read takes */
  int64_t since_ns;   /* the pause under way began */
  bool by_rate, by_plan;
};

struct sp_slow_read *sp_slow_read_create(struct sp_loop *loop, double bytes_per_s);
void sp_slow_read_take(struct sp_slow_read *slow, size_t bytes);
void sp_slow_read_pause(struct sp_slow_read *slow); /* the plan's own; twice is once */
void sp_slow_read_resume(struct sp_slow_read *slow);
void sp_slow_read_end(struct sp_slow_read *slow); /* the exchange has ended */
void sp_slow_read_destroy(struct sp_slow_read *slow); /* NULL is fine */

#endif
