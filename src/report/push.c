#include "report/push.h"

#include "base/mem.h"

#include <stdlib.h>

int sp_push_open(const struct sp_poster_options *options, const char *what,
                 void (*encode)(struct sp_buf *out, const struct sp_export_source *source, int64_t real_ns),
                 void **report, struct sp_err *err) {
  struct sp_poster *poster = sp_poster_create(options, err);
  if (!poster) {
    return err->code;
  }
  struct sp_push *push = sp_alloc(sizeof(*push));
  *push = (struct sp_push){ .what = what, .encode = encode, .poster = poster };
  *report = push;
  return SP_OK;
}

static void encode_and_post(struct sp_push *push, const struct sp_export_source *source, int64_t mono_ns) {
  struct sp_buf body;
  sp_buf_init(&body, SP_PUSH_MAX);
  push->encode(&body, source, mono_ns + push->run.real_minus_mono_ns);
  size_t len = body.len;
  if (len > 0) {
    sp_poster_push(push->poster, sp_buf_take(&body), len);
  }
  sp_buf_fini(&body);
}

void sp_push_begin(void *report, const struct sp_run_begin *begin) {
  struct sp_push *push = report;
  sp_export_run_init(&push->run, begin);
  sp_poster_start(push->poster, &push->err);
}

/* The end is pushed with the verdict, by write. */
void sp_push_tick(void *report, const struct sp_run_view *view) {
  struct sp_push *push = report;
  if (view->phase == SP_PHASE_ENDED || view->elapsed_ns < push->next_ns) {
    return;
  }
  push->next_ns = view->elapsed_ns + SP_PUSH_EVERY_NS - SP_NS_PER_S / 2; /* ticks come a little early or late */
  encode_and_post(push, &(struct sp_export_source){ .run = &push->run, .view = view }, view->last->end_ns);
}

/* What could not be delivered is a note, no failure: the run's figures are whole elsewhere. */
int sp_push_write(void *report, const struct sp_result *result, struct sp_err *err) {
  struct sp_push *push = report;
  if (push->err.code) {
    *err = push->err;
    return err->code;
  }
  encode_and_post(push, &(struct sp_export_source){ .run = &push->run, .result = result }, sp_clock_mono_ns());
  sp_poster_finish(push->poster);
  return SP_OK;
}

bool sp_push_note(void *report, char *text, size_t size) {
  struct sp_push *push = report;
  return sp_poster_note(push->poster, push->what, text, size);
}

void sp_push_close(void *report) {
  struct sp_push *push = report;
  sp_poster_destroy(push->poster);
  sp_export_run_fini(&push->run);
  free(push);
}
