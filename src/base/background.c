#include "base/background.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/wait.h"

#include <string.h>

void sp_background_init(struct sp_background *background) {
  *background = (struct sp_background){ .has_thread = false };
  sp_cond_init(&background->wake);
  SP_CHECK(pthread_mutex_init(&background->lock, NULL) == 0);
}

void sp_background_fini(struct sp_background *background) {
  sp_background_stop(background);
  pthread_cond_destroy(&background->wake);
  pthread_mutex_destroy(&background->lock);
}

int sp_background_start(struct sp_background *background, void *(*work)(void *ctx), void *ctx, struct sp_err *err) {
  int error = pthread_create(&background->thread, NULL, work, ctx);
  background->has_thread = error == 0;
  return error ? sp_fail(err, SP_EIO, "cannot start a thread: %s", strerror(error)) : SP_OK;
}

void sp_background_wake(struct sp_background *background) {
  pthread_mutex_lock(&background->lock);
  background->woken = true;
  pthread_cond_signal(&background->wake);
  pthread_mutex_unlock(&background->lock);
}

bool sp_background_wait(struct sp_background *background, int64_t ns) {
  int64_t until_ns = sp_clock_mono_ns() + ns;
  pthread_mutex_lock(&background->lock);
  while (!background->stopping && !background->woken) {
    if (!sp_cond_wait_until(&background->wake, &background->lock, until_ns)) {
      break;
    }
  }
  background->woken = false;
  bool more = !background->stopping;
  pthread_mutex_unlock(&background->lock);
  return more;
}

void sp_background_stop(struct sp_background *background) {
  if (!background->has_thread) {
    return;
  }
  pthread_mutex_lock(&background->lock);
  background->stopping = true;
  pthread_cond_signal(&background->wake);
  pthread_mutex_unlock(&background->lock);
  pthread_join(background->thread, NULL);
  background->has_thread = false;
}
