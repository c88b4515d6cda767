/* Requests: who may ask, what for, how much and how slowly. A thread a connection (libmicrohttpd's). */
#include "base/clock.h"
#include "base/mem.h"
#include "web/inside.h"
#include "base/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 128
#define STACK_BYTES (256u * 1024u)
#define WATCH_NS (2 * SP_NS_PER_S)
#define PEM_MAX (1024 * 1024)

/* --- a request --- */

struct request {
  const struct sp_web_route *route; /* NULL: the page or the metrics */
  struct sp_web_form form;
  struct sp_buf body;
  bool metrics_given;
};

static const char *header_of(struct MHD_Connection *connection, const char *name) {
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static bool has_token(const struct sp_web *web, struct MHD_Connection *connection) {
  const char *authorization = header_of(connection, MHD_HTTP_HEADER_AUTHORIZATION);
  if (authorization) {
    return sp_web_bearer_allowed(&web->access, authorization);
  }
  return sp_web_token_allowed(&web->access, MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, web->access.cookie));
}

static enum MHD_Result collect_query(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value) {
  (void)kind;
  sp_web_form_add_query(ctx, key, value);
  return MHD_YES;
}

static const char *why_post_is_refused(const struct sp_web *web, struct MHD_Connection *connection, unsigned *status) {
  const char *type = header_of(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
  const char *length = header_of(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  const char *origin = header_of(connection, MHD_HTTP_HEADER_ORIGIN);
  *status = MHD_HTTP_FORBIDDEN;
  if (!sp_web_origin_allowed(&web->access, origin, header_of(connection, MHD_HTTP_HEADER_HOST))) {
    return "another site's page may not do this";
  }
  *status = MHD_HTTP_BAD_REQUEST;
  if (!type || strncmp(type, "application/json", 16) != 0 || !strchr("; ", type[16])) {
    return "the Content-Type must be application/json";
  }
  *status = MHD_HTTP_CONTENT_TOO_LARGE;
  return length && strtoull(length, NULL, 10) > SP_WEB_BODY_MAX ? "a body of over 64 KiB is not taken" : NULL;
}

/* The token in a page's URL. True: it was answered. */
static bool enter(struct sp_web *web, struct MHD_Connection *connection, const char *path, enum MHD_Result *result) {
  const char *token = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "token");
  if (!token || strcmp(path, "/") != 0 || !sp_web_needs_token(web) || !sp_web_token_allowed(&web->access, token)) {
    return false;
  }
  *result = sp_web_reply_entry(web, connection);
  return true;
}

static bool is_get(const char *method) { return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0; }

static enum MHD_Result refuse_method(struct MHD_Connection *connection, const char *allowed) {
  const char *body = "{\"error\":\"this path takes another method\",\"field\":null}\n";
  struct MHD_Response *response =
    MHD_create_response_from_buffer(strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
  MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, strcmp(allowed, "GET") == 0 ? "GET, HEAD" : allowed);
  return sp_web_queue(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "application/json; charset=utf-8", response);
}

/* Everything that can be said by the head alone, so that no body is read in vain. */
static enum MHD_Result on_head(struct sp_web *web, struct MHD_Connection *connection, const char *path,
                               const char *method, void **mark) {
  enum MHD_Result result;
  const char *rest = NULL, *why;
  bool method_fits = is_get(method);
  unsigned status;
  if (!sp_web_host_allowed(&web->access, header_of(connection, MHD_HTTP_HEADER_HOST))) {
    return sp_web_reply_error(connection, MHD_HTTP_FORBIDDEN, "this server does not answer to that Host");
  }
  if (enter(web, connection, path, &result)) {
    return result;
  }
  if (!has_token(web, connection)) {
    return sp_web_reply_error(connection, MHD_HTTP_UNAUTHORIZED,
                              "the token is missing or wrong: open the address that spate printed");
  }
  bool own = strcmp(path, "/") == 0 || strcmp(path, "/metrics") == 0;
  const struct sp_web_route *route = own ? NULL : sp_web_route_find(method, path, &rest, &method_fits);
  if (!own && !route) {
    return sp_web_reply_error(connection, MHD_HTTP_NOT_FOUND, "there is /, /metrics and what docs/web-api.md lists");
  }
  if (!method_fits) {
    return refuse_method(connection, route ? route->method : "GET");
  }
  if (strcmp(method, "POST") == 0 && (why = why_post_is_refused(web, connection, &status))) {
    return sp_web_reply_error(connection, status, why);
  }
  struct request *request = sp_alloc(sizeof(*request));
  request->route = route;
  snprintf(request->form.rest, sizeof(request->form.rest), "%s", rest ? rest : "");
  sp_buf_init(&request->body, SP_WEB_BODY_MAX);
  *mark = request;
  return MHD_YES;
}

static enum MHD_Result answer_call(struct sp_web *web, struct MHD_Connection *connection, struct request *request) {
  struct sp_web_answer answer;
  struct sp_err err;
  const char *field, *last = header_of(connection, "Last-Event-ID");
  sp_web_answer_init(&answer);
  snprintf(request->form.last_event_id, sizeof(request->form.last_event_id), "%s", last ? last : "");
  MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, collect_query, &request->form);
  if (sp_web_form_read(&request->form, request->body.bytes, request->body.len, &field, &err)) {
    sp_web_answer_error(&answer, MHD_HTTP_BAD_REQUEST, field, "%s", err.text);
  } else {
    sp_web_call_main(web, request->route->act, &request->form, &answer);
  }
  return sp_web_reply(connection, &answer);
}

static enum MHD_Result answer_own(struct sp_web *web, struct MHD_Connection *connection, const char *path,
                                  struct request *request) {
  enum MHD_Result result;
  if (strcmp(path, "/") == 0) {
    return sp_web_reply_page(connection);
  }
  request->metrics_given = sp_web_reply_metrics(web, connection, &result);
  return result;
}

/* --- connections: a request that doesn't come in time is cut --- */

static void note_seat(struct sp_web *web, struct MHD_Connection *connection, int64_t since_ns) {
  int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  pthread_mutex_lock(&web->lock);
  for (size_t i = 0; i < SP_WEB_CONNECTIONS_MAX; i++) {
    if (web->seats[i].fd == fd) {
      web->seats[i].since_ns = since_ns;
    }
  }
  pthread_mutex_unlock(&web->lock);
}

static void take_seat(struct sp_web *web, int fd) {
  for (size_t i = 0; i < SP_WEB_CONNECTIONS_MAX; i++) {
    if (web->seats[i].fd < 0) {
      web->seats[i] = (struct sp_web_seat){ fd, sp_clock_mono_ns() };
      return;
    }
  }
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **socket_mark,
                          enum MHD_ConnectionNotificationCode code) {
  struct sp_web *web = ctx;
  int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  (void)socket_mark;
  pthread_mutex_lock(&web->lock);
  for (size_t i = 0; code == MHD_CONNECTION_NOTIFY_CLOSED && i < SP_WEB_CONNECTIONS_MAX; i++) {
    web->seats[i].fd = web->seats[i].fd == fd ? -1 : web->seats[i].fd;
  }
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    take_seat(web, fd);
  }
  pthread_mutex_unlock(&web->lock);
}

static void *watch(void *ctx) {
  struct sp_web *web = ctx;
  pthread_mutex_lock(&web->lock);
  while (!web->closing) {
    int64_t now_ns = sp_clock_mono_ns();
    for (size_t i = 0; i < SP_WEB_CONNECTIONS_MAX; i++) {
      const struct sp_web_seat *seat = &web->seats[i];
      if (seat->fd >= 0 && seat->since_ns > 0 && now_ns - seat->since_ns > SP_WEB_REQUEST_MAX_NS) {
        shutdown(seat->fd, SHUT_RDWR); /* libmicrohttpd sees an end, and closes it */
      }
    }
    sp_cond_wait_until(&web->changed, &web->lock, now_ns + WATCH_NS);
  }
  pthread_mutex_unlock(&web->lock);
  return NULL;
}

/* --- libmicrohttpd's hooks --- */

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *body, size_t *body_len, void **mark) {
  struct sp_web *web = ctx;
  struct request *request = *mark;
  (void)version;
  if (!request) {
    return on_head(web, connection, path, method, mark);
  }
  if (*body_len > 0) {
    int code = sp_buf_append(&request->body, body, *body_len);
    *body_len = 0;
    return code ? MHD_NO : MHD_YES; /* over the cap without having said so in its head: cut */
  }
  note_seat(web, connection, 0);
  return request->route ? answer_call(web, connection, request) : answer_own(web, connection, path, request);
}

/* Counted when the answer has left: whoever waits for it may end the process then. */
static void on_completed(void *ctx, struct MHD_Connection *connection, void **mark,
                         enum MHD_RequestTerminationCode code) {
  struct sp_web *web = ctx;
  struct request *request = *mark;
  note_seat(web, connection, sp_clock_mono_ns());
  if (!request) {
    return;
  }
  if (request->metrics_given && code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
    sp_web_count_scrape(web);
  }
  sp_web_form_fini(&request->form);
  sp_buf_fini(&request->body);
  free(request);
  *mark = NULL;
}

/* --- life --- */

static char *read_pem(const char *path, struct sp_err *err) {
  struct stat facts;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  char *text = NULL;
  if (fd >= 0 && fstat(fd, &facts) == 0 && facts.st_size < PEM_MAX) {
    text = sp_alloc((size_t)facts.st_size + 1);
    ssize_t got = read(fd, text, (size_t)facts.st_size);
    text[got > 0 ? got : 0] = 0;
  } else {
    sp_fail(err, SP_EIO, "cannot read '%s': %s", path, fd < 0 ? strerror(errno) : "it is no PEM file");
  }
  if (fd >= 0) {
    close(fd);
  }
  return text;
}

static int read_certificate(struct sp_web *web, const struct sp_web_options *options, struct sp_err *err) {
  if (!options->cert && !options->key) {
    return SP_OK;
  }
  if (!options->cert || !options->key) {
    return sp_fail(err, SP_EUSAGE, "--web-cert and --web-key belong together");
  }
  if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
    return sp_fail(err, SP_EIO, "this machine's libmicrohttpd was built without TLS");
  }
  web->access.tls = true;
  web->cert = read_pem(options->cert, err);
  web->key = web->cert ? read_pem(options->key, err) : NULL;
  return web->key ? SP_OK : err->code;
}

static int listen_on(struct sp_web *web, const char *text, struct sp_err *err) {
  struct sp_web_address address;
  int one = 1, code = sp_web_address_parse(text, &address, err);
  if (code) {
    return code;
  }
  web->listener = socket(address.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (web->listener < 0) {
    return sp_fail(err, SP_EIO, "cannot make a socket: %s", strerror(errno));
  }
  setsockopt(web->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (bind(web->listener, &address.socket.any, address.socket_len) || listen(web->listener, BACKLOG)) {
    return sp_fail(err, SP_EIO, "cannot listen on %s: %s%s", text && *text ? text : SP_WEB_ADDRESS_DEFAULT,
                   strerror(errno), errno == EADDRINUSE ? " (port 0 takes a free one)" : "");
  }
  if (getsockname(web->listener, &address.socket.any, &address.socket_len)) {
    return sp_fail(err, SP_EIO, "cannot ask for the port: %s", strerror(errno));
  }
  web->access.loopback = address.loopback;
  web->access.port = ntohs(address.socket.v4.sin_port); /* at the same place in both families */
  snprintf(web->url, sizeof(web->url), "%s://%s:%u/", web->access.tls ? "https" : "http", address.host, web->access.port);
  return SP_OK;
}

static int start_daemon(struct sp_web *web, struct sp_err *err) {
  struct MHD_OptionItem tls[] = { { MHD_OPTION_HTTPS_MEM_CERT, 0, web->cert },
                                  { MHD_OPTION_HTTPS_MEM_KEY, 0, web->key },
                                  { MHD_OPTION_END, 0, NULL } };
  unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL;
  web->daemon = MHD_start_daemon(
    flags | (web->access.tls ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, web, MHD_OPTION_LISTEN_SOCKET, web->listener,
    MHD_OPTION_CONNECTION_LIMIT, SP_WEB_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
    (size_t)SP_WEB_CONNECTION_BYTES_MAX, MHD_OPTION_CONNECTION_TIMEOUT, SP_WEB_IDLE_S, MHD_OPTION_THREAD_STACK_SIZE,
    (size_t)STACK_BYTES, MHD_OPTION_NOTIFY_CONNECTION, on_connection, web, MHD_OPTION_NOTIFY_COMPLETED, on_completed, web,
    MHD_OPTION_ARRAY, web->access.tls ? tls : &tls[2], MHD_OPTION_END);
  if (web->daemon) {
    return SP_OK;
  }
  return sp_fail(err, SP_EIO, "cannot start the web server%s", web->access.tls ? ": are the certificate and its key a pair?" : "");
}

int sp_web_server_start(struct sp_web *web, const struct sp_web_options *options, struct sp_err *err) {
  for (size_t i = 0; i < SP_WEB_CONNECTIONS_MAX; i++) {
    web->seats[i].fd = -1;
  }
  web->access.name = options->name;
  if (read_certificate(web, options, err) || listen_on(web, options->address, err) ||
      sp_web_access_init(&web->access, options->token, err) || start_daemon(web, err)) {
    return err->code;
  }
  snprintf(web->entry, sizeof(web->entry), "%s%s%s", web->url, web->access.token[0] ? "?token=" : "", web->access.token);
  web->watched = pthread_create(&web->watchman, NULL, watch, web) == 0;
  return web->watched ? SP_OK : sp_fail(err, SP_EIO, "cannot start a thread: %s", strerror(errno));
}

void sp_web_server_stop(struct sp_web *web) {
  if (web->watched) {
    pthread_join(web->watchman, NULL);
  }
  if (web->daemon) {
    MHD_stop_daemon(web->daemon); /* closes the listener */
  } else if (web->listener >= 0) {
    close(web->listener);
  }
}
