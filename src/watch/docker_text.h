/*
 * What a Docker engine answers (Engine API 1.41 and later; Podman speaks it too), taken apart. Pure: JSON in, figures out.
 * What is not there is left out; a document of another form is no error but says nothing.
 */
#ifndef SP_WATCH_DOCKER_TEXT_H
#define SP_WATCH_DOCKER_TEXT_H

#include "base/err.h"
#include "watch/look.h"

#include <jansson.h>

#define SP_DOCKER_ID_MAX 64u
#define SP_DOCKER_NAME_MAX SP_OBSERVED_SUBJECT_MAX

/* SP_EPARSE with a sentence. */
int sp_docker_parse(struct sp_str text, json_t **out, struct sp_err *err);
double sp_docker_number(const json_t *document, const char *path); /* "cpu_stats.cpu_usage.total_usage"; NAN */
const char *sp_docker_string(const json_t *document, const char *path); /* NULL; borrowed */

/* One of /containers/json. False: it has no id or name, or ones that can't be put into a path. */
struct sp_docker_container {
  char id[SP_DOCKER_ID_MAX + 1], name[SP_DOCKER_NAME_MAX + 1]; /* the name without its slash */
};
bool sp_docker_container(const json_t *entry, struct sp_docker_container *out);

/* /containers/ID/json: what it may use, and the settings to note, secrets left out. */
struct sp_docker_limits {
  double cores; /* NAN: no limit */
  bool oom_killed;
  double restarts;
};
void sp_docker_inspect(const json_t *document, struct sp_docker_limits *out);
/* For each setting: image, limits, and the variables that fit the pattern (NULL: those that usually matter). */
void sp_docker_settings(const json_t *document, const char *pattern,
                        void (*on_setting)(void *ctx, const char *key, const char *value), void *ctx);

/* /containers/ID/stats, into a look. read_ns: when the engine looked, by its clock; 0: it does not say. */
void sp_docker_stats(const json_t *document, const struct sp_docker_limits *limits, struct sp_look *look);
int64_t sp_docker_read_ns(const json_t *document);

/* One of /events, an object a line: what it means for a container. */
enum sp_docker_event { SP_DOCKER_OTHER, SP_DOCKER_OOM, SP_DOCKER_DIE, SP_DOCKER_START };
enum sp_docker_event sp_docker_event(const json_t *event, const char **name, const char **exit_code);

#endif
