/*
 * Reading a socket with the kernel's receive stamp (private to net).
 *
 * The stamp is CLOCK_REALTIME; it is mapped to the monotonic clock by an offset from paired reads of both clocks,
 * renewed once a second, so a step of the wall clock spoils one second at most. TCP's stamp is that of the highest
 * byte returned (Linux 98aaa913b4ed; reference/diagnosis.md §8.2).
 *
 * The kernel stamps packets only while some socket of the host asks for it, and switches that on and off in a work
 * queue: on a busy machine hundreds of packets pass unstamped after the first socket asked (seen: 400 of 400 in
 * 10 ms). So each sp_net holds an idle socket that asks, from before the first connection until the end.
 */
#ifndef SP_NET_STAMP_H
#define SP_NET_STAMP_H

#include "net/conn.h"

#include <sys/types.h>

#define SP_STAMP_AGE_MAX_NS (60 * SP_NS_PER_S)  /* older: the wall clock was stepped */
#define SP_STAMP_AHEAD_MAX_NS SP_NS_PER_MS      /* ahead by no more: the offset's own error */
#define SP_STAMP_OFFSET_KEEP_NS SP_NS_PER_S

/* Asks the kernel for stamps. Without them kernel_ns stays 0. */
void sp_stamp_enable(int fd);

/* recvmsg into net->read_bytes; fills *rx where the count is > 0. Returns as recvmsg. */
ssize_t sp_stamp_receive(struct sp_net *net, int fd, struct sp_rx *rx);

/* A stamp on the monotonic clock: never after now_ns; 0 where it cannot be right. */
int64_t sp_stamp_to_mono(const struct sp_net *net, int64_t real_ns, int64_t now_ns);

#endif
