#include "report/remote_encode.h"

#include "base/clock.h"
#include "report/exposition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SERIES_LABELS_MAX (SP_EXPORT_LABELS_MAX + 4u) /* and __name__, job, instance, le */
#define NAME_SIZE 100
#define SERIES_BYTES_MAX (64u * 1024u)
#define LITERAL_MAX 65536u

struct encoder {
  struct sp_buf *out;
  struct sp_buf series, label; /* scratch: a message stands behind its length */
  const char *instance;
  int64_t time_ms;
  struct sp_export_family family;
};

/* --- protobuf (protobuf.dev/programming-guides/encoding) --- */

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

static void put_varint(struct sp_buf *out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    sp_buf_append_char(out, (char)((value & 0x7f) | 0x80));
  }
  sp_buf_append_char(out, (char)value);
}

static void put_tag(struct sp_buf *out, unsigned field, enum wire wire) { put_varint(out, field << 3 | wire); }

static void put_bytes(struct sp_buf *out, unsigned field, struct sp_str bytes) {
  put_tag(out, field, WIRE_BYTES);
  put_varint(out, bytes.len);
  sp_buf_append_str(out, bytes);
}

static void put_double(struct sp_buf *out, unsigned field, double value) {
  uint64_t bits;
  put_tag(out, field, WIRE_FIXED64);
  memcpy(&bits, &value, sizeof(bits));
  for (int i = 0; i < 8; i++) {
    sp_buf_append_char(out, (char)(bits >> (8 * i)));
  }
}

/* --- a series: labels (1) in the order of their names, a sample (2) --- */

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct sp_export_label *)a)->name, ((const struct sp_export_label *)b)->name);
}

static void put_label(struct encoder *encoder, const struct sp_export_label *label) {
  sp_buf_clear(&encoder->label);
  put_bytes(&encoder->label, 1, sp_str_from(label->name));
  put_bytes(&encoder->label, 2, sp_str_from(label->value));
  put_bytes(&encoder->series, 1, sp_buf_str(&encoder->label));
}

static void put_sample(struct encoder *encoder, double value) {
  sp_buf_clear(&encoder->label);
  put_double(&encoder->label, 1, value);
  put_tag(&encoder->label, 2, WIRE_VARINT);
  put_varint(&encoder->label, (uint64_t)encoder->time_ms);
  put_bytes(&encoder->series, 2, sp_buf_str(&encoder->label));
}

/* le NULL: none. A label without a value is no label. */
static void put_series(struct encoder *encoder, const char *suffix, const struct sp_export_label *labels,
                       size_t label_count, const char *le, double value) {
  struct sp_export_label all[SERIES_LABELS_MAX];
  char name[NAME_SIZE];
  size_t count = 0;
  snprintf(name, sizeof(name), "%s%s", encoder->family.name, suffix);
  all[count++] = (struct sp_export_label){ "__name__", name };
  all[count++] = (struct sp_export_label){ "job", "spate" };
  all[count++] = (struct sp_export_label){ "instance", encoder->instance };
  if (le) {
    all[count++] = (struct sp_export_label){ "le", le };
  }
  for (size_t i = 0; i < label_count && i < SP_EXPORT_LABELS_MAX; i++) {
    all[count++] = labels[i];
  }
  qsort(all, count, sizeof(all[0]), by_name);
  sp_buf_clear(&encoder->series);
  for (size_t i = 0; i < count; i++) {
    if (all[i].value[0]) {
      put_label(encoder, &all[i]);
    }
  }
  put_sample(encoder, value);
  put_bytes(encoder->out, 1, sp_buf_str(&encoder->series));
}

static void on_family(void *ctx, const struct sp_export_family *family) {
  struct encoder *encoder = ctx;
  encoder->family = *family;
}

static void on_value(void *ctx, const struct sp_export_label *labels, size_t label_count, double value) {
  struct encoder *encoder = ctx;
  put_series(encoder, encoder->family.kind == SP_EXPORT_COUNTER ? "_total" : "", labels, label_count, NULL, value);
}

static void on_histogram(void *ctx, const struct sp_export_label *labels, size_t label_count,
                         const struct sp_export_histogram *histogram) {
  struct encoder *encoder = ctx;
  struct sp_buf le;
  uint64_t below = 0;
  sp_buf_init(&le, 64);
  for (size_t i = 0; i <= histogram->bound_count; i++) {
    below += histogram->counts[i];
    sp_buf_clear(&le);
    sp_exposition_put_number(&le, i < histogram->bound_count ? histogram->bounds_s[i] : (double)INFINITY);
    put_series(encoder, "_bucket", labels, label_count, le.bytes, (double)below);
  }
  put_series(encoder, "_sum", labels, label_count, NULL, histogram->sum_s);
  put_series(encoder, "_count", labels, label_count, NULL, (double)below);
  sp_buf_fini(&le);
}

void sp_remote_put(struct sp_buf *out, const struct sp_export_source *source, int64_t real_ns) {
  struct encoder encoder = { .out = out, .instance = source->run->id, .time_ms = real_ns / SP_NS_PER_MS };
  struct sp_export_visitor visitor = { .ctx = &encoder, .family = on_family, .value = on_value,
                                       .histogram = on_histogram };
  sp_buf_init(&encoder.series, SERIES_BYTES_MAX);
  sp_buf_init(&encoder.label, SERIES_BYTES_MAX);
  sp_export_walk(source, &visitor);
  sp_buf_fini(&encoder.series);
  sp_buf_fini(&encoder.label);
}

/* --- Snappy (github.com/google/snappy/blob/main/format_description.txt): the length, then literals of it --- */

void sp_snappy_put(struct sp_buf *out, struct sp_str bytes) {
  put_varint(out, bytes.len);
  while (bytes.len > 0) {
    size_t len = bytes.len < LITERAL_MAX ? bytes.len : LITERAL_MAX;
    unsigned char tag[3] = { 61 << 2, (unsigned char)((len - 1) & 0xff), (unsigned char)((len - 1) >> 8) };
    sp_buf_append(out, tag, sizeof(tag)); /* a literal whose length stands in the next two bytes */
    sp_buf_append(out, bytes.bytes, len);
    bytes = sp_str_of(bytes.bytes + len, bytes.len - len);
  }
}
