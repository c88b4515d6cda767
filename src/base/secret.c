#include "base/secret.h"

#define SHOWN SP_NAME_SHOWN
#define SENT SP_NAME_SENT
#define EVERYWHERE (SP_NAME_SHOWN | SP_NAME_SENT | SP_NAME_INSIDE)

static const struct row {
  const char *text;
  bool part;          /* of a word; else the whole word */
  unsigned places;    /* enum sp_name_place */
  const char *unless; /* MAY: a part that goes on so is something else */
} rows[] = {
    {"passw", true, EVERYWHERE, NULL},
    {"passphrase", true, EVERYWHERE, NULL},
    {"secret", true, EVERYWHERE, NULL},
    {"credential", true, EVERYWHERE, NULL},
    {"signature", true, EVERYWHERE, NULL},
    {"apikey", true, EVERYWHERE, NULL},
    {"accesstoken", true, EVERYWHERE, NULL},
    {"authtoken", true, EVERYWHERE, NULL},
    {"refreshtoken", true, EVERYWHERE, NULL},
    {"idtoken", true, EVERYWHERE, NULL},
    {"token", false, EVERYWHERE, NULL},
    {"token", true, SHOWN, "s"}, /* max_tokens is a number */
    {"jwt", false, EVERYWHERE, NULL},
    {"pwd", false, EVERYWHERE, NULL},
    {"pwd", true, SHOWN, NULL},
    {"pass", false, EVERYWHERE, NULL},
    {"requirepass", false, EVERYWHERE, NULL}, /* of Redis */
    {"passport", false, EVERYWHERE, NULL},
    {"authorization", false, EVERYWHERE, NULL},
    {"authoriz", true, SHOWN, NULL},
    {"csrf", false, EVERYWHERE, NULL},
    {"xsrf", false, EVERYWHERE, NULL},
    {"accesskey", false, EVERYWHERE, NULL},
    {"otp", false, EVERYWHERE, NULL},
    {"key", false, SHOWN | SENT, NULL},
    {"key", true, SHOWN, NULL},
    {"auth", false, SHOWN | SENT, NULL},
    {"auth", true, SHOWN, "or"}, /* the author of a text */
    {"authentication", false, SHOWN | SENT, NULL},
    {"sig", false, SHOWN | SENT, NULL}, /* alone: "design" is no secret */
    {"sid", false, SHOWN | SENT, NULL},
    {"session", false, SHOWN | SENT, NULL},
    {"sessionid", false, SHOWN | SENT, NULL},
};

/* A "key" behind one of these is a credential wherever it stands. */
static const char *const kinds_of_key[] = {"api",    "access",  "secret",  "private", "app",     "auth", "subscription",
                                           "client", "license", "service", "master",  "account", NULL};

static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
static bool is_alnum(char c) { return is_lower(c) || is_upper(c) || (c >= '0' && c <= '9'); }

/* Cuts the next word off; empty at the end. */
static struct sp_str next_word(struct sp_str *rest) {
  size_t from = 0;
  while (from < rest->len && !is_alnum(rest->bytes[from])) from++;
  size_t to = from;
  while (to < rest->len && is_alnum(rest->bytes[to])) {
    if (to > from && is_upper(rest->bytes[to]) && is_lower(rest->bytes[to - 1])) break;
    to++;
  }
  struct sp_str word = sp_str_of(rest->bytes + from, to - from);
  *rest = sp_str_of(rest->bytes + to, rest->len - to);
  return word;
}

static bool begins(struct sp_str s, const char *text) {
  size_t len = strlen(text);
  return s.len >= len && sp_str_ieq(sp_str_of(s.bytes, len), sp_str_of(text, len));
}

static bool holds_part(struct sp_str word, const struct row *row) {
  size_t len = strlen(row->text);
  for (; word.len >= len; word = sp_str_of(word.bytes + 1, word.len - 1)) {
    if (!begins(word, row->text)) continue;
    if (!row->unless || !begins(sp_str_of(word.bytes + len, word.len - len), row->unless)) return true;
  }
  return false;
}

static bool fits(const struct row *row, struct sp_str word) {
  return row->part ? holds_part(word, row) : sp_str_ieq(word, sp_str_from(row->text));
}

static bool is_kind_of_key(struct sp_str word) {
  size_t i = 0;
  while (kinds_of_key[i] && !sp_str_ieq(word, sp_str_from(kinds_of_key[i]))) i++;
  return kinds_of_key[i] != NULL;
}

bool sp_name_is_secret(struct sp_str name, enum sp_name_place place) {
  if (sp_str_ieq(name, SP_STR("Idempotency-Key"))) return false;
  struct sp_str before = {NULL, 0}, word;
  for (struct sp_str rest = name; (word = next_word(&rest)).len; before = word) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
      if (rows[i].places & (unsigned)place && fits(&rows[i], word)) return true;
    }
    if (sp_str_ieq(word, SP_STR("key")) && is_kind_of_key(before)) return true;
  }
  return false;
}
