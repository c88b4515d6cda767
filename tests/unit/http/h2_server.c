#include "h2_server.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NVS_MAX 400

/* -- bytes, through TLS where asked -- */

static bool send_bytes(struct h2_peer *peer, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t n = send(peer->fd, bytes, len, MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes += n;
    len -= (size_t)n;
  }
  return true;
}

static bool send_cipher(struct h2_peer *peer) {
  struct sp_buf cipher;
  sp_buf_init(&cipher, SIZE_MAX / 2);
  sp_tls_take_output(peer->tls, &cipher);
  bool sent = send_bytes(peer, cipher.bytes, cipher.len);
  sp_buf_fini(&cipher);
  return sent;
}

static bool put(struct h2_peer *peer, const char *bytes, size_t len) {
  if (peer->cut_after > 0 && peer->written + len >= peer->cut_after) {
    len = peer->cut_after - peer->written;
    peer->hang_up = true;
  }
  peer->written += len;
  if (!peer->tls) return send_bytes(peer, bytes, len);
  return sp_tls_write(peer->tls, sp_str_of(bytes, len), NULL) == 0 && send_cipher(peer);
}

static bool decrypt(struct h2_peer *peer, const char *bytes, size_t len) { /* once somebody reads */
  sp_tls_input(peer->tls, sp_str_of(bytes, len));
  return sp_tls_keep_input(peer->tls, NULL) == 0;
}

static bool shake_hands(struct h2_peer *peer) {
  char bytes[16384];
  for (;;) {
    struct sp_err err;
    int done = sp_tls_handshake(peer->tls, &err);
    if (!send_cipher(peer) || done < 0) return false;
    if (done > 0) return true;
    ssize_t n = recv(peer->fd, bytes, sizeof bytes, 0);
    if (n <= 0 || !decrypt(peer, bytes, (size_t)n)) return false;
  }
}

/* -- the protocol's callbacks -- */

static struct h2_request *request_of(struct h2_peer *peer, int32_t id) {
  return nghttp2_session_get_stream_user_data(peer->session, id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct h2_peer *peer = user;
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  struct h2_request *request = peer->requests;
  while (request->id != 0) request++;
  if (request >= peer->requests + H2_STREAMS_MAX) abort();
  memset(request, 0, sizeof *request);
  request->id = frame->hd.stream_id;
  sp_buf_init(&request->out, 256u << 20);
  nghttp2_session_set_stream_user_data(session, request->id, request);
  peer->open++;
  if (peer->open > atomic_load(&peer->server->open_max)) atomic_store(&peer->server->open_max, peer->open);
  return 0;
}

static void keep(char *to, size_t size, const uint8_t *value, size_t len) {
  snprintf(to, size, "%.*s", (int)len, (const char *)value);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t len, uint8_t flags, void *user) {
  struct h2_request *request = request_of(user, frame->hd.stream_id);
  (void)session, (void)flags;
  if (!request) return 0;
  struct sp_str n = sp_str_of((const char *)name, name_len);
  if (sp_str_eq(n, SP_STR(":path"))) keep(request->path, sizeof request->path, value, len);
  else if (sp_str_eq(n, SP_STR(":method"))) keep(request->method, sizeof request->method, value, len);
  else if (sp_str_eq(n, SP_STR(":scheme"))) keep(request->scheme, sizeof request->scheme, value, len);
  else if (sp_str_eq(n, SP_STR(":authority"))) keep(request->authority, sizeof request->authority, value, len);
  else {
    size_t used = strlen(request->headers);
    snprintf(request->headers + used, sizeof request->headers - used, "%.*s: %.*s\n", (int)name_len, name, (int)len,
             value);
  }
  return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len, void *user) {
  struct h2_request *request = request_of(user, id);
  (void)session, (void)flags;
  if (!request) return 0;
  for (size_t i = 0; i < len; i++)
    if (request->body_len + i < sizeof request->body - 1) request->body[request->body_len + i] = (char)bytes[i];
  request->body_len += len;
  return 0;
}

static void note_settings(struct h2_server *server, const nghttp2_settings *settings) {
  for (size_t i = 0; i < settings->niv; i++) {
    uint32_t value = settings->iv[i].value;
    int32_t id = settings->iv[i].settings_id;
    if (id == NGHTTP2_SETTINGS_ENABLE_PUSH) atomic_store(&server->client_push, value);
    if (id == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE) atomic_store(&server->client_window, value);
    if (id == NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE) atomic_store(&server->client_header_list, value);
  }
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct h2_peer *peer = user;
  struct h2_server *server = peer->server;
  struct h2_request *request = frame->hd.stream_id > 0 ? request_of(peer, frame->hd.stream_id) : NULL;
  bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  (void)session;
  if (frame->hd.type == NGHTTP2_PING && ack) atomic_fetch_add(&server->pings, 1);
  if (frame->hd.type == NGHTTP2_GOAWAY) atomic_fetch_add(&server->goaways, 1);
  if (frame->hd.type == NGHTTP2_WINDOW_UPDATE) atomic_fetch_add(&server->window_updates, 1);
  if (frame->hd.type == NGHTTP2_SETTINGS && !ack) note_settings(server, &frame->settings);
  if (frame->hd.type == NGHTTP2_RST_STREAM) {
    atomic_fetch_add(&server->resets, 1);
    atomic_store(&server->reset_code, frame->rst_stream.error_code);
  }
  if (!request) return 0;
  if (frame->hd.type == NGHTTP2_HEADERS && server->on_head) server->on_head(peer, request);
  if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) || request->ended) return 0;
  request->ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (!request->ended) return 0;
  peer->request_count++;
  atomic_fetch_add(&server->request_count, 1);
  server->on_request(peer, request);
  return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user) {
  struct h2_peer *peer = user;
  struct h2_request *request = request_of(peer, id);
  (void)session, (void)code;
  if (!request) return 0;
  sp_buf_fini(&request->out);
  request->id = 0;
  peer->open--;
  return 0;
}

static ssize_t read_out(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                        nghttp2_data_source *source, void *user) {
  struct h2_peer *peer = user;
  struct h2_request *request = source->ptr;
  size_t len = request->out.len < room ? request->out.len : room;
  if (len == 0 && !request->out_end) return NGHTTP2_ERR_DEFERRED;
  if (len > 0) memcpy(to, request->out.bytes, len);
  if (len > 0) sp_buf_consume(&request->out, len);
  request->sent += len;
  atomic_fetch_add(&peer->server->body_sent, len);
  if (request->out.len > 0 || !request->out_end) return (ssize_t)len;
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (request->trailers) {
    nghttp2_nv nv = {(uint8_t *)(uintptr_t) "x-sum", (uint8_t *)(uintptr_t) "42", 5, 2, NGHTTP2_NV_FLAG_NONE};
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, id, &nv, 1);
  }
  return (ssize_t)len;
}

/* -- verbs -- */

static size_t make_nvs(const char *headers, char *status, nghttp2_nv *nvs) {
  size_t count = 0;
  nvs[count++] = (nghttp2_nv){(uint8_t *)(uintptr_t) ":status", (uint8_t *)status, 7, strlen(status),
                              NGHTTP2_NV_FLAG_NONE};
  struct sp_str rest = sp_str_from(headers);
  while (rest.len > 0 && count < NVS_MAX) {
    struct sp_str value = sp_str_split(&rest, '\n');
    struct sp_str name = sp_str_split(&value, ':');
    value = sp_str_trim(value);
    nvs[count++] = (nghttp2_nv){(uint8_t *)(uintptr_t)name.bytes, (uint8_t *)(uintptr_t)value.bytes, name.len,
                                value.len, NGHTTP2_NV_FLAG_NONE};
  }
  return count;
}

void h2_head(struct h2_peer *peer, struct h2_request *request, int status, const char *headers, bool end) {
  char text[16];
  nghttp2_nv nvs[NVS_MAX];
  snprintf(text, sizeof text, "%d", status);
  size_t count = make_nvs(headers, text, nvs);
  nghttp2_data_provider out = {.source = {.ptr = request}, .read_callback = read_out};
  nghttp2_submit_response(peer->session, request->id, nvs, count, end ? NULL : &out);
}

void h2_informational(struct h2_peer *peer, const struct h2_request *request, int status) {
  char text[16];
  nghttp2_nv nvs[NVS_MAX];
  snprintf(text, sizeof text, "%d", status);
  size_t count = make_nvs("x-early: 1\n", text, nvs);
  nghttp2_submit_headers(peer->session, NGHTTP2_FLAG_NONE, request->id, NULL, nvs, count, NULL);
}

void h2_data(struct h2_peer *peer, struct h2_request *request, const char *bytes, size_t len, bool end) {
  sp_buf_append(&request->out, bytes, len);
  request->out_end = end;
  nghttp2_session_resume_data(peer->session, request->id);
}

void h2_trailers(struct h2_peer *peer, struct h2_request *request) {
  request->out_end = request->trailers = true;
  nghttp2_session_resume_data(peer->session, request->id);
}

void h2_answer(struct h2_peer *peer, struct h2_request *request, const char *body) {
  h2_head(peer, request, 200, "server: test\n", false);
  h2_data(peer, request, body, strlen(body), true);
}

void h2_reset(struct h2_peer *peer, const struct h2_request *request, uint32_t code) {
  nghttp2_submit_rst_stream(peer->session, NGHTTP2_FLAG_NONE, request->id, code);
}

void h2_goaway(struct h2_peer *peer, int32_t last_id, uint32_t code) {
  static const char why[] = "the test says so";
  nghttp2_submit_goaway(peer->session, NGHTTP2_FLAG_NONE, last_id, code, (const uint8_t *)why, sizeof why - 1);
}

void h2_limit(struct h2_peer *peer, uint32_t max_streams) {
  nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, max_streams};
  nghttp2_submit_settings(peer->session, NGHTTP2_FLAG_NONE, &entry, 1);
}

void h2_flush(struct h2_peer *peer) {
  const uint8_t *bytes;
  ssize_t len;
  while (!peer->hang_up && (len = nghttp2_session_mem_send(peer->session, &bytes)) > 0)
    if (!put(peer, (const char *)bytes, (size_t)len)) peer->hang_up = true;
}

void h2_raw(struct h2_peer *peer, const char *bytes, size_t len) {
  h2_flush(peer);
  if (!put(peer, bytes, len)) peer->hang_up = true;
}

/* -- a connection -- */

static void make_session(struct h2_peer *peer) {
  nghttp2_session_callbacks *callbacks;
  nghttp2_option *option;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_option_new(&option);
  nghttp2_option_set_no_http_messaging(option, 1); /* a bad server sends what it likes */
  nghttp2_option_set_max_send_header_block_length(option, 1u << 20);
  nghttp2_session_server_new2(&peer->session, callbacks, peer, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const struct h2_server *server = peer->server;
  nghttp2_settings_entry entries[2];
  size_t count = 0;
  if (server->max_streams > 0 || server->allow_none)
    entries[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, server->max_streams};
  if (server->window > 0)
    entries[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)server->window};
  nghttp2_submit_settings(peer->session, NGHTTP2_FLAG_NONE, entries, count);
  if (server->window > 0)
    nghttp2_session_set_local_window_size(peer->session, NGHTTP2_FLAG_NONE, 0, server->window);
}

/* False: the connection is over. */
static bool take(struct h2_peer *peer, const char *bytes, size_t len) {
  if (!peer->tls) return nghttp2_session_mem_recv(peer->session, (const uint8_t *)bytes, len) >= 0;
  char plain[16384];
  int n;
  if (!decrypt(peer, bytes, len)) return false;
  while ((n = sp_tls_read(peer->tls, plain, sizeof plain, NULL)) > 0)
    if (nghttp2_session_mem_recv(peer->session, (const uint8_t *)plain, (size_t)n) < 0) return false;
  return n == 0;
}

static void serve(struct h2_peer *peer) {
  char bytes[65536];
  if (peer->server->on_open) peer->server->on_open(peer);
  if (peer->tls && !take(peer, bytes, 0)) return; /* what came with the handshake */
  for (;;) {
    h2_flush(peer);
    if (peer->hang_up || peer->hang_up_hard) return;
    if (!nghttp2_session_want_read(peer->session) && !nghttp2_session_want_write(peer->session)) return;
    struct pollfd poll_fd = {.fd = peer->fd, .events = POLLIN};
    int ready = poll(&poll_fd, 1, peer->server->on_idle ? 20 : 20000);
    if (ready == 0 && peer->server->on_idle) {
      peer->server->on_idle(peer);
      continue;
    }
    ssize_t n = recv(peer->fd, bytes, sizeof bytes, 0);
    if (n <= 0 || !take(peer, bytes, (size_t)n)) return;
  }
}

static void serve_http1(struct h2_peer *peer) {
  char bytes[4096], plain[4096];
  for (;;) {
    int len; /* a request is one record; the first one may have come with the handshake */
    while ((len = sp_tls_read(peer->tls, plain, sizeof plain, NULL)) > 0) {
      atomic_fetch_add(&peer->server->request_count, 1);
      put(peer, peer->server->http1, strlen(peer->server->http1));
    }
    if (len < 0) return;
    ssize_t n = recv(peer->fd, bytes, sizeof bytes, 0);
    if (n <= 0 || !decrypt(peer, bytes, (size_t)n)) return;
  }
}

static void *run_peer(void *arg) {
  struct h2_peer *peer = arg;
  struct linger hard = {.l_onoff = 1, .l_linger = 0};
  if (peer->server->tls) peer->tls = sp_tls_create(peer->server->tls, NULL, NULL);
  bool open = !peer->tls || shake_hands(peer);
  if (open && peer->server->http1 && strcmp(sp_tls_alpn(peer->tls), "h2") != 0) {
    serve_http1(peer);
  } else if (open) {
    make_session(peer);
    serve(peer);
    nghttp2_session_del(peer->session);
  }
  if (peer->hang_up_hard) setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  if (peer->tls && !peer->hang_up_hard) {
    sp_tls_shutdown(peer->tls);
    send_cipher(peer);
  }
  if (!peer->hang_up_hard) { /* or what it did not read would make an RST of the FIN */
    char rest[4096];
    shutdown(peer->fd, SHUT_WR);
    while (recv(peer->fd, rest, sizeof rest, 0) > 0) {
    }
  }
  close(peer->fd);
  sp_tls_destroy(peer->tls);
  for (int i = 0; i < H2_STREAMS_MAX; i++)
    if (peer->requests[i].id != 0) sp_buf_fini(&peer->requests[i].out);
  return NULL;
}

static void *run_server(void *arg) {
  struct h2_server *server = arg;
  for (;;) {
    int fd = accept(server->fd, NULL, NULL);
    if (fd < 0) return NULL;
    int on = 1;
    struct timeval limit = {20, 0}; /* no test hangs */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    int n = atomic_load(&server->peer_count);
    if (n == H2_PEERS_MAX) abort();
    struct h2_peer *peer = sp_alloc(sizeof *peer);
    peer->server = server;
    peer->fd = fd;
    peer->number = n;
    peer->cut_after = server->cut_first == 0 || (size_t)n < server->cut_first ? server->cut_after : 0;
    server->peers[n] = peer;
    atomic_store(&server->peer_count, n + 1); /* before its first answer */
    if (pthread_create(&peer->thread, NULL, run_peer, peer) != 0) abort();
  }
}

void h2_serve(struct h2_server *server) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof in;
  server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(server->fd, (const void *)&in, len), 0);
  assert_int_equal(listen(server->fd, 64), 0);
  assert_int_equal(getsockname(server->fd, (void *)&in, &len), 0);
  server->port = ntohs(in.sin_port);
  assert_int_equal(pthread_create(&server->thread, NULL, run_server, server), 0);
}

void h2_stop(struct h2_server *server) {
  shutdown(server->fd, SHUT_RDWR);
  pthread_join(server->thread, NULL);
  close(server->fd);
  for (int i = 0; i < atomic_load(&server->peer_count); i++) {
    pthread_join(server->peers[i]->thread, NULL);
    free(server->peers[i]);
  }
}

const char *h2_url(const struct h2_server *server, const char *path) {
  static char url[512];
  snprintf(url, sizeof url, "http%s://127.0.0.1:%u%s", server->tls ? "s" : "", server->port, path);
  return url;
}
