/* Every option, its help and how its value is read. */
#include "cli/command.h"

#include "base/mem.h"
#include "base/units.h"
#include "cli/capacity.h"
#include "cli/options.h"
#include "cli/snapshot.h"
#include "engine/shape_parse.h"
#include "report/campaign_figure.h"
#include "stats/slo.h"
#include "model/whatif.h"
#include "watch/spec.h"

#include <stdlib.h>

/* -- kinds of values -- */

static int take_count(const char *text, int64_t least, int64_t most, int64_t *out, struct sp_err *err) {
  uint64_t n;
  int code = sp_parse_count(text, &n, err);
  if (code) return code;
  if (n < (uint64_t)least) return sp_fail(err, SP_EUSAGE, "must be at least %lld, not %s", (long long)least, text);
  if (n > (uint64_t)most) return sp_fail(err, SP_EUSAGE, "must be at most %lld, not %s", (long long)most, text);
  *out = (int64_t)n;
  return 0;
}

/* Cuts "KEY=VALUE" into two texts that the options own. */
static int take_pair(struct sp_options *o, const char *text, const char **key, const char **value, struct sp_err *err) {
  const char *equals = strchr(text, '=');
  if (!equals || equals == text) return sp_fail(err, SP_EUSAGE, "must be KEY=VALUE, not '%s'", text);
  char *name = sp_strndup(text, (size_t)(equals - text));
  o->owned[o->owned_count++] = name;
  *key = name;
  *value = equals + 1;
  return 0;
}

#define OPTION(function) static int function(struct sp_options *o, const char *value, struct sp_err *err)

/* -- what to run -- */

OPTION(take_host) {
  struct sp_url url;
  struct sp_err why;
  if (sp_url_parse(sp_str_from(value), &url, &why)) return sp_fail(err, SP_EUSAGE, "%s", why.text);
  o->host = value;
  return 0;
}

OPTION(take_set) {
  if (o->setting_count == SP_SETTINGS_MAX) return sp_fail(err, SP_EUSAGE, "over %u settings", SP_SETTINGS_MAX);
  struct sp_setting *setting = &o->settings[o->setting_count];
  int code = take_pair(o, value, &setting->key, &setting->value, err);
  if (code == 0) o->setting_count++;
  return code;
}

OPTION(take_task) {
  if (o->task_pattern_count == SP_TASK_PATTERNS_MAX) return sp_fail(err, SP_EUSAGE, "over %u patterns", SP_TASK_PATTERNS_MAX);
  o->task_patterns[o->task_pattern_count++] = value;
  return 0;
}

OPTION(take_user_class) {
  if (o->class_name_count == SP_CLASS_NAMES_MAX) return sp_fail(err, SP_EUSAGE, "over %u classes", SP_CLASS_NAMES_MAX);
  o->class_names[o->class_name_count++] = value;
  return 0;
}

const struct sp_option sp_options_plan[] = {
    {"host", 'H', "URL", "base URL of the target, e.g. http://127.0.0.1:5001", take_host},
    {"set", 'e', "KEY=VALUE", "a plan parameter; else SPATE_KEY of the environment", take_set},
    {"task", 'T', "PATTERN", "run only tasks that match (repeatable), e.g. 'simple*'", take_task},
    {"user-class", 0, "NAME", "run only this user class (repeatable)", take_user_class},
    {NULL, 0, NULL, NULL, NULL}};

/* -- how much -- */

OPTION(take_users) { return take_count(value, 1, SP_USERS_MAX, &o->load.users, err); }
OPTION(take_iterations) { return take_count(value, 1, INT64_C(1000000000000), &o->load.iterations, err); }
OPTION(take_seed) { return take_count(value, 0, INT64_MAX, &o->load.seed, err); }
OPTION(take_threads) { return take_count(value, 1, SP_THREADS_MAX, &o->threads, err); }
OPTION(take_run_time) {
  int code = sp_parse_duration(value, &o->load.run_time_ns, err);
  if (code == 0 && o->load.run_time_ns == 0) return sp_fail(err, SP_EUSAGE, "must be more than 0");
  return code;
}
OPTION(take_stop_timeout) { return sp_parse_duration(value, &o->load.stop_timeout_ns, err); }
OPTION(take_warm_up) { return sp_parse_duration(value, &o->load.warm_up_ns, err); }
OPTION(take_stall) { return sp_parse_duration(value, &o->load.stall_ns, err); }
OPTION(take_spawn_rate) {
  int code = sp_parse_rate(value, &o->load.spawn_per_s, err);
  if (code == 0 && o->load.spawn_per_s <= 0) return sp_fail(err, SP_EUSAGE, "must be more than 0");
  return code;
}

/* Texts of shapes are read twice: here for their faults, in load_setup.c for what they say. */
OPTION(take_stages) {
  struct sp_stage stages[SP_STAGES_MAX];
  size_t count;
  o->load.stages = (char *)value;
  return sp_stages_parse(value, stages, &count, err);
}
OPTION(take_rate) {
  struct sp_stage stages[SP_STAGES_MAX];
  size_t count;
  o->load.rate = (char *)value;
  return sp_rates_parse(value, stages, &count, err);
}
OPTION(take_arrivals) {
  o->load.arrivals = (char *)value;
  if (strcmp(value, "poisson") == 0 || strcmp(value, "even") == 0) return 0;
  return sp_fail(err, SP_EUSAGE, "there is poisson and even, not '%s'", value);
}
OPTION(take_max_in_flight) { return take_count(value, 1, SP_USERS_MAX, &o->load.max_in_flight, err); }
OPTION(take_in_flight) { return take_count(value, 1, SP_USERS_MAX, &o->load.in_flight, err); }

const struct sp_option sp_options_load[] = {
    {"users", 'u', "N", "simulated users", take_users},
    {"spawn-rate", 'r', "N/s", "users started a second (default: at once, over 100 users 100/s)", take_spawn_rate},
    {"run-time", 't', "5m30s", "how long to start new work (default: the plan's, else until Ctrl-C)", take_run_time},
    {"stages", 0, "50:5m,100:5m", "users in stages USERS:HOLD; a ramp is FROM..TO:HOLD (0..100:2m)", take_stages},
    {"rate", 0, "20/s", "open loop: tasks started a second; in stages too: 20/s:1m,20..100/s:5m", take_rate},
    {"arrivals", 0, "poisson|even", "how the starts of --rate are spaced (default poisson)", take_arrivals},
    {"max-in-flight", 0, "N", "open loop: tasks open at once; what is due beyond is dropped (10,000)", take_max_in_flight},
    {"in-flight", 0, "N", "hold N tasks open: users without think time", take_in_flight},
    {"iterations", 0, "N", "tasks in all, shared among the users; then the run ends", take_iterations},
    {"warm-up", 0, "30s", "left out of the totals", take_warm_up},
    {"stop-timeout", 0, "30s", "how long started requests may finish after the end", take_stop_timeout},
    {"stall", 0, "1s", "a gap between tokens over this is a stall", take_stall},
    {"threads", 0, "N", "engine threads (default: processors)", take_threads},
    {"seed", 0, "N", "same seed, same choices", take_seed},
    {NULL, 0, NULL, NULL, NULL}};

/* -- over what connection -- */

OPTION(take_timeout) { return sp_parse_duration(value, &o->load.timeout_ns, err); }
OPTION(take_connect_timeout) { return sp_parse_duration(value, &o->load.connect_timeout_ns, err); }
OPTION(take_first_byte_timeout) { return sp_parse_duration(value, &o->load.first_byte_timeout_ns, err); }
OPTION(take_silence_timeout) { return sp_parse_duration(value, &o->load.silence_timeout_ns, err); }
OPTION(take_insecure) { return (void)value, (void)err, o->insecure = true, 0; }
OPTION(take_cacert) { return (void)err, o->cacert = value, 0; }
OPTION(take_cert) { return (void)err, o->cert = value, 0; }
OPTION(take_key) { return (void)err, o->key = value, 0; }
OPTION(take_http) {
  enum sp_http_version version;
  if (!sp_http_version_of(sp_str_from(value), &version))
    return sp_fail(err, SP_EUSAGE, "there is 1.1, 2 and auto, not '%s'", value);
  o->load.version = (int)version;
  return 0;
}

/* Read twice, as shapes are: here for their faults, in reach_setup.c for what they say. */
OPTION(take_proxy) {
  struct sp_proxies proxies;
  int code = sp_proxies_take(&proxies, value, getenv, err);
  if (code == 0) sp_proxies_fini(&proxies);
  o->proxy = value;
  return code;
}
OPTION(take_unix_socket) {
  struct sp_address address;
  o->unix_socket = value;
  return sp_address_unix(value, &address, err);
}
OPTION(take_resolve) {
  struct sp_resolves resolves = {0};
  if (o->resolve_count == SP_RESOLVE_OPTIONS_MAX) return sp_fail(err, SP_EUSAGE, "over %u hosts", SP_RESOLVE_OPTIONS_MAX);
  o->resolves[o->resolve_count++] = value;
  int code = sp_resolves_add(&resolves, value, err);
  sp_resolves_fini(&resolves);
  return code;
}
OPTION(take_source) {
  struct sp_sources sources;
  int code = sp_sources_parse(value, &sources, err);
  if (code == 0) sp_sources_fini(&sources);
  o->sources = value;
  return code;
}
OPTION(take_dns) {
  static const char *const choices[] = {
      [SP_DNS_FIRST] = "first", [SP_DNS_ROUND_ROBIN] = "round-robin", [SP_DNS_RANDOM] = "random"};
  for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
    o->dns = (enum sp_dns_choice)i;
    if (strcmp(value, choices[i]) == 0) return 0;
  }
  return sp_fail(err, SP_EUSAGE, "there is first, round-robin and random, not '%s'", value);
}
OPTION(take_connect_rate) {
  int code = sp_parse_rate(value, &o->connect_per_s, err);
  if (code == 0 && o->connect_per_s <= 0) return sp_fail(err, SP_EUSAGE, "must be more than 0");
  return code;
}

const struct sp_option sp_options_http[] = {
    {"timeout", 0, "60s", "a whole request; wins over the plan's own (0: none)", take_timeout},
    {"connect-timeout", 0, "10s", "name look-up, TCP and TLS", take_connect_timeout},
    {"first-byte-timeout", 0, "30s", "request sent until the answer begins", take_first_byte_timeout},
    {"silence-timeout", 0, "30s", "the longest silence inside an answer", take_silence_timeout},
    {"http", 0, "1.1|2|auto", "HTTP version; auto: by ALPN (default 1.1)", take_http},
    {"proxy", 0, "URL", "http://[user:password@]host:port; '' for none (default: as $https_proxy … say)", take_proxy},
    {"unix-socket", 0, "PATH", "connect to this socket, whatever the URL's host", take_unix_socket},
    {"resolve", 0, "HOST:PORT:ADDR", "the host's addresses, by comma, instead of DNS (repeatable)", take_resolve},
    {"dns", 0, "CHOICE", "which of a host's addresses: first, round-robin, random (default first)", take_dns},
    {"source", 0, "ADDR,ADDR", "local addresses to connect from, in turn", take_source},
    {"connect-rate", 0, "N/s", "new connections a second at most, over all threads", take_connect_rate},
    {"insecure", 0, NULL, "do not verify the server's certificate", take_insecure},
    {"cacert", 0, "FILE", "certificates to trust, PEM", take_cacert},
    {"cert", 0, "FILE", "client certificate, PEM", take_cert},
    {"key", 0, "FILE", "the client certificate's key, PEM", take_key},
    {NULL, 0, NULL, NULL, NULL}};

/* -- what it is held to -- */

OPTION(take_slo) {
  struct sp_slo slo;
  if (o->slo_count == SP_SLOS_MAX) return sp_fail(err, SP_EUSAGE, "over %u SLOs", SP_SLOS_MAX);
  o->slos[o->slo_count++] = value;
  return sp_slo_parse(sp_str_from(value), &slo, err);
}
OPTION(take_slo_abort) { return (void)value, (void)err, o->slo_abort = true, 0; }
OPTION(take_compat) {
  int tool = sp_compat_find(sp_str_from(value));
  if (tool < 0) return sp_fail(err, SP_EUSAGE, "there is vllm, aiperf, guidellm and locust, not '%s'", value);
  o->compat |= SP_COMPAT_BIT(tool);
  return 0;
}

const struct sp_option sp_options_slo[] = {
    {"slo", 0, "'EXPR'", "a service level (repeatable): 'p95(ttft) < 1500ms', 'failed_share < 1%'", take_slo},
    {"slo-abort", 0, NULL, "end the run once an SLO 'over 30s' is surely lost", take_slo_abort},
    {"compat", 0, "TOOL", "rows with another tool's definitions: vllm, aiperf, guidellm, locust", take_compat},
    {NULL, 0, NULL, NULL, NULL}};

/* -- what looks at the target -- */

/* Read twice: here for the faults of its form, by the watching for what it says. */
OPTION(take_watch) {
  struct sp_watch_text text;
  if (o->watch_count == SP_WATCH_TEXTS_MAX) return sp_fail(err, SP_EUSAGE, "over %u watchers", SP_WATCH_TEXTS_MAX);
  o->watches[o->watch_count++] = value;
  int code = sp_watch_text_parse(&text, value, err);
  if (code == 0) sp_watch_text_fini(&text);
  return code;
}

const struct sp_option sp_options_watch[] = {
    {"watch", 0, "KIND=URL", "look at the target meanwhile (repeatable; docs/watch.md): prometheus=http://host:9090", take_watch},
    {NULL, 0, NULL, NULL, NULL}};

/* -- what is shown and written -- */

static const char *next_report_name(const void *table, size_t i) {
  (void)table;
  const struct sp_report_type *type = sp_report_at(i);
  return type ? type->name : NULL;
}

OPTION(take_out) {
  const char *equals = strchr(value, '=');
  if (!equals || !equals[1]) return sp_fail(err, SP_EUSAGE, "must be KIND=PATH, e.g. json=run.json ('-' is standard output)");
  if (o->out_count == SP_OUTS_MAX) return sp_fail(err, SP_EUSAGE, "over %u outputs", SP_OUTS_MAX);
  if (strcmp(equals + 1, "-") == 0 && sp_options_use_stdout(o)) {
    return sp_fail(err, SP_EUSAGE, "only one output can be on standard output ('-'): write the other one to a file");
  }
  char *kind = sp_strndup(value, (size_t)(equals - value));
  const struct sp_report_type *type = sp_report_find(kind);
  int code = 0;
  if (type) {
    o->outs[o->out_count++] = (struct sp_out){type, equals + 1};
  } else {
    code = sp_fail_no_such(err, "output", kind, next_report_name, NULL);
  }
  free(kind);
  return code;
}

OPTION(take_name) { return (void)err, o->name = value, 0; }
OPTION(take_tag) {
  if (o->tag_count == SP_TAGS_MAX) return sp_fail(err, SP_EUSAGE, "over %u tags", SP_TAGS_MAX);
  struct sp_tag *tag = &o->tags[o->tag_count];
  int code = take_pair(o, value, &tag->key, &tag->value, err);
  if (code == 0) o->tag_count++;
  return code;
}
OPTION(take_web) { return (void)err, o->web = value, 0; }
OPTION(take_quiet) { return (void)value, (void)err, o->quiet = true, 0; }
OPTION(take_no_color) { return (void)value, (void)err, o->no_color = true, 0; }

OPTION(take_history) {
  o->history = value;
  return *value ? 0 : sp_fail(err, SP_EUSAGE, "must be the path of a file");
}
OPTION(take_no_history) { return (void)value, (void)err, o->no_history = true, 0; }

const struct sp_option sp_options_output[] = {
    {"out", 0, "KIND=PATH", "an output (repeatable): json, csv, html, hdr, jsonl, prometheus, otlp; PATH - is stdout",
     take_out},
    {"history", 0, "PATH", "where the run is kept (default ~/.local/share/spate/history.db)", take_history},
    {"no-history", 0, NULL, "don't keep it", take_no_history},
    {"name", 0, "TEXT", "the run's name", take_name},
    {"tag", 0, "KEY=VALUE", "a tag of the run (repeatable)", take_tag},
    {"quiet", 'q', NULL, "no live view, only the summary", take_quiet},
    {"no-color", 0, NULL, "no colours (also: NO_COLOR in the environment)", take_no_color},
    {NULL, 0, NULL, NULL, NULL}};

/* -- the page -- */

OPTION(take_web_cert) { return (void)err, o->web_cert = value, 0; }
OPTION(take_web_key) { return (void)err, o->web_key = value, 0; }
OPTION(take_web_name) { return (void)err, o->web_name = value, 0; }

const struct sp_option sp_options_web[] = {
    {"web", 0, "ADDR:PORT", "a page to watch and steer it, and /metrics for Prometheus (127.0.0.1:8089)", take_web,
     .value_may = true},
    {"web-cert", 0, "FILE", "the page speaks TLS with this certificate, PEM", take_web_cert},
    {"web-key", 0, "FILE", "its key, PEM", take_web_key},
    {"web-name", 0, "HOST", "another name that the page is reached by", take_web_name},
    {NULL, 0, NULL, NULL, NULL}};

OPTION(take_web_linger) {
  o->web_linger_ns = SP_NEVER_NS;
  return *value ? sp_parse_duration(value, &o->web_linger_ns, err) : 0;
}

const struct sp_option sp_options_web_run[] = {
    {"web-linger", 0, "10m", "the page stays behind the run's end: so long, or until Ctrl-C", take_web_linger, .value_may = true},
    {NULL, 0, NULL, NULL, NULL}};

/* -- runs of the past -- */

#define DAY_NS (24 * 3600 * SP_NS_PER_S)
#define AGE_DAYS_MAX 36500

/* "7d" and "2w", beside the durations that every option takes. */
static int parse_age(const char *text, int64_t *out_ns, struct sp_err *err) {
  size_t len = strlen(text);
  char last = len > 1 ? text[len - 1] : 0;
  if (last != 'd' && last != 'w') return sp_parse_duration(text, out_ns, err);
  char *number = sp_strndup(text, len - 1);
  int64_t count = 0;
  int code = take_count(number, 0, AGE_DAYS_MAX, &count, err);
  free(number);
  *out_ns = count * (last == 'w' ? 7 : 1) * DAY_NS;
  return code;
}

/* An age, or a date with or without its time (UTC). */
OPTION(take_since) {
  char date[SP_RFC3339_SIZE];
  int64_t age_ns = 0;
  struct sp_err why;
  snprintf(date, sizeof(date), "%.10sT00:00:00Z", value);
  if (strlen(value) == 10 && sp_clock_parse_rfc3339(sp_str_from(date), &o->since_ns)) return 0;
  if (sp_clock_parse_rfc3339(sp_str_from(value), &o->since_ns)) return 0;
  if (parse_age(value, &age_ns, &why)) {
    return sp_fail(err, SP_EUSAGE, "must be an age (7d, 12h) or a date (2026-11-23), not '%s'", value);
  }
  o->since_ns = sp_clock_real_ns() - age_ns;
  return 0;
}
OPTION(take_keep) { /* what it deletes is gone: no seconds by mistake */
  char last = *value ? value[strlen(value) - 1] : 0;
  if (last >= '0' && last <= '9') return sp_fail(err, SP_EUSAGE, "must be an age with its unit: %sd are days", value);
  return parse_age(value, &o->keep_ns, err);
}
OPTION(take_limit) { return take_count(value, 1, INT64_C(1000000000), &o->limit, err); }
OPTION(take_plan) { return (void)err, o->plan = value, 0; }
OPTION(take_json) { return (void)value, (void)err, o->json = true, 0; }
OPTION(take_dry_run) { return (void)value, (void)err, o->dry_run = true, 0; }
OPTION(take_force) { return (void)value, (void)err, o->force = true, 0; }

#define HISTORY_ROW {"history", 0, "PATH", "another history than ~/.local/share/spate/history.db", take_history}
#define NO_COLOR_ROW {"no-color", 0, NULL, "no colours (also: NO_COLOR in the environment)", take_no_color}

const struct sp_option sp_options_history[] = {
    {"tag", 0, "KEY=VALUE", "only runs with this tag (repeatable: with all of them)", take_tag},
    {"plan", 0, "NAME", "only runs of this plan", take_plan},
    {"since", 0, "7d|DATE", "only runs that began since (7d, 12h, 2026-11-23)", take_since},
    {"limit", 0, "N", "at most so many, the newest (default 50)", take_limit},
    {"json", 0, NULL, "as one JSON document", take_json},
    {"keep", 0, "90d", "gc: what began earlier is deleted", take_keep},
    {"dry-run", 0, NULL, "gc: only says what would go", take_dry_run},
    HISTORY_ROW,
    NO_COLOR_ROW,
    {NULL, 0, NULL, NULL, NULL}};

const struct sp_option sp_options_report[] = {
    {"out", 0, "KIND=PATH", "an output of it (repeatable): json, csv, hdr; PATH - is stdout", take_out},
    HISTORY_ROW,
    NO_COLOR_ROW,
    {NULL, 0, NULL, NULL, NULL}};

const struct sp_option sp_options_compare[] = {
    {"force", 0, NULL, "show the figures of runs that are not comparable, too", take_force},
    {"json", 0, NULL, "as one JSON document", take_json},
    HISTORY_ROW,
    NO_COLOR_ROW,
    {NULL, 0, NULL, NULL, NULL}};

/* -- campaigns -- */

OPTION(take_goal_text) { return (void)err, o->campaign.goal = value, 0; }
OPTION(take_round) { return o->campaign.round = value, *value ? 0 : sp_fail(err, SP_EUSAGE, "must be a title"); }
OPTION(take_hypothesis) { return (void)err, o->campaign.hypothesis = value, 0; }
OPTION(take_snapshot) { return (void)err, o->campaign.snapshot = value, 0; }
OPTION(take_note) { return (void)err, o->campaign.note = value, 0; }
OPTION(take_allow_invalid) { return (void)value, (void)err, o->campaign.allow_invalid = true, 0; }
OPTION(take_figure) {
  struct sp_campaign_figure figure;
  o->campaign.figure = value;
  return sp_campaign_figure_parse(value, &figure, err);
}
OPTION(take_predict) { return (void)err, o->campaign.predict = value, 0; } /* read where the campaign's figure is known */
OPTION(take_change) {
  struct sp_store_change change;
  if (o->campaign.change_count == SP_CHANGE_OPTIONS_MAX) return sp_fail(err, SP_EUSAGE, "over %u changes", SP_CHANGE_OPTIONS_MAX);
  o->campaign.changes[o->campaign.change_count++] = value;
  int code = sp_change_parse(value, &change, err);
  if (code == 0) sp_changes_fini(&change, 1);
  return code;
}
OPTION(take_decision) {
  o->campaign.decision = value;
  if (strcmp(value, "keep") == 0 || strcmp(value, "revert") == 0) return 0;
  return sp_fail(err, SP_EUSAGE, "there is keep and revert, not '%s'", value);
}
OPTION(take_campaign_out) {
  static const char *const kinds[] = {"md", "html", "json"};
  const char *equals = strchr(value, '=');
  struct sp_campaign_out out = {.kind = "md", .path = "-"}; /* "-": Markdown on standard output */
  if (o->campaign.out_count == SP_OUTS_MAX) return sp_fail(err, SP_EUSAGE, "over %u outputs", SP_OUTS_MAX);
  for (size_t i = 0; equals && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    bool is = sp_str_eq(sp_str_of(value, (size_t)(equals - value)), sp_str_from(kinds[i])) && equals[1];
    if (is) out = (struct sp_campaign_out){kinds[i], equals + 1};
  }
  if (strcmp(value, "-") != 0 && (!equals || out.path != equals + 1)) {
    return sp_fail(err, SP_EUSAGE, "must be md=PATH, html=PATH or json=PATH ('-' is standard output), not '%s'", value);
  }
  if (strcmp(out.path, "-") == 0 && sp_options_use_stdout(o)) {
    return sp_fail(err, SP_EUSAGE, "only one output can be on standard output ('-'): write the other one to a file");
  }
  o->campaign.outs[o->campaign.out_count++] = out;
  return 0;
}

const struct sp_option sp_options_campaign_new[] = {
    {"goal", 0, "TEXT", "new: what it is for, in your words", take_goal_text},
    {"slo", 0, "'EXPR'", "new: a service level that rounds are held to (repeatable)", take_slo},
    {"figure", 0, "EXPR", "new: what rounds are judged by: ok_rps (default), rps, goodput, a time such as p95(e2e), bound",
     take_figure},
    {NULL, 0, NULL, NULL, NULL}};

const struct sp_option sp_options_campaign_add[] = {
    {"round", 0, "TITLE", "add: which round; one of that title is added to, else it is begun", take_round},
    {"hypothesis", 0, "TEXT", "add: what the change should do, and why", take_hypothesis},
    {"change", 0, "'C.KEY: OLD -> NEW'", "add: what of the configuration is changed (repeatable)", take_change},
    {"snapshot", 0, "'COMMAND'", "add: prints the configuration (KEY=VALUE or JSON); what differs is the change", take_snapshot},
    {"predict", 0, "'F A..B, because …'", "add: what will come, said before: 'ok_rps 28..34, because the CPU is at 98 %'",
     take_predict},
    {"decision", 0, "keep|revert", "add: whether the change stays", take_decision},
    {"note", 0, "TEXT", "add, decide: what else is to be remembered", take_note},
    {"allow-invalid", 0, NULL, "add: keep trials that count for nothing in the record", take_allow_invalid},
    {NULL, 0, NULL, NULL, NULL}};

const struct sp_option sp_options_campaign_show[] = {
    {"out", 0, "KIND=PATH", "report: md, html, json (repeatable); PATH - is stdout; without it md there", take_campaign_out},
    {"json", 0, NULL, "show: as one JSON document", take_json},
    HISTORY_ROW,
    NO_COLOR_ROW,
    {NULL, 0, NULL, NULL, NULL}};

/* -- the mock, and all -- */

OPTION(take_listen) { return (void)err, o->listen = value, 0; }

const struct sp_option sp_options_mock[] = {
    {"listen", 'l', "ADDR:PORT", "where to listen (default 127.0.0.1:5001; port 0 takes a free one)", take_listen},
    {"cert", 0, "FILE", "speak TLS with this certificate, PEM", take_cert},
    {"key", 0, "FILE", "its key, PEM", take_key},
    {NULL, 0, NULL, NULL, NULL}};

const struct sp_option sp_options_selftest[] = {
    {"run-time", 't', "1m", "about how long it may take", take_run_time},
    {"out", 0, "json=PATH", "its figures as JSON; PATH - is stdout", take_out},
    {NULL, 0, NULL, NULL, NULL}};

/* -- the search for the capacity -- */

OPTION(take_unit) {
  o->capacity.by_users = strcmp(value, "users") == 0;
  o->capacity.rate_said = strcmp(value, "rate") == 0 || strcmp(value, "/s") == 0;
  if (o->capacity.by_users || o->capacity.rate_said) return 0;
  return sp_fail(err, SP_EUSAGE, "there is rate and users, not '%s'", value);
}
static int take_level(const char *text, double *out, struct sp_err *err) {
  int code = sp_parse_rate(text, out, err);
  if (code == 0 && *out <= 0) return sp_fail(err, SP_EUSAGE, "must be more than 0");
  return code;
}
OPTION(take_from) { return take_level(value, &o->capacity.from, err); }
OPTION(take_to) { return take_level(value, &o->capacity.to, err); }
OPTION(take_trial_time) {
  int code = sp_parse_duration(value, &o->capacity.trial_ns, err);
  bool fits = o->capacity.trial_ns >= 2 * SP_NS_PER_S && o->capacity.trial_ns <= 3600 * SP_NS_PER_S;
  if (code == 0 && (!fits || o->capacity.trial_ns % SP_NS_PER_S)) {
    return sp_fail(err, SP_EUSAGE, "whole seconds, 2s to 1h, not %s", value);
  }
  return code;
}
OPTION(take_ladder) {
  double loads[SP_SEARCH_LADDER_MAX];
  size_t count;
  o->capacity.ladder = value;
  return sp_capacity_ladder_parse(value, loads, &count, err);
}
OPTION(take_state) { return (void)err, o->capacity.state = value, 0; }
OPTION(take_resume) { return (void)err, o->capacity.resume = value, 0; }
OPTION(take_goal) {
  struct sp_str rest = sp_str_from(value);
  struct sp_slo slo;
  if (o->capacity.goal_count == SP_SEARCH_GOALS_MAX) return sp_fail(err, SP_EUSAGE, "over %u goals", SP_SEARCH_GOALS_MAX);
  o->capacity.goals[o->capacity.goal_count++] = value;
  do {
    int code = sp_slo_parse(sp_str_trim(sp_str_split(&rest, ';')), &slo, err);
    if (code) return code;
  } while (rest.bytes);
  return 0;
}

/* Read twice: here for the faults of its form, behind the search for what it says. */
OPTION(take_what_if) {
  struct sp_whatif whatif = {0};
  if (o->capacity.what_if_count == SP_WHAT_IFS_MAX) return sp_fail(err, SP_EUSAGE, "over %u changes", SP_WHAT_IFS_MAX);
  o->capacity.what_ifs[o->capacity.what_if_count++] = value;
  return sp_whatif_parse(value, &whatif, err);
}

const struct sp_option sp_options_capacity[] = {
    {"slo", 0, "'EXPR'", "what a load has to keep (repeatable: all together); else the plan's", take_slo},
    {"goal", 0, "'EXPR;EXPR'", "a further goal of its own, found in the same search (repeatable)", take_goal},
    {"unit", 0, "rate|users", "search by arrivals a second (default) or by users", take_unit},
    {"from", 0, "N", "the lowest load, where it begins (default: begins at 1; down to 0.1/s)", take_from},
    {"to", 0, "N", "the highest load (default 10,000)", take_to},
    {"trial-time", 0, "60s", "how long a load is measured; coarse trials are a sixth of it", take_trial_time},
    {"ladder", 0, "50,100,150", "no search: these numbers of users, one trial each", take_ladder},
    {"what-if", 0, "NAME=VALUE", "what a change would do: dify-api.cpu=2 (repeatable; docs/prediction.md)", take_what_if},
    {"state", 0, "FILE", "keep the search here after each trial", take_state},
    {"resume", 0, "FILE", "go on with the search kept there", take_resume},
    {NULL, 0, NULL, NULL, NULL}};

const struct sp_option sp_options_capacity_load[] = {
    {"spawn-rate", 'r', "N/s", "by users: users started a second (default: at once, over 100 users 100/s)", take_spawn_rate},
    {"arrivals", 0, "poisson|even", "by rate: how the starts are spaced (default poisson)", take_arrivals},
    {"max-in-flight", 0, "N", "by rate: tasks open at once; what is due beyond is dropped (10,000)", take_max_in_flight},
    {"stop-timeout", 0, "30s", "how long started requests may finish behind a trial", take_stop_timeout},
    {"stall", 0, "1s", "a gap between tokens over this is a stall", take_stall},
    {"threads", 0, "N", "engine threads (default: processors)", take_threads},
    {"seed", 0, "N", "same seed, same choices", take_seed},
    {NULL, 0, NULL, NULL, NULL}};

const struct sp_option sp_options_capacity_output[] = {
    {"out", 0, "json=PATH", "what it found (schema spate.capacity/1); PATH - is stdout", take_out},
    {"history", 0, "PATH", "where it is kept (default ~/.local/share/spate/history.db)", take_history},
    {"no-history", 0, NULL, "don't keep it", take_no_history},
    {"name", 0, "TEXT", "the search's name", take_name},
    {"tag", 0, "KEY=VALUE", "a tag (repeatable)", take_tag},
    {"quiet", 'q', NULL, "no line a trial, only the end", take_quiet},
    {"no-color", 0, NULL, "no colours (there are none so far)", take_no_color},
    {NULL, 0, NULL, NULL, NULL}};

OPTION(take_help) { return (void)value, (void)err, o->help = true, 0; }

const struct sp_option sp_options_common[] = {{"help", 'h', NULL, "this text", take_help}, {NULL, 0, NULL, NULL, NULL}};
