/*
 * What the simulated target is: its apps, their keys and times, its faults and limits.
 *
 * A profile is a JSON document (docs/mock.md). It is laid over the built-in one: what it does not name stays as
 * it was. A wrong member, type or value is an error that names the place and the near word.
 */
#ifndef SP_MOCK_PROFILE_H
#define SP_MOCK_PROFILE_H

#include "base/err.h"
#include "base/str.h"
#include "mock/resources.h"

#define SP_MOCK_APPS_MAX 64u
#define SP_MOCK_NODES_MAX 64u
#define SP_MOCK_FAULTS_MAX 32u
#define SP_MOCK_DATASETS_MAX 1000u
#define SP_MOCK_NOTES_MAX 32u
#define SP_MOCK_TEXT_MAX 65536u  /* bytes of an answer's text, a title, a key */
#define SP_MOCK_LOG_MAX 100000u  /* entries of /mock/log */
#define SP_MOCK_PROFILE_MAX (4u * 1024u * 1024u) /* bytes of a profile */

enum sp_mock_mode {
  SP_MODE_CHATFLOW,
  SP_MODE_CHAT,
  SP_MODE_AGENT,
  SP_MODE_COMPLETION,
  SP_MODE_WORKFLOW,
  SP_MODE_RETRIEVE,
  SP_MODE_OPENAI,
};
const char *sp_mock_mode_name(enum sp_mock_mode mode); /* Dify's: "advanced-chat", "agent-chat", … */

struct sp_dify_version {
  uint16_t major, minor, patch;
};
int sp_dify_version_parse(struct sp_str text, struct sp_dify_version *out, struct sp_err *err);
/* The chatflow endings that clients have to cope with (shared/dify.md §1.5). */
static inline bool sp_dify_version_before(const struct sp_dify_version *v, unsigned minor, unsigned patch) {
  if (v->major != 1) return v->major < 1;
  return v->minor != minor ? v->minor < minor : v->patch < patch;
}

enum sp_mock_style { SP_STYLE_AUTO, SP_STYLE_COMPACT, SP_STYLE_SPACED }; /* AUTO: by the version */

/* A piece of the answer, as the inside of a JSON string in both styles. */
struct sp_mock_piece {
  struct sp_str compact, spaced;
};

struct sp_mock_text {
  char *whole;                  /* the answer as it is */
  struct sp_mock_piece all;     /* all of it in one piece */
  struct sp_mock_piece *pieces; /* words, or single characters of scripts without spaces; at least one */
  size_t count;
  char *escaped; /* what the pieces point into */
};

struct sp_mock_node {
  char *title, *type;
};

struct sp_mock_app {
  char *name, *key;
  enum sp_mock_mode mode;
  unsigned index; /* in the profile */
  struct sp_mock_timing timing;
  struct sp_mock_node *nodes;
  struct sp_dist *node_times; /* one a node */
  unsigned node_count;
  unsigned stream_node; /* the first llm node, else the first answer node, else the last */
  struct sp_mock_text text;
  unsigned records; /* retrieve */
  char *model;      /* openai */
};

struct sp_fault;
struct sp_mock_fault_share {
  const struct sp_fault *fault;
  double share; /* of the requests it can apply to, 0 … 1 */
  uint64_t at;
  int64_t stall_ns; /* 0: for ever */
  char *app;        /* NULL: all */
};

struct sp_profile {
  uint64_t seed;
  struct sp_dify_version version;
  enum sp_mock_style style;
  uint64_t log, max_active, retry_after_s; /* 0: off */
  int64_t eof_lag_ns; /* of apps that do not say */
  struct sp_mock_app **apps;
  unsigned app_count;
  struct sp_mock_fault_share *faults;
  unsigned fault_count;
  char **datasets;
  unsigned dataset_count;
  char **notes; /* what its reader should know */
  unsigned note_count;
  struct sp_resources_spec *resources; /* NULL: none, and load has no effect */
};

/* json NULL: the default profile alone. On failure *profile needs no fini. */
int sp_profile_load(struct sp_profile *profile, const char *json, struct sp_err *err);
void sp_profile_fini(struct sp_profile *profile);
const struct sp_mock_app *sp_profile_app_by_key(const struct sp_profile *profile, struct sp_str key);
extern const char sp_profile_builtin[];

void sp_mock_text_init(struct sp_mock_text *text, const char *whole);
void sp_mock_text_fini(struct sp_mock_text *text);

/* Readers that the request header shares with the profile: "20ms", and "10ms..30ms" as a uniform one. */
int sp_dist_parse_time(struct sp_str text, struct sp_dist *out, struct sp_err *err);
int sp_dist_parse_count(struct sp_str text, struct sp_dist *out, struct sp_err *err);
int sp_mock_style_parse(struct sp_str text, enum sp_mock_style *out, struct sp_err *err);

#endif
