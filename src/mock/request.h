/* From the bytes of a connection to whole requests. */
#ifndef SP_MOCK_REQUEST_H
#define SP_MOCK_REQUEST_H

#include "mock/server.h"

void sp_mock_request_reader_init(struct sp_mock_conn *conn); /* its http1 */
void sp_mock_request_destroy(struct sp_mock_request *request);
void sp_mock_put_small(struct sp_mock *mock); /* the answer to GET / into mock->small */

#endif
