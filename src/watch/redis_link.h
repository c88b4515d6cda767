/*
 * A connection to Redis, by hiredis without blocking: of the watcher `redis`. A command at a time; connecting, and each command,
 * take at most SP_WATCH_CALL_MAX_NS and end soon after the watcher is to stop (looking up a host's name may take what the system's
 * resolver takes). An answer has at most SP_REDIS_ANSWER_MAX bytes. One thread. No TLS.
 */
#ifndef SP_WATCH_REDIS_LINK_H
#define SP_WATCH_REDIS_LINK_H

#include "watch/watch.h"

#include <hiredis/hiredis.h>

#define SP_REDIS_ANSWER_MAX ((size_t)4u * 1024u * 1024u)

struct sp_redis_link;
/* By a spec's URL and option "password_file". *source: "redis db1:6379"; the caller frees it. SP_EUSAGE. */
int sp_redis_link_open(const struct sp_watch_spec *spec, struct sp_redis_link **out, char **source, struct sp_err *err);
void sp_redis_link_close(struct sp_redis_link *link); /* NULL is fine */

/* Also anew; with the user and password, where there are any. SP_EIO. */
int sp_redis_link_connect(struct sp_redis_link *link, struct sp_watch_sink *sink, struct sp_err *err);

/* The answer to a command in hiredis' format ("LLEN %s"), which the caller frees (freeReplyObject); NULL with *err. SP_EPARSE: the
 * server refused this one and takes others; SP_EIO: the connection is gone. */
redisReply *sp_redis_ask(struct sp_redis_link *link, struct sp_watch_sink *sink, struct sp_err *err, const char *format, ...);

#endif
