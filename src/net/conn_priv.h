/*
 * What conn.c (making, ending) and conn_io.c (reading, writing, the TLS filter) share.
 *
 *   IDLE -> CONNECTING -> [HANDSHAKING] -> OPEN -> ENDED       sp_conn_close leads out of each: `closing`
 *                               ^------------' sp_conn_start_tls
 *
 * After every callback `closing` is looked at first: the handler may have closed the connection, and then its
 * TLS session and descriptor are gone.
 */
#ifndef SP_NET_CONN_PRIV_H
#define SP_NET_CONN_PRIV_H

#include "net/conn.h"

enum sp_conn_state {
  SP_CONN_IDLE,
  SP_CONN_CONNECTING,
  SP_CONN_HANDSHAKING,
  SP_CONN_OPEN,
  SP_CONN_ENDED,
};

static inline bool sp_conn_over(const struct sp_conn *conn) { return conn->closing || conn->ended; }

/* conn.c */
/* The only place that changes the state: a connection being made asks the loop for promptness, since the times of its
 * making have no kernel stamps. */
void sp_conn_enter(struct sp_conn *conn, enum sp_conn_state state);
void sp_conn_want(struct sp_conn *conn); /* tells the poll what this state waits for */
/* Ends now: on_end is called. From the loop only. */
void sp_conn_finish(struct sp_conn *conn, enum sp_conn_end end, const struct sp_err *err);
/* Ends from the loop, soon; what can still be read is delivered before. The first failure counts. */
void sp_conn_finish_later(struct sp_conn *conn, enum sp_conn_end end, const struct sp_err *err);
/* A connect to a free port of this machine can be given that same port as its own, and TCP then connects the socket
 * to itself (simultaneous open, RFC 9293 §3.5): nobody listens, and the socket keeps a server from the port. */
bool sp_conn_meets_itself(int fd, uint16_t peer_port);

/* conn_io.c */
void sp_conn_read(struct sp_conn *conn);  /* one recvmsg and its callbacks */
void sp_conn_drain(struct sp_conn *conn); /* reads on until nothing is left, the end or a stop */
void sp_conn_resume_tls(struct sp_conn *conn); /* gives what waited inside TLS while reading was stopped */
void sp_conn_flush(struct sp_conn *conn); /* the socket takes bytes again */
void sp_conn_handshake(struct sp_conn *conn);
void sp_conn_begin_handshake(struct sp_conn *conn); /* the first bytes; a failure comes from the loop */
void sp_conn_say_goodbye(struct sp_conn *conn); /* TLS close_notify, as far as the socket takes it at once */

#endif
