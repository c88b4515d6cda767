/* Private to this folder: waiting for a condition until a moment of the monotonic clock. */
#ifndef SP_WEB_WAIT_H
#define SP_WEB_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void sp_web_cond_init(pthread_cond_t *cond);
/* Waits once. False: the time is over. */
bool sp_web_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ns);

#endif
