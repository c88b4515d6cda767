/*
 * What answers: nginx (nginx-prometheus-exporter), gunicorn (its statsD through statsd_exporter), the model servers vLLM and
 * xinference, Weaviate, Dify's plugin daemon, and what Go and Python say of such a server's own process.
 */
#include "watch/packs.h"

static const struct sp_pack_row nginx_rows[] = {
    {SP_SIGNAL_CALLS_ACTIVE, SP_HOW_SUM, {"nginx_connections_writing", ""}, {0}, "", 0, 0, "requests under way"},
    {SP_SIGNAL_CALLS_RATE, SP_HOW_RATE, {"nginx_http_requests_total", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_SLOTS_USED, SP_HOW_SUM, {"nginx_connections_active", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_PROXY_DROPPED, SP_HOW_RATE_LESS, {"nginx_connections_accepted", ""}, {"nginx_connections_handled", ""}, "", 0,
     0, "connections dropped for want of worker_connections"},
    {0},
};

static const struct sp_pack_row gunicorn_rows[] = {
    {SP_SIGNAL_SLOTS_WAITING, SP_HOW_SUM, {"gunicorn_backlog", ""}, {0}, "", 0, 0,
     "the accept queue (gunicorn's enable_backlog_metric)"},
    {SP_SIGNAL_CALLS_RATE, SP_HOW_RATE, {"gunicorn_requests|gunicorn_requests_total", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_CALLS_TIME, SP_HOW_RATIO, {"gunicorn_request_duration_sum|gunicorn_request_duration_seconds_sum", ""},
     {"gunicorn_request_duration_count|gunicorn_request_duration_seconds_count", ""}, "", 0, 0, NULL},
    {0, SP_HOW_SETTING, {"gunicorn_workers", ""}, {0}, "workers", 0, 0, NULL},
    {0},
};

static const struct sp_pack_row vllm_rows[] = {
    {SP_SIGNAL_SLOTS_USED, SP_HOW_SUM, {"vllm:num_requests_running", ""}, {0}, "", 0, 0, "requests in the batch"},
    {SP_SIGNAL_SLOTS_WAITING, SP_HOW_SUM, {"vllm:num_requests_waiting", ""}, {0}, "", 0, 0, "requests that wait"},
    {SP_SIGNAL_CALLS_RATE, SP_HOW_RATE, {"vllm:e2e_request_latency_seconds_count", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_CALLS_TIME, SP_HOW_RATIO, {"vllm:e2e_request_latency_seconds_sum", ""},
     {"vllm:e2e_request_latency_seconds_count", ""}, "", 0, 0, NULL},
    {SP_SIGNAL_CALLS_QUEUE_TIME, SP_HOW_RATIO, {"vllm:request_queue_time_seconds_sum", ""},
     {"vllm:request_queue_time_seconds_count", ""}, "", 0, 0, "how long they wait"},
    {SP_SIGNAL_MODEL_CACHE_USED, SP_HOW_MOST, {"vllm:kv_cache_usage_perc|vllm:gpu_cache_usage_perc", ""}, {0}, "", 0, 0,
     NULL},
    {SP_SIGNAL_MODEL_PREEMPTIONS, SP_HOW_RATE, {"vllm:num_preemptions_total|vllm:num_preemptions", ""}, {0}, "", 0, 0,
     NULL},
    {0},
};

static const struct sp_pack_row xinference_rows[] = {
    {SP_SIGNAL_SLOTS_USED, SP_HOW_SUM, {"xinference:model_serve_count", ""}, {0}, "model_uid", 0, 0, "requests under way"},
    {SP_SIGNAL_SLOTS_LIMIT, SP_HOW_SUM, {"xinference:model_request_limit", ""}, {0}, "model_uid", 0, SP_PACK_LIMIT, NULL},
    {SP_SIGNAL_CALLS_RATE, SP_HOW_RATE, {"xinference:model_request_total", ""}, {0}, "model_uid", 0, 0, NULL},
    {SP_SIGNAL_CALLS_FAILED, SP_HOW_RATE, {"xinference:model_request_errors_total", ""}, {0}, "model_uid", 0, 0, NULL},
    {SP_SIGNAL_CALLS_TIME, SP_HOW_RATIO, {"xinference:model_request_duration_seconds_sum", ""},
     {"xinference:model_request_duration_seconds_count", ""}, "model_uid", 0, 0, NULL},
    {0},
};

#define MS_IN_S 0.001

static const struct sp_pack_row weaviate_rows[] = {
    {SP_SIGNAL_CALLS_ACTIVE, SP_HOW_SUM, {"concurrent_queries_count", ""}, {0}, "", 0, 0, "searches under way"},
    {SP_SIGNAL_CALLS_RATE, SP_HOW_RATE, {"queries_durations_ms_count", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_CALLS_TIME, SP_HOW_RATIO, {"queries_durations_ms_sum", ""}, {"queries_durations_ms_count", ""}, "", MS_IN_S,
     0, "the time of a search"},
    {SP_SIGNAL_VECTOR_SEGMENTS, SP_HOW_SUM, {"lsm_segment_count", ""}, {0}, "", 0, 0, "segments"},
    {SP_SIGNAL_VECTOR_MERGES, SP_HOW_SUM, {"async_operations_running", "operation=compact_lsm*"}, {0}, "", 0, 0, NULL},
    {0},
};

static const struct sp_pack_row plugin_daemon_rows[] = {
    {SP_SIGNAL_CALLS_ACTIVE, SP_HOW_SUM, {"plugin_invocations_active", ""}, {0}, "", 0, 0, "calls under way"},
    {SP_SIGNAL_CALLS_RATE, SP_HOW_RATE, {"plugin_invocations_total", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_CALLS_FAILED, SP_HOW_RATE, {"plugin_invocations_total", "status!=success"}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_CALLS_TIME, SP_HOW_RATIO, {"plugin_invocation_duration_seconds_sum", ""},
     {"plugin_invocation_duration_seconds_count", ""}, "", 0, 0, "the time of a call"},
    {0},
};

/* An exporter's own process is not the target's. */
static const struct sp_pack_row process_rows[] = {
    {SP_SIGNAL_CPU_CORES, SP_HOW_RATE, {"process_cpu_seconds_total", ""}, {0}, "=process", 0, 0, NULL},
    {SP_SIGNAL_MEMORY_USED, SP_HOW_SUM, {"process_resident_memory_bytes", ""}, {0}, "=process", 0, 0, NULL},
    {SP_SIGNAL_FILES_USED, SP_HOW_SUM, {"process_open_fds", ""}, {0}, "=process", 0, 0, NULL},
    {SP_SIGNAL_FILES_LIMIT, SP_HOW_SUM, {"process_max_fds", ""}, {0}, "=process", 0, SP_PACK_LIMIT, NULL},
    {SP_SIGNAL_GC_TIME, SP_HOW_RATE, {"go_gc_duration_seconds_sum", ""}, {0}, "", 0, 0, NULL},
    {0},
};

/* statsd_exporter says whose it is where its mapping has an `app`. */
static bool name_app(const struct sp_prom_sample *sample, struct sp_str instance, const char **label, struct sp_str *out) {
  (void)instance;
  *out = sp_prom_label_of(sample, SP_STR("app"));
  *label = out->len ? "app" : NULL;
  if (out->len == 0) *out = SP_STR("dify-api");
  return true;
}

const struct sp_pack sp_pack_nginx = {
    .name = "nginx_exporter", .title = "nginx (nginx-prometheus-exporter)", .subject = "nginx", .rows = nginx_rows};
const struct sp_pack sp_pack_gunicorn = {
    .name = "gunicorn", .title = "gunicorn (statsd_exporter)", .subject = "", .named = name_app, .rows = gunicorn_rows};
const struct sp_pack sp_pack_vllm = {
    .name = "vllm", .title = "vLLM", .subject = "vllm", .is_server = true, .rows = vllm_rows};
const struct sp_pack sp_pack_xinference = {
    .name = "xinference", .title = "Xinference", .subject = "xinference", .is_server = true, .rows = xinference_rows};
const struct sp_pack sp_pack_weaviate = {
    .name = "weaviate", .title = "Weaviate", .subject = "weaviate", .is_server = true, .rows = weaviate_rows};
const struct sp_pack sp_pack_plugin_daemon = {.name = "plugin_daemon", .title = "Dify's plugin daemon",
    .subject = "plugin_daemon", .is_server = true, .rows = plugin_daemon_rows};
const struct sp_pack sp_pack_process = {
    .name = "process", .title = "the servers' own processes", .subject = "", .is_process = true, .rows = process_rows};
