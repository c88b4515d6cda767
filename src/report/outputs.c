#include "report/outputs.h"

#define NOTE_SIZE 600

static int with_context(const struct sp_output *output, struct sp_err *err) {
  if (output->type->option && !output->type->option[0]) {
    return err->code;
  }
  if (output->type->option) {
    return sp_err_context(err, "%s", output->type->option);
  }
  return sp_err_context(err, "--out %s=%s", output->type->name, output->path);
}

int sp_outputs_add(struct sp_outputs *outputs, const struct sp_report_type *type, const char *path,
                   struct sp_err *err) {
  struct sp_output *output = &outputs->items[outputs->count];
  if (outputs->count == SP_OUTPUTS_MAX) {
    return sp_fail(err, SP_EUSAGE, "over %u outputs", SP_OUTPUTS_MAX);
  }
  *output = (struct sp_output){ .type = type, .path = path };
  int code = type->open(path, &output->report, err);
  if (code) {
    with_context(output, err);
    return code;
  }
  outputs->count++;
  return SP_OK;
}

static void take_for_all(void *ctx, const struct sp_request_key *key, const struct sp_sample *sample) {
  const struct sp_outputs *outputs = ctx;
  for (size_t i = 0; i < outputs->sink_count; i++) {
    outputs->sinks[i]->take(outputs->sinks[i]->ctx, key, sample);
  }
}

const struct sp_sample_sink *sp_outputs_sink(struct sp_outputs *outputs) {
  outputs->sink_count = 0;
  for (size_t i = 0; i < outputs->count; i++) {
    const struct sp_output *output = &outputs->items[i];
    const struct sp_sample_sink *sink = output->type->sink ? output->type->sink(output->report) : NULL;
    if (sink) {
      outputs->sinks[outputs->sink_count++] = sink;
    }
  }
  outputs->all = (struct sp_sample_sink){ take_for_all, outputs };
  return outputs->sink_count > 1 ? &outputs->all : outputs->sink_count == 1 ? outputs->sinks[0] : NULL;
}

void sp_outputs_begin(struct sp_outputs *outputs, const struct sp_run_begin *begin) {
  for (size_t i = 0; i < outputs->count; i++) {
    const struct sp_output *output = &outputs->items[i];
    if (output->type->begin) {
      output->type->begin(output->report, begin);
    }
  }
}

void sp_outputs_tick(struct sp_outputs *outputs, const struct sp_run_view *view) {
  for (size_t i = 0; i < outputs->count; i++) {
    const struct sp_output *output = &outputs->items[i];
    if (output->type->on_tick) {
      output->type->on_tick(output->report, view);
    }
  }
}

void sp_outputs_log(struct sp_outputs *outputs, const char *level, const char *text) {
  for (size_t i = 0; i < outputs->count; i++) {
    const struct sp_output *output = &outputs->items[i];
    if (output->type->on_log) {
      output->type->on_log(output->report, level, text);
    }
  }
}

void sp_outputs_write(struct sp_outputs *outputs, const struct sp_result *result,
                      void (*on_error)(void *ctx, const struct sp_err *err),
                      void (*on_note)(void *ctx, const char *text), void *ctx) {
  for (size_t i = 0; i < outputs->count; i++) {
    const struct sp_output *output = &outputs->items[i];
    struct sp_err err;
    char note[NOTE_SIZE];
    if (output->type->write(output->report, result, &err)) {
      with_context(output, &err);
      on_error(ctx, &err);
    }
    if (output->type->note && output->type->note(output->report, note, sizeof(note))) {
      on_note(ctx, note);
    }
  }
}

static int write_anew(const struct sp_report_type *type, const struct sp_result *now, const char *path, struct sp_err *err) {
  void *report;
  int code = type->open(path, &report, err);
  if (code) {
    return code;
  }
  code = type->write(report, now, err);
  type->close(report);
  return code;
}

int sp_outputs_write_now(struct sp_outputs *outputs, const struct sp_report_type *type, const struct sp_result *now,
                         const char *path, struct sp_err *err) {
  for (size_t i = 0; i < outputs->count; i++) {
    if (outputs->items[i].type == type) {
      return type->write_now ? type->write_now(outputs->items[i].report, now, path, err) : write_anew(type, now, path, err);
    }
  }
  return sp_fail(err, SP_ENOTFOUND, "there is no output '%s'", type->name);
}

void sp_outputs_close(struct sp_outputs *outputs) {
  for (size_t i = 0; i < outputs->count; i++) {
    outputs->items[i].type->close(outputs->items[i].report);
  }
  outputs->count = 0;
}
