/* A Content-Type, a line end, a body. What is read and written again is read as the same. */
#include "base/check.h"
#include "wire/multipart.h"

#define WRITTEN_MAX (8u << 20)

static bool may_be_written(const struct sp_multipart_part *part, struct sp_str boundary) {
  const struct sp_str texts[] = {part->name, part->filename, part->type, part->data};
  for (size_t i = 0; i < 4; i++) {
    if (texts[i].len && memmem(texts[i].bytes, texts[i].len, boundary.bytes, boundary.len)) return false;
    if (i < 3 && texts[i].len && (memchr(texts[i].bytes, '\r', texts[i].len) || memchr(texts[i].bytes, '"', texts[i].len)))
      return false;
  }
  return true;
}

static void check_again(const struct sp_multipart_part *part) {
  static const char type[] = "multipart/form-data; boundary=\"a boundary of the test's own\"";
  struct sp_str boundary = SP_STR("a boundary of the test's own");
  struct sp_multipart multipart;
  struct sp_multipart_part again;
  struct sp_buf out;
  if (!may_be_written(part, boundary)) return;
  sp_buf_init(&out, WRITTEN_MAX);
  SP_CHECK(sp_multipart_append(&out, boundary, part) == 0 && sp_multipart_append_end(&out, boundary) == 0);
  SP_CHECK(sp_multipart_open(&multipart, sp_str_from(type), sp_buf_str(&out), NULL) == 0);
  SP_CHECK(sp_multipart_next(&multipart, &again, NULL) == 1);
  SP_CHECK(sp_str_eq(again.name, part->name) && sp_str_eq(again.filename, part->filename));
  SP_CHECK(sp_str_eq(again.type, part->type) && sp_str_eq(again.data, part->data));
  SP_CHECK(sp_multipart_next(&multipart, &again, NULL) == 0);
  sp_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_str body = sp_str_of((const char *)bytes, len);
  struct sp_str type = sp_str_split(&body, '\n');
  struct sp_multipart multipart;
  struct sp_multipart_part part;
  if (sp_multipart_open(&multipart, type, body, NULL)) return 0;
  while (sp_multipart_next(&multipart, &part, NULL) == 1) check_again(&part);
  return 0;
}
