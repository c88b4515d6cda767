/*
 * The watcher `redis`: INFO, the slow log, the lengths of the queues that workers take their jobs from, and CONFIG where it may be
 * read. It needs a user with +info +slowlog|get +config|get +llen +select and nothing else (docs/watch.md).
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/units.h"
#include "watch/kinds.h"
#include "watch/rates.h"
#include "watch/redis_link.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define QUEUES_MAX 50u
#define SLOW_ENTRIES 32 /* of the log a look; their number is known exactly, the slowest of so many */
#define COMMAND_MAX 40u
#define COMMANDS_MAX 20u
/* Celery's queues of Dify (api/docker/entrypoint.sh), in database 1 of its Redis. */
#define DIFY_QUEUES                                                                                                         \
  "dataset,priority_dataset,priority_pipeline,pipeline,mail,ops_trace,app_deletion,plugin,workflow_storage,conversation,"   \
  "workflow,schedule_poller,schedule_executor,triggered_workflow_dispatcher,trigger_refresh_executor,retention"
#define DIFY_DATABASE 1

struct queue {
  char *name;
  bool told; /* asked for by name, or seen with something in it */
  bool begun; /* has points */
};

struct redis {
  struct sp_redis_link *link;
  char *subject;
  struct sp_rates rates;
  struct queue queues[QUEUES_MAX];
  size_t queue_count;
  int database;
  bool has_slow_log, has_queues;
  long long slow_before, slow_seen; /* ids: of the newest entry before this connection, and of now; -1: none */
  struct sp_map slow; /* command -> double, seconds */
  int64_t begin_ns, info_at_ns, slow_at_ns, queues_at_ns; /* of this connection; of the last looks */
};

/* -- the spec -- */

static int choose_queues(struct redis *redis, const struct sp_watch_spec *spec, struct sp_err *err) {
  const char *given = sp_watch_option_of(spec, "queues"), *database = sp_watch_option_of(spec, "queue_db");
  struct sp_str rest = sp_str_from(given ? given : DIFY_QUEUES);
  uint64_t number = DIFY_DATABASE;
  while (rest.len) {
    struct sp_str name = sp_str_trim(sp_str_split(&rest, ','));
    if (name.len == 0) continue;
    if (redis->queue_count == QUEUES_MAX) return sp_fail(err, SP_EUSAGE, "over %u queues", QUEUES_MAX);
    redis->queues[redis->queue_count++] = (struct queue){.name = sp_strndup(name.bytes, name.len), .told = given != NULL};
  }
  if (database && (sp_parse_count(database, &number, err) || number > 1000)) {
    return sp_fail(err, SP_EUSAGE, "queue_db is the number of a database, not '%s'", database);
  }
  redis->database = (int)number;
  return 0;
}

static void close_redis(void *watcher) {
  struct redis *redis = watcher;
  for (size_t i = 0; i < redis->queue_count; i++) free(redis->queues[i].name);
  for (size_t i = 0; i < redis->slow.count; i++) free(redis->slow.entries[i].value);
  sp_map_fini(&redis->slow);
  sp_redis_link_close(redis->link);
  sp_rates_fini(&redis->rates);
  free(redis->subject);
  free(redis);
}

static int open_redis(const struct sp_watch_spec *spec, void **watcher, char **source, struct sp_err *err) {
  struct redis *redis = sp_alloc(sizeof(*redis));
  redis->subject = sp_strdup(spec->subject ? spec->subject : "redis");
  sp_rates_init(&redis->rates);
  sp_map_init(&redis->slow);
  if (choose_queues(redis, spec, err) || sp_redis_link_open(spec, &redis->link, source, err)) {
    close_redis(redis);
    return err->code;
  }
  *watcher = redis;
  return 0;
}

static struct sp_observed_key key_of(const struct redis *redis, enum sp_signal signal, const char *detail, const char *query) {
  return (struct sp_observed_key){.signal = signal, .subject = redis->subject, .detail = detail, .query = query};
}

/* A command whose refusal costs no more than its own figures: NULL and *code 0 then. */
static redisReply *ask_softly(struct redis *redis, struct sp_watch_sink *sink, const char *what, const char *command, int *code,
                              struct sp_err *err) {
  redisReply *reply = sp_redis_ask(redis->link, sink, err, command);
  *code = reply || err->code == SP_EPARSE ? 0 : err->code;
  if (!reply && *code == 0) sp_watch_cannot(sink, "%s: %s", what, err->text);
  return reply;
}

/* -- the start -- */

static const char *text_of(const redisReply *reply) {
  return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS ? reply->str : "";
}

static void take_setting(struct redis *redis, struct sp_watch_sink *sink, const char *key, const char *value) {
  static const char *const told[] = {
      "maxclients", "maxmemory", "maxmemory-policy", "appendonly", "appendfsync", "save", "io-threads", "hz", "timeout",
      "tcp-backlog", "databases", "slowlog-log-slower-than", "slowlog-max-len", "latency-monitor-threshold", "lazyfree-lazy-eviction"};
  for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
    if (strcmp(told[i], key) == 0) sp_observations_setting(sink->observations, redis->subject, key, value);
  }
  if (strcmp(key, "slowlog-log-slower-than") == 0 && strtol(value, NULL, 10) < 0) {
    sp_watch_cannot(sink, "slow commands: slowlog-log-slower-than is %s, so that none is kept", value);
  }
}

static int take_settings(struct redis *redis, struct sp_watch_sink *sink, struct sp_err *err) {
  int code;
  redisReply *reply = ask_softly(redis, sink, "its settings", "CONFIG GET *", &code, err);
  if (!reply) return code;
  for (size_t i = 0; i + 1 < reply->elements; i += 2) {
    take_setting(redis, sink, text_of(reply->element[i]), text_of(reply->element[i + 1]));
  }
  freeReplyObject(reply);
  return 0;
}

static long long newest_slow(const redisReply *reply) {
  if (reply->elements == 0 || reply->element[0]->elements < 4) return -1;
  return reply->element[0]->element[0]->integer;
}

/* What is in the log already came before the run. */
static int begin_slow_log(struct redis *redis, struct sp_watch_sink *sink, struct sp_err *err) {
  int code;
  redisReply *reply = ask_softly(redis, sink, "slow commands", "SLOWLOG GET 1", &code, err);
  redis->has_slow_log = reply != NULL;
  if (!reply) return code;
  redis->slow_before = redis->slow_seen = newest_slow(reply);
  redis->slow_at_ns = sp_clock_real_ns();
  freeReplyObject(reply);
  return 0;
}

static int select_queues(struct redis *redis, struct sp_watch_sink *sink, struct sp_err *err) {
  char command[40], what[60];
  int code;
  redis->has_queues = false;
  if (redis->queue_count == 0) return 0;
  snprintf(command, sizeof(command), "SELECT %d", redis->database);
  snprintf(what, sizeof(what), "the queues in its database %d", redis->database);
  redisReply *reply = ask_softly(redis, sink, what, command, &code, err);
  redis->has_queues = reply != NULL;
  if (reply) freeReplyObject(reply);
  if (reply) sp_watch_can(sink, "%s", what);
  return code;
}

static int probe(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct redis *redis = watcher;
  if (sp_redis_link_connect(redis->link, sink, err)) return err->code;
  sp_rates_fini(&redis->rates);
  sp_rates_init(&redis->rates);
  redis->begin_ns = redis->info_at_ns = redis->queues_at_ns = sp_clock_real_ns();
  int code = take_settings(redis, sink, err);
  if (code == 0) code = begin_slow_log(redis, sink, err);
  if (code == 0) code = select_queues(redis, sink, err);
  return code;
}

/* -- INFO -- */

struct figure {
  const char *name; /* of INFO's line */
  enum sp_signal signal;
};

static const struct figure figures[] = {
    {"total_commands_processed", SP_SIGNAL_CACHE_OPS},
    {"connected_clients", SP_SIGNAL_CACHE_CLIENTS},
    {"maxclients", SP_SIGNAL_CACHE_CLIENTS_LIMIT},
    {"blocked_clients", SP_SIGNAL_CACHE_BLOCKED_CLIENTS},
    {"evicted_keys", SP_SIGNAL_CACHE_EVICTIONS},
    {"rejected_connections", SP_SIGNAL_CACHE_REJECTED},
    {"used_memory", SP_SIGNAL_MEMORY_USED},
    {"maxmemory", SP_SIGNAL_MEMORY_LIMIT},
};

/* The value of INFO's line; NAN where this version has none. */
static double value_of(const char *info, const char *name, char *text, size_t size) {
  size_t len = strlen(name);
  for (const char *line = info; line; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (strncmp(line, name, len) != 0 || line[len] != ':') continue;
    const char *value = line + len + 1;
    char *end;
    double number = strtod(value, &end);
    if (text) snprintf(text, size, "%.*s", (int)strcspn(value, "\r\n"), value);
    return end == value ? NAN : number;
  }
  return NAN;
}

static void add_figure(struct redis *redis, struct sp_watch_sink *sink, const struct figure *figure, double value, int64_t now_ns) {
  const struct sp_observed_key key = key_of(redis, figure->signal, "", "INFO");
  if (isnan(value) || (figure->signal == SP_SIGNAL_MEMORY_LIMIT && value <= 0)) return; /* 0: without a limit */
  if (sp_signal_info(figure->signal)->kind == SP_SIGNAL_RATE) {
    sp_rates_add(&redis->rates, sink, &key, figure->name, now_ns, value, 1);
  } else {
    sp_watch_gauge(sink, &key, now_ns, now_ns - redis->info_at_ns, value);
  }
}

/* Commands run in one thread. Redis before 6.2 tells only the CPU of the whole process, of which that thread is nearly all. */
static void add_main_thread(struct redis *redis, struct sp_watch_sink *sink, const char *info, int64_t now_ns) {
  const struct sp_observed_key key = key_of(redis, SP_SIGNAL_CACHE_MAIN_THREAD, "", "INFO CPU");
  double user_s = value_of(info, "used_cpu_user_main_thread", NULL, 0), system_s = value_of(info, "used_cpu_sys_main_thread", NULL, 0);
  if (isnan(user_s)) user_s = value_of(info, "used_cpu_user", NULL, 0);
  if (isnan(system_s)) system_s = value_of(info, "used_cpu_sys", NULL, 0);
  if (!isnan(user_s + system_s)) sp_rates_add(&redis->rates, sink, &key, "main thread", now_ns, user_s + system_s, 1);
}

static int take_info(struct redis *redis, struct sp_watch_sink *sink, struct sp_err *err) {
  char version[40] = "";
  redisReply *reply = sp_redis_ask(redis->link, sink, err, "INFO");
  if (!reply) return err->code = SP_EIO; /* without it there is nothing to see: tried again, with the probe */
  const char *info = text_of(reply);
  int64_t now_ns = sp_clock_real_ns();
  value_of(info, "redis_version", version, sizeof(version));
  if (version[0]) sp_observations_setting(sink->observations, redis->subject, "redis_version", version);
  for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
    add_figure(redis, sink, &figures[i], value_of(info, figures[i].name, NULL, 0), now_ns);
  }
  add_main_thread(redis, sink, info, now_ns);
  redis->info_at_ns = now_ns;
  freeReplyObject(reply);
  return 0;
}

/* -- SLOWLOG -- */

#define SLOW_QUERY "SLOWLOG GET"

/* Arguments may be anybody's data: only the command's name is told. */
static const char *command_of(const redisReply *entry, char *text, size_t size) {
  const redisReply *words = entry->element[3];
  snprintf(text, size, "%s", words->elements ? text_of(words->element[0]) : "");
  for (char *c = text; *c; c++) *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
  return text;
}

static void take_slow(struct redis *redis, const redisReply *entry) {
  char text[COMMAND_MAX + 1];
  struct sp_str command = sp_str_from(command_of(entry, text, sizeof(text)));
  double seconds = (double)entry->element[2]->integer / 1e6, *slowest = sp_map_get(&redis->slow, command);
  if (!slowest && redis->slow.count == COMMANDS_MAX) return;
  if (!slowest) *sp_map_put(&redis->slow, command) = slowest = sp_alloc(sizeof(*slowest));
  *slowest = fmax(*slowest, seconds);
}

/* A command that was slow once is told of from then on, with the slowest of it that the newest entries still have. */
static void add_slowest(struct redis *redis, struct sp_watch_sink *sink, int64_t now_ns) {
  for (size_t i = 0; i < redis->slow.count; i++) {
    const double *seconds = redis->slow.entries[i].value;
    const struct sp_observed_key key = key_of(redis, SP_SIGNAL_CACHE_SLOWEST_COMMAND, redis->slow.entries[i].key, SLOW_QUERY);
    sp_watch_gauge(sink, &key, now_ns, now_ns - redis->slow_at_ns, *seconds);
  }
}

static void add_slow(struct redis *redis, struct sp_watch_sink *sink, const redisReply *reply, int64_t now_ns) {
  long long newest = newest_slow(reply);
  double span_s = (double)(now_ns - redis->slow_at_ns) / (double)SP_NS_PER_S;
  double fresh = newest > redis->slow_seen ? (double)(newest - redis->slow_seen) : 0;
  const struct sp_observed_key key = key_of(redis, SP_SIGNAL_CACHE_SLOW_COMMANDS, "", SLOW_QUERY);
  sp_watch_gauge(sink, &key, now_ns, now_ns - redis->slow_at_ns, fresh / span_s);
  for (size_t i = 0; i < redis->slow.count; i++) *(double *)redis->slow.entries[i].value = 0;
  for (size_t i = 0; i < reply->elements; i++) {
    const redisReply *entry = reply->element[i];
    if (entry->elements >= 4 && entry->element[0]->integer > redis->slow_before) take_slow(redis, entry);
  }
  add_slowest(redis, sink, now_ns);
  if (newest > redis->slow_seen) redis->slow_seen = newest;
  redis->slow_at_ns = now_ns;
}

static int take_slow_log(struct redis *redis, struct sp_watch_sink *sink, struct sp_err *err) {
  if (!redis->has_slow_log) return 0;
  redisReply *reply = sp_redis_ask(redis->link, sink, err, SLOW_QUERY " %d", SLOW_ENTRIES);
  if (!reply) return err->code;
  int64_t now_ns = sp_clock_real_ns();
  if (now_ns > redis->slow_at_ns + SP_RATES_SPAN_MIN_NS) add_slow(redis, sink, reply, now_ns);
  freeReplyObject(reply);
  return 0;
}

/* -- queues -- */

/* A queue of the usual names is told of once it had something in it, since most deployments have few of them: then back to the
 * beginning, where it had nothing. */
static void take_length(struct redis *redis, struct sp_watch_sink *sink, struct queue *queue, double length, int64_t now_ns) {
  char query[SP_OBSERVED_QUERY_MAX];
  snprintf(query, sizeof(query), "SELECT %d; LLEN %s", redis->database, queue->name);
  const struct sp_observed_key key = key_of(redis, SP_SIGNAL_QUEUE_LENGTH, queue->name, query);
  queue->told = queue->told || length > 0;
  if (!queue->told) return;
  if (!queue->begun && redis->queues_at_ns > redis->begin_ns) {
    sp_watch_gauge(sink, &key, redis->queues_at_ns, redis->queues_at_ns - redis->begin_ns, 0);
  }
  queue->begun = true;
  sp_watch_gauge(sink, &key, now_ns, now_ns - redis->queues_at_ns, length);
}

static int take_queues(struct redis *redis, struct sp_watch_sink *sink, struct sp_err *err) {
  int64_t now_ns = sp_clock_real_ns();
  for (size_t i = 0; redis->has_queues && i < redis->queue_count; i++) {
    redisReply *reply = sp_redis_ask(redis->link, sink, err, "LLEN %s", redis->queues[i].name);
    if (reply) {
      take_length(redis, sink, &redis->queues[i], (double)reply->integer, now_ns);
      freeReplyObject(reply);
    } else if (err->code == SP_EPARSE) {
      redis->has_queues = false;
      sp_watch_cannot(sink, "the queue %s: %s", redis->queues[i].name, err->text);
    } else {
      return err->code;
    }
  }
  redis->queues_at_ns = now_ns;
  return 0;
}

static int sample(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct redis *redis = watcher;
  int code = take_info(redis, sink, err);
  if (code == 0) code = take_slow_log(redis, sink, err);
  if (code == 0) code = take_queues(redis, sink, err);
  return code;
}

static const struct sp_watch_option options[] = {
    {"password_file", "a file whose one line is the password"},
    {"queues", "lists whose lengths to see, with commas between (by itself: Dify's queues of Celery)"},
    {"queue_db", "the number of the database that they are in (by itself: 1, Dify's)"},
    {NULL, NULL},
};

const struct sp_watcher_kind sp_watcher_redis = {
    .name = "redis",
    .url_form = "redis://:password@host:6379",
    .help = "Redis: how busy its one thread is, slow commands, clients, memory, queues, settings",
    .options = options,
    .open = open_redis,
    .probe = probe,
    .sample = sample,
    .close = close_redis,
};
