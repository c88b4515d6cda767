/*
 * A thread beside the run, for what may take long (a disk, a peer) while the run goes on: it works, waits for
 * a while or until it is woken, and works again, until it is stopped.
 *
 *   bool more = true;
 *   while (more) {
 *     more = sp_background_wait(background, ns); // asked before the work: what came before the stop is still done
 *     …
 *   }
 */
#ifndef SP_BASE_BACKGROUND_H
#define SP_BASE_BACKGROUND_H

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct sp_background {
  pthread_t thread;
  pthread_mutex_t lock; /* of the flags */
  pthread_cond_t wake;
  bool has_thread, woken, stopping;
};

void sp_background_init(struct sp_background *background);
void sp_background_fini(struct sp_background *background); /* stops it first */
int sp_background_start(struct sp_background *background, void *(*work)(void *ctx), void *ctx, struct sp_err *err);
void sp_background_wake(struct sp_background *background); /* any thread */
bool sp_background_wait(struct sp_background *background, int64_t ns); /* its own thread; false: it is to stop */
void sp_background_stop(struct sp_background *background); /* waits for its end; once more is fine */

#endif
