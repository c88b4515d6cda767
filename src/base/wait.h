/* Waiting for a condition until a moment of the monotonic clock, which nobody sets back. */
#ifndef SP_BASE_WAIT_H
#define SP_BASE_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void sp_cond_init(pthread_cond_t *cond);
/* Waits once. False: the time is over. */
bool sp_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ns);

#endif
