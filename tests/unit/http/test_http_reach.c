/* The client's ways to a target: a proxy that plays along or does not, addresses in turn, a cap on new connections. */
#include "harness.h"

#include "base/mem.h"

#include <stdlib.h>

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

struct scene {
  struct bed bed;
  struct sp_http_reach reach;
  struct sp_tls_context *tls;
  int dialled[3];
};

static void on_dialled(void *ctx, enum sp_http_dialled what) {
  struct bed *bed = ctx;
  sp_container_of(bed, struct scene, bed)->dialled[what]++;
}

static void open_scene(struct scene *scene, const struct step *const *scripts, size_t count) {
  struct sp_err err;
  memset(scene, 0, sizeof *scene);
  scene->tls = sp_tls_context_create(&(struct sp_tls_options){.insecure = true}, &err);
  assert_non_null(scene->tls);
  bed_open(&scene->bed, &(struct sp_http_client_options){
                            .tls = scene->tls, .reach = &scene->reach, .on_dialled = on_dialled});
  bed_serve(&scene->bed, scripts, count);
}

/* The server of the scene is the proxy. */
static void open_proxy(struct scene *scene, const char *user, const struct step *const *scripts, size_t count) {
  char url[64];
  struct sp_err err;
  open_scene(scene, scripts, count);
  snprintf(url, sizeof url, "http://%s127.0.0.1:%u", user, scene->bed.server.port);
  assert_int_equal(sp_proxies_take(&scene->reach.proxies, url, getenv, &err), 0);
}

static void close_scene(struct scene *scene) {
  bed_close(&scene->bed);
  sp_http_reach_fini(&scene->reach);
  sp_tls_context_destroy(scene->tls);
}

static void http_by_its_whole_url(void **state) {
  (void)state;
  static const struct step script[] = {EXPECT, SEND(ANSWER), AGAIN};
  struct scene scene;
  open_proxy(&scene, "me:pw@", SCRIPTS(script));
  for (int i = 0; i < 2; i++) {
    struct exchange one = {0};
    get(&scene.bed, &one, &(struct ask){.url = "http://a.test:8080/path?q=1", .body = "xy", .method = "POST"});
    assert_ok(&one, 200, "hello");
    assert_int_equal(one.result.reused, i > 0);
    const char *request = server_request(&scene.bed.server, i);
    assert_true(strncmp(request, "POST http://a.test:8080/path?q=1 HTTP/1.1\r\n", 43) == 0);
    assert_non_null(strstr(request, "\r\nHost: a.test:8080\r\n"));
    assert_non_null(strstr(request, "\r\nProxy-Authorization: Basic bWU6cHc=\r\n"));
    exchange_drop(&one);
  }
  assert_int_equal(scene.dialled[SP_HTTP_DIALLED_OPEN], 1);
  close_scene(&scene);
}

#define URL "https://a.test/"
#define H2C "http://a.test:8080/"
#define OPENED "HTTP/1.1 200 Connection established\r\n\r\n"

static void assert_fails(struct exchange *one, const struct ask *ask, enum sp_http_end end, const char *detail,
                         const struct step *const *scripts, size_t count) {
  struct scene scene;
  open_proxy(&scene, "me:secret@", scripts, count);
  get(&scene.bed, one, ask);
  assert_end(one, end, detail);
  assert_null(strstr(one->detail, "secret"));
  exchange_drop(one);
  close_scene(&scene);
}

static void tunnels_that_fail(void **state) {
  (void)state;
  static const struct step denied[] = {EXPECT, SEND("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), HOLD};
  static const struct step bad[] = {EXPECT, SEND("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno"), END};
  static const struct step garbage[] = {EXPECT, SEND("220 smtp.example.com ESMTP\r\n"), HOLD};
  static const struct step huge[] = {EXPECT, SEND("HTTP/1.1 200 OK\r\nX: "), FLOOD("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")};
  static const struct step closed[] = {EXPECT, END};
  static const struct step reset[] = {EXPECT, RST};
  static const struct step early[] = {EXPECT, SEND(OPENED "\x15\x03\x01"), HOLD};
  static const struct step no_tls[] = {EXPECT, TRICKLE(OPENED), TAKE, SEND("HTTP/1.1 400 Bad Request\r\n\r\n"), END};
  static const struct step gone[] = {EXPECT, SEND(OPENED), PAUSE(20), END};
  static const struct {
    const struct step *script;
    const char *detail;
  } rows[] = {
      {denied, "(--proxy): it answered CONNECT with 407 Proxy Authentication Required (user and password"},
      {bad, "(--proxy): it answered CONNECT with 502 Bad Gateway"},
      {garbage, "(--proxy): its answer to CONNECT: the answer is no HTTP: \"220 smtp"},
      {huge, "(--proxy): its answer to CONNECT has a head over 64 KiB"},
      {closed, "(--proxy): before its answer to CONNECT: connection closed by the peer"},
      {reset, "(--proxy): before its answer to CONNECT: connection reset by the peer"},
      {early, "(--proxy): bytes stand behind its answer to CONNECT"},
      {no_tls, "wrong version number"},
      {gone, "TLS handshake"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct exchange one = {0};
    assert_fails(&one, &(struct ask){.url = URL}, SP_HTTP_CONNECT, rows[i].detail, SCRIPTS(rows[i].script));
  }
}

/* Cut behind each byte of its head: closed, or nothing more comes. */
static void heads_cut_at_every_byte(void **state) {
  (void)state;
  for (size_t len = 0; len < sizeof OPENED - 1; len++) {
    const struct step cut[] = {EXPECT, {STEP_SEND, OPENED, len, 0}, END};
    struct exchange one = {0};
    assert_fails(&one, &(struct ask){.url = URL}, SP_HTTP_CONNECT, "before its answer to CONNECT: connection closed",
                 SCRIPTS(cut));
  }
}

static void a_stall_is_a_timeout(void **state) {
  (void)state;
  static const struct step silent[] = {EXPECT, SEND("HTTP/1.1 200 Conn"), HOLD};
  static const struct step no_handshake[] = {EXPECT, SEND(OPENED), HOLD};
  struct exchange one = {0};
  struct ask ask = {.url = URL, .timeouts.connect_ns = 100 * SP_NS_PER_MS};
  assert_fails(&one, &ask, SP_HTTP_TIMEOUT, "the proxy did not answer CONNECT within 100 ms (timeout)", SCRIPTS(silent));
  assert_fails(&one, &ask, SP_HTTP_TIMEOUT, "could not connect within 100 ms (timeout)", SCRIPTS(no_handshake));
  ask = (struct ask){.url = URL, .timeouts.total_ns = 100 * SP_NS_PER_MS};
  assert_fails(&one, &ask, SP_HTTP_TIMEOUT, "the proxy did not answer CONNECT within", SCRIPTS(silent));
}

static void hanging_up_in_a_tunnel(void **state) {
  (void)state;
  static const struct step silent[] = {EXPECT, HOLD};
  struct scene scene;
  struct exchange one = {0};
  open_proxy(&scene, "", SCRIPTS(silent));
  start(&scene.bed, &one, &(struct ask){.url = URL});
  while (atomic_load(&scene.bed.server.request_count) == 0) bed_pause(&scene.bed, 5);
  sp_http_abort(one.call);
  bed_run(&scene.bed);
  assert_end(&one, SP_HTTP_ABORTED, "hung up");
  assert_non_null(strstr(server_request(&scene.bed.server, 0), "CONNECT a.test:443 HTTP/1.1\r\n"));
  exchange_drop(&one);
  close_scene(&scene);
}

/* HTTP/2 without TLS goes through a tunnel, and may say something right behind the proxy's head. */
static void http2_without_tls(void **state) {
  (void)state;
  static const struct step answers[] = {EXPECT, SEND(OPENED "\0\0\0\4\0\0\0\0\0"), PAUSE(50), /* SETTINGS */
                                        SEND("\0\0\1\1\5\0\0\0\1\x88"), HOLD}; /* :status 200, the stream's end */
  static const struct step no_http2[] = {EXPECT, SEND(OPENED "HTTP/1.1 400 Bad Request\r\n\r\n"), HOLD};
  struct exchange one = {0};
  struct ask ask = {.url = H2C, .version = SP_HTTP_2, .timeouts.total_ns = 300 * SP_NS_PER_MS};
  assert_fails(&one, &ask, SP_HTTP_PROTOCOL, "", SCRIPTS(no_http2));
  struct scene scene;
  open_proxy(&scene, "", SCRIPTS(answers));
  get(&scene.bed, &one, &(struct ask){.url = H2C, .version = SP_HTTP_2});
  assert_ok(&one, 200, "");
  assert_true(one.result.http2 && one.result.connect_ns > 0 && one.result.tls_ns == -1);
  assert_non_null(strstr(server_request(&scene.bed.server, 0), "CONNECT a.test:8080 HTTP/1.1\r\n"));
  exchange_drop(&one);
  close_scene(&scene);
}

static void no_proxy_there(void **state) {
  (void)state;
  struct scene scene;
  struct exchange one = {0};
  struct sp_err err;
  static const struct step script[] = {END};
  open_scene(&scene, SCRIPTS(script));
  assert_int_equal(sp_proxies_take(&scene.reach.proxies, "http://127.0.0.1:1", getenv, &err), 0);
  get(&scene.bed, &one, &(struct ask){.url = URL});
  assert_end(&one, SP_HTTP_CONNECT, "proxy http://127.0.0.1:1 (--proxy): connection refused (127.0.0.1:1)");
  assert_int_equal(scene.dialled[SP_HTTP_DIALLED_OPEN], 0);
  exchange_drop(&one);
  close_scene(&scene);
}

/* -- addresses -- */

static void addresses_in_turn(void **state) {
  (void)state;
  static const struct step script[] = {EXPECT, SEND(ANSWER), END};
  static const struct {
    enum sp_dns_choice choice;
    const char *source; /* of the connections: what the server sees is not asked, but all must work */
  } rows[] = {{SP_DNS_FIRST, NULL}, {SP_DNS_ROUND_ROBIN, NULL}, {SP_DNS_RANDOM, NULL}, {SP_DNS_ROUND_ROBIN, "127.0.0.3"}};
  for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
    struct scene scene;
    struct sp_err err;
    char line[100];
    open_scene(&scene, SCRIPTS(script));
    /* 127.0.0.9 refuses (the server is at 127.0.0.1 only): the others follow. */
    snprintf(line, sizeof line, "a.test:%u:127.0.0.9,127.0.0.1", scene.bed.server.port);
    assert_int_equal(sp_resolves_add(&scene.reach.resolves, line, &err), 0);
    scene.reach.choice = rows[row].choice;
    if (rows[row].source) assert_int_equal(sp_sources_parse(rows[row].source, &scene.reach.sources, &err), 0);
    for (int i = 0; i < 6; i++) {
      struct exchange one = {0};
      snprintf(line, sizeof line, "http://a.test:%u/", scene.bed.server.port);
      get(&scene.bed, &one, &(struct ask){.url = line, .new_connection = true});
      assert_ok(&one, 200, "hello");
      assert_int_equal(one.result.dns_ns, -1);
      exchange_drop(&one);
    }
    assert_int_equal(scene.dialled[SP_HTTP_DIALLED_OPEN], 6);
    close_scene(&scene);
  }
}

/* -- the cap -- */

static void new_connections_are_capped(void **state) {
  (void)state;
  static const struct step script[] = {EXPECT, SEND(ANSWER), END};
  struct scene scene;
  struct exchange all[6] = {0};
  open_scene(&scene, SCRIPTS(script));
  sp_pacer_init(&scene.reach.pacer, 50);
  int64_t begin_ns = sp_loop_update_now(scene.bed.loop);
  for (int i = 0; i < 6; i++)
    start(&scene.bed, &all[i], &(struct ask){.new_connection = true, .timeouts.connect_ns = 60 * SP_NS_PER_MS});
  sp_http_abort(all[2].call); /* while it waits */
  bed_run(&scene.bed);
  assert_end(&all[2], SP_HTTP_ABORTED, "hung up");
  for (int i = 0; i < 6; i++) {
    if (i == 2) continue;
    assert_ok(&all[i], 200, "hello"); /* the wait is no part of connect_ns */
    int64_t turn_ns = (i - (i > 2)) * 20 * SP_NS_PER_MS - SP_PACER_CATCH_UP_NS;
    assert_true(all[i].result.first_write_ns - begin_ns >= turn_ns);
  }
  for (int i = 0; i < 6; i++) exchange_drop(&all[i]);
  struct exchange late = {0}, first = {0};
  sp_pacer_init(&scene.reach.pacer, 2);
  struct ask ask = {.new_connection = true, .timeouts.total_ns = 100 * SP_NS_PER_MS};
  start(&scene.bed, &first, &ask);
  start(&scene.bed, &late, &ask);
  bed_run(&scene.bed);
  assert_ok(&first, 200, "hello");
  assert_end(&late, SP_HTTP_TIMEOUT, "its turn to connect (the cap on new connections) did not come within 100 ms");
  exchange_drop(&first);
  exchange_drop(&late);
  close_scene(&scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(http_by_its_whole_url),  cmocka_unit_test(tunnels_that_fail),
      cmocka_unit_test(heads_cut_at_every_byte), cmocka_unit_test(a_stall_is_a_timeout),
      cmocka_unit_test(hanging_up_in_a_tunnel), cmocka_unit_test(http2_without_tls),
      cmocka_unit_test(no_proxy_there),         cmocka_unit_test(addresses_in_turn),
      cmocka_unit_test(new_connections_are_capped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
