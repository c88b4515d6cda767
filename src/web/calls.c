/* A call's way from a web thread to the main one and back. It is owned by whoever of the two is last to need it. */
#include "base/clock.h"
#include "base/mem.h"
#include "web/inside.h"
#include "base/wait.h"

#include <stdlib.h>

struct sp_web_pending {
  struct sp_web_pending *next;
  sp_web_action *act;
  struct sp_web_form form;
  struct sp_web_answer answer;
  enum { WAITING, ACTING, DONE } state;
  bool left; /* nobody waits for it any more */
};

static void destroy(struct sp_web_pending *call) {
  sp_web_form_fini(&call->form);
  sp_web_answer_fini(&call->answer);
  free(call);
}

/* --- the main thread --- */

static struct sp_web_pending *take_first(struct sp_web *web) {
  struct sp_web_pending *call = web->first;
  if (call) {
    web->first = call->next;
    web->last = web->first ? web->last : NULL;
    call->state = ACTING;
  }
  return call;
}

void sp_web_serve(struct sp_web *web) {
  struct sp_web_pending *call;
  pthread_mutex_lock(&web->lock);
  while ((call = take_first(web))) {
    pthread_mutex_unlock(&web->lock);
    call->act(web, &call->form, &call->answer);
    pthread_mutex_lock(&web->lock);
    call->state = DONE;
    pthread_cond_broadcast(&web->changed);
    if (call->left) {
      destroy(call);
    }
  }
  pthread_mutex_unlock(&web->lock);
}

void sp_web_calls_refuse(struct sp_web *web) {
  pthread_mutex_lock(&web->lock);
  web->closing = true;
  pthread_cond_broadcast(&web->changed);
  pthread_mutex_unlock(&web->lock);
}

/* --- web threads --- */

static void append(struct sp_web *web, struct sp_web_pending *call) {
  if (web->last) {
    web->last->next = call;
  } else {
    web->first = call;
  }
  web->last = call;
}

static void take_out(struct sp_web *web, struct sp_web_pending *call) {
  struct sp_web_pending *before = NULL;
  for (struct sp_web_pending *at = web->first; at != call; at = at->next) {
    before = at;
  }
  if (before) {
    before->next = call->next;
  } else {
    web->first = call->next;
  }
  web->last = web->last == call ? before : web->last;
}

/* Under the lock. True: the call is done, and the caller's alone again. */
static bool wait_done(struct sp_web *web, struct sp_web_pending *call) {
  int64_t until_ns = sp_clock_mono_ns() + SP_WEB_CALL_MAX_NS;
  while (call->state != DONE && !web->closing) {
    if (!sp_cond_wait_until(&web->changed, &web->lock, until_ns)) {
      break;
    }
  }
  if (call->state == WAITING) {
    take_out(web, call);
    destroy(call);
    return false;
  }
  call->left = call->state == ACTING;
  return call->state == DONE;
}

void sp_web_call_main(struct sp_web *web, sp_web_action *act, struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_web_pending *call = sp_alloc(sizeof(*call));
  call->act = act;
  call->form = *form;
  *form = (struct sp_web_form){ 0 };
  sp_web_answer_init(&call->answer);
  pthread_mutex_lock(&web->lock);
  append(web, call);
  pthread_cond_broadcast(&web->changed); /* the main thread may be lingering (scrape.c) */
  pthread_mutex_unlock(&web->lock);
  web->host->wake(web->ctx);
  pthread_mutex_lock(&web->lock);
  bool done = wait_done(web, call), closing = web->closing;
  pthread_mutex_unlock(&web->lock);
  if (!done) {
    sp_web_answer_error(answer, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "%s",
                        closing ? "spate is ending" : "spate is busy: try again in a moment");
    return;
  }
  *answer = call->answer;
  sp_web_answer_init(&call->answer);
  destroy(call);
}
