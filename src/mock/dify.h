/*
 * What Dify's apps have in common: the request's members, and the events of a stream (shared/dify.md §1).
 * Each function that writes an event appends its one "data: {…}" line.
 */
#ifndef SP_MOCK_DIFY_H
#define SP_MOCK_DIFY_H

#include "mock/stream.h"

#include <jansson.h>

/* -- the request -- */
struct sp_dify_ask {
  const struct sp_mock_app *app;
  struct sp_mock_plan plan;
  json_t *doc;
  struct sp_str query; /* empty when absent */
  bool streaming;
};
/* Authenticates, reads plan and body, and checks what every app needs. False: refused and answered; else fini. */
bool sp_dify_ask_init(struct sp_dify_ask *ask, struct sp_mock_conn *conn, struct sp_mock_request *request);
void sp_dify_ask_fini(struct sp_dify_ask *ask);
uint32_t sp_dify_prompt_tokens(const struct sp_dify_ask *ask); /* an estimate that only depends on the query */
/* 400 invalid_param. */
void sp_dify_refuse(struct sp_mock_conn *conn, const struct sp_mock_request *request, const char *message);

/* Is every file that was uploaded (transfer_method local_file) one of ours? dify_files.c. `files` may be NULL. */
bool sp_dify_knows_files(const struct sp_mock *mock, const json_t *files);

/* -- events -- */
enum sp_dify_envelope { SP_DIFY_CHAT, SP_DIFY_COMPLETION, SP_DIFY_WORKFLOW };

struct sp_jw sp_dify_open(const struct sp_mock_exchange *exchange, struct sp_buf *out, enum sp_dify_envelope envelope,
                          const char *event);
void sp_dify_message_end(const struct sp_mock_exchange *exchange, struct sp_buf *out, enum sp_dify_envelope envelope);
/* ERROR, ERROR_NOCODE, UNKNOWN, REPLACE: true when the step was one of these. */
bool sp_dify_common(const struct sp_mock_exchange *exchange, enum sp_mock_step step, struct sp_buf *out,
                    enum sp_dify_envelope envelope);
void sp_dify_usage(const struct sp_mock_exchange *exchange, struct sp_jw *jw);    /* "metadata": {… "usage" …} */

/* -- flows (dify_flow.c) -- */
bool sp_dify_flow_part(const struct sp_mock_exchange *exchange, enum sp_mock_step step, unsigned part,
                       struct sp_buf *out, enum sp_dify_envelope envelope);
void sp_dify_workflow_finished(const struct sp_mock_exchange *exchange, struct sp_buf *out,
                               enum sp_dify_envelope envelope);
/* The members of a workflow's data that a blocking answer shares. */
void sp_dify_run_members(const struct sp_mock_exchange *exchange, struct sp_jw *jw);

#endif
