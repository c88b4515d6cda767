/*
 * GET /metrics: what the exporters beside a real deployment would say of the simulated one, under their own names, in
 * Prometheus' text format. Counters are the stations' integrals, so that utilisation is busy time over time.
 */
#include "base/clock.h"
#include "mock/handlers.h"
#include "mock/route.h"

#include <math.h>
#include <stdio.h>

#define METRICS_MAX (8u * 1024u * 1024u) /* bytes of the answer */
#define SEGMENTS_LEAST 2.0 /* of the vector store: behind a merge, and when the next one begins */
#define SEGMENTS_MOST 12.0

struct view {
  struct sp_resources *resources;
  int64_t now_ns;
};

static const struct sp_station *station_of(const struct view *view, enum sp_resource resource) {
  return &view->resources->stations[resource];
}
static const struct sp_station_figures *figures_of(const struct view *view, enum sp_resource resource) {
  return &station_of(view, resource)->figures;
}
static double seconds(double ns) { return ns / (double)SP_NS_PER_S; }

/* -- values -- */

static double entered(const struct view *view, enum sp_resource resource) {
  return (double)figures_of(view, resource)->entered;
}
static double served(const struct view *view, enum sp_resource resource) {
  return (double)figures_of(view, resource)->served;
}
static double gave_up(const struct view *view, enum sp_resource resource) {
  return (double)figures_of(view, resource)->left;
}
static double waiting(const struct view *view, enum sp_resource resource) {
  return (double)figures_of(view, resource)->waiting;
}
static double serving(const struct view *view, enum sp_resource resource) {
  return (double)figures_of(view, resource)->serving;
}
static double inside(const struct view *view, enum sp_resource resource) {
  return serving(view, resource) + waiting(view, resource);
}
static double work_s(const struct view *view, enum sp_resource resource) {
  return seconds(figures_of(view, resource)->done_ns);
}
static double busy_s(const struct view *view, enum sp_resource resource) {
  return seconds(figures_of(view, resource)->busy_ns);
}
static double waited_s(const struct view *view, enum sp_resource resource) {
  return seconds(figures_of(view, resource)->waited_ns);
}
static double present_s(const struct view *view, enum sp_resource resource) {
  return seconds(figures_of(view, resource)->present_ns);
}
static double stayed_s(const struct view *view, enum sp_resource resource) {
  return seconds(figures_of(view, resource)->stayed_ns);
}
static double stayed_ms(const struct view *view, enum sp_resource resource) {
  return figures_of(view, resource)->stayed_ns / (double)SP_NS_PER_MS;
}
static double active_s(const struct view *view, enum sp_resource resource) {
  return seconds(figures_of(view, resource)->active_ns);
}
static double pressed_s(const struct view *view, enum sp_resource resource) {
  return seconds(figures_of(view, resource)->pressed_ns);
}
static double throttled_s(const struct view *view, enum sp_resource resource) {
  return seconds(figures_of(view, resource)->throttled_ns);
}
static double periods(const struct view *view, enum sp_resource resource) {
  return (double)figures_of(view, resource)->periods;
}
static double throttled_periods(const struct view *view, enum sp_resource resource) {
  return (double)figures_of(view, resource)->throttled_periods;
}

static double quota(const struct view *view, enum sp_resource resource) {
  return station_of(view, resource)->spec.cores * (double)(SP_STATION_PERIOD_NS / SP_NS_PER_US);
}
static double period(const struct view *view, enum sp_resource resource) {
  (void)view;
  (void)resource;
  return (double)(SP_STATION_PERIOD_NS / SP_NS_PER_US);
}
static double cores(const struct view *view, enum sp_resource resource) {
  return station_of(view, resource)->spec.cores;
}
static double limit(const struct view *view, enum sp_resource resource) {
  return (double)station_of(view, resource)->spec.limit;
}
static double unused(const struct view *view, enum sp_resource resource) {
  return limit(view, resource) - serving(view, resource);
}
static double longest_wait_s(const struct view *view, enum sp_resource resource) {
  return seconds((double)sp_station_longest_wait_ns(station_of(view, resource), view->now_ns));
}

/* Segments pile up between two merges, and one merge makes few of them. */
static double segments(const struct view *view, enum sp_resource resource) {
  double phase = fmin(sp_station_merge_phase(station_of(view, resource), view->now_ns), 1);
  return floor(SEGMENTS_LEAST + (SEGMENTS_MOST - SEGMENTS_LEAST) * phase);
}

/* -- PostgreSQL's sessions -- */

static double on_cpu(const struct view *view, enum sp_resource resource) {
  return serving(view, resource) - sp_station_locked(station_of(view, resource));
}
static double on_lock(const struct view *view, enum sp_resource resource) {
  double locked = sp_station_locked(station_of(view, resource));
  bool commits_lock = view->resources->spec->of[SP_RES_COMMIT].contention > 0;
  return locked + (commits_lock ? waiting(view, SP_RES_COMMIT) : 0);
}
static double on_wal_write(const struct view *view, enum sp_resource resource) {
  return view->resources->spec->of[resource].contention > 0 ? 0 : waiting(view, resource);
}
static double sessions_active(const struct view *view) {
  return inside(view, SP_RES_POSTGRES) + inside(view, SP_RES_COMMIT);
}
/* Those that a pool holds open; the last pool before the database counts. */
static double sessions(const struct view *view, enum sp_resource resource) {
  (void)resource;
  enum sp_resource pool = view->resources->has[SP_RES_PGBOUNCER] ? SP_RES_PGBOUNCER : SP_RES_POOL;
  double most = (double)view->resources->spec->max_connections, open = limit(view, pool);
  if (most > 0 && open > most) open = most;
  return fmax(open, sessions_active(view));
}
static double sessions_idle(const struct view *view, enum sp_resource resource) {
  return sessions(view, resource) - sessions_active(view);
}
static double transactions(const struct view *view, enum sp_resource resource) {
  (void)resource;
  return (double)view->resources->transactions;
}
static double max_connections(const struct view *view, enum sp_resource resource) {
  (void)resource;
  return (double)view->resources->spec->max_connections;
}

/* -- the host -- */

static bool is_container(const struct view *view, enum sp_resource resource) {
  const struct sp_resource_spec *spec = &view->resources->spec->of[resource];
  return spec->cores > 0 && spec->servers == 0;
}

static double host_busy_s(const struct view *view) {
  double sum = 0;
  for (unsigned i = SP_RES_SLOTS_END; i < SP_RES_COUNT; i++)
    if (is_container(view, (enum sp_resource)i)) sum += busy_s(view, (enum sp_resource)i);
  return sum;
}

/* Some task waits for a CPU while any container's does: at least the longest of them. */
static double host_cpu_waiting_s(const struct view *view, enum sp_resource resource) {
  double most = 0;
  (void)resource;
  for (unsigned i = SP_RES_SLOTS_END; i < SP_RES_COUNT; i++)
    if (is_container(view, (enum sp_resource)i)) most = fmax(most, pressed_s(view, (enum sp_resource)i));
  return most;
}

/* -- the table -- */

#define DATABASE "datname=\"dify\""
#define POOL "database=\"dify\",user=\"dify\""
#define PLUGIN "plugin_id=\"mock\",status=\"success\""
#define CLASS "class_name=\"Vector_index_mock\",shard_name=\"mock\""
#define MODEL "model_name=\"mock-model\""
#define ACTIVE DATABASE ",state=\"active\","

/* Rows of one family stand together; its head comes before the first. */
struct row {
  enum sp_resource resource; /* without it the row is left out */
  const char *family, *type, *help;
  const char *suffix, *labels;
  double (*value)(const struct view *view, enum sp_resource resource);
};

static const struct row rows[] = {
  { SP_RES_STREAMS, "gunicorn_backlog", "gauge", "Requests in the accept backlog.", "", "app=\"dify-api\"", waiting },
  { SP_RES_STREAMS, "nginx_connections_writing", "gauge", "Requests that nginx has passed on.", "", "", inside },
  { SP_RES_STREAMS, "nginx_http_requests_total", "counter", "Requests.", "", "", entered },
  { SP_RES_CELERY, "redis_key_size", "gauge", "Runs that wait for a Celery worker.", "",
    "db=\"db1\",key=\"workflow_based_app_execution\"", waiting },
  { SP_RES_POSTGRES, "pg_stat_activity_count", "gauge", "Sessions by state and wait event.", "",
    ACTIVE "wait_event_type=\"\",wait_event=\"\"", on_cpu },
  { SP_RES_POSTGRES, "pg_stat_activity_count", "gauge", "", "",
    ACTIVE "wait_event_type=\"Lock\",wait_event=\"transactionid\"", on_lock },
  { SP_RES_COMMIT, "pg_stat_activity_count", "gauge", "", "",
    ACTIVE "wait_event_type=\"IO\",wait_event=\"WALSync\"", serving },
  { SP_RES_COMMIT, "pg_stat_activity_count", "gauge", "", "",
    ACTIVE "wait_event_type=\"LWLock\",wait_event=\"WALWrite\"", on_wal_write },
  { SP_RES_POSTGRES, "pg_stat_activity_count", "gauge", "", "",
    DATABASE ",state=\"idle\",wait_event_type=\"Client\",wait_event=\"ClientRead\"", sessions_idle },
  { SP_RES_POSTGRES, "pg_stat_database_numbackends", "gauge", "Sessions.", "", DATABASE, sessions },
  { SP_RES_POSTGRES, "pg_stat_database_xact_commit", "counter", "Transactions committed.", "", DATABASE, transactions },
  { SP_RES_POSTGRES, "pg_settings_max_connections", "gauge", "The setting.", "", "", max_connections },
  { SP_RES_PGBOUNCER, "pgbouncer_pools_client_active_connections", "gauge", "Clients with a server.", "", POOL,
    serving },
  { SP_RES_PGBOUNCER, "pgbouncer_pools_client_waiting_connections", "gauge", "Clients without one.", "", POOL,
    waiting },
  { SP_RES_PGBOUNCER, "pgbouncer_pools_client_maxwait_seconds", "gauge", "The longest wait now.", "", POOL,
    longest_wait_s },
  { SP_RES_PGBOUNCER, "pgbouncer_pools_server_active_connections", "gauge", "Servers in use.", "", POOL, serving },
  { SP_RES_PGBOUNCER, "pgbouncer_pools_server_idle_connections", "gauge", "Servers not in use.", "", POOL, unused },
  { SP_RES_PGBOUNCER, "pgbouncer_databases_pool_size", "gauge", "The setting.", "", "database=\"dify\"", limit },
  { SP_RES_PGBOUNCER, "pgbouncer_stats_sql_transactions_pooled_total", "counter", "Transactions.", "",
    "database=\"dify\"", served },
  { SP_RES_PGBOUNCER, "pgbouncer_stats_client_wait_seconds_total", "counter", "Time that clients waited.", "",
    "database=\"dify\"", waited_s },
  { SP_RES_PLUGIN, "plugin_invocations_active", "gauge", "Calls under way.", "", "", inside },
  { SP_RES_PLUGIN, "plugin_invocations_total", "counter", "Calls.", "", PLUGIN, served },
  { SP_RES_PLUGIN, "plugin_invocation_duration_seconds", "histogram", "Calls.", "_bucket",
    PLUGIN ",le=\"+Inf\"", served },
  { SP_RES_PLUGIN, "plugin_invocation_duration_seconds", "histogram", "", "_sum", PLUGIN, stayed_s },
  { SP_RES_PLUGIN, "plugin_invocation_duration_seconds", "histogram", "", "_count", PLUGIN, served },
  { SP_RES_VECTOR, "lsm_segment_count", "gauge", "Segments; merges make them fewer.", "",
    CLASS ",strategy=\"replace\",path=\"objects\",level=\"0\"", segments },
  { SP_RES_VECTOR, "lsm_active_segments", "gauge", "Segments.", "",
    CLASS ",strategy=\"replace\",path=\"objects\"", segments },
  { SP_RES_VECTOR, "concurrent_queries_count", "gauge", "Searches under way.", "",
    "class_name=\"Vector_index_mock\",query_type=\"hybrid\"", inside },
  { SP_RES_VECTOR, "queries_durations_ms", "histogram", "Searches.", "_bucket", CLASS ",le=\"+Inf\"", served },
  { SP_RES_VECTOR, "queries_durations_ms", "histogram", "", "_sum", CLASS, stayed_ms },
  { SP_RES_VECTOR, "queries_durations_ms", "histogram", "", "_count", CLASS, served },
  { SP_RES_MODEL, "vllm:num_requests_running", "gauge", "Answers under way.", "", MODEL, serving },
  { SP_RES_MODEL, "vllm:num_requests_waiting", "gauge", "Answers that wait.", "", MODEL, waiting },
  { SP_RES_MODEL, "vllm:request_queue_time_seconds", "histogram", "Waits.", "_bucket", MODEL ",le=\"+Inf\"", served },
  { SP_RES_MODEL, "vllm:request_queue_time_seconds", "histogram", "", "_sum", MODEL, stayed_s },
  { SP_RES_MODEL, "vllm:request_queue_time_seconds", "histogram", "", "_count", MODEL, served },
  { SP_RES_COMMIT, "node_pressure_io_waiting_seconds_total", "counter", "Time in which a task waited for the disk.",
    "", "", active_s },
  { SP_RES_API, "node_pressure_cpu_waiting_seconds_total", "counter",
    "Time in which a task waited for a CPU, at least.", "", "", host_cpu_waiting_s },
};

/* One row a container. */
struct column {
  const char *family, *type, *help;
  double (*value)(const struct view *view, enum sp_resource resource);
};

static const struct column container_columns[] = {
  { "container_cpu_usage_seconds_total", "counter", "CPU time used.", busy_s },
  { "container_cpu_cfs_periods_total", "counter", "Periods in which it ran.", periods },
  { "container_cpu_cfs_throttled_periods_total", "counter", "Those in which it was held back.", throttled_periods },
  { "container_cpu_cfs_throttled_seconds_total", "counter", "For how long.", throttled_s },
  { "container_pressure_cpu_waiting_seconds_total", "counter", "Time in which a task of it waited for CPU.",
    pressed_s },
  { "container_spec_cpu_quota", "gauge", "Its quota, us a period.", quota },
  { "container_spec_cpu_period", "gauge", "The period, us.", period },
};

/* The truth about every station, under the mock's own names. */
static const struct column station_columns[] = {
  { "spate_mock_station_cores", "gauge", "Work it can do a second; 0: it is slots.", cores },
  { "spate_mock_station_limit", "gauge", "Places in service; 0: no limit.", limit },
  { "spate_mock_station_waiting", "gauge", "In its queue now.", waiting },
  { "spate_mock_station_serving", "gauge", "In service now.", serving },
  { "spate_mock_station_entered_total", "counter", "Came.", entered },
  { "spate_mock_station_served_total", "counter", "Had their work done, or got their slot.", served },
  { "spate_mock_station_left_total", "counter", "Gave up before.", gave_up },
  { "spate_mock_station_work_seconds_total", "counter", "Work done.", work_s },
  { "spate_mock_station_busy_seconds_total", "counter", "Cores in use, over time.", busy_s },
  { "spate_mock_station_waited_seconds_total", "counter", "Those in the queue, over time.", waited_s },
  { "spate_mock_station_present_seconds_total", "counter", "Those in service, over time.", present_s },
};
#define COUNT(table) (sizeof(table) / sizeof *(table))

/* -- text -- */

static void put_family(struct sp_buf *out, const char *name, const char *type, const char *help) {
  sp_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_value(struct sp_buf *out, const char *name, const char *suffix, const char *labels, double value) {
  bool bare = labels[0] == '\0';
  sp_buf_printf(out, "%s%s%s%s%s %.15g\n", name, suffix, bare ? "" : "{", labels, bare ? "" : "}", value);
}

static void put_rows(struct sp_buf *out, const struct view *view) {
  const char *family = "";
  for (size_t i = 0; i < COUNT(rows); i++) {
    const struct row *row = &rows[i];
    if (!view->resources->has[row->resource]) continue;
    if (strcmp(family, row->family) != 0) put_family(out, row->family, row->type, row->help);
    family = row->family;
    put_value(out, row->family, row->suffix, row->labels, row->value(view, row->resource));
  }
}

static const char *container_name(enum sp_resource resource) {
  switch (resource) {
  case SP_RES_API: return "dify-api";
  case SP_RES_WORKER: return "dify-worker";
  case SP_RES_VECTOR: return "weaviate";
  case SP_RES_PLUGIN: return "plugin_daemon";
  default: return sp_resource_name(resource);
  }
}

static void put_containers(struct sp_buf *out, const struct view *view) {
  char labels[200];
  for (size_t i = 0; i < COUNT(container_columns); i++) {
    const struct column *column = &container_columns[i];
    put_family(out, column->family, column->type, column->help);
    for (unsigned j = SP_RES_SLOTS_END; j < SP_RES_COUNT; j++) {
      if (!is_container(view, (enum sp_resource)j)) continue;
      const char *name = container_name((enum sp_resource)j);
      snprintf(labels, sizeof labels, "container=\"%s\",name=\"%s\",namespace=\"dify\",pod=\"%s-0\"", name, name, name);
      put_value(out, column->family, "", labels, column->value(view, (enum sp_resource)j));
    }
  }
}

static void put_stations(struct sp_buf *out, const struct view *view) {
  char labels[64];
  for (size_t i = 0; i < COUNT(station_columns); i++) {
    const struct column *column = &station_columns[i];
    put_family(out, column->family, column->type, column->help);
    for (unsigned j = 0; j < SP_RES_COUNT; j++) {
      if (!view->resources->has[j]) continue;
      snprintf(labels, sizeof labels, "station=\"%s\"", sp_resource_name((enum sp_resource)j));
      put_value(out, column->family, "", labels, column->value(view, (enum sp_resource)j));
    }
  }
}

/* Each core has its part of what all containers used. */
static void put_host(struct sp_buf *out, const struct view *view) {
  uint64_t host_cores = view->resources->spec->host_cores;
  if (host_cores == 0) return;
  double busy = host_busy_s(view) / (double)host_cores;
  double up = seconds((double)(view->now_ns - view->resources->stations[SP_RES_API].start_ns));
  char labels[64];
  put_family(out, "node_cpu_seconds_total", "counter", "CPU time by mode.");
  for (uint64_t i = 0; i < host_cores; i++) {
    snprintf(labels, sizeof labels, "cpu=\"%llu\",mode=\"user\"", (unsigned long long)i);
    put_value(out, "node_cpu_seconds_total", "", labels, busy);
    snprintf(labels, sizeof labels, "cpu=\"%llu\",mode=\"idle\"", (unsigned long long)i);
    put_value(out, "node_cpu_seconds_total", "", labels, up - busy);
  }
}

static void put_mock(struct sp_buf *out, const struct sp_mock *mock) {
  sp_buf_append_text(out, "# A simulation by spate mock: there are no such containers, databases and pools.\n");
  put_family(out, "spate_mock_info", "gauge", "A simulated target.");
  put_value(out, "spate_mock_info", "", "simulation=\"true\"", 1);
  put_family(out, "spate_mock_requests_total", "counter", "Requests, of any path.");
  put_value(out, "spate_mock_requests_total", "", "", (double)mock->requests);
  put_family(out, "spate_mock_events_total", "counter", "Events written.");
  put_value(out, "spate_mock_events_total", "", "", (double)mock->events);
  put_family(out, "spate_mock_active", "gauge", "Answers under way.");
  put_value(out, "spate_mock_active", "", "", (double)mock->active);
}

void sp_mock_put_resources(struct sp_buf *out, struct sp_resources *resources, int64_t now_ns) {
  struct view view = { .resources = resources, .now_ns = now_ns };
  for (unsigned i = 0; i < SP_RES_COUNT; i++) sp_station_figures(&resources->stations[i], now_ns);
  put_containers(out, &view);
  put_host(out, &view);
  put_rows(out, &view);
  put_stations(out, &view);
}

void sp_mock_get_metrics(struct sp_mock_conn *conn, struct sp_mock_request *request) {
  struct sp_mock *mock = conn->mock;
  struct sp_buf body;
  sp_buf_init(&body, METRICS_MAX);
  put_mock(&body, mock);
  if (mock->resources) sp_mock_put_resources(&body, mock->resources, sp_loop_now(mock->loop));
  struct sp_mock_answer answer = { .status = 200, .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                   .body = sp_buf_str(&body) };
  sp_mock_reply(conn, request, &answer);
  sp_buf_fini(&body);
}

/* -- /mock/stats -- */

void sp_mock_put_stations(struct sp_mock *mock, struct sp_jw *jw) {
  if (!mock->resources) return;
  sp_jw_open(jw, "stations", '{');
  for (unsigned i = 0; i < SP_RES_COUNT; i++) {
    if (!mock->resources->has[i]) continue;
    struct sp_station *station = &mock->resources->stations[i];
    const struct sp_station_figures *figures = sp_station_figures(station, sp_loop_now(mock->loop));
    sp_jw_open(jw, sp_resource_name((enum sp_resource)i), '{');
    sp_jw_int(jw, "entered", (int64_t)figures->entered);
    sp_jw_int(jw, "served", (int64_t)figures->served);
    sp_jw_int(jw, "left", (int64_t)figures->left);
    sp_jw_int(jw, "waiting", (int64_t)figures->waiting);
    sp_jw_int(jw, "serving", (int64_t)figures->serving);
    sp_jw_seconds(jw, "work_s", (int64_t)figures->done_ns);
    sp_jw_seconds(jw, "busy_s", (int64_t)figures->busy_ns);
    sp_jw_seconds(jw, "waited_s", (int64_t)figures->waited_ns);
    sp_jw_close(jw, '}');
  }
  sp_jw_close(jw, '}');
}
