/*
 * docker: the containers of an engine, by its API over its socket. Each is asked for its counters (one-shot: without the
 * engine's own second of waiting), and rates are made here, over the engine's own times.
 */
#include "base/mem.h"
#include "watch/docker_text.h"
#include "watch/fetch.h"
#include "watch/kinds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CONTAINERS_MAX 50u /* watched; more are said to be unseen */
#define KNOWN_MAX 500u     /* containers ever seen: what is restarted over and over */
#define EVENTS_MAX 1000u   /* lines of one answer */
#define TARGET_SIZE 400
#define EVENT_FILTERS "%7B%22type%22%3A%5B%22container%22%5D%2C%22event%22%3A%5B%22oom%22%2C%22die%22%2C%22start%22%5D%7D"

struct docker {
  struct sp_fetch *fetch;
  const char *name, *variables; /* patterns, borrowed from the spec; NULL: any, those that usually matter */
  struct sp_docker_container *containers; /* of the last list */
  size_t count;
  struct sp_map known;     /* id -> struct sp_docker_limits */
  struct sp_map oom_kills; /* name -> double: so far */
  int64_t ahead_ns;        /* the engine's clock before ours; known once an answer said its time */
  bool ahead_known;
  int64_t events_ns;       /* asked up to here, by our clock */
  struct sp_rates rates;
};

static const struct sp_watch_option options[] = {
    {"name", "which containers, a pattern of * and ?: 'dify-*' (default: all that run)"},
    {"env", "which of their variables are noted, a pattern; secrets are left out (default: those that size something)"},
    SP_FETCH_OPTIONS,
    {NULL, NULL},
};

/* -- open, close -- */

static void free_map(struct sp_map *map) {
  for (size_t i = 0; i < map->count; i++) free(map->entries[i].value);
  sp_map_fini(map);
}

static void close_docker(void *watcher) {
  struct docker *docker = watcher;
  sp_fetch_destroy(docker->fetch);
  free_map(&docker->known);
  free_map(&docker->oom_kills);
  sp_rates_fini(&docker->rates);
  free(docker->containers);
  free(docker);
}

static int open_docker(const struct sp_watch_spec *spec, void **watcher, char **source, struct sp_err *err) {
  struct sp_fetch *fetch;
  if (sp_fetch_create(spec, &fetch, err)) return err->code;
  struct docker *docker = sp_alloc(sizeof(*docker));
  *docker = (struct docker){.fetch = fetch,
                            .name = sp_watch_option_of(spec, "name"),
                            .variables = sp_watch_option_of(spec, "env"),
                            .containers = sp_alloc_array(CONTAINERS_MAX, sizeof(*docker->containers))};
  sp_map_init(&docker->known);
  sp_map_init(&docker->oom_kills);
  sp_rates_init(&docker->rates);
  *watcher = docker;
  *source = sp_fetch_source(fetch, "docker");
  return 0;
}

/* -- asking -- */

static int ask(struct docker *docker, struct sp_watch_sink *sink, const char *target, struct sp_fetched *answer,
               json_t **document, struct sp_err *err) {
  *document = NULL;
  if (sp_fetch_ok(docker->fetch, sink, &(struct sp_fetch_call){.target = target}, answer, err)) return err->code;
  return sp_docker_parse(answer->body, document, err) ? sp_err_context(err, "%s%s", sp_fetch_name(docker->fetch), target) : 0;
}

static int list(struct docker *docker, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_fetched answer;
  struct sp_docker_container found;
  json_t *document, *entry;
  size_t i, left_out = 0;
  if (ask(docker, sink, "/containers/json", &answer, &document, err)) return err->code;
  docker->count = 0;
  json_array_foreach(document, i, entry) {
    if (!sp_docker_container(entry, &found) || (docker->name && !sp_str_matches(docker->name, found.name))) continue;
    if (docker->count < CONTAINERS_MAX) docker->containers[docker->count++] = found;
    else left_out++;
  }
  bool is_list = json_is_array(document);
  json_decref(document);
  if (left_out) {
    sp_watch_cannot(sink, "%zu more containers: %u are looked at: choose them by the option name", left_out, CONTAINERS_MAX);
  }
  return is_list ? 0 : sp_fail(err, SP_EPARSE, "%s/containers/json is no list of containers", sp_fetch_name(docker->fetch));
}

/* -- a container -- */

struct setting_of {
  struct sp_watch_sink *sink;
  const char *name;
};

static void note_setting(void *ctx, const char *key, const char *value) {
  struct setting_of *of = ctx;
  sp_observations_setting(of->sink->observations, of->name, key, value);
}

/* Once a container: its limits are fixed, or as good as. NULL: it is gone, or there were too many. */
static const struct sp_docker_limits *inspect(struct docker *docker, struct sp_watch_sink *sink,
                                              const struct sp_docker_container *container) {
  char target[TARGET_SIZE];
  struct sp_fetched answer;
  struct sp_err err;
  json_t *document;
  struct sp_docker_limits *known = sp_map_get(&docker->known, sp_str_from(container->id));
  if (known || docker->known.count == KNOWN_MAX) return known;
  snprintf(target, sizeof(target), "/containers/%s/json", container->id);
  if (ask(docker, sink, target, &answer, &document, &err)) return NULL;
  known = sp_alloc(sizeof(*known));
  sp_docker_inspect(document, known);
  sp_docker_settings(document, docker->variables, note_setting, &(struct setting_of){.sink = sink, .name = container->name});
  if (known->restarts > 0) sp_watch_note(sink, "%s had restarted %.0f times before", container->name, known->restarts);
  if (known->oom_killed) sp_watch_note(sink, "%s was killed for want of memory before", container->name);
  json_decref(document);
  *sp_map_put(&docker->known, sp_str_from(container->id)) = known;
  return known;
}

/* The engine's own time keeps the spans exact; the difference of the clocks, taken once, keeps them on this machine's axis. */
static int64_t time_of(struct docker *docker, const json_t *document, const struct sp_fetched *answer) {
  int64_t read_ns = sp_docker_read_ns(document), middle_ns = answer->asked_ns + (answer->got_ns - answer->asked_ns) / 2;
  if (read_ns == 0) return answer->got_ns;
  if (!docker->ahead_known) {
    docker->ahead_known = true;
    docker->ahead_ns = read_ns - middle_ns;
  }
  return read_ns - docker->ahead_ns;
}

static double *oom_kills_of(struct docker *docker, const char *name) {
  double *count = sp_map_get(&docker->oom_kills, sp_str_from(name));
  if (count || docker->oom_kills.count == KNOWN_MAX) return count;
  count = sp_alloc(sizeof(*count));
  *sp_map_put(&docker->oom_kills, sp_str_from(name)) = count;
  return count;
}

/* One that is gone meanwhile is nothing to tell: events do. */
static void look_at(struct docker *docker, struct sp_watch_sink *sink, const struct sp_docker_container *container) {
  char target[TARGET_SIZE], query[TARGET_SIZE];
  struct sp_fetched answer;
  struct sp_look look;
  json_t *document;
  struct sp_err err;
  const struct sp_docker_limits *limits = inspect(docker, sink, container);
  snprintf(target, sizeof(target), "/containers/%s/stats?stream=false&one-shot=true", container->id);
  if (!limits || sp_fetch(docker->fetch, sink, &(struct sp_fetch_call){.target = target}, &answer, &err)) return;
  if (answer.status != 200) return;
  if (sp_docker_parse(answer.body, &document, &err)) {
    sp_watch_note(sink, "stats of %s: %s", container->name, err.text);
    return;
  }
  const double *oom_kills = oom_kills_of(docker, container->name);
  snprintf(query, sizeof(query), "GET /containers/%s/stats", container->name);
  sp_look_init(&look, container->name, NULL, NULL, time_of(docker, document, &answer));
  sp_docker_stats(document, limits, &look);
  sp_look_set(&look, SP_SIGNAL_MEMORY_OOM_KILLS, oom_kills ? *oom_kills : NAN, NULL);
  for (int i = 0; i < SP_SIGNAL_COUNT; i++) look.file[i] = query;
  sp_look_tell(&look, &docker->rates, sink);
  json_decref(document);
}

/* -- events -- */

static void take_event(struct docker *docker, struct sp_watch_sink *sink, const json_t *event) {
  const char *name, *exit_code;
  enum sp_docker_event what = sp_docker_event(event, &name, &exit_code);
  if (what == SP_DOCKER_OTHER || (docker->name && !sp_str_matches(docker->name, name))) return;
  double *oom_kills = what == SP_DOCKER_OOM ? oom_kills_of(docker, name) : NULL;
  if (oom_kills) (*oom_kills)++;
  if (what == SP_DOCKER_OOM) sp_watch_note(sink, "%s: a process was killed for want of memory", name);
  if (what == SP_DOCKER_DIE) sp_watch_note(sink, "%s ended (exit code %s)", name, exit_code ? exit_code : "unknown");
  if (what == SP_DOCKER_START) sp_watch_note(sink, "%s was started", name);
}

/* What happened since the last question. The engine's clock is asked for its own times. */
static void ask_events(struct docker *docker, struct sp_watch_sink *sink) {
  char target[TARGET_SIZE];
  struct sp_fetched answer;
  struct sp_err err;
  int64_t from_ns = docker->events_ns + docker->ahead_ns, to_ns = sp_clock_real_ns() + docker->ahead_ns;
  snprintf(target, sizeof(target), "/events?since=%lld.%09lld&until=%lld.%09lld&filters=%s",
           (long long)(from_ns / SP_NS_PER_S), (long long)(from_ns % SP_NS_PER_S), (long long)(to_ns / SP_NS_PER_S),
           (long long)(to_ns % SP_NS_PER_S), EVENT_FILTERS);
  if (sp_fetch_ok(docker->fetch, sink, &(struct sp_fetch_call){.target = target}, &answer, &err)) {
    sp_watch_note(sink, "events: %s", err.text);
    return;
  }
  docker->events_ns = to_ns - docker->ahead_ns;
  for (size_t i = 0; i < EVENTS_MAX && answer.body.len; i++) {
    json_t *event;
    struct sp_str line = sp_str_trim(sp_str_split(&answer.body, '\n'));
    if (line.len == 0 || sp_docker_parse(line, &event, NULL)) continue;
    take_event(docker, sink, event);
    json_decref(event);
  }
}

/* -- the kind -- */

static int probe(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct docker *docker = watcher;
  if (list(docker, sink, err)) {
    return sp_err_context(err, "may this user open the engine's socket (group docker, or root), and is it there?");
  }
  if (docker->count == 0) {
    return sp_fail(err, SP_ENOTFOUND, "no container that runs is called '%s'", docker->name ? docker->name : "anything");
  }
  sp_watch_can(sink, "CPU, throttling, memory, network, disk I/O, ends and settings of %zu container%s", docker->count,
               docker->count == 1 ? "" : "s");
  if (docker->events_ns == 0) docker->events_ns = sp_clock_real_ns();
  return 0;
}

static int sample(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct docker *docker = watcher;
  if (list(docker, sink, err)) return err->code;
  for (size_t i = 0; i < docker->count && !sp_watch_stopping(sink); i++) look_at(docker, sink, &docker->containers[i]);
  ask_events(docker, sink);
  return 0;
}

const struct sp_watcher_kind sp_watcher_docker = {
    .name = "docker",
    .url_form = "unix:///var/run/docker.sock",
    .help = "containers by the engine's API: CPU, throttling, memory, network, disk I/O, OOM kills, restarts, settings",
    .options = options,
    .open = open_docker,
    .probe = probe,
    .sample = sample,
    .close = close_docker,
};
