/* Which handler answers which method and path: one const table. */
#ifndef SP_MOCK_ROUTE_H
#define SP_MOCK_ROUTE_H

#include "mock/server.h"

struct sp_mock_route {
  const char *method;
  const char *path; /* {} stands for one segment */
  enum sp_mock_api api;
  void (*handle)(struct sp_mock_conn *conn, struct sp_mock_request *request);
};

/* Answers a whole request: by its handler, or 404 or 405. */
void sp_mock_dispatch(struct sp_mock_conn *conn, struct sp_mock_request *request);
/* Like a path in the table? {} of the pattern comes out in *segment. */
bool sp_mock_path_matches(const char *pattern, struct sp_str path, struct sp_str *segment);

#endif
