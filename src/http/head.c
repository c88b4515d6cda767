/*
 * A request's head, ready to be sent. Load asks for the same again and again: the newest heads are kept, and calls that
 * ask for the same share one. What has to be parsed, checked and put together is done once then.
 */
#include "http/internal.h"
#include "http/request_head.h"

#include "base/mem.h"

#include <stdlib.h>

#define KEPT_BYTES_MAX 4096u /* of the text of a head that is kept: cookies and tokens can be long */

/* What a head is made of: requests that say the same of it have the same head. */
struct key {
  struct sp_str method, url, headers;
  size_t body_len;
  bool has_body, gzip, each;
  uint8_t version;
};

struct sp_http_head {
  unsigned refs;
  struct sp_http_origin *origin;
  bool closes;
  struct key key; /* the slices are of `said` */
  struct sp_buf text;
  struct sp_h2_head *h2; /* the same for HTTP/2; NULL: not asked for yet */
  char said[];
};

static struct key key_of(const struct sp_http_request *request) {
  return (struct key){.method = request->method, .url = request->url, .headers = request->headers,
                      .body_len = request->body.len, .has_body = request->has_body, .gzip = request->gzip,
                      .each = request->connection == SP_HTTP_CONNECTION_REQUEST,
                      .version = (uint8_t)request->version};
}

static bool same(const struct key *a, const struct key *b) {
  return a->body_len == b->body_len && a->has_body == b->has_body && a->gzip == b->gzip && a->each == b->each &&
         a->version == b->version && sp_str_eq(a->url, b->url) && sp_str_eq(a->headers, b->headers) &&
         sp_str_eq(a->method, b->method);
}

/* Which place it may be kept at: URLs tell requests apart, mostly by their ends. */
static struct sp_http_head **place_of(struct sp_http_client *client, const struct key *key) {
  unsigned mixed = (unsigned)(key->headers.len + key->body_len);
  for (size_t i = key->url.len; i > 0 && key->url.len - i < 16; i--)
    mixed = mixed * 31 + (unsigned char)key->url.bytes[i - 1];
  return &client->heads[(mixed ^ mixed >> 8) % SP_HTTP_HEADS_KEPT];
}

static struct sp_str keep(char **to, struct sp_str s) {
  struct sp_str kept = sp_str_of(*to, s.len);
  if (s.len) memcpy(*to, s.bytes, s.len);
  *to += s.len;
  return kept;
}

static struct sp_http_head *create(const struct key *key) {
  struct sp_http_head *head = sp_alloc(sizeof *head + key->method.len + key->url.len + key->headers.len);
  char *to = head->said;
  head->refs = 1;
  head->key = *key;
  head->key.method = keep(&to, key->method);
  head->key.url = keep(&to, key->url);
  head->key.headers = keep(&to, key->headers);
  sp_buf_init(&head->text, SP_HTTP_REQUEST_MAX);
  return head;
}

static int fill(struct sp_http_head *head, struct sp_http_client *client, const struct sp_http_request *request,
                struct sp_err *err) {
  struct sp_url url;
  int failed = sp_url_parse(request->url, &url, err);
  if (failed) return failed;
  head->origin = sp_http_origin_of(client, &url, err);
  if (!head->origin) return err->code;
  bool tunnels = sp_http_tunnels(head->origin, request->version);
  return sp_http_request_build(request, &url, tunnels ? NULL : head->origin->proxy, &head->text, &head->closes, err);
}

struct sp_http_head *sp_http_head_of(struct sp_http_client *client, const struct sp_http_request *request,
                                     struct sp_err *err) {
  struct key key = key_of(request);
  struct sp_http_head **place = place_of(client, &key);
  struct sp_http_head *head = *place;
  if (!head || !same(&head->key, &key)) {
    head = create(&key);
    if (fill(head, client, request, err)) {
      sp_http_head_unref(head);
      return NULL;
    }
    if (head->text.len > KEPT_BYTES_MAX) return head;
    sp_http_head_unref(*place);
    *place = head;
  }
  head->refs++;
  return head;
}

void sp_http_head_unref(struct sp_http_head *head) {
  if (!head || --head->refs > 0) return;
  sp_h2_head_destroy(head->h2);
  sp_buf_fini(&head->text);
  free(head);
}

struct sp_http_origin *sp_http_head_origin(const struct sp_http_head *head) { return head->origin; }
bool sp_http_head_closes(const struct sp_http_head *head) { return head->closes; }
struct sp_str sp_http_head_text(const struct sp_http_head *head) { return sp_buf_str(&head->text); }

const struct sp_h2_head *sp_http_head_h2(struct sp_http_head *head, struct sp_err *err) {
  if (!head->h2) head->h2 = sp_h2_head_create(sp_buf_str(&head->text), head->origin->tls, err);
  return head->h2;
}

void sp_http_heads_fini(struct sp_http_client *client) {
  for (size_t i = 0; i < SP_HTTP_HEADS_KEPT; i++) sp_http_head_unref(client->heads[i]);
}
