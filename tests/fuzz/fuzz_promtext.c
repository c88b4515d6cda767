/* Exporters' text: however the bytes are cut, the same samples come out, and all of what they point to can be read. */
#include "base/check.h"
#include "base/rng.h"
#include "wire/promtext.h"

#define LOG_MAX (64u << 20)

static void on_sample(void *ctx, const struct sp_prom_sample *sample) {
  struct sp_buf *log = ctx;
  SP_CHECK(sample->name.len > 0 && sample->label_count <= SP_PROM_LABELS_MAX);
  sp_buf_printf(log, "%zu:", sample->name.len);
  sp_buf_append_str(log, sample->name);
  for (size_t i = 0; i < sample->label_count; i++) {
    SP_CHECK(sample->labels[i].name.len > 0);
    sp_buf_append_str(log, sample->labels[i].name);
    sp_buf_printf(log, "=%zu:", sample->labels[i].value.len);
    sp_buf_append_str(log, sample->labels[i].value);
  }
  sp_buf_printf(log, " %g %d %g %d\n", sample->value, sample->has_time, sample->has_time ? sample->time_s : 0, sample->type);
}

static void read_all(struct sp_buf *log, struct sp_str bytes, bool open_metrics, size_t piece_max) {
  struct sp_prom prom;
  struct sp_rng rng;
  sp_buf_init(log, LOG_MAX);
  sp_rng_seed(&rng, bytes.len, 0);
  sp_prom_init(&prom, open_metrics, on_sample, log);
  for (size_t at = 0, len; at < bytes.len; at += len) {
    len = piece_max < bytes.len ? 1 + (size_t)sp_rng_below(&rng, piece_max) : bytes.len;
    if (len > bytes.len - at) len = bytes.len - at;
    sp_prom_feed(&prom, sp_str_of(bytes.bytes + at, len));
  }
  sp_prom_end(&prom);
  SP_CHECK((prom.faults > 0) == (prom.first_fault[0] != 0));
  sp_buf_printf(log, "%zu faults %s", prom.faults, prom.first_fault);
  sp_prom_fini(&prom);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  if (len == 0) return 0;
  struct sp_str text = sp_str_of((const char *)bytes + 1, len - 1);
  struct sp_buf whole, cut;
  read_all(&whole, text, bytes[0] % 2, SIZE_MAX);
  read_all(&cut, text, bytes[0] % 2, 1 + bytes[0] / 2);
  SP_CHECK(sp_str_eq(sp_buf_str(&whole), sp_buf_str(&cut)));
  sp_buf_fini(&whole);
  sp_buf_fini(&cut);
  return 0;
}
