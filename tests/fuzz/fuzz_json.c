/* JSON: what is taken can be walked, written out and read back to the same; any bytes become a JSON string. */
#include "base/check.h"
#include "wire/json.h"

#define TEXT_MAX (64u << 20)

/* Any bytes can be written as a string; what is read back is those bytes where they are UTF-8, and written again it
 * is the same text. */
static void check_append(struct sp_str raw) {
  struct sp_buf once, twice, scratch;
  struct sp_json doc;
  sp_json_init(&doc);
  sp_buf_init(&once, TEXT_MAX);
  sp_buf_init(&twice, TEXT_MAX);
  sp_buf_init(&scratch, TEXT_MAX);
  SP_CHECK(sp_json_append_string(&once, raw) == SP_OK);
  SP_CHECK(sp_json_parse(&doc, sp_buf_str(&once), NULL) == SP_OK);
  struct sp_str back = sp_json_string(&doc, 0, &scratch);
  SP_CHECK(back.len >= raw.len); /* U+FFFD is three bytes for at most three */
  bool replaced = back.len && memmem(back.bytes, back.len, "\xEF\xBF\xBD", 3);
  SP_CHECK(replaced || sp_str_eq(back, raw));
  SP_CHECK(sp_json_append_string(&twice, back) == SP_OK);
  SP_CHECK(sp_str_eq(sp_buf_str(&once), sp_buf_str(&twice)));
  sp_buf_fini(&scratch);
  sp_buf_fini(&twice);
  sp_buf_fini(&once);
  sp_json_fini(&doc);
}

static void check_string(const struct sp_json *doc, int value) {
  struct sp_buf scratch;
  sp_buf_init(&scratch, TEXT_MAX);
  struct sp_str text = sp_json_string(doc, value, &scratch);
  SP_CHECK(text.len <= sp_json_raw(doc, value).len);
  check_append(text);
  sp_buf_fini(&scratch);
}

/* A key found again by its meaning leads to that member or an earlier one of the same name. */
static void check_key(const struct sp_json *doc, int object, int key) {
  struct sp_buf scratch, name;
  sp_buf_init(&scratch, TEXT_MAX);
  sp_buf_init(&name, TEXT_MAX);
  sp_buf_append_str(&name, sp_json_string(doc, key, &scratch));
  sp_buf_append(&name, "", 0);
  if (!memchr(name.bytes, '\0', name.len)) {
    int found = sp_json_get(doc, object, name.bytes);
    SP_CHECK(found > object && found <= key + 1);
    SP_CHECK(sp_str_eq(sp_json_string(doc, found - 1, &scratch), sp_buf_str(&name)));
  }
  sp_buf_fini(&name);
  sp_buf_fini(&scratch);
}

static void dump(const struct sp_json *doc, int value, struct sp_buf *out) {
  enum sp_json_kind kind = sp_json_kind(doc, value);
  bool is_object = kind == SP_JSON_OBJECT;
  int seen = 0;
  SP_CHECK(kind != SP_JSON_ABSENT);
  if (kind == SP_JSON_STRING) check_string(doc, value);
  if (!is_object && kind != SP_JSON_ARRAY) {
    const char *quote = kind == SP_JSON_STRING ? "\"" : "";
    sp_buf_append_text(out, quote);
    sp_buf_append_str(out, sp_json_raw(doc, value));
    sp_buf_append_text(out, quote);
    return;
  }
  sp_buf_append_char(out, is_object ? '{' : '[');
  for (int child = sp_json_first(doc, value); child >= 0; child = sp_json_next(doc, child)) {
    if (seen++) sp_buf_append_char(out, ',');
    if (is_object && seen < 50) check_key(doc, value, child);
    dump(doc, child, out);
    if (is_object) sp_buf_append_char(out, ':');
    if (is_object) dump(doc, child + 1, out);
  }
  SP_CHECK(seen == sp_json_size(doc, value));
  sp_buf_append_char(out, is_object ? '}' : ']');
}

static void check_dump(const struct sp_json *doc) {
  struct sp_json again;
  struct sp_buf once, twice;
  sp_json_init(&again);
  sp_buf_init(&once, TEXT_MAX);
  sp_buf_init(&twice, TEXT_MAX);
  dump(doc, 0, &once);
  SP_CHECK(once.len <= doc->text.len);
  SP_CHECK(sp_json_parse(&again, sp_buf_str(&once), NULL) == SP_OK);
  SP_CHECK(again.count == doc->count);
  dump(&again, 0, &twice);
  SP_CHECK(sp_str_eq(sp_buf_str(&once), sp_buf_str(&twice)));
  sp_buf_fini(&twice);
  sp_buf_fini(&once);
  sp_json_fini(&again);
}

static void check_numbers(const struct sp_json *doc) {
  for (int i = -1; i <= doc->count; i++) {
    double number = sp_json_number(doc, i, 0.5);
    SP_CHECK(sp_json_kind(doc, i) == SP_JSON_NUMBER || number == 0.5);
    SP_CHECK(sp_json_bool(doc, i, true) || sp_json_is(doc, i, "") || sp_json_kind(doc, i) == SP_JSON_BOOL);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_str input = sp_str_of((const char *)bytes, len);
  struct sp_err err = {0};
  struct sp_json doc;
  sp_json_init(&doc);
  check_append(input);
  if (sp_json_parse(&doc, input, &err) == SP_OK) {
    check_dump(&doc);
    check_numbers(&doc);
  } else {
    SP_CHECK(doc.count == 0 && err.text[0] && !strstr(err.text, "disagree"));
  }
  sp_json_fini(&doc);
  return 0;
}
