#include "watch/redis_link.h"

#include "base/mem.h"
#include "stats/clean.h"
#include "watch/secret_file.h"
#include "watch/wait_fd.h"
#include "wire/url.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SCHEME "redis://"
#define FORM "redis://:password@host:6379"
#define PORT 6379
#define USER_MAX 1000u
#define SAID_MAX 200u /* of a server's text in a sentence */

struct sp_redis_link {
  char *host;
  int port;
  char *user, *password; /* decoded; NULL: none */
  const char *password_file;
  redisContext *context; /* NULL: none */
};

/* -- the URL -- */

static char *decoded(struct sp_str text) {
  struct sp_buf out;
  sp_buf_init(&out, USER_MAX);
  char *taken = text.len && sp_url_decode(text, &out) == 0 ? sp_buf_take(&out) : NULL;
  sp_buf_fini(&out);
  return taken;
}

/* Read as an http URL, which has the same parts. */
static int take_url(struct sp_redis_link *link, const char *text, struct sp_err *err) {
  struct sp_buf http;
  struct sp_url url;
  if (!text || strncmp(text, SCHEME, strlen(SCHEME)) != 0) return sp_fail(err, SP_EUSAGE, "the URL is none of Redis: write %s", FORM);
  sp_buf_init(&http, SP_URL_MAX + 8);
  int code = sp_buf_printf(&http, "http://%s", text + strlen(SCHEME));
  if (code || sp_url_parse(sp_buf_str(&http), &url, err) || url.userinfo.len > USER_MAX) {
    code = sp_fail(err, SP_EUSAGE, "the URL can't be read: write %s", FORM);
  } else {
    struct sp_str password = url.userinfo, user = sp_str_split(&password, ':');
    link->host = sp_strndup(url.host.bytes, url.host.len);
    link->port = url.port_given ? url.port : PORT;
    link->user = decoded(user);
    link->password = decoded(password);
  }
  sp_buf_fini(&http);
  return code;
}

int sp_redis_link_open(const struct sp_watch_spec *spec, struct sp_redis_link **out, char **source, struct sp_err *err) {
  char text[SP_OBSERVED_SUBJECT_MAX];
  struct sp_redis_link *link = sp_alloc(sizeof(*link));
  link->password_file = sp_watch_option_of(spec, "password_file");
  if (take_url(link, spec->url, err)) {
    sp_redis_link_close(link);
    return err->code;
  }
  snprintf(text, sizeof(text), "redis %s:%d", link->host, link->port);
  *source = sp_strdup(text);
  *out = link;
  return 0;
}

static void hang_up(struct sp_redis_link *link) {
  if (link->context) redisFree(link->context);
  link->context = NULL;
}

void sp_redis_link_close(struct sp_redis_link *link) {
  if (!link) return;
  hang_up(link);
  free(link->host);
  free(link->user);
  free(link->password);
  free(link);
}

/* -- a command -- */

static int fail_lost(struct sp_redis_link *link, struct sp_err *err) {
  char said[SAID_MAX + 1];
  said[sp_clean_text(said, SAID_MAX, sp_str_from(link->context->errstr))] = 0;
  sp_fail(err, SP_EIO, "the connection is lost: %s", said[0] ? said : "it hung up");
  hang_up(link);
  return err->code;
}

static int give_up(struct sp_redis_link *link, struct sp_err *err) {
  hang_up(link);
  return err->code;
}

static int write_all(struct sp_redis_link *link, struct sp_watch_sink *sink, int64_t until_ns, struct sp_err *err) {
  int done = 0;
  for (;;) {
    if (redisBufferWrite(link->context, &done) != REDIS_OK) return fail_lost(link, err);
    if (done) return 0;
    if (sp_watch_wait_fd(sink, link->context->fd, POLLOUT, until_ns, err)) return give_up(link, err);
  }
}

static int read_one(struct sp_redis_link *link, struct sp_watch_sink *sink, int64_t until_ns, redisReply **reply,
                    struct sp_err *err) {
  size_t bytes = 0;
  for (;;) {
    void *found = NULL;
    if (redisGetReplyFromReader(link->context, &found) != REDIS_OK) return fail_lost(link, err);
    *reply = found;
    if (found) return 0;
    if (sp_watch_wait_fd(sink, link->context->fd, POLLIN, until_ns, err)) return give_up(link, err);
    size_t before = link->context->reader->len - link->context->reader->pos;
    if (redisBufferRead(link->context) != REDIS_OK) return fail_lost(link, err);
    bytes += link->context->reader->len - link->context->reader->pos - before;
    if (bytes > SP_REDIS_ANSWER_MAX) {
      sp_fail(err, SP_EIO, "it answered with over %zu MiB", SP_REDIS_ANSWER_MAX >> 20);
      return give_up(link, err);
    }
  }
}

/* Takes the command out of redisFormatCommand. */
static redisReply *send_and_read(struct sp_redis_link *link, struct sp_watch_sink *sink, char *command, int len,
                                 struct sp_err *err) {
  int64_t until_ns = sp_clock_mono_ns() + SP_WATCH_CALL_MAX_NS;
  redisReply *reply = NULL;
  int code = len < 0 || redisAppendFormattedCommand(link->context, command, (size_t)len) != REDIS_OK;
  redisFreeCommand(command);
  if (code) {
    sp_fail(err, SP_EIO, "the command can't be written");
    return NULL;
  }
  if (write_all(link, sink, until_ns, err) || read_one(link, sink, until_ns, &reply, err)) return NULL;
  return reply;
}

redisReply *sp_redis_ask(struct sp_redis_link *link, struct sp_watch_sink *sink, struct sp_err *err, const char *format, ...) {
  char said[SAID_MAX + 1], *command = NULL;
  va_list args;
  if (!link->context) {
    sp_fail(err, SP_EIO, "there is no connection");
    return NULL;
  }
  va_start(args, format);
  int len = redisvFormatCommand(&command, format, args);
  va_end(args);
  redisReply *reply = send_and_read(link, sink, command, len, err);
  if (!reply || reply->type != REDIS_REPLY_ERROR) return reply;
  said[sp_clean_text(said, SAID_MAX, sp_str_from(reply->str))] = 0;
  freeReplyObject(reply);
  sp_fail(err, SP_EPARSE, "%s", said);
  return NULL;
}

/* -- connecting -- */

static int await_connection(struct sp_redis_link *link, struct sp_watch_sink *sink, struct sp_err *err) {
  int fault = 0;
  socklen_t size = sizeof(fault);
  int64_t until_ns = sp_clock_mono_ns() + SP_WATCH_CALL_MAX_NS;
  if (sp_watch_wait_fd(sink, link->context->fd, POLLOUT, until_ns, err)) return err->code;
  getsockopt(link->context->fd, SOL_SOCKET, SO_ERROR, &fault, &size);
  return fault ? sp_fail(err, SP_EIO, "%s", strerror(fault)) : 0;
}

static int log_in(struct sp_redis_link *link, struct sp_watch_sink *sink, struct sp_err *err) {
  char secret[SP_SECRET_FILE_MAX + 2];
  const char *password = link->password;
  if (link->password_file) {
    if (sp_secret_file_read(link->password_file, secret, err)) return err->code;
    password = secret;
  }
  if (!password) return 0;
  redisReply *reply = link->user ? sp_redis_ask(link, sink, err, "AUTH %s %s", link->user, password)
                                 : sp_redis_ask(link, sink, err, "AUTH %s", password);
  explicit_bzero(secret, sizeof(secret));
  if (!reply) return err->code = SP_EIO;
  freeReplyObject(reply);
  return 0;
}

int sp_redis_link_connect(struct sp_redis_link *link, struct sp_watch_sink *sink, struct sp_err *err) {
  hang_up(link);
  link->context = redisConnectNonBlock(link->host, link->port);
  if (!link->context) return sp_fail(err, SP_EIO, "cannot connect: no memory");
  int code = link->context->err ? sp_fail(err, SP_EIO, "%s", link->context->errstr) : await_connection(link, sink, err);
  if (code == 0) code = log_in(link, sink, err);
  if (code == 0) return 0;
  hang_up(link);
  return sp_err_context(err, "cannot connect");
}
