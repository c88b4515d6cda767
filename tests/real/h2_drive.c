/*
 * Drives the client over HTTP/2 with many calls at once on shared connections, some of which stop reading for a while,
 * as no plan does on purpose: h2_drive URL CALLS PAUSED PAUSE_MS [BODY_BYTES]
 *
 * PAUSED of the calls stop reading at their head and go on PAUSE_MS after all others have ended. Prints what came as JSON;
 * judging is the test's (test_http2.py).
 */
#include "base/clock.h"
#include "base/mem.h"
#include "http/client.h"

#include <stdio.h>
#include <stdlib.h>

struct drive {
  struct sp_loop *loop;
  struct sp_http_client *client;
  struct sp_http_session session;
  struct sp_timer resume;
  struct call *calls;
  size_t count, pending, readers; /* readers: calls under way that do not pause */
  int64_t pause_ns;
  size_t ok, opened, resent, done_before_resume;
  uint64_t most_while_paused; /* bytes that a paused call was given */
  uint64_t bytes;
  bool resumed;
};
struct call {
  struct drive *drive;
  struct sp_http_call *http;
  uint64_t bytes;
  bool pauses, done;
};

static void pause_on(struct drive *drive) {
  sp_timer_start(&drive->resume, sp_loop_update_now(drive->loop) + drive->pause_ns);
}

static int on_head(void *ctx, const struct sp_http1_head *head, const struct sp_rx *rx, struct sp_err *err) {
  struct call *call = ctx;
  (void)rx;
  if (head->status != 200) return sp_fail(err, SP_EPARSE, "status %d", head->status);
  if (call->pauses && !call->drive->resumed) sp_http_pause(call->http);
  return 0;
}

static int on_body(void *ctx, struct sp_str bytes, const struct sp_rx *rx, struct sp_err *err) {
  struct call *call = ctx;
  (void)rx, (void)err;
  call->bytes += bytes.len;
  return 0;
}

static void on_client_closed(void *ctx) { sp_loop_stop(((struct drive *)ctx)->loop); }

static void on_done(void *ctx, const struct sp_http_result *result) {
  struct call *call = ctx;
  struct drive *drive = call->drive;
  call->done = true;
  drive->ok += result->end == SP_HTTP_OK && result->http2;
  drive->resent += result->resent;
  drive->bytes += call->bytes;
  drive->done_before_resume += !drive->resumed;
  if (result->end != SP_HTTP_OK) fprintf(stderr, "%s\n", result->detail);
  if (!call->pauses && --drive->readers == 0) pause_on(drive);
  if (--drive->pending > 0) return;
  sp_timer_stop(&drive->resume);
  sp_http_session_fini(&drive->session);
  sp_http_client_close(drive->client, on_client_closed, drive);
}

static void on_resume(struct sp_timer *timer) {
  struct drive *drive = sp_container_of(timer, struct drive, resume);
  drive->resumed = true;
  for (size_t i = 0; i < drive->count; i++) {
    struct call *call = &drive->calls[i];
    if (!call->pauses || call->done) continue;
    if (call->bytes > drive->most_while_paused) drive->most_while_paused = call->bytes;
    sp_http_resume(call->http);
  }
}

static void on_dialled(void *ctx, enum sp_http_dialled what) {
  struct drive *drive = ctx;
  drive->opened += what == SP_HTTP_DIALLED_OPEN;
}

static void begin(struct drive *drive, const char *url, size_t paused, struct sp_str body) {
  static const struct sp_http_sink sink = {.on_head = on_head, .on_body = on_body, .on_done = on_done};
  struct sp_http_request request = {
      .method = body.len > 0 ? SP_STR("POST") : SP_STR("GET"),
      .url = sp_str_from(url),
      .body = body,
      .has_body = body.len > 0,
      .connection = SP_HTTP_CONNECTION_SHARED,
      .version = SP_HTTP_2,
      .timeouts = {.connect_ns = 20 * SP_NS_PER_S, .total_ns = 60 * SP_NS_PER_S},
  };
  drive->calls = sp_alloc_array(drive->count, sizeof *drive->calls);
  drive->pending = drive->count;
  drive->readers = drive->count - paused;
  if (drive->readers == 0) pause_on(drive);
  for (size_t i = 0; i < drive->count; i++) {
    drive->calls[i] = (struct call){.drive = drive, .pauses = i < paused};
    drive->calls[i].http = sp_http_start(&drive->session, &request, &sink, &drive->calls[i]);
  }
}

int main(int argc, char **argv) {
  struct sp_err err;
  struct drive drive = {0};
  if (argc < 5) return 2;
  size_t paused = strtoul(argv[3], NULL, 10), body_len = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;
  char *body = sp_alloc(body_len + 1);
  memset(body, 'b', body_len);
  struct sp_tls_context *tls = sp_tls_context_create(&(struct sp_tls_options){.insecure = true}, &err);
  drive.count = strtoul(argv[2], NULL, 10);
  drive.loop = sp_loop_create(&err);
  struct sp_http_client_options options = {.loop = drive.loop, .tls = tls, .on_dialled = on_dialled, .ctx = &drive};
  drive.client = sp_http_client_create(&options, &err);
  sp_http_session_init(&drive.session, drive.client);
  sp_timer_init(&drive.resume, drive.loop, on_resume);
  drive.pause_ns = strtol(argv[4], NULL, 10) * SP_NS_PER_MS;
  begin(&drive, argv[1], paused, sp_str_of(body, body_len));
  sp_loop_run(drive.loop);
  printf("{\"ok\": %zu, \"connections\": %zu, \"resent\": %zu, \"bytes\": %llu, \"done_before_resume\": %zu, "
         "\"most_while_paused\": %llu}\n",
         drive.ok, drive.opened, drive.resent, (unsigned long long)drive.bytes, drive.done_before_resume,
         (unsigned long long)drive.most_while_paused);
  sp_loop_destroy(drive.loop);
  sp_tls_context_destroy(tls);
  free(drive.calls);
  free(body);
  return 0;
}
