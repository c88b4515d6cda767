#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void check(const char *name, unsigned places) {
  for (unsigned place = SP_NAME_SHOWN; place <= SP_NAME_INSIDE; place *= 2) {
    bool secret = sp_name_is_secret(sp_str_from(name), (enum sp_name_place)place);
    if (secret != ((places & place) != 0)) fail_msg("'%s' in place %u: %d", name, place, secret);
  }
}

static void names(void **state) {
  (void)state;
  const unsigned all = SP_NAME_SHOWN | SP_NAME_SENT | SP_NAME_INSIDE, out = SP_NAME_SHOWN | SP_NAME_SENT;
  static const char *const everywhere[] = {
      "token",         "X-Api-Key",    "apiKey",      "api_key",     "API-KEY",  "access_token", "accessToken",
      "password",      "new_password", "passwd",      "pwd",         "secret",   "client_secret", "Authorization",
      "X-Amz-Signature", "credentials", "csrf_token", "X-CSRF-Token", "jwt",     "idtoken",      "my.private.key"};
  for (size_t i = 0; i < sizeof(everywhere) / sizeof(everywhere[0]); i++) check(everywhere[i], all);
  static const char *const outside[] = {"key", "sig", "sid", "session", "auth", "X-Auth"};
  for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) check(outside[i], out);
  static const char *const shown[] = {"mykey", "keys", "SPATE_DIFYKEY", "sometoken", "authx", "userpwd", "authorize"};
  for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) check(shown[i], SP_NAME_SHOWN);
  static const char *const plain[] = {"", "-", "query", "max_tokens", "maxTokens", "author", "authors", "design",
                                      "Idempotency-Key", "side", "users", "compass", "\xc3\xa9t\xc3\xa9"};
  for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) check(plain[i], 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
