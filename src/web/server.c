#include "web/server.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "report/exposition.h"
#include "web/address.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 64
#define MARK_METRICS ((void *)(uintptr_t)2) /* of a request: it was given the metrics */
#define MARK_OTHER ((void *)(uintptr_t)1)   /* its head has been seen */

struct text {
  char *bytes; /* NULL: nothing yet */
  size_t len;
};

struct sp_web_server {
  struct MHD_Daemon *daemon;
  int listener; /* the daemon's, once it runs */
  uint16_t port;
  char url[SP_WEB_HOST_SIZE + 20];

  pthread_mutex_t lock;
  pthread_cond_t scraped;
  struct text texts[SP_WEB_TEXTS];
  uint64_t scrapes;
  int64_t scrape_ns, scrape_every_ns;
};

/* --- answers --- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              struct MHD_Response *response) {
  static const char *const headers[][2] = {
    { "Cache-Control", "no-store" },
    { "X-Content-Type-Options", "nosniff" },
    { "Referrer-Policy", "no-referrer" },
    { "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'" },
  };
  SP_CHECK(response != NULL);
  MHD_add_response_header(response, "Content-Type", type);
  for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
    MHD_add_response_header(response, headers[i][0], headers[i][1]);
  }
  if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
    MHD_add_response_header(response, "Allow", "GET, HEAD");
  }
  enum MHD_Result result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *why) {
  return answer(connection, status, "text/plain; charset=utf-8",
                MHD_create_response_from_buffer(strlen(why), (void *)(uintptr_t)why, MHD_RESPMEM_PERSISTENT));
}

/* Under the lock: the text may be replaced right behind it, so it is copied. */
static struct MHD_Response *copy_text(struct sp_web_server *server, enum sp_web_text which) {
  struct MHD_Response *response = NULL;
  pthread_mutex_lock(&server->lock);
  const struct text *text = &server->texts[which];
  if (text->bytes) {
    response = MHD_create_response_from_buffer(text->len, text->bytes, MHD_RESPMEM_MUST_COPY);
  }
  pthread_mutex_unlock(&server->lock);
  return response;
}

static void count_scrape(struct sp_web_server *server) {
  int64_t now_ns = sp_clock_mono_ns();
  pthread_mutex_lock(&server->lock);
  server->scrape_every_ns = server->scrapes > 0 ? now_ns - server->scrape_ns : 0;
  server->scrape_ns = now_ns;
  server->scrapes++;
  pthread_cond_broadcast(&server->scraped);
  pthread_mutex_unlock(&server->lock);
}

static enum MHD_Result answer_metrics(struct sp_web_server *server, struct MHD_Connection *connection, void **mark) {
  const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
  bool openmetrics = accept && strstr(accept, "application/openmetrics-text");
  enum sp_exposition_format format = openmetrics ? SP_EXPOSITION_OPENMETRICS : SP_EXPOSITION_TEXT;
  struct MHD_Response *response = copy_text(server, openmetrics ? SP_WEB_METRICS_OPENMETRICS : SP_WEB_METRICS_TEXT);
  if (!response) {
    return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the run has not begun yet\n");
  }
  *mark = MARK_METRICS;
  MHD_add_response_header(response, "Vary", "Accept");
  return answer(connection, MHD_HTTP_OK, sp_exposition_content_type(format), response);
}

static enum MHD_Result answer_page(struct sp_web_server *server, struct MHD_Connection *connection) {
  struct MHD_Response *response = copy_text(server, SP_WEB_PAGE);
  if (!response) {
    return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the run has not begun yet\n");
  }
  return answer(connection, MHD_HTTP_OK, "text/html; charset=utf-8", response);
}

static enum MHD_Result route(struct sp_web_server *server, struct MHD_Connection *connection, const char *path,
                             void **mark) {
  const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
  if (!sp_web_host_is_ours(host, server->port)) {
    return refuse(connection, MHD_HTTP_FORBIDDEN, "this server answers to localhost and 127.0.0.1 only\n");
  }
  if (strcmp(path, "/metrics") == 0) {
    return answer_metrics(server, connection, mark);
  }
  if (strcmp(path, "/") == 0) {
    return answer_page(server, connection);
  }
  return refuse(connection, MHD_HTTP_NOT_FOUND, "there is / and /metrics\n");
}

/* Called for the head, then for pieces of a body and its end. What is no GET is refused at its head, so that no body
 * is ever read. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *body, size_t *body_len, void **mark) {
  (void)version, (void)body;
  if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
    return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
  }
  if (!*mark) {
    *mark = MARK_OTHER;
    return MHD_YES;
  }
  return *body_len > 0 ? MHD_NO : route(ctx, connection, path, mark);
}

/* Counted when the answer has left: whoever waits for it may end the process then. */
static void on_completed(void *ctx, struct MHD_Connection *connection, void **mark,
                         enum MHD_RequestTerminationCode code) {
  (void)connection;
  if (*mark == MARK_METRICS && code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
    count_scrape(ctx);
  }
}

/* --- life --- */

static int listen_on(struct sp_web_server *server, const char *text, struct sp_err *err) {
  struct sp_web_address address;
  int one = 1, code = sp_web_address_parse(text, &address, err);
  if (code) {
    return code;
  }
  server->listener = socket(address.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (server->listener < 0) {
    return sp_fail(err, SP_EIO, "cannot make a socket: %s", strerror(errno));
  }
  setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (bind(server->listener, &address.socket.any, address.socket_len) || listen(server->listener, BACKLOG)) {
    return sp_fail(err, SP_EIO, "cannot listen on %s: %s%s", text && *text ? text : SP_WEB_ADDRESS_DEFAULT,
                   strerror(errno), errno == EADDRINUSE ? " (port 0 takes a free one)" : "");
  }
  SP_CHECK(getsockname(server->listener, &address.socket.any, &address.socket_len) == 0);
  server->port = ntohs(address.socket.v4.sin_port); /* at the same place in both families */
  snprintf(server->url, sizeof(server->url), "http://%s:%u/", address.host, server->port);
  return SP_OK;
}

static int start(struct sp_web_server *server, struct sp_err *err) {
  server->daemon = MHD_start_daemon(
    MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET,
    server->listener, MHD_OPTION_CONNECTION_LIMIT, SP_WEB_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
    (size_t)SP_WEB_CONNECTION_BYTES_MAX, MHD_OPTION_CONNECTION_TIMEOUT, SP_WEB_IDLE_S, MHD_OPTION_NOTIFY_COMPLETED,
    on_completed, server, MHD_OPTION_END);
  return server->daemon ? SP_OK : sp_fail(err, SP_EIO, "cannot start the web server: %s", strerror(errno));
}

static void init_scraped(pthread_cond_t *scraped) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  SP_CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
  SP_CHECK(pthread_cond_init(scraped, &attributes) == 0);
  pthread_condattr_destroy(&attributes);
}

struct sp_web_server *sp_web_server_open(const char *address, struct sp_err *err) {
  struct sp_web_server *server = sp_alloc(sizeof(*server));
  server->listener = -1;
  pthread_mutex_init(&server->lock, NULL);
  init_scraped(&server->scraped);
  if (listen_on(server, address, err) || start(server, err)) {
    sp_web_server_close(server);
    return NULL;
  }
  return server;
}

void sp_web_server_close(struct sp_web_server *server) {
  if (!server) {
    return;
  }
  if (server->daemon) {
    MHD_stop_daemon(server->daemon); /* closes the listener */
  } else if (server->listener >= 0) {
    close(server->listener);
  }
  for (size_t i = 0; i < SP_WEB_TEXTS; i++) {
    free(server->texts[i].bytes);
  }
  pthread_cond_destroy(&server->scraped);
  pthread_mutex_destroy(&server->lock);
  free(server);
}

const char *sp_web_server_url(const struct sp_web_server *server) { return server->url; }

void sp_web_server_publish(struct sp_web_server *server, enum sp_web_text which, char *text, size_t len) {
  pthread_mutex_lock(&server->lock);
  char *former = server->texts[which].bytes;
  server->texts[which] = (struct text){ text, len };
  pthread_mutex_unlock(&server->lock);
  free(former);
}

void sp_web_server_scrapes(struct sp_web_server *server, uint64_t *count, int64_t *every_ns) {
  pthread_mutex_lock(&server->lock);
  *count = server->scrapes;
  *every_ns = server->scrape_every_ns;
  pthread_mutex_unlock(&server->lock);
}

bool sp_web_server_wait_scrape(struct sp_web_server *server, uint64_t seen, int64_t most_ns) {
  int64_t until_ns = sp_clock_mono_ns() + most_ns;
  struct timespec until = { .tv_sec = (time_t)(until_ns / SP_NS_PER_S), .tv_nsec = (long)(until_ns % SP_NS_PER_S) };
  int error = 0;
  pthread_mutex_lock(&server->lock);
  while (server->scrapes == seen && error == 0) {
    error = pthread_cond_timedwait(&server->scraped, &server->lock, &until);
  }
  bool came = server->scrapes != seen;
  pthread_mutex_unlock(&server->lock);
  return came;
}
