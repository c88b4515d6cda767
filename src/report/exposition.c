#include "report/exposition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct writer {
  struct sp_buf *out;
  enum sp_exposition_format format;
  struct sp_export_family family;
};

const char *sp_exposition_content_type(enum sp_exposition_format format) {
  return format == SP_EXPOSITION_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                             : "text/plain; version=0.0.4; charset=utf-8";
}

/* The fewest digits that read back as the same number. */
void sp_exposition_put_number(struct sp_buf *out, double number) {
  char text[40];
  if (isinf(number)) {
    sp_buf_append_text(out, number > 0 ? "+Inf" : "-Inf");
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof(text), "%.*g", digits, number);
    if (strtod(text, NULL) == number) {
      break;
    }
  }
  sp_buf_append_text(out, text);
  if (!strpbrk(text, ".en")) {
    sp_buf_append_text(out, ".0");
  }
}

/* In label values the quote is escaped too; in OpenMetrics' help as well. */
static void put_escaped(struct sp_buf *out, const char *text, bool quote) {
  for (; *text; text++) {
    if (*text == '\n') {
      sp_buf_append_text(out, "\\n");
    } else {
      if (*text == '\\' || (quote && *text == '"')) {
        sp_buf_append_char(out, '\\');
      }
      sp_buf_append_char(out, *text);
    }
  }
}

/* --- a family --- */

static const char *type_name(enum sp_export_kind kind) {
  static const char *const names[] = { "counter", "gauge", "histogram" };
  return names[kind];
}

/* The text format names a counter's family with its "_total", OpenMetrics without. */
static void put_family_line(struct writer *writer, const char *what) {
  bool total = writer->family.kind == SP_EXPORT_COUNTER && writer->format == SP_EXPOSITION_TEXT;
  sp_buf_printf(writer->out, "# %s %s%s ", what, writer->family.name, total ? "_total" : "");
}

static void on_family(void *ctx, const struct sp_export_family *family) {
  struct writer *writer = ctx;
  bool openmetrics = writer->format == SP_EXPOSITION_OPENMETRICS;
  writer->family = *family;
  put_family_line(writer, "TYPE");
  sp_buf_printf(writer->out, "%s\n", type_name(family->kind));
  if (openmetrics && family->unit[0]) {
    put_family_line(writer, "UNIT");
    sp_buf_printf(writer->out, "%s\n", family->unit);
  }
  put_family_line(writer, "HELP");
  put_escaped(writer->out, family->help, openmetrics);
  sp_buf_append_char(writer->out, '\n');
}

/* --- a point --- */

static void put_label(struct sp_buf *out, const char *before, const char *name, const char *value) {
  sp_buf_append_text(out, before);
  sp_buf_append_text(out, name);
  sp_buf_append_text(out, "=\"");
  put_escaped(out, value, true);
  sp_buf_append_char(out, '"');
}

/* le NAN: none. */
static void put_name(struct writer *writer, const char *suffix, const struct sp_export_label *labels, size_t count,
                     double le) {
  struct sp_buf *out = writer->out;
  const char *before = "{";
  sp_buf_append_text(out, writer->family.name);
  sp_buf_append_text(out, suffix);
  for (size_t i = 0; i < count; i++, before = ",") {
    put_label(out, before, labels[i].name, labels[i].value);
  }
  if (!isnan(le)) {
    sp_buf_append_text(out, before);
    sp_buf_append_text(out, "le=\"");
    sp_exposition_put_number(out, le);
    sp_buf_append_char(out, '"');
    before = ",";
  }
  sp_buf_append_text(out, *before == ',' ? "} " : " ");
}

static void put_value(struct writer *writer, double value) {
  if (value >= 0 && value < 9e15 && value == floor(value)) {
    sp_buf_printf(writer->out, "%.0f\n", value);
    return;
  }
  sp_exposition_put_number(writer->out, value);
  sp_buf_append_char(writer->out, '\n');
}

static void on_value(void *ctx, const struct sp_export_label *labels, size_t label_count, double value) {
  struct writer *writer = ctx;
  put_name(writer, writer->family.kind == SP_EXPORT_COUNTER ? "_total" : "", labels, label_count, NAN);
  put_value(writer, value);
}

static void on_histogram(void *ctx, const struct sp_export_label *labels, size_t label_count,
                         const struct sp_export_histogram *histogram) {
  struct writer *writer = ctx;
  uint64_t below = 0;
  for (size_t i = 0; i <= histogram->bound_count; i++) {
    below += histogram->counts[i];
    put_name(writer, "_bucket", labels, label_count,
             i < histogram->bound_count ? histogram->bounds_s[i] : (double)INFINITY);
    put_value(writer, (double)below);
  }
  put_name(writer, "_sum", labels, label_count, NAN);
  put_value(writer, histogram->sum_s);
  put_name(writer, "_count", labels, label_count, NAN);
  put_value(writer, (double)below);
}

void sp_exposition_put(struct sp_buf *out, const struct sp_export_source *source, enum sp_exposition_format format) {
  struct writer writer = { .out = out, .format = format };
  struct sp_export_visitor visitor = { .ctx = &writer, .family = on_family, .value = on_value,
                                       .histogram = on_histogram };
  sp_export_walk(source, &visitor);
  if (format == SP_EXPOSITION_OPENMETRICS) {
    sp_buf_append_text(out, "# EOF\n");
  }
}
