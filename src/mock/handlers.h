/* The handlers of the route table, by file. */
#ifndef SP_MOCK_HANDLERS_H
#define SP_MOCK_HANDLERS_H

#include "mock/payload.h"
#include "mock/server.h"

/* dify_chat.c */
void sp_mock_chat(struct sp_mock_conn *conn, struct sp_mock_request *request);
/* dify_completion.c */
void sp_mock_completion(struct sp_mock_conn *conn, struct sp_mock_request *request);
/* dify_workflow.c */
void sp_mock_workflow(struct sp_mock_conn *conn, struct sp_mock_request *request);
/* dify_retrieve.c */
void sp_mock_retrieve(struct sp_mock_conn *conn, struct sp_mock_request *request);
/* dify.c */
void sp_mock_stop_task(struct sp_mock_conn *conn, struct sp_mock_request *request);
/* dify_files.c */
void sp_mock_upload(struct sp_mock_conn *conn, struct sp_mock_request *request);
/* openai.c */
void sp_mock_openai_chat(struct sp_mock_conn *conn, struct sp_mock_request *request);
void sp_mock_openai_completion(struct sp_mock_conn *conn, struct sp_mock_request *request);
void sp_mock_openai_models(struct sp_mock_conn *conn, struct sp_mock_request *request);
/* info.c */
void sp_mock_small(struct sp_mock_conn *conn, struct sp_mock_request *request); /* GET / and /healthz */
void sp_mock_index(struct sp_mock_conn *conn, struct sp_mock_request *request);
void sp_mock_info(struct sp_mock_conn *conn, struct sp_mock_request *request);
void sp_mock_parameters(struct sp_mock_conn *conn, struct sp_mock_request *request);
void sp_mock_get_stats(struct sp_mock_conn *conn, struct sp_mock_request *request);
void sp_mock_get_log(struct sp_mock_conn *conn, struct sp_mock_request *request);
/* exporter.c */
void sp_mock_get_metrics(struct sp_mock_conn *conn, struct sp_mock_request *request);
void sp_mock_put_resources(struct sp_buf *out, struct sp_resources *resources, int64_t now_ns); /* as /metrics has them */
void sp_mock_put_stations(struct sp_mock *mock, struct sp_jw *jw); /* a member of /mock/stats; nothing without any */

#endif
