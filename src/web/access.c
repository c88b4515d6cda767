#include "web/access.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define RANDOM_BYTES 24u
#define HOST_MAX 255u

/* --- the token --- */

static int make_token(char *token, struct sp_err *err) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  unsigned char bytes[RANDOM_BYTES];
  if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
    return sp_fail(err, SP_EIO, "cannot make a token: %s", strerror(errno));
  }
  for (size_t i = 0; i < sizeof(bytes); i++) {
    token[i] = letters[bytes[i] % (sizeof(letters) - 1)]; /* 64 of them: no bias */
  }
  token[sizeof(bytes)] = 0;
  return SP_OK;
}

static int take_token(char *token, const char *given, struct sp_err *err) {
  size_t len = strlen(given);
  if (len < SP_WEB_TOKEN_MIN || len > SP_WEB_TOKEN_MAX) {
    return sp_fail(err, SP_EUSAGE, SP_WEB_TOKEN_VARIABLE " must have %u to %u characters, not %zu", SP_WEB_TOKEN_MIN,
                   SP_WEB_TOKEN_MAX, len);
  }
  for (size_t i = 0; i < len; i++) { /* it travels in a URL and in a cookie */
    if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", given[i])) {
      return sp_fail(err, SP_EUSAGE, SP_WEB_TOKEN_VARIABLE " must be of letters, digits, '-', '_', '.' and '~'");
    }
  }
  memcpy(token, given, len + 1);
  return SP_OK;
}

int sp_web_access_init(struct sp_web_access *access, const char *given, struct sp_err *err) {
  snprintf(access->cookie, sizeof(access->cookie), "spate_%u", access->port);
  if (gethostname(access->machine, sizeof(access->machine) - 1)) {
    access->machine[0] = 0;
  }
  if (given) {
    return take_token(access->token, given, err);
  }
  return access->loopback ? SP_OK : make_token(access->token, err);
}

bool sp_web_token_allowed(const struct sp_web_access *access, const char *token) {
  size_t len = strlen(access->token), given = token ? strlen(token) : 0;
  unsigned char different = given != len;
  for (size_t i = 0; i < given; i++) { /* its time tells the length of what was given, which the asker knows */
    different |= (unsigned char)(token[i] ^ access->token[len > 0 ? i % len : 0]);
  }
  return len == 0 || (given > 0 && !different);
}

bool sp_web_bearer_allowed(const struct sp_web_access *access, const char *authorization) {
  struct sp_str header = sp_str_from(authorization);
  bool bearer = header.len > 7 && sp_str_ieq(sp_str_of(header.bytes, 7), SP_STR("Bearer "));
  return sp_web_token_allowed(access, bearer ? header.bytes + 7 : NULL);
}

/* --- Host and Origin --- */

/* "[::1]:8089" -> "::1", its port taken off where it is ours. False: another port, or no host at all. */
static bool cut_host(const char *header, uint16_t port, char *name, size_t size) {
  char ours[8];
  size_t len = header ? strlen(header) : 0, tail = (size_t)snprintf(ours, sizeof(ours), ":%u", port);
  if (len > tail && strcmp(header + len - tail, ours) == 0) {
    len -= tail;
  }
  bool bracketed = len >= 2 && header[0] == '[' && header[len - 1] == ']';
  if (len == 0 || len >= size || (!bracketed && memchr(header, ':', len))) {
    return false;
  }
  memcpy(name, header + bracketed, len - 2 * bracketed);
  name[len - 2 * bracketed] = 0;
  return true;
}

static bool is_digits(const char *name, bool loopback) {
  struct in6_addr v6;
  struct in_addr v4;
  if (inet_pton(AF_INET, name, &v4) == 1) {
    return !loopback || ntohl(v4.s_addr) >> 24 == 127;
  }
  return inet_pton(AF_INET6, name, &v6) == 1 && (!loopback || IN6_IS_ADDR_LOOPBACK(&v6));
}

static bool is_same(const char *name, const char *ours) {
  return ours && *ours && sp_str_ieq(sp_str_from(name), sp_str_from(ours));
}

bool sp_web_host_allowed(const struct sp_web_access *access, const char *host) {
  char name[HOST_MAX + 1];
  if (!cut_host(host, access->port, name, sizeof(name))) {
    return false;
  }
  if (is_same(name, "localhost") || is_digits(name, access->loopback)) {
    return true;
  }
  return is_same(name, access->name) || (!access->loopback && is_same(name, access->machine));
}

bool sp_web_origin_allowed(const struct sp_web_access *access, const char *origin, const char *host) {
  if (!origin) {
    return true;
  }
  struct sp_str scheme = access->tls ? SP_STR("https://") : SP_STR("http://"), given = sp_str_from(origin);
  if (!host || !sp_str_starts(given, scheme)) {
    return false;
  }
  return sp_str_ieq(sp_str_of(given.bytes + scheme.len, given.len - scheme.len), sp_str_from(host));
}
