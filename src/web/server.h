/*
 * A small web server over libmicrohttpd, on a thread of its own: it hands out texts that were published, and nothing
 * else. Publishing swaps a pointer under a lock; who makes the load never meets it.
 *
 * GET and HEAD only, loopback only, the Host header must be ours; connections, their memory, their time and the
 * request's size have limits.
 */
#ifndef SP_WEB_SERVER_H
#define SP_WEB_SERVER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SP_WEB_CONNECTIONS_MAX 64u
#define SP_WEB_CONNECTION_BYTES_MAX 32768u /* of a connection: request line and headers have to fit */
#define SP_WEB_IDLE_S 30u

enum sp_web_text { SP_WEB_PAGE, SP_WEB_METRICS_TEXT, SP_WEB_METRICS_OPENMETRICS, SP_WEB_TEXTS };

struct sp_web_server;
/* address as in web/address.h. */
struct sp_web_server *sp_web_server_open(const char *address, struct sp_err *err);
const char *sp_web_server_url(const struct sp_web_server *server); /* "http://127.0.0.1:8089/" */
/* Takes a text (from malloc) in place of the former one. Until the first, a path answers 503. */
void sp_web_server_publish(struct sp_web_server *server, enum sp_web_text which, char *text, size_t len);
/* Answers to /metrics so far, and the time between the last two (0: there were none). Any thread. */
void sp_web_server_scrapes(struct sp_web_server *server, uint64_t *count, int64_t *every_ns);
/* Waits for another answer to /metrics than `seen`, at most so long. False: none came. */
bool sp_web_server_wait_scrape(struct sp_web_server *server, uint64_t seen, int64_t most_ns);
void sp_web_server_close(struct sp_web_server *server); /* NULL is fine */

#endif
