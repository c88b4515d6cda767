/* The self-test's document, spate.selftest/1. */
#include "cli/selftest.h"

#include "wire/json.h"

#include <math.h>

struct writer {
  struct sp_buf *out;
  int code;
};

static void put(struct writer *writer, const char *text) {
  if (writer->code == 0) writer->code = sp_buf_append_text(writer->out, text);
}

static void put_key(struct writer *writer, const char *key) {
  char last = writer->out->len ? writer->out->bytes[writer->out->len - 1] : '{';
  if (last != '{' && last != '[') put(writer, ",");
  if (!key) return;
  put(writer, "\"");
  put(writer, key);
  put(writer, "\":");
}

static void put_text(struct writer *writer, const char *key, const char *text) {
  put_key(writer, key);
  if (!text || !text[0]) put(writer, "null");
  else if (writer->code == 0) writer->code = sp_json_append_string(writer->out, sp_str_from(text));
}

static void put_number(struct writer *writer, const char *key, double number) {
  put_key(writer, key);
  if (!isfinite(number)) put(writer, "null");
  else if (writer->code == 0) writer->code = sp_buf_printf(writer->out, "%.6g", number);
}

static void put_whole(struct writer *writer, const char *key, uint64_t number) {
  put_key(writer, key);
  if (writer->code == 0) writer->code = sp_buf_printf(writer->out, "%llu", (unsigned long long)number);
}

static void put_bool(struct writer *writer, const char *key, bool value) {
  put_key(writer, key);
  put(writer, value ? "true" : "false");
}

static void put_step(struct writer *writer, const struct sp_selftest_step *step) {
  put_key(writer, NULL);
  put(writer, "{");
  put_number(writer, "level", step->level);
  put_number(writer, "streams_at_once", step->streams_at_once);
  put_number(writer, "streams_per_s", step->streams_per_s);
  put_number(writer, "events_per_s", step->events_per_s);
  put_number(writer, "lag_p99_ms", step->lag_p99_ms);
  put_number(writer, "ttft_off_p99_ms", step->ttft_off_ms);
  put_number(writer, "mock_late_p99_ms", step->mock_late_ms);
  put_number(writer, "cpu", step->cpu);
  put_number(writer, "mock_cpu", step->mock_cpu);
  put_number(writer, "wait_share", step->wait_share);
  put_bool(writer, "trusted", step->trusted);
  put_text(writer, "why", step->why);
  put(writer, "}");
}

static void put_series(struct writer *writer, const struct sp_selftest_result *result) {
  const struct sp_selftest_step *best = sp_selftest_best(result);
  put_key(writer, NULL);
  put(writer, "{");
  put_text(writer, "name", result->series->name);
  put_number(writer, "trusted", best ? best->level : (double)NAN);
  put_number(writer, "events_per_s", best ? best->events_per_s : (double)NAN);
  put_bool(writer, "at_least", result->end != SP_SELFTEST_LIMIT);
  put_text(writer, "end", sp_selftest_end_name(result->end));
  put_key(writer, "steps");
  put(writer, "[");
  for (size_t i = 0; i < result->count; i++) put_step(writer, &result->steps[i]);
  put(writer, "]}");
}

static void put_machine(struct writer *writer, const struct sp_selftest_machine *machine) {
  put_key(writer, "machine");
  put(writer, "{");
  put_whole(writer, "engine_threads", machine->processors);
  put_whole(writer, "file_limit", machine->files);
  put_whole(writer, "port_low", machine->port_low);
  put_whole(writer, "port_high", machine->port_high);
  put_number(writer, "connections_per_s", sp_port_range_conn_rate(machine->port_low, machine->port_high));
  put_bool(writer, "kernel_stamps", machine->stamps);
  put_text(writer, "clock_source", machine->clock_source);
  put_number(writer, "throttled_ms", machine->throttling.known ? (double)machine->throttling.throttled_ns / 1e6 : (double)NAN);
  put_key(writer, "remedies");
  put(writer, "[");
  for (unsigned row = 0; row < SP_ROWS; row++) {
    const char *remedy = sp_selftest_remedy(machine, (enum sp_selftest_row)row);
    if (remedy) put_text(writer, NULL, remedy);
  }
  put(writer, "]}");
}

int sp_selftest_json(const struct sp_selftest_machine *machine, const struct sp_selftest_result *results, size_t count,
                     bool ok, struct sp_buf *out) {
  struct writer writer = {.out = out};
  put(&writer, "{");
  put_text(&writer, "schema", "spate.selftest/1");
  put_text(&writer, "version", SP_VERSION);
  put_bool(&writer, "ok", ok);
  put_key(&writer, "series");
  put(&writer, "[");
  for (size_t i = 0; i < count; i++) put_series(&writer, &results[i]);
  put(&writer, "]");
  put_machine(&writer, machine);
  put(&writer, "}\n");
  return writer.code;
}
