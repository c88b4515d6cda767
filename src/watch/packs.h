/*
 * What exporters' metrics mean: one table, a file a family, from their names and labels to the signals (stats/signal.h). The
 * watchers `scrape` and `prometheus` read both by it (watch/panel.h), and from a row follows the query that shows its figure. A
 * metric is a row; a family is a pack and a line in packs.c. Names are the exporters' own (docs/watch.md says which versions).
 */
#ifndef SP_WATCH_PACKS_H
#define SP_WATCH_PACKS_H

#include "stats/signal.h"
#include "wire/promtext.h"

enum sp_pack_how { /* what a point is made of; A and B are the operands, each all its series of one subject and detail */
  SP_HOW_SUM,        /* gauges: sum of A */
  SP_HOW_MOST,       /* gauges: the largest of A */
  SP_HOW_LESS,       /* gauges: A - B */
  SP_HOW_QUOTIENT,   /* gauges: sum of A / B, of the series with the same labels */
  SP_HOW_COUNT,      /* how many series A has */
  SP_HOW_RATE,       /* counters: sum of A a second */
  SP_HOW_RATE_LESS,  /* counters: A - B a second, never below 0 */
  SP_HOW_RATIO,      /* counters: what A grew by / what B grew by */
  SP_HOW_SETTING,    /* a setting of the target, once; `detail` is its name */
};
bool sp_how_is_rate(enum sp_pack_how how);

/* Series of a metric. `metric`: the names that it has or had, "new|old". `where`: what its labels must be, all of
 * "label=a|b*,label!=c"; "" is an absent label too. */
struct sp_pack_operand {
  const char *metric, *where;
};

#define SP_PACK_LIMIT 1u /* what is not above 0, or beyond all reason, means that there is none */
#define SP_PACK_ZERO 2u  /* a series that is not among the metric's others is 0, and no hole: an empty queue */

struct sp_pack_row {
  enum sp_signal signal;
  enum sp_pack_how how;
  struct sp_pack_operand a, b;
  /* Labels that split it: "wait_event_type,wait_event", and behind a '?' what to call it where all of them are empty; "pod|name":
   * the first that is there. "": it is not split. "=data" sets it apart from a container's own figure of the same signal, which
   * may have the same subject: the subject becomes "redis data". */
  const char *detail;
  double scale;        /* 0: 1 */
  unsigned flags;      /* SP_PACK_… */
  const char *without; /* what can't be seen where the metric is missing; NULL: nothing that a diagnosis wants */
};

/* The subject of a sample, scraped from `instance`: fills `out`, and says by which label (NULL: by none). False: it is nobody's. */
typedef bool (*sp_pack_subject)(const struct sp_prom_sample *sample, struct sp_str instance, const char **label,
                                struct sp_str *out);

struct sp_pack {
  const char *name;         /* "postgres_exporter" */
  const char *title;        /* "PostgreSQL (postgres_exporter)" */
  const char *subject;      /* "postgres": of the first instance; a further one has its address behind it */
  sp_pack_subject named;    /* NULL: `subject` */
  bool is_server;           /* it is served by the process itself, whose own figures (Go's, Python's) count then */
  bool is_process;          /* those figures: only of a server's instance, and by its name */
  const struct sp_pack_row *rows; /* ends with a metric of NULL */
};

const struct sp_pack *sp_pack_at(size_t i); /* NULL behind the last */
const struct sp_pack *sp_pack_find(const char *name);
bool sp_pack_is_named(const char *list, const char *name); /* "cadvisor,vllm" */

extern const struct sp_pack sp_pack_containers, sp_pack_node, sp_pack_postgres, sp_pack_pgbouncer, sp_pack_redis, sp_pack_celery,
    sp_pack_nginx, sp_pack_gunicorn, sp_pack_plugin_daemon, sp_pack_weaviate, sp_pack_vllm, sp_pack_xinference, sp_pack_process;

/* Is `metric` among the names "new|old"? */
bool sp_pack_names(struct sp_str names, struct sp_str metric);
/* Do the sample's labels fit `where`? */
bool sp_pack_fits(const char *where, const struct sp_prom_sample *sample);
/* The next condition of a `where`; false at its end. */
struct sp_pack_condition {
  struct sp_str label, values; /* "a|b*" */
  bool is_not;
};
bool sp_pack_next_condition(struct sp_str *rest, struct sp_pack_condition *out);

#endif
