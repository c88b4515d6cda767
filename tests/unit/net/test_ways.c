/* Ways to a target beside DNS and connect: addresses that are said, Unix sockets, source addresses. */
#include "net_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/un.h>
#include <unistd.h>

/* -- addresses -- */

static void addresses(void **state) {
  (void)state;
  static const struct {
    const char *literal, *shown;
  } rows[] = {{"127.0.0.1", "127.0.0.1:80"}, {"::1", "[::1]:80"}, {"example.com", NULL}, {"1.2.3", NULL},
              {"[::1]", NULL},               {"", NULL},          {"::1%lo", "[::1]:80"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct sp_address address;
    char text[SP_ADDRESS_TEXT_SIZE];
    assert_int_equal(sp_address_parse(rows[i].literal, 80, &address), rows[i].shown != NULL);
    if (!rows[i].shown) continue;
    assert_string_equal(sp_address_format(&address, text, sizeof(text)), rows[i].shown);
    assert_int_equal(sp_address_port(&address.sa), 80);
  }
}

static void unix_paths(void **state) {
  (void)state;
  struct sp_address address;
  struct sp_err err;
  char text[SP_ADDRESS_TEXT_SIZE], path[200];
  assert_int_equal(sp_address_unix("/run/app.sock", &address, &err), 0);
  assert_string_equal(sp_address_format(&address, text, sizeof(text)), "unix:/run/app.sock");
  assert_int_equal(sp_address_port(&address.sa), 0);
  assert_int_equal(sp_address_unix("", &address, &err), SP_EUSAGE);
  memset(path, 'p', sizeof(path));
  path[107] = '\0';
  assert_int_equal(sp_address_unix(path, &address, &err), 0);
  path[107] = 'p';
  path[108] = '\0';
  assert_int_equal(sp_address_unix(path, &address, &err), SP_EUSAGE);
  assert_string_equal(err.text, "the path is 108 bytes long: a Unix socket's may have 107");
}

/* -- the table -- */

static void assert_found(const struct sp_resolves *resolves, const char *host, uint16_t port, const char *first) {
  char text[SP_ADDRESS_TEXT_SIZE];
  const struct sp_resolve *found = sp_resolves_find(resolves, host, port);
  if (!first) {
    assert_null(found);
    return;
  }
  assert_non_null(found);
  assert_string_equal(sp_address_format(&found->addresses[0], text, sizeof(text)), first);
}

static void resolves(void **state) {
  (void)state;
  struct sp_resolves table = {0};
  struct sp_err err;
  static const char *const lines[] = {"api.example.com:443:10.0.0.1,[::1], 10.0.0.3", "*:80:127.0.0.9",
                                      "[2001:db8::1]:8080:127.0.0.2", "twice:80:127.0.0.3", "TWICE:80:127.0.0.4"};
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
    if (sp_resolves_add(&table, lines[i], &err) < 0) fail_msg("%s: %s", lines[i], err.text);
  assert_found(&table, "API.example.com", 443, "10.0.0.1:443");
  assert_int_equal(sp_resolves_find(&table, "api.example.com", 443)->count, 3);
  assert_found(&table, "api.example.com", 444, NULL);
  assert_found(&table, "whoever", 80, "127.0.0.9:80");
  assert_found(&table, "twice", 80, "127.0.0.4:80");
  assert_found(&table, "2001:db8::1", 8080, "127.0.0.2:8080");
  assert_found(NULL, "twice", 80, NULL);
  sp_resolves_fini(&table);
}

static void resolves_refused(void **state) {
  (void)state;
  static const char *const lines[] = {"",       "host",           "host:80",        "host:80:",      ":80:1.2.3.4",
                                      "h:0:::", "h:65536:1.2.3.4", "h:8o:1.2.3.4", "h:80:name",     "h:80:::1",
                                      "[::1:80:1.2.3.4", "[::1]80:1.2.3.4", "h:80:[1.2.3.4]", "+h:80:1.2.3.4",
                                      "-h:80", "h:80:1.2.3.4,,", "h:99999999999:1.2.3.4"};
  struct sp_resolves table = {0};
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    struct sp_err err = {0};
    if (sp_resolves_add(&table, lines[i], &err) == 0) fail_msg("'%s' was taken", lines[i]);
    assert_true(err.text[0] != '\0');
  }
  assert_int_equal(table.count, 0);
  sp_resolves_fini(&table);
}

static void on_answer(struct sp_dns_query *query, const struct sp_address *found, size_t count, int64_t elapsed_ns,
                      const struct sp_err *err) {
  char text[SP_ADDRESS_TEXT_SIZE];
  (void)query;
  assert_null(err);
  assert_int_equal(count, 1);
  assert_int_equal(elapsed_ns, 0);
  assert_string_equal(sp_address_format(found, text, sizeof(text)), "127.0.0.7:81");
  query->port = 0; /* seen */
}

static void dns_asks_the_table_first(void **state) {
  (void)state;
  struct sp_resolves table = {0};
  struct sp_err err;
  struct sp_loop *loop = sp_loop_create(&err);
  struct sp_dns *dns = sp_dns_create(loop);
  static const char *const hosts[] = {"no-such-host.invalid", "127.0.0.1"};
  assert_int_equal(sp_resolves_add(&table, "*:81:127.0.0.7", &err), 0);
  sp_dns_use(dns, &table);
  for (int i = 0; i < 2; i++) {
    struct sp_dns_query query = {.on_answer = on_answer};
    sp_dns_ask(dns, hosts[i], 81, &query);
    assert_int_equal(query.port, 0);
  }
  sp_dns_destroy(dns);
  sp_loop_destroy(loop);
  sp_resolves_fini(&table);
}

/* -- Unix sockets -- */

struct unix_server {
  char folder[64], path[96];
  int fd;
  pthread_t thread;
};

static void *echo_once(void *arg) {
  struct unix_server *server = arg;
  char bytes[16];
  int fd = accept(server->fd, NULL, NULL);
  ssize_t count = fd >= 0 ? recv(fd, bytes, sizeof(bytes), 0) : 0;
  if (count > 0) (void)!write(fd, bytes, (size_t)count);
  if (fd >= 0) close(fd);
  return NULL;
}

static void start_unix(struct unix_server *server) {
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  strcpy(server->folder, "/tmp/spate-unix-XXXXXX");
  assert_non_null(mkdtemp(server->folder));
  snprintf(server->path, sizeof(server->path), "%s/s", server->folder);
  strcpy(un.sun_path, server->path);
  server->fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(server->fd, (struct sockaddr *)&un, sizeof(un)), 0);
  assert_int_equal(listen(server->fd, 1), 0);
  assert_int_equal(pthread_create(&server->thread, NULL, echo_once, server), 0);
}

static void stop_unix(struct unix_server *server) {
  pthread_join(server->thread, NULL);
  close(server->fd);
  unlink(server->path);
  rmdir(server->folder);
}

static void say_hello(struct peer *peer) { peer_write(peer, "hello"); }

static struct peer *connect_unix(struct world *w, const char *path) {
  struct sp_address address;
  struct sp_err err;
  struct peer *client = peer_create(w);
  client->on_open = say_hello;
  assert_int_equal(sp_address_unix(path, &address, &err), 0);
  client->calling = true;
  sp_conn_connect(&client->conn, &address, NULL, NULL);
  client->calling = false;
  return client;
}

static void a_unix_socket(void **state) {
  (void)state;
  struct world w;
  struct unix_server server;
  world_init(&w);
  start_unix(&server);
  struct peer *client = connect_unix(&w, server.path);
  world_run(&w);
  assert_int_equal(client->end, SP_CONN_CLOSED);
  assert_string_equal(client->got.bytes, "hello");
  assert_true(client->rx.user_ns > 0);
  assert_int_equal(client->rx.kernel_ns, 0); /* none there */
  stop_unix(&server);
  world_fini(&w);
}

static void no_unix_socket(void **state) {
  (void)state;
  struct world w;
  world_init(&w);
  struct peer *client = connect_unix(&w, "/nowhere/at/all.sock");
  world_run(&w);
  assert_int_equal(client->end, SP_CONN_REFUSED);
  assert_string_equal(client->err, "cannot connect: No such file or directory");
  assert_int_equal(client->conn.lack, SP_CONN_LACKS_NOTHING);
  world_fini(&w);
}

/* -- source addresses -- */

static void sources_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *why;
  } rows[] = {{"", "'' is no IP address"},
              {"localhost", "'localhost' is no IP address"},
              {"127.0.0.1,", "'' is no IP address"},
              {"127.0.0.1,192.0.2.1", "192.0.2.1 is no address of this machine"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct sp_sources sources;
    struct sp_err err = {0};
    assert_true(sp_sources_parse(rows[i].text, &sources, &err) < 0);
    assert_string_equal(err.text, rows[i].why);
    assert_null(sources.addresses);
  }
}

static void note_source(struct peer *peer) {
  struct sockaddr_in from = {0};
  socklen_t len = sizeof(from);
  assert_int_equal(getpeername(peer->conn.fd, (struct sockaddr *)&from, &len), 0);
  peer->number = (int)(ntohl(from.sin_addr.s_addr) & 0xff);
}

static void close_at_once(struct peer *peer) { peer_close(peer); }

static void sources_take_turns(void **state) {
  (void)state;
  struct world w;
  struct sp_sources sources;
  struct sp_err err;
  int seen[8] = {0};
  world_init(&w);
  world_listen(&w, "127.0.0.1:0");
  w.set_up = note_source;
  assert_int_equal(sp_sources_parse("127.0.0.2, 127.0.0.3,127.0.0.4", &sources, &err), 0);
  w.net.sources = &sources;
  for (int i = 0; i < 9; i++) {
    struct peer *client = peer_create(&w);
    client->on_open = close_at_once;
    peer_connect(client);
  }
  world_run(&w);
  assert_int_equal(w.accepted, 9);
  for (struct peer *peer = w.peers; peer; peer = peer->next)
    if (peer->server) seen[peer->number & 7]++;
  assert_true(seen[2] == 3 && seen[3] == 3 && seen[4] == 3);
  sp_sources_fini(&sources);
  world_fini(&w);
}

static void a_source_of_another_family(void **state) {
  (void)state;
  struct world w;
  struct sp_sources sources;
  struct sp_err err;
  world_init(&w);
  assert_int_equal(sp_sources_parse("127.0.0.2", &sources, &err), 0);
  w.net.sources = &sources;
  struct peer *client = peer_create(&w);
  peer_connect_to(client, "::1", 1, NULL);
  world_run(&w);
  assert_int_equal(client->end, SP_CONN_REFUSED);
  if (!strstr(client->err, "IPv6")) fail_msg("%s", client->err); /* a machine without it says something else */
  sp_sources_fini(&sources);
  world_fini(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses),
      cmocka_unit_test(unix_paths),
      cmocka_unit_test(resolves),
      cmocka_unit_test(resolves_refused),
      cmocka_unit_test(dns_asks_the_table_first),
      cmocka_unit_test(a_unix_socket),
      cmocka_unit_test(no_unix_socket),
      cmocka_unit_test(sources_refused),
      cmocka_unit_test(sources_take_turns),
      cmocka_unit_test(a_source_of_another_family),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
