/*
 * A plan: a Lua file (or a built-in one, embedded) that says which users do what. Loaded once in the main thread to
 * learn its classes, parameters, load and SLOs; each engine thread then runs it again in a Lua state of its own
 * (script/user_lua.h). Errors name file and line. One thread.
 */
#ifndef SP_SCRIPT_PLAN_H
#define SP_SCRIPT_PLAN_H

#include "engine/load.h"
#include "http/client.h"
#include "script/replay.h"

#define SP_PLAN_MAX (4u * 1024u * 1024u) /* bytes of a plan's file */
#define SP_PARAMS_MAX 200u
#define SP_SLOS_MAX 100u
#define SP_PLAN_WATCHERS_MAX 100u
#define SP_PLAN_WATCH_OPTIONS_MAX 32u /* a watcher */

struct sp_setting { /* -e key=value */
  const char *key, *value;
};

struct sp_plan_options {
  const char *name;              /* path of a Lua file, or a built-in plan's name */
  const struct sp_setting *settings;
  size_t setting_count;
  const char *host;              /* -H; NULL: the plan's */
  const char *const *task_patterns; /* -T, any of them; none: all */
  size_t task_pattern_count;
  const char *const *class_names; /* --user-class; none: all */
  size_t class_name_count;
  bool describing; /* only to list parameters: a missing value is no error */
};

struct sp_param {
  char *name, *description;
  char *default_text; /* NULL: none */
  char *value;        /* given by flag or environment; NULL: not given. May be a secret */
  bool secret, required;
};

/* What a class says beside sp_class_spec. */
struct sp_class_http {
  char *host;         /* NULL: the run's */
  int connection;     /* enum sp_http_connection, -1 not said */
  int version;        /* enum sp_http_version, -1 not said */
  int redirects;      /* how many are followed, -1 not said */
  bool no_cookies;
  char *auth_user, *auth_password; /* Basic; NULL: not said */
  int64_t timeout_ns; /* -1 not said */
};

struct sp_plan_load { /* -1 or NULL: the plan does not say */
  int64_t users, iterations, seed;
  double spawn_per_s;
  int64_t run_time_ns, stop_timeout_ns, warm_up_ns, stall_ns;
  int64_t timeout_ns, connect_timeout_ns, first_byte_timeout_ns, silence_timeout_ns;
  int connection, version, redirects; /* as of a class */
  char *host;
  char *stages, *rate; /* engine/shape_parse.h */
  char *arrivals;      /* "poisson", "even" */
  int64_t in_flight, max_in_flight;
  sp_shape_fn shape; /* the plan's own, of shape_kind: as in struct sp_load. NULL: it has none */
  void *shape_ctx;
  enum sp_load_kind shape_kind;
  int64_t shape_period_ns;
  const struct sp_replay *replay; /* a recorded load, of the plan's; NULL: none */
};
void sp_plan_load_init(struct sp_plan_load *load); /* nothing said */

struct sp_plan_watch { /* spate.watch{…}: what looks at the target */
  char *text;          /* "KIND=URL …", as --watch has it; NULL: the members below */
  char *kind, *url, *subject; /* subject NULL: not said */
  int64_t interval_ns; /* -1: not said */
  struct sp_setting *options;
  size_t option_count;
};

struct sp_lua;
struct sp_plan {
  struct sp_plan_options options; /* borrowed; outlives the plan */
  char *source;                   /* the text */
  size_t source_len;
  struct sp_class_spec *classes;
  struct sp_class_http *class_http;
  size_t class_count;
  struct sp_param *params;
  size_t param_count;
  struct sp_plan_load load;
  char **slos;
  size_t slo_count;
  struct sp_plan_watch *watchers;
  size_t watcher_count;
  struct sp_str *secrets; /* values of secret parameters */
  size_t secret_count;
  struct sp_lua *lua;     /* the main thread's state */
  struct sp_feeds *feeds; /* positions shared by all threads */
  struct sp_replays *replays; /* recorded loads, read while the plan loads */
  int shape_ref;                   /* the function of load.shape, in the registry of that state */
  char shape_why[SP_ERR_TEXT_MAX]; /* its last error */
  struct sp_files *files; /* what is uploaded */
};

struct sp_plan *sp_plan_load(const struct sp_plan_options *options, struct sp_err *err);
void sp_plan_destroy(struct sp_plan *plan);
/* Runs the hooks of spate.on("start"|"stop", fn) in the main thread. */
int sp_plan_fire(struct sp_plan *plan, const char *hook, struct sp_err *err);
/* What a parameter is given: with -e (the last one counts), else in the environment; NULL. May be a secret. */
const char *sp_plan_given(const struct sp_plan_options *options, const char *name);
/* What a plan's text says of itself in its first line: "-- dify:chat · one question …" -> "one question …". */
struct sp_str sp_plan_about(struct sp_str source);
/* -H, else the plan's own; "" when neither says. */
const char *sp_plan_host(const struct sp_plan *plan);

/* How options and plans name them. */
bool sp_http_version_of(struct sp_str text, enum sp_http_version *out); /* "1.1", "2", "auto"; false: none of them */
enum sp_http_connection sp_connection_of(struct sp_str text);           /* "user", "request", "shared" */

/* Evaluates a Lua file that returns a table (a mock profile) and gives it as JSON text; the caller frees it. A file
 * named .json is text already. */
char *sp_lua_file_to_json(const char *path, struct sp_err *err);
char *sp_lua_text_to_json(const char *name, const char *text, size_t len, struct sp_err *err);

#endif
