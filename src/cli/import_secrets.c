#include "cli/import_secrets.h"

#include "base/mem.h"
#include "base/secret.h"
#include "wire/json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define MARKS_MAX 100000u /* further ones are not looked for; a plan of SP_PLAN_MAX has fewer */

void sp_import_secrets_init(struct sp_import_secrets *secrets) { memset(secrets, 0, sizeof(*secrets)); }

void sp_import_secrets_fini(struct sp_import_secrets *secrets) {
  free(secrets->marks);
  sp_import_secrets_init(secrets);
}

static bool is_one_of(const char *word, const char *const *list) {
  while (*list && strcmp(*list, word) != 0) list++;
  return *list != NULL;
}

/* ---- the list ---- */

/* A parameter's name is a local variable, too. */
static void make_name(const char *wish, char *out, size_t size) {
  static const char *const taken[] = {"and",   "break",    "do",     "else",    "elseif", "end",   "false",
                                      "for",   "function", "goto",   "if",      "in",     "local", "nil",
                                      "not",   "or",       "repeat", "return",  "then",   "true",  "until",
                                      "while", "spate",    "user",   "headers", "table",  NULL};
  size_t n = 0;
  char lower[SP_IMPORT_SECRET_NAME_MAX - 12];
  for (const char *c = wish; *c && n + 1 < sizeof(lower); c++) {
    if (isalnum((unsigned char)*c) && (unsigned char)*c < 0x80)
      lower[n++] = (char)tolower((unsigned char)*c);
    else if (n && lower[n - 1] != '_')
      lower[n++] = '_';
  }
  while (n && lower[n - 1] == '_') n--;
  lower[n] = '\0';
  bool bad = n == 0 || isdigit((unsigned char)lower[0]) || is_one_of(lower, taken);
  snprintf(out, size, "%s%s", bad ? "secret_" : "", lower);
}

static bool name_taken(const struct sp_import_secrets *secrets, const char *name) {
  for (size_t i = 0; i < secrets->count; i++) {
    if (strcmp(secrets->items[i].name, name) == 0) return true;
  }
  return false;
}

static int find_value(const struct sp_import_secrets *secrets, struct sp_str value) {
  for (size_t i = 0; i < secrets->count; i++) {
    if (!secrets->items[i].one_for_all && sp_str_eq(secrets->items[i].value, value)) return (int)i;
  }
  return -1;
}

static int add_secret(struct sp_import_secrets *secrets, const char *wish, const char *description,
                      struct sp_str value) {
  if (secrets->count == SP_IMPORT_SECRETS_MAX) return secrets->left_over++, -1;
  struct sp_import_secret secret = {.value = value};
  char name[SP_IMPORT_SECRET_NAME_MAX - 4];
  make_name(wish, name, sizeof(name));
  snprintf(secret.name, sizeof(secret.name), "%s", name);
  for (unsigned n = 2; name_taken(secrets, secret.name); n++)
    snprintf(secret.name, sizeof(secret.name), "%s_%u", name, n % 1000);
  snprintf(secret.description, sizeof(secret.description), "%s", description);
  secrets->items[secrets->count] = secret;
  return (int)secrets->count++;
}

static void add_mark(struct sp_import_secrets *secrets, struct sp_str text, int secret) {
  if (secrets->mark_count == secrets->mark_cap) {
    secrets->mark_cap = secrets->mark_cap ? secrets->mark_cap * 2 : 16;
    secrets->marks = sp_realloc(secrets->marks, secrets->mark_cap * sizeof(*secrets->marks));
  }
  secrets->marks[secrets->mark_count++] = (struct sp_import_mark){text.bytes, text.len, secret};
}

/* What a parameter is named after: a name that is one, and not half a document. */
static const char *read_wish(struct sp_str name, char *wish, size_t size) {
  bool good = name.len < size;
  for (size_t i = 0; i < name.len; i++)
    good &= isalnum((unsigned char)name.bytes[i]) || memchr("_-.[]", name.bytes[i], 5);
  snprintf(wish, size, SP_STR_FMT, SP_STR_ARG(good ? name : SP_STR("secret")));
  return wish;
}

static void mark_secret(struct sp_import_secrets *secrets, const char *wish, const char *description,
                        struct sp_str value) {
  if (value.len == 0 || secrets->mark_count >= MARKS_MAX) return;
  int secret = find_value(secrets, value);
  add_mark(secrets, value, secret >= 0 ? secret : add_secret(secrets, wish, description, value));
}

/* ---- where they stand ---- */

/* name=value&…; also a query inside a header (Referer). */
static void find_in_pairs(struct sp_import_secrets *secrets, struct sp_str pairs, enum sp_name_place place) {
  while (pairs.len) {
    struct sp_str value = sp_str_split(&pairs, '&');
    struct sp_str name = sp_str_split(&value, '=');
    char wish[SP_IMPORT_SECRET_NAME_MAX], description[128];
    if (!value.len || !sp_name_is_secret(name, place)) continue;
    read_wish(name, wish, sizeof(wish));
    snprintf(description, sizeof(description), "%s '%s', percent-encoded",
             place == SP_NAME_SENT ? "query member" : "form field", wish);
    mark_secret(secrets, wish, description, value);
  }
}

void sp_import_secrets_find_in_target(struct sp_import_secrets *secrets, struct sp_str target) {
  sp_str_split(&target, '?');
  find_in_pairs(secrets, target, SP_NAME_SENT);
}

static void find_in_authorization(struct sp_import_secrets *secrets, struct sp_str value) {
  struct sp_str rest = value;
  struct sp_str scheme = sp_str_split(&rest, ' ');
  rest = sp_str_trim(rest);
  if (sp_str_ieq(scheme, SP_STR("Bearer"))) {
    mark_secret(secrets, "key", "the key behind 'Authorization: Bearer'", rest);
  } else if (sp_str_ieq(scheme, SP_STR("Basic"))) {
    mark_secret(secrets, "basic", "what stands behind 'Authorization: Basic': printf %s 'USER:PASSWORD' | base64",
                rest);
  } else {
    mark_secret(secrets, "authorization", "the Authorization header", value);
  }
}

/* One parameter for every Cookie header: a browser's change from request to request, a user has one session. */
static void find_in_cookies(struct sp_import_secrets *secrets, struct sp_str value) {
  int secret = -1;
  for (size_t i = 0; i < secrets->count; i++) {
    if (secrets->items[i].one_for_all) secret = (int)i;
  }
  if (value.len == 0 || secrets->mark_count >= MARKS_MAX) return;
  if (secret < 0 && (secret = add_secret(secrets, "cookie", "the Cookie header: name=value; …", value)) >= 0) {
    secrets->items[secret].one_for_all = true;
  }
  add_mark(secrets, value, secret);
}

void sp_import_secrets_find_in_header(struct sp_import_secrets *secrets, struct sp_str name, struct sp_str value) {
  char wish[SP_IMPORT_SECRET_NAME_MAX], description[128];
  value = sp_str_trim(value);
  if (sp_str_ieq(name, SP_STR("Authorization")) || sp_str_ieq(name, SP_STR("Proxy-Authorization"))) {
    find_in_authorization(secrets, value);
  } else if (sp_str_ieq(name, SP_STR("Cookie"))) {
    find_in_cookies(secrets, value);
  } else if (sp_name_is_secret(name, SP_NAME_SENT)) {
    read_wish(name, wish, sizeof(wish));
    snprintf(description, sizeof(description), "header '%s'", wish);
    bool key = sp_str_ieq(name, SP_STR("api-key")) || sp_str_ieq(name, SP_STR("x-api-key")) ||
               sp_str_ieq(name, SP_STR("apikey"));
    mark_secret(secrets, key ? "key" : wish, description, value);
  } else {
    sp_import_secrets_find_in_target(secrets, value);
  }
}

static void find_in_json(struct sp_import_secrets *secrets, const struct sp_json *doc, int value,
                         struct sp_buf *scratch) {
  enum sp_json_kind kind = sp_json_kind(doc, value);
  if (kind != SP_JSON_OBJECT && kind != SP_JSON_ARRAY) return;
  for (int child = sp_json_first(doc, value); child >= 0; child = sp_json_next(doc, child)) {
    int item = kind == SP_JSON_OBJECT ? child + 1 : child;
    find_in_json(secrets, doc, item, scratch);
    if (kind != SP_JSON_OBJECT || sp_json_kind(doc, item) != SP_JSON_STRING) continue;
    struct sp_str name = sp_json_string(doc, child, scratch);
    if (!sp_name_is_secret(name, SP_NAME_INSIDE)) continue;
    char wish[SP_IMPORT_SECRET_NAME_MAX], description[128];
    read_wish(name, wish, sizeof(wish));
    snprintf(description, sizeof(description), "'%s' of the body", wish);
    mark_secret(secrets, wish, description, sp_json_raw(doc, item));
  }
}

void sp_import_secrets_find_in_field(struct sp_import_secrets *secrets, struct sp_str name, struct sp_str value) {
  char wish[SP_IMPORT_SECRET_NAME_MAX];
  if (sp_name_is_secret(name, SP_NAME_INSIDE))
    mark_secret(secrets, read_wish(name, wish, sizeof(wish)), "a field of the form", value);
}

void sp_import_secrets_find_in_auth(struct sp_import_secrets *secrets, struct sp_str user, struct sp_str password) {
  mark_secret(secrets, "auth_user", "the user's name of the Basic authentication", user);
  mark_secret(secrets, "auth_password", "the password of the Basic authentication", password);
}

/* RFC 7578: name="password" CRLF CRLF value CRLF --boundary */
static void find_in_multipart(struct sp_import_secrets *secrets, struct sp_str body) {
  const char *end = body.bytes + body.len, *at = body.bytes;
  while ((at = memmem(at, (size_t)(end - at), "; name=\"", 8))) {
    at += 8;
    const char *quote = memchr(at, '"', (size_t)(end - at));
    const char *start = quote ? memmem(quote, (size_t)(end - quote), "\r\n\r\n", 4) : NULL;
    const char *stop = start ? memmem(start + 4, (size_t)(end - start - 4), "\r\n--", 4) : NULL;
    if (!stop) return;
    struct sp_str name = sp_str_of(at, (size_t)(quote - at));
    sp_import_secrets_find_in_field(secrets, name, sp_str_of(start + 4, (size_t)(stop - start - 4)));
    at = stop;
  }
}

void sp_import_secrets_find_in_body(struct sp_import_secrets *secrets, struct sp_str body) {
  struct sp_json doc;
  struct sp_buf scratch;
  sp_json_init(&doc);
  sp_buf_init(&scratch, body.len + 16);
  if (body.len && sp_json_parse(&doc, body, NULL) == 0) {
    find_in_json(secrets, &doc, 0, &scratch);
  } else if (body.len > 2 && memcmp(body.bytes, "--", 2) == 0) {
    find_in_multipart(secrets, body);
  } else {
    find_in_pairs(secrets, body, SP_NAME_INSIDE);
  }
  sp_buf_fini(&scratch);
  sp_json_fini(&doc);
}

/* ---- finding them again ---- */

static int by_place(const void *a, const void *b) {
  uintptr_t x = (uintptr_t)((const struct sp_import_mark *)a)->at,
            y = (uintptr_t)((const struct sp_import_mark *)b)->at;
  return x < y ? -1 : x > y;
}

/* Long enough to be no accident, and no plain word: "password=password" must not turn every "password" into one. */
static bool is_searched(struct sp_str value) {
  bool word = true;
  for (size_t i = 0; i < value.len; i++) word &= isalpha((unsigned char)value.bytes[i]) != 0;
  return value.len >= SP_IMPORT_SECRET_MIN && !(word && value.len < SP_IMPORT_WORD_MAX);
}

/* A name can hold what is elsewhere a secret. */
static void hide_in_names(struct sp_import_secrets *secrets) {
  char value[SP_IMPORT_SECRET_NAME_MAX];
  for (size_t i = 0; i < secrets->count; i++) {
    if (!is_searched(secrets->items[i].value)) continue;
    char *text = sp_strndup(secrets->items[i].value.bytes, secrets->items[i].value.len);
    make_name(text, value, sizeof(value));
    for (size_t j = 0; j < secrets->count; j++) {
      struct sp_import_secret *other = &secrets->items[j];
      if (!strstr(other->description, text) && (strlen(value) < SP_IMPORT_SECRET_MIN || !strstr(other->name, value)))
        continue;
      snprintf(other->name, sizeof(other->name), "hidden_%zu", j + 1);
      snprintf(other->description, sizeof(other->description), "a secret of the command or recording");
    }
    free(text);
  }
}

void sp_import_secrets_sort(struct sp_import_secrets *secrets) {
  hide_in_names(secrets);
  if (secrets->mark_count) qsort(secrets->marks, secrets->mark_count, sizeof(*secrets->marks), by_place);
}

static const struct sp_import_mark *first_mark(const struct sp_import_secrets *secrets, struct sp_str text) {
  size_t low = 0, high = secrets->mark_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if ((uintptr_t)secrets->marks[middle].at < (uintptr_t)text.bytes)
      low = middle + 1;
    else
      high = middle;
  }
  const struct sp_import_mark *mark = low < secrets->mark_count ? &secrets->marks[low] : NULL;
  return mark && (uintptr_t)mark->at + mark->len <= (uintptr_t)text.bytes + text.len ? mark : NULL;
}

bool sp_import_secrets_next(const struct sp_import_secrets *secrets, struct sp_str text, struct sp_import_mark *out) {
  const struct sp_import_mark *mark = first_mark(secrets, text);
  *out = mark ? *mark : (struct sp_import_mark){NULL, 0, -1};
  for (size_t i = 0; i < secrets->count && text.len; i++) {
    struct sp_str value = secrets->items[i].value;
    if (!is_searched(value)) continue;
    const char *found = memmem(text.bytes, text.len, value.bytes, value.len);
    if (found && (!out->at || found < out->at)) *out = (struct sp_import_mark){found, value.len, (int)i};
  }
  return out->at != NULL;
}
