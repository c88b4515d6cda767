#include "net/dns.h"

#include "base/map.h"
#include "base/mem.h"

#include <netdb.h>
#include <stdlib.h>

#define HOST_MAX 255

enum { ASKING = 1, KNOWN, FAILED };

struct entry { /* one name */
  struct sp_dns *dns;
  char *host;
  int state;                         /* 0: never asked */
  struct lookup *lookup;             /* while ASKING */
  struct sp_dns_query *first, *last; /* who waits, in the order of asking */
  struct sp_address *addresses;
  size_t count;
  int64_t keep_until_ns;
  struct sp_err err;
};

/* What libuv holds on to: lives until its callback, also when the resolver is gone. */
struct lookup {
  uv_getaddrinfo_t uv;
  struct entry *entry; /* NULL: nobody waits any more */
};

struct sp_dns {
  struct sp_loop *loop;
  const struct sp_resolves *resolves; /* NULL: none */
  struct sp_map entries;              /* host -> struct entry */
};

struct sp_dns *sp_dns_create(struct sp_loop *loop) {
  struct sp_dns *dns = sp_alloc(sizeof(*dns));
  dns->loop = loop;
  sp_map_init(&dns->entries);
  return dns;
}

void sp_dns_use(struct sp_dns *dns, const struct sp_resolves *resolves) { dns->resolves = resolves; }

static void destroy_entry(struct entry *entry) {
  if (entry->lookup) {
    entry->lookup->entry = NULL;
    (void)uv_cancel((uv_req_t *)&entry->lookup->uv); /* fails where it runs already: its callback still comes */
  }
  for (struct sp_dns_query *q = entry->first; q; q = q->next) q->entry = NULL;
  free(entry->addresses);
  free(entry->host);
  free(entry);
}

void sp_dns_destroy(struct sp_dns *dns) {
  if (!dns) return;
  for (size_t i = 0; i < dns->entries.count; i++) destroy_entry(dns->entries.entries[i].value);
  sp_map_fini(&dns->entries);
  free(dns);
}

/* -- answers -- */

static void answer_failed(struct sp_dns_query *query, int64_t elapsed_ns, const struct sp_err *err) {
  query->on_answer(query, NULL, 0, elapsed_ns, err);
}

static void answer(const struct entry *entry, struct sp_dns_query *query, int64_t elapsed_ns) {
  if (entry->state == FAILED) {
    struct sp_err err = entry->err; /* the entry may ask anew inside the call */
    answer_failed(query, elapsed_ns, &err);
    return;
  }
  struct sp_address addresses[SP_DNS_ADDRESSES_MAX];
  memcpy(addresses, entry->addresses, entry->count * sizeof(addresses[0]));
  for (size_t i = 0; i < entry->count; i++) sp_address_set_port(&addresses[i], query->port);
  query->on_answer(query, addresses, entry->count, elapsed_ns, NULL);
}

static void explain(struct entry *entry, int status) {
  switch (status) {
  case UV_EAI_NONAME:
  case UV_EAI_NODATA: sp_fail(&entry->err, SP_ENOTFOUND, "host '%s' is not known", entry->host); break;
  case UV_EAI_AGAIN: sp_fail(&entry->err, SP_ENOTFOUND, "no name server answers for host '%s'", entry->host); break;
  default: sp_fail(&entry->err, SP_ENOTFOUND, "cannot look up host '%s': %s", entry->host, uv_strerror(status));
  }
}

static void take_addresses(struct entry *entry, const struct addrinfo *list) {
  entry->addresses = sp_realloc(entry->addresses, SP_DNS_ADDRESSES_MAX * sizeof(entry->addresses[0]));
  entry->count = 0;
  for (; list && entry->count < SP_DNS_ADDRESSES_MAX; list = list->ai_next) {
    if (list->ai_family != AF_INET && list->ai_family != AF_INET6) continue;
    struct sp_address *address = &entry->addresses[entry->count++];
    memset(address, 0, sizeof(*address));
    memcpy(&address->sa, list->ai_addr, list->ai_addrlen);
    address->len = list->ai_addrlen;
  }
}

static void settle(struct entry *entry, int status, const struct addrinfo *list) {
  int64_t now_ns = sp_loop_update_now(entry->dns->loop);
  if (status == 0) take_addresses(entry, list);
  if (status == 0 && entry->count == 0) status = UV_EAI_NODATA;
  if (status != 0) explain(entry, status);
  entry->state = status == 0 ? KNOWN : FAILED;
  entry->keep_until_ns = now_ns + (status == 0 ? SP_DNS_KEEP_NS : SP_DNS_FAILED_KEEP_NS);
}

/* Only those who wait now: one that asks again inside its answer belongs to the next look-up. */
static void answer_waiting(struct entry *entry) {
  int64_t now_ns = sp_loop_now(entry->dns->loop);
  while (entry->first && entry->state != ASKING) {
    struct sp_dns_query *query = entry->first;
    entry->first = query->next;
    if (!entry->first) entry->last = NULL;
    query->entry = NULL;
    answer(entry, query, now_ns - query->asked_ns);
  }
}

static void on_looked_up(uv_getaddrinfo_t *uv, int status, struct addrinfo *list) {
  struct lookup *lookup = sp_container_of(uv, struct lookup, uv);
  struct entry *entry = lookup->entry;
  free(lookup);
  if (entry) {
    entry->lookup = NULL;
    settle(entry, status, list);
  }
  if (list) uv_freeaddrinfo(list);
  if (entry) answer_waiting(entry);
}

/* -- asking -- */

static void wait_for(struct entry *entry, struct sp_dns_query *query) {
  query->entry = entry;
  query->next = NULL;
  query->asked_ns = sp_loop_update_now(entry->dns->loop);
  if (entry->last) entry->last->next = query;
  else entry->first = query;
  entry->last = query;
}

static int look_up(struct entry *entry) {
  struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
  struct lookup *lookup = sp_alloc(sizeof(*lookup));
  lookup->entry = entry;
  int rc = uv_getaddrinfo(sp_loop_uv(entry->dns->loop), &lookup->uv, on_looked_up, entry->host, NULL, &hints);
  if (rc < 0) {
    free(lookup);
    return rc;
  }
  entry->lookup = lookup;
  entry->state = ASKING;
  return 0;
}

static struct entry *entry_of(struct sp_dns *dns, const char *host) { /* NULL: too many names */
  struct entry *entry = sp_map_get(&dns->entries, sp_str_from(host));
  if (entry || dns->entries.count >= SP_DNS_NAMES_MAX) return entry;
  entry = sp_alloc(sizeof(*entry));
  entry->dns = dns;
  entry->host = sp_strdup(host);
  *sp_map_put(&dns->entries, sp_str_from(host)) = entry;
  return entry;
}

static void ask_entry(struct entry *entry, struct sp_dns_query *query) {
  int64_t now_ns = sp_loop_now(entry->dns->loop);
  if ((entry->state == KNOWN || entry->state == FAILED) && now_ns < entry->keep_until_ns) {
    answer(entry, query, 0);
    return;
  }
  if (entry->state != ASKING) {
    int rc = look_up(entry);
    if (rc < 0) {
      settle(entry, rc, NULL);
      answer(entry, query, 0);
      return;
    }
  }
  wait_for(entry, query);
}

void sp_dns_ask(struct sp_dns *dns, const char *host, uint16_t port, struct sp_dns_query *query) {
  struct sp_address literal;
  struct sp_err err;
  query->next = NULL;
  query->entry = NULL;
  query->port = port;
  const struct sp_resolve *resolve = sp_resolves_find(dns->resolves, host, port);
  if (resolve) {
    query->on_answer(query, resolve->addresses, resolve->count, 0, NULL);
    return;
  }
  if (sp_address_parse(host, port, &literal)) {
    query->on_answer(query, &literal, 1, 0, NULL);
    return;
  }
  if (host[0] == '\0' || strlen(host) > HOST_MAX) {
    sp_fail(&err, SP_EUSAGE, "host name is empty or longer than %d characters", HOST_MAX);
    answer_failed(query, 0, &err);
    return;
  }
  struct entry *entry = entry_of(dns, host);
  if (entry) {
    ask_entry(entry, query);
    return;
  }
  sp_fail(&err, SP_ELIMIT, "more than %u host names (SP_DNS_NAMES_MAX)", SP_DNS_NAMES_MAX);
  answer_failed(query, 0, &err);
}

void sp_dns_cancel(struct sp_dns *dns, struct sp_dns_query *query) {
  (void)dns;
  struct entry *entry = query->entry;
  if (!entry) return;
  struct sp_dns_query *before = NULL;
  for (struct sp_dns_query *q = entry->first; q && q != query; q = q->next) before = q;
  if (before) before->next = query->next;
  else entry->first = query->next;
  if (entry->last == query) entry->last = before;
  query->entry = NULL;
}
