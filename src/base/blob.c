#include "base/blob.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>

struct sp_blob {
  atomic_uint refs;
  size_t len;
  char bytes[];
};

struct sp_blob *sp_blob_create(struct sp_str text) {
  struct sp_blob *blob = sp_alloc(sizeof(*blob) + text.len + 1);
  atomic_init(&blob->refs, 1);
  blob->len = text.len;
  if (text.len > 0) {
    memcpy(blob->bytes, text.bytes, text.len);
  }
  return blob;
}

struct sp_blob *sp_blob_ref(struct sp_blob *blob) {
  atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
  return blob;
}

void sp_blob_unref(struct sp_blob *blob) {
  if (blob && atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) == 1) {
    free(blob);
  }
}

struct sp_str sp_blob_str(const struct sp_blob *blob) {
  return blob ? sp_str_of(blob->bytes, blob->len) : sp_str_of(NULL, 0);
}
