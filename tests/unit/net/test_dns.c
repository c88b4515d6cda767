/* Names to addresses: literals, localhost, an unknown name, sharing, cancelling, destroying with queries under way. */
#include "net_test.h"

#include "net/dns.h"

#include <arpa/inet.h>
#include <netinet/in.h>

struct asker {
  struct sp_dns_query query;
  struct sp_loop *loop; /* stopped when `waiting` is down to 0 */
  int *waiting;
  int answers;
  size_t count;
  struct sp_address addresses[SP_DNS_ADDRESSES_MAX];
  int64_t elapsed_ns;
  struct sp_err err;
  void (*then)(struct asker *asker); /* MAY */
};

static void on_answer(struct sp_dns_query *query, const struct sp_address *addresses, size_t count, int64_t elapsed_ns,
                      const struct sp_err *err) {
  struct asker *asker = sp_container_of(query, struct asker, query);
  asker->answers++;
  asker->count = count;
  asker->elapsed_ns = elapsed_ns;
  assert_true((count == 0) == (err != NULL));
  if (count > 0) memcpy(asker->addresses, addresses, count * sizeof(addresses[0]));
  if (err) asker->err = *err;
  if (asker->waiting && --*asker->waiting == 0) sp_loop_stop(asker->loop);
  if (asker->then) asker->then(asker);
}

static struct asker asker_of(struct sp_loop *loop, int *waiting) {
  return (struct asker){ .query = { .on_answer = on_answer }, .loop = loop, .waiting = waiting };
}

static void assert_address(const struct sp_address *address, const char *literal, uint16_t port) {
  char text[INET6_ADDRSTRLEN];
  if (address->sa.ss_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->sa;
    assert_string_equal(inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)), literal);
    assert_int_equal(ntohs(in->sin_port), port);
    assert_int_equal(address->len, sizeof(*in));
  } else {
    const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&address->sa;
    assert_int_equal(in->sin6_family, AF_INET6);
    assert_string_equal(inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof(text)), literal);
    assert_int_equal(ntohs(in->sin6_port), port);
    assert_int_equal(address->len, sizeof(*in));
  }
}

static void test_literals(void **state) {
  (void)state;
  struct sp_loop *loop = sp_loop_create(NULL);
  struct sp_dns *dns = sp_dns_create(loop);
  static const char *const literals[][2] = { { "127.0.0.1", "127.0.0.1" }, { "::1", "::1" }, { "fe80::1%1", "fe80::1" },
                                             { "fe80::1%lo", "fe80::1" } };
  for (size_t i = 0; i < 4; i++) {
    struct asker asker = asker_of(loop, NULL);
    sp_dns_ask(dns, literals[i][0], (uint16_t)(80 + i), &asker.query);
    assert_int_equal(asker.answers, 1); /* at once */
    assert_int_equal(asker.count, 1);
    assert_int_equal(asker.elapsed_ns, 0);
    assert_address(&asker.addresses[0], literals[i][1], (uint16_t)(80 + i));
    if (i >= 2) assert_int_equal(((struct sockaddr_in6 *)&asker.addresses[0].sa)->sin6_scope_id, 1);
    sp_dns_cancel(dns, &asker.query); /* fine when it has ended */
  }
  sp_dns_destroy(dns);
  sp_loop_destroy(loop);
}

static void test_names_that_cannot_be_asked(void **state) {
  (void)state;
  struct sp_loop *loop = sp_loop_create(NULL);
  struct sp_dns *dns = sp_dns_create(loop);
  char longest[400];
  memset(longest, 'a', sizeof(longest) - 1);
  longest[sizeof(longest) - 1] = '\0';
  const char *const names[] = { "", longest };
  for (size_t i = 0; i < 2; i++) {
    struct asker asker = asker_of(loop, NULL);
    sp_dns_ask(dns, names[i], 80, &asker.query);
    assert_int_equal(asker.answers, 1);
    assert_int_equal(asker.count, 0);
    assert_true(strlen(asker.err.text) > 0);
  }
  sp_dns_destroy(dns);
  sp_loop_destroy(loop);
}

static void test_two_share_one_query(void **state) {
  (void)state;
  struct sp_loop *loop = sp_loop_create(NULL);
  struct sp_dns *dns = sp_dns_create(loop);
  int waiting = 2;
  struct asker a = asker_of(loop, &waiting), b = asker_of(loop, &waiting), c = asker_of(loop, NULL);
  sp_dns_ask(dns, "localhost", 80, &a.query);
  sp_dns_ask(dns, "localhost", 81, &b.query);
  sp_dns_ask(dns, "localhost", 82, &c.query);
  assert_int_equal(a.answers + b.answers, 0); /* from the loop */
  assert_ptr_equal(a.query.entry, b.query.entry);
  assert_int_equal(sp_loop_uv(loop)->active_reqs.count, 1); /* one look-up for three */
  sp_dns_cancel(dns, &c.query);
  sp_loop_run(loop);
  assert_int_equal(a.answers, 1);
  assert_int_equal(b.answers, 1);
  assert_int_equal(c.answers, 0);
  assert_true(a.count >= 1 && a.count == b.count);
  assert_true(a.elapsed_ns >= b.elapsed_ns && b.elapsed_ns >= 0);
  for (size_t i = 0; i < a.count; i++) {
    const char *literal = a.addresses[i].sa.ss_family == AF_INET ? "127.0.0.1" : "::1";
    assert_address(&a.addresses[i], literal, 80);
    assert_address(&b.addresses[i], literal, 81);
  }
  sp_dns_ask(dns, "localhost", 83, &c.query); /* kept: at once */
  assert_int_equal(c.answers, 1);
  assert_int_equal(c.elapsed_ns, 0);
  assert_address(&c.addresses[0], c.addresses[0].sa.ss_family == AF_INET ? "127.0.0.1" : "::1", 83);
  sp_dns_destroy(dns);
  sp_loop_destroy(loop);
}

static void test_unknown_name(void **state) {
  (void)state;
  struct sp_loop *loop = sp_loop_create(NULL);
  struct sp_dns *dns = sp_dns_create(loop);
  int waiting = 1;
  struct asker a = asker_of(loop, &waiting), b = asker_of(loop, NULL);
  sp_dns_ask(dns, "nosuchhost.invalid", 80, &a.query);
  sp_loop_run(loop);
  assert_int_equal(a.answers, 1);
  assert_int_equal(a.count, 0);
  assert_non_null(strstr(a.err.text, "nosuchhost.invalid"));
  sp_dns_ask(dns, "nosuchhost.invalid", 80, &b.query); /* kept for a second */
  assert_int_equal(b.answers, 1);
  assert_string_equal(b.err.text, a.err.text);
  sp_dns_destroy(dns);
  sp_loop_destroy(loop);
}

struct chain { /* cancels its neighbour inside its own answer, and asks again */
  struct asker asker, neighbour, again;
  struct sp_dns *dns;
};

static void cancel_neighbour(struct asker *asker) {
  struct chain *chain = sp_container_of(asker, struct chain, asker);
  sp_dns_cancel(chain->dns, &chain->neighbour.query);
  sp_dns_ask(chain->dns, "localhost", 7, &chain->again.query);
}

static void test_cancel_and_ask_inside_an_answer(void **state) {
  (void)state;
  struct sp_loop *loop = sp_loop_create(NULL);
  struct chain chain = { .dns = sp_dns_create(loop) };
  int waiting = 3;
  struct asker first = asker_of(loop, &waiting), last = asker_of(loop, &waiting);
  chain.asker = asker_of(loop, &waiting);
  chain.asker.then = cancel_neighbour;
  chain.neighbour = asker_of(loop, NULL);
  chain.again = asker_of(loop, NULL);
  sp_dns_ask(chain.dns, "localhost", 1, &first.query);
  sp_dns_ask(chain.dns, "localhost", 2, &chain.asker.query);
  sp_dns_ask(chain.dns, "localhost", 3, &chain.neighbour.query);
  sp_dns_ask(chain.dns, "localhost", 4, &last.query);
  sp_loop_run(loop);
  assert_int_equal(chain.neighbour.answers, 0);
  assert_int_equal(chain.again.answers, 1);
  assert_int_equal(last.answers, 1);
  sp_dns_destroy(chain.dns);
  sp_loop_destroy(loop);
}

static void test_destroy_while_asking(void **state) {
  (void)state;
  struct sp_loop *loop = sp_loop_create(NULL);
  struct sp_dns *dns = sp_dns_create(loop);
  struct asker askers[20];
  for (int i = 0; i < 20; i++) {
    char name[64];
    snprintf(name, sizeof(name), "host%d.invalid", i / 10);
    askers[i] = asker_of(loop, NULL);
    sp_dns_ask(dns, i % 2 == 1 ? "localhost" : name, 80, &askers[i].query);
  }
  sp_dns_cancel(dns, &askers[0].query);
  sp_dns_destroy(dns);
  sp_loop_destroy(loop); /* the look-ups end in here */
  for (int i = 0; i < 20; i++) assert_int_equal(askers[i].answers, 0);
}

static void test_too_many_names(void **state) {
  (void)state;
  struct sp_loop *loop = sp_loop_create(NULL);
  struct sp_dns *dns = sp_dns_create(loop);
  static struct asker askers[SP_DNS_NAMES_MAX + 1];
  for (size_t i = 0; i <= SP_DNS_NAMES_MAX; i++) {
    char name[64];
    snprintf(name, sizeof(name), "\xff%zu", i); /* no UTF-8: refused before any name server is asked */
    askers[i] = asker_of(loop, NULL);
    sp_dns_ask(dns, name, 80, &askers[i].query);
    assert_int_equal(askers[i].answers, 1);
    assert_int_equal(askers[i].count, 0);
  }
  assert_null(strstr(askers[SP_DNS_NAMES_MAX - 1].err.text, "SP_DNS_NAMES_MAX"));
  assert_non_null(strstr(askers[SP_DNS_NAMES_MAX].err.text, "SP_DNS_NAMES_MAX"));
  sp_dns_destroy(dns);
  sp_loop_destroy(loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_literals),
    cmocka_unit_test(test_names_that_cannot_be_asked),
    cmocka_unit_test(test_two_share_one_query),
    cmocka_unit_test(test_unknown_name),
    cmocka_unit_test(test_cancel_and_ask_inside_an_answer),
    cmocka_unit_test(test_destroy_while_asking),
    cmocka_unit_test(test_too_many_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
