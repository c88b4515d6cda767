/* What comes to the page's server: bodies as forms, Host, Origin and Authorization headers. */
#include "base/check.h"
#include "base/mem.h"
#include "web/access.h"
#include "web/form.h"

#include <stdlib.h>
#include <string.h>

static void check_pairs(const struct sp_web_pair *pairs, size_t count) {
  SP_CHECK(count <= SP_WEB_PAIRS_MAX);
  for (size_t i = 0; i < count; i++) {
    SP_CHECK(pairs[i].key && pairs[i].value && strlen(pairs[i].value) < 1u << 20);
  }
}

static void check_form(const char *bytes, size_t len) {
  static struct sp_web_form form;
  struct sp_err err = { 0 };
  const char *field;
  memset(&form, 0, sizeof(form));
  if (sp_web_form_read(&form, bytes, len, &field, &err) == SP_OK) {
    check_pairs(form.settings, form.setting_count);
    check_pairs(form.options, form.option_count);
    SP_CHECK(!form.plan || *form.plan);
  } else {
    SP_CHECK(err.text[0]);
  }
  sp_web_form_fini(&form);
}

static void check_headers(const char *text) {
  struct sp_web_access access = { .loopback = true, .port = 8089 };
  struct sp_err err;
  SP_CHECK(sp_web_access_init(&access, "0123456789abcdef", &err) == SP_OK);
  bool here = sp_web_host_allowed(&access, text);
  access.loopback = false;
  SP_CHECK(!here || sp_web_host_allowed(&access, text)); /* elsewhere more names count, never fewer */
  SP_CHECK(!sp_web_origin_allowed(&access, text, "localhost:8089") || strcasecmp(text, "http://localhost:8089") == 0);
  SP_CHECK(!sp_web_token_allowed(&access, text) || strcmp(text, "0123456789abcdef") == 0);
  SP_CHECK(!sp_web_bearer_allowed(&access, text) || strcmp(text + 7, "0123456789abcdef") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  char *text = sp_strndup((const char *)bytes, len);
  check_form(text, len);
  check_headers(text);
  free(text);
  return 0;
}
