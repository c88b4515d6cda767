/* A statement's text: nothing of a literal is left, so what comes out has none and stays as it is when it goes in again. */
#include "base/check.h"
#include "watch/sql_text.h"

#define TEXT_MAX 4000u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  char text[TEXT_MAX];
  size_t filled = sp_sql_text(text, sizeof(text), sp_str_of((const char *)bytes, len));
  SP_CHECK(filled <= sizeof(text));
  bool in_identifier = false;
  for (size_t i = 0; i < filled; i++) {
    in_identifier ^= text[i] == '"';
    SP_CHECK(in_identifier || text[i] != '\'');
    SP_CHECK((unsigned char)text[i] >= ' ');
  }
  return 0;
}
