#include "watch/docker_text.h"

#include "base/clock.h"
#include "base/secret.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>

#define NS 1e-9
#define PATH_PART_MAX 60u
#define VARIABLES_MAX 60u /* of one container: the settings of all have a cap */

/* -- documents -- */

int sp_docker_parse(struct sp_str text, json_t **out, struct sp_err *err) {
  json_error_t error;
  *out = json_loadb(text.bytes ? text.bytes : "", text.len, 0, &error);
  return *out ? 0 : sp_fail(err, SP_EPARSE, "that is no JSON (%s, byte %d)", error.text, error.position);
}

static const json_t *at(const json_t *document, const char *path) {
  char part[PATH_PART_MAX];
  while (document && *path) {
    size_t len = strcspn(path, ".");
    snprintf(part, sizeof(part), "%.*s", (int)len, path);
    document = json_object_get(document, part);
    path += len + (path[len] == '.');
  }
  return document;
}

/* Counters and sizes: what is below zero (limits mean "none" by it) is not there. */
double sp_docker_number(const json_t *document, const char *path) {
  const json_t *value = at(document, path);
  double number = json_is_number(value) ? json_number_value(value) : NAN;
  return number >= 0 ? number : NAN;
}

const char *sp_docker_string(const json_t *document, const char *path) { return json_string_value(at(document, path)); }

/* -- the list -- */

static bool is_id(const char *text) {
  size_t len = strlen(text);
  for (size_t i = 0; i < len; i++) {
    if (!isxdigit((unsigned char)text[i])) return false;
  }
  return len > 0 && len <= SP_DOCKER_ID_MAX;
}

bool sp_docker_container(const json_t *entry, struct sp_docker_container *out) {
  const char *id = sp_docker_string(entry, "Id"), *name = json_string_value(json_array_get(at(entry, "Names"), 0));
  if (!id || !is_id(id) || !name) return false;
  snprintf(out->id, sizeof(out->id), "%s", id);
  snprintf(out->name, sizeof(out->name), "%s", name + (name[0] == '/'));
  return out->name[0] != '\0';
}

/* -- limits and settings -- */

void sp_docker_inspect(const json_t *document, struct sp_docker_limits *out) {
  double nano = sp_docker_number(document, "HostConfig.NanoCpus"), quota = sp_docker_number(document, "HostConfig.CpuQuota"),
         period = sp_docker_number(document, "HostConfig.CpuPeriod");
  *out = (struct sp_docker_limits){.cores = NAN, .oom_killed = json_is_true(at(document, "State.OOMKilled")),
                                   .restarts = sp_docker_number(document, "RestartCount")};
  if (quota > 0) out->cores = quota / (period > 0 ? period : 100000);
  if (nano > 0) out->cores = nano * NS;
}

/* Of the hundreds of variables that a container may have: those that size something. */
static bool usually_matters(const char *key) {
  static const char *const patterns[] = {
      "*WORKER*", "*POOL*",  "*CONN*",  "*TIMEOUT*", "*LIMIT*",     "*MAX*",    "*THREAD*",   "*CONCURREN*",
      "*BUFFER*", "*BATCH*", "*CACHE*", "*_SIZE",    "*AMOUNT*",    "*DEBUG*",  "GUNICORN_*", "NGINX_*",
      "GOGC",     "GOMAX*",  "GOMEM*",  "JAVA_OPTS", "*LOG_LEVEL*", "VECTOR_*", "*PROMETHEUS*"};
  for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
    if (sp_str_matches(patterns[i], key)) return true;
  }
  return false;
}

/* "redis://:password@redis:6379" keeps its place alone; what speaks of a password inside is hidden whole. */
static void without_secrets(const char *value, char *out, size_t size) {
  const char *scheme = strstr(value, "://"), *user_end = scheme ? strrchr(scheme, '@') : NULL;
  if (strcasestr(value, "passw") || strcasestr(value, "secret")) {
    snprintf(out, size, "***");
  } else if (user_end) {
    snprintf(out, size, "%.*s***%s", (int)(scheme + 3 - value), value, user_end);
  } else {
    snprintf(out, size, "%s", value);
  }
}

static bool tell_variable(const char *text, const char *pattern,
                          void (*on_setting)(void *ctx, const char *key, const char *value), void *ctx) {
  char key[SP_OBSERVED_SUBJECT_MAX], value[SP_OBSERVED_DETAIL_MAX];
  const char *equals = strchr(text, '=');
  if (!equals || (size_t)(equals - text) >= sizeof(key)) return false;
  snprintf(key, sizeof(key), "%.*s", (int)(equals - text), text);
  if (pattern ? !sp_str_matches(pattern, key) : !usually_matters(key)) return false;
  without_secrets(equals + 1, value, sizeof(value));
  on_setting(ctx, key, sp_name_is_secret(sp_str_from(key), SP_NAME_SHOWN) ? "***" : value);
  return true;
}

void sp_docker_settings(const json_t *document, const char *pattern,
                        void (*on_setting)(void *ctx, const char *key, const char *value), void *ctx) {
  struct sp_docker_limits limits;
  char text[40];
  size_t told = 0, i;
  const json_t *variable, *variables = at(document, "Config.Env");
  const char *image = sp_docker_string(document, "Config.Image");
  double memory = sp_docker_number(document, "HostConfig.Memory");
  sp_docker_inspect(document, &limits);
  if (image) on_setting(ctx, "image", image);
  snprintf(text, sizeof(text), "%g", limits.cores);
  on_setting(ctx, "cpus", isnan(limits.cores) ? "no limit" : text);
  snprintf(text, sizeof(text), "%.0f", memory);
  on_setting(ctx, "memory", memory > 0 ? text : "no limit");
  json_array_foreach(variables, i, variable) {
    const char *line = json_string_value(variable);
    if (line && told < VARIABLES_MAX) told += tell_variable(line, pattern, on_setting, ctx);
  }
}

/* -- stats -- */

int64_t sp_docker_read_ns(const json_t *document) {
  int64_t read_ns;
  const char *text = sp_docker_string(document, "read");
  return text && sp_clock_parse_rfc3339(sp_str_from(text), &read_ns) ? read_ns : 0;
}

/* Version 2 and version 1 of cgroups have different names for it. */
static double of_memory(const json_t *document, const char *v2, const char *v1) {
  const json_t *stats = at(document, "memory_stats.stats");
  double value = sp_docker_number(stats, v1);
  return isnan(value) ? sp_docker_number(stats, v2) : value;
}

static void take_cpu(const json_t *document, const struct sp_docker_limits *limits, struct sp_look *look) {
  const json_t *throttling = at(document, "cpu_stats.throttling_data");
  double cores = limits->cores;
  if (isnan(cores)) cores = sp_docker_number(document, "cpu_stats.online_cpus");
  if (isnan(cores)) cores = (double)json_array_size(at(document, "cpu_stats.cpu_usage.percpu_usage"));
  sp_look_set(look, SP_SIGNAL_CPU_CORES, sp_docker_number(document, "cpu_stats.cpu_usage.total_usage") * NS, NULL);
  sp_look_set(look, SP_SIGNAL_CPU_LIMIT, cores > 0 ? cores : NAN, NULL);
  sp_look_share(look, SP_SIGNAL_CPU_THROTTLED, sp_docker_number(throttling, "throttled_periods"),
                sp_docker_number(throttling, "periods"), NULL);
}

static void take_memory(const json_t *document, struct sp_look *look) {
  double used = sp_docker_number(document, "memory_stats.usage"),
         cache = of_memory(document, "inactive_file", "total_inactive_file");
  if (!isnan(cache)) used = fmax(used - cache, 0);
  sp_look_set(look, SP_SIGNAL_MEMORY_USED, used, NULL);
  sp_look_set(look, SP_SIGNAL_MEMORY_LIMIT, sp_docker_number(document, "memory_stats.limit"), NULL);
  sp_look_set(look, SP_SIGNAL_MEMORY_MAJOR_FAULTS, of_memory(document, "pgmajfault", "total_pgmajfault"), NULL);
}

static double plus(double sum, double more) { return isnan(more) ? sum : isnan(sum) ? more : sum + more; }

static void take_network(const json_t *document, struct sp_look *look) {
  static const char *const drops[] = {"rx_dropped", "tx_dropped", "rx_errors", "tx_errors"};
  double in = NAN, out = NAN, dropped = NAN;
  const char *name;
  json_t *network;
  json_object_foreach(json_object_get(document, "networks"), name, network) {
    in = plus(in, sp_docker_number(network, "rx_bytes"));
    out = plus(out, sp_docker_number(network, "tx_bytes"));
    for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]); i++) dropped = plus(dropped, sp_docker_number(network, drops[i]));
  }
  sp_look_set(look, SP_SIGNAL_NET_IN, in, NULL);
  sp_look_set(look, SP_SIGNAL_NET_OUT, out, NULL);
  sp_look_set(look, SP_SIGNAL_NET_DROPS, dropped, NULL);
}

static void take_io(const json_t *document, struct sp_look *look) {
  double read = NAN, written = NAN;
  const json_t *row, *rows = at(document, "blkio_stats.io_service_bytes_recursive");
  size_t i;
  json_array_foreach(rows, i, row) {
    const char *op = sp_docker_string(row, "op"); /* "Read" in version 1, "read" in version 2 */
    if (op && strcasecmp(op, "read") == 0) read = plus(read, sp_docker_number(row, "value"));
    if (op && strcasecmp(op, "write") == 0) written = plus(written, sp_docker_number(row, "value"));
  }
  sp_look_set(look, SP_SIGNAL_IO_READ, read, NULL);
  sp_look_set(look, SP_SIGNAL_IO_WRITE, written, NULL);
}

void sp_docker_stats(const json_t *document, const struct sp_docker_limits *limits, struct sp_look *look) {
  take_cpu(document, limits, look);
  take_memory(document, look);
  take_network(document, look);
  take_io(document, look);
  /* the kernel's controller of that name counts threads */
  sp_look_set(look, SP_SIGNAL_THREADS, sp_docker_number(document, "pids_stats.current"), NULL);
}

/* -- events -- */

enum sp_docker_event sp_docker_event(const json_t *event, const char **name, const char **exit_code) {
  const char *what = sp_docker_string(event, "Action");
  *name = sp_docker_string(event, "Actor.Attributes.name");
  *exit_code = sp_docker_string(event, "Actor.Attributes.exitCode");
  if (!what || !*name) return SP_DOCKER_OTHER;
  if (strcmp(what, "oom") == 0) return SP_DOCKER_OOM;
  if (strcmp(what, "die") == 0) return SP_DOCKER_DIE;
  return strcmp(what, "start") == 0 ? SP_DOCKER_START : SP_DOCKER_OTHER;
}
