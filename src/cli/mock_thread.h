/*
 * The mock on a thread and loop of its own, for demo; `spate mock` runs it on the main thread.
 */
#ifndef SP_CLI_MOCK_THREAD_H
#define SP_CLI_MOCK_THREAD_H

#include "mock/mock.h"

struct sp_mock_thread;
struct sp_mock_thread *sp_mock_thread_start(const char *profile_json, struct sp_err *err); /* on 127.0.0.1, a free port */
uint16_t sp_mock_thread_port(const struct sp_mock_thread *thread);
void sp_mock_thread_stop(struct sp_mock_thread *thread); /* closes, joins and frees */

#endif
