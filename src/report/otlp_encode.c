#include "report/otlp_encode.h"

#include "report/json_put.h"

struct encoder {
  struct sp_buf *out;
  int64_t begin_ns, now_ns;
  struct sp_export_family family;
  bool in_family, has_point, has_family;
};

static void put(struct sp_buf *out, const char *text) { sp_buf_append_text(out, text); }

static void put_text(struct sp_buf *out, const char *text) {
  sp_json_put_text(out, sp_str_from(text), SP_JSON_PUT_MAX);
}

static void put_attribute(struct sp_buf *out, const char *before, const char *name, const char *value) {
  put(out, before);
  put(out, "{\"key\":");
  put_text(out, name);
  put(out, ",\"value\":{\"stringValue\":");
  put_text(out, value);
  put(out, "}}");
}

/* --- families --- */

static const char *unit_of(const struct sp_export_family *family) { /* UCUM */
  if (strcmp(family->unit, "seconds") == 0) {
    return "s";
  }
  return strcmp(family->unit, "bytes") == 0 ? "By" : "1";
}

static const char *opening_of(enum sp_export_kind kind) {
  static const char *const openings[] = {
    ",\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true,\"dataPoints\":[",
    ",\"gauge\":{\"dataPoints\":[",
    ",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":[",
  };
  return openings[kind];
}

static void end_family(struct encoder *encoder) {
  if (encoder->in_family) {
    put(encoder->out, "]}}");
  }
  encoder->in_family = false;
}

/* Written with its first point: a metric without any is none. */
static void begin_family(struct encoder *encoder) {
  struct sp_buf *out = encoder->out;
  put(out, encoder->has_family ? ",{\"name\":" : "{\"name\":");
  put_text(out, encoder->family.name);
  put(out, ",\"description\":");
  put_text(out, encoder->family.help);
  put(out, ",\"unit\":");
  put_text(out, unit_of(&encoder->family));
  put(out, opening_of(encoder->family.kind));
  encoder->in_family = encoder->has_family = true;
  encoder->has_point = false;
}

static void on_family(void *ctx, const struct sp_export_family *family) {
  struct encoder *encoder = ctx;
  end_family(encoder);
  encoder->family = *family;
}

/* --- points --- */

static void begin_point(struct encoder *encoder, const struct sp_export_label *labels, size_t label_count) {
  struct sp_buf *out = encoder->out;
  if (!encoder->in_family) {
    begin_family(encoder);
  }
  put(out, encoder->has_point ? ",{\"attributes\":[" : "{\"attributes\":[");
  encoder->has_point = true;
  for (size_t i = 0; i < label_count; i++) {
    put_attribute(out, i > 0 ? "," : "", labels[i].name, labels[i].value);
  }
  sp_buf_printf(out, "],\"startTimeUnixNano\":\"%lld\",\"timeUnixNano\":\"%lld\"", (long long)encoder->begin_ns,
                (long long)encoder->now_ns);
}

static void on_value(void *ctx, const struct sp_export_label *labels, size_t label_count, double value) {
  struct encoder *encoder = ctx;
  begin_point(encoder, labels, label_count);
  sp_buf_printf(encoder->out, ",\"asDouble\":%.17g}", value);
}

static void on_histogram(void *ctx, const struct sp_export_label *labels, size_t label_count,
                         const struct sp_export_histogram *histogram) {
  struct encoder *encoder = ctx;
  struct sp_buf *out = encoder->out;
  begin_point(encoder, labels, label_count);
  sp_buf_printf(out, ",\"count\":\"%llu\",\"sum\":%.17g,\"bucketCounts\":[", (unsigned long long)histogram->count,
                histogram->sum_s);
  for (size_t i = 0; i <= histogram->bound_count; i++) {
    sp_buf_printf(out, "%s\"%llu\"", i > 0 ? "," : "", (unsigned long long)histogram->counts[i]);
  }
  put(out, "],\"explicitBounds\":[");
  for (size_t i = 0; i < histogram->bound_count; i++) {
    sp_buf_printf(out, "%s%.15g", i > 0 ? "," : "", histogram->bounds_s[i]);
  }
  put(out, "]}");
}

static void put_resource(struct sp_buf *out, const struct sp_export_run *run) {
  put(out, "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[");
  put_attribute(out, "", "service.name", "spate");
  put_attribute(out, ",", "service.version", run->version);
  put_attribute(out, ",", "service.instance.id", run->id);
  put(out, "]},\"scopeMetrics\":[{\"scope\":{\"name\":\"spate\",\"version\":");
  put_text(out, run->version);
  put(out, "},\"metrics\":[");
}

void sp_otlp_put(struct sp_buf *out, const struct sp_export_source *source, int64_t real_ns) {
  struct encoder encoder = { .out = out, .begin_ns = source->run->begin_real_ns, .now_ns = real_ns };
  struct sp_export_visitor visitor = { .ctx = &encoder, .family = on_family, .value = on_value,
                                       .histogram = on_histogram };
  put_resource(out, source->run);
  sp_export_walk(source, &visitor);
  end_family(&encoder);
  put(out, "]}]}]}");
}
