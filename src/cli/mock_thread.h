/*
 * The mock on a thread and loop of its own, for demo; `spate mock` runs it on the main thread.
 */
#ifndef SP_CLI_MOCK_THREAD_H
#define SP_CLI_MOCK_THREAD_H

#include "base/clock.h"
#include "mock/mock.h"

#define SP_MOCK_PACE_NS (200 * SP_NS_PER_US) /* events due within this are written in one turn; it shows as lateness */

struct sp_mock_thread;
struct sp_mock_thread *sp_mock_thread_start(const char *profile_json, struct sp_err *err); /* on 127.0.0.1, a free port */
uint16_t sp_mock_thread_port(const struct sp_mock_thread *thread);

/* How the mock itself did. */
struct sp_mock_thread_facts {
  double late_p99_ms; /* 0: it wrote nothing */
  double cpu_share, wait_share; /* of its thread, over its life: running, and waiting for a CPU */
};
/* Closes, joins and frees; facts MAY be NULL. */
void sp_mock_thread_stop(struct sp_mock_thread *thread, struct sp_mock_thread_facts *facts);

#endif
