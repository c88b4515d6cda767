/*
 * Prometheus' HTTP API, as far as a watcher needs it (also spoken by Thanos, Mimir and VictoriaMetrics). Errors are sentences
 * with what the server says; its warnings become notes, once. One thread.
 */
#ifndef SP_WATCH_PROMETHEUS_API_H
#define SP_WATCH_PROMETHEUS_API_H

#include "watch/fetch.h"
#include "wire/json.h"
#include "wire/promtext.h"

struct sp_prometheus {
  struct sp_fetch *fetch;
  struct sp_json doc;     /* the last answer */
  struct sp_buf form;     /* of the next call */
  struct sp_buf scratch;
  int64_t asked_ns, got_ns; /* wall clock, around the last call */
  int status;
};
int sp_prometheus_open(struct sp_prometheus *api, const struct sp_watch_spec *spec, struct sp_err *err);
void sp_prometheus_close(struct sp_prometheus *api); /* all zero is fine */

/* Parameters of the next call: begins with `query`, then times of the server in ns. */
void sp_prometheus_ask(struct sp_prometheus *api, const char *query);
void sp_prometheus_ask_time(struct sp_prometheus *api, const char *name, int64_t at_ns);

/* POSTs to /api/v1/NAME: *data is the answer's "data". SP_EUSAGE: the query is bad (400, 422); SP_ELIMIT: the answer is too big;
 * SP_EIO otherwise. */
int sp_prometheus_call(struct sp_prometheus *api, struct sp_watch_sink *sink, const char *name, int *data, struct sp_err *err);
/* GETs what takes no query. */
int sp_prometheus_get(struct sp_prometheus *api, struct sp_watch_sink *sink, const char *target, int *data, struct sp_err *err);

/* The labels of a result's series into the sample, its __name__ too. `texts` holds what had escapes. */
void sp_prometheus_labels(struct sp_prometheus *api, int metric, struct sp_prom_sample *sample, struct sp_buf *texts);
/* [time, "value"] */
bool sp_prometheus_value(struct sp_prometheus *api, int pair, int64_t *at_ns, double *value);

#endif
