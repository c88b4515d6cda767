/*
 * Options: one table feeds parser and help (and, later, man page and completion). Values are checked as they are
 * read; a wrong one gives a sentence that names the option.
 */
#ifndef SP_CLI_OPTIONS_H
#define SP_CLI_OPTIONS_H

#include "report/report.h"
#include "script/plan.h"

#define SP_SETTINGS_MAX 200u
#define SP_OUTS_MAX 20u
#define SP_TAGS_MAX 50u
#define SP_TASK_PATTERNS_MAX 50u
#define SP_CLASS_NAMES_MAX 50u
#define SP_ARGUMENTS_MAX 50
#define SP_RESOLVE_OPTIONS_MAX 100u
#define SP_WATCH_TEXTS_MAX 100u

struct sp_out {
  const struct sp_report_type *type;
  const char *path;
};

#define SP_WHAT_IFS_MAX 32u

struct sp_capacity_options { /* of a search; 0, NULL: not said */
  bool by_users, rate_said;
  double from, to;
  int64_t trial_ns;
  const char *ladder, *state, *resume;
  const char *goals[SP_SLOS_MAX];
  size_t goal_count;
  const char *what_ifs[SP_WHAT_IFS_MAX];
  size_t what_if_count;
};

#define SP_CHANGE_OPTIONS_MAX 50u

struct sp_campaign_options { /* of a tuning campaign; NULL: not said */
  const char *goal, *figure, *round, *hypothesis, *snapshot, *predict, *decision, *note;
  const char *changes[SP_CHANGE_OPTIONS_MAX];
  size_t change_count;
  struct sp_campaign_out {
    const char *kind, *path; /* "md", "html", "json" */
  } outs[SP_OUTS_MAX];
  size_t out_count;
  bool allow_invalid;
};

/* What the command line says; -1 or NULL: nothing. Strings are argv's, or owned by `owned`. */
struct sp_options {
  const char *arguments[SP_ARGUMENTS_MAX];
  int argument_count;
  const char *const *foreign; /* words behind them that are another program's, options and all */
  size_t foreign_count;
  struct sp_plan_load load; /* the plan's defaults go below these */
  int64_t threads;
  const char *host, *name;
  struct sp_setting settings[SP_SETTINGS_MAX];
  size_t setting_count;
  const char *task_patterns[SP_TASK_PATTERNS_MAX];
  size_t task_pattern_count;
  const char *class_names[SP_CLASS_NAMES_MAX];
  size_t class_name_count;
  struct sp_out outs[SP_OUTS_MAX];
  size_t out_count;
  struct sp_tag tags[SP_TAGS_MAX];
  size_t tag_count;
  bool quiet, no_color, insecure, help;
  const char *cacert, *cert, *key;
  const char *slos[SP_SLOS_MAX];
  size_t slo_count;
  bool slo_abort;
  const char *watches[SP_WATCH_TEXTS_MAX]; /* watch/spec.h */
  size_t watch_count;
  struct sp_capacity_options capacity;
  struct sp_campaign_options campaign;
  unsigned compat; /* SP_COMPAT_BIT(tool) | … */
  const char *proxy; /* "": none, whatever the environment says */
  const char *unix_socket, *sources;
  const char *resolves[SP_RESOLVE_OPTIONS_MAX];
  size_t resolve_count;
  enum sp_dns_choice dns;
  double connect_per_s; /* 0: no cap */
  const char *listen; /* mock */
  const char *web;    /* address; "": the default one */
  const char *web_cert, *web_key, *web_name;
  int64_t web_linger_ns; /* -1: not said; SP_NEVER_NS: until Ctrl-C */
  const char *history; /* path; NULL: the user's own */
  bool no_history;
  const char *plan;          /* history: only runs of it */
  int64_t since_ns, keep_ns; /* history: real time; -1: not said */
  int64_t limit;             /* history: runs; -1: not said */
  bool json, dry_run, force;
  char *owned[SP_SETTINGS_MAX + SP_TAGS_MAX]; /* texts cut out of arguments */
  size_t owned_count;
};

struct sp_option {
  const char *name; /* "users": --users; NULL ends a table */
  char letter;      /* 'u', or 0 */
  const char *value; /* "N"; NULL for a switch */
  const char *help;
  int (*take)(struct sp_options *options, const char *value, struct sp_err *err);
  bool value_may; /* --web or --web=VALUE: without one it is "" */
};

extern const struct sp_option sp_options_plan[];    /* what to run */
extern const struct sp_option sp_options_load[];    /* how much */
extern const struct sp_option sp_options_slo[];     /* what it is held to */
extern const struct sp_option sp_options_watch[];   /* what looks at the target meanwhile */
extern const struct sp_option sp_options_http[];    /* over what connection */
extern const struct sp_option sp_options_output[];  /* what is shown and written */
extern const struct sp_option sp_options_web[];     /* the page */
extern const struct sp_option sp_options_web_run[]; /* the page that one run has */
extern const struct sp_option sp_options_mock[];
extern const struct sp_option sp_options_selftest[];
extern const struct sp_option sp_options_history[]; /* which runs of the past */
extern const struct sp_option sp_options_report[];
extern const struct sp_option sp_options_compare[];
extern const struct sp_option sp_options_campaign_new[];
extern const struct sp_option sp_options_campaign_add[];
extern const struct sp_option sp_options_campaign_show[];
extern const struct sp_option sp_options_capacity[];
extern const struct sp_option sp_options_capacity_load[]; /* what of the load is not searched */
extern const struct sp_option sp_options_capacity_output[];
extern const struct sp_option sp_options_common[];  /* --help */

void sp_options_init(struct sp_options *options);
void sp_options_fini(struct sp_options *options);
/* Reads argv[0 … argc-1] (behind the command's name). Options and arguments may mix; "--" ends options. */
int sp_options_parse(struct sp_options *options, const struct sp_option *const *groups, int argc, char **argv,
                     struct sp_err *err);
/* Reads one option by its long name, as the command line does. The value outlives the options. */
int sp_options_take(struct sp_options *options, const struct sp_option *const *groups, const char *name, const char *value,
                    struct sp_err *err);
/* Is there an output on standard output ('-')? Then that document stays alone there. */
bool sp_options_use_stdout(const struct sp_options *options);
/* Appends the table as help text. */
void sp_options_print(FILE *out, const struct sp_option *const *groups);

#endif
