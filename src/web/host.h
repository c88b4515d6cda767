/*
 * What the web server needs of the program: a const table of calls, answered on the main thread. The server's threads
 * never call them: they hand a call over, wake the main thread and wait, with a limit.
 */
#ifndef SP_WEB_HOST_H
#define SP_WEB_HOST_H

#include "base/buf.h"
#include "web/feed.h"
#include "web/form.h"

#define SP_WEB_ANSWER_MAX (512u * 1024u * 1024u) /* bytes: a whole PAGE DATA */
#define SP_WEB_DOWNLOAD_SIZE 120u

struct sp_web_answer {
  unsigned status;  /* 200 unless said otherwise */
  const char *type; /* NULL: JSON */
  struct sp_buf body;
  int file; /* -1, or in place of the body: a file, which the server closes */
  char download[SP_WEB_DOWNLOAD_SIZE]; /* the file name to keep it under; "": it is shown */
  /* An event stream where feed is not NULL: what is before it, then what it brings from `at` on. The answer owns its
   * reference of the feed (joined), and `before` with the events' data. */
  struct sp_web_feed *feed;
  uint64_t at;
  struct sp_web_event *before;
  size_t before_count;
};
void sp_web_answer_init(struct sp_web_answer *answer);
void sp_web_answer_fini(struct sp_web_answer *answer);
/* { "error", "field" }; field NULL: null. */
void sp_web_answer_error(struct sp_web_answer *answer, unsigned status, const char *field, const char *format, ...)
  __attribute__((format(printf, 4, 5)));
/* Its two members: "error":…,"field":… */
void sp_web_put_fault(struct sp_buf *out, const char *field, const char *text);
/* 200 {} */
void sp_web_answer_done(struct sp_web_answer *answer);
/* Watches the feed. False: there are `most` watchers, and the answer says so. */
bool sp_web_answer_watch(struct sp_web_answer *answer, struct sp_web_feed *feed, unsigned most);
/* Puts an event in front of the feed's; takes the reference. */
void sp_web_answer_event(struct sp_web_answer *answer, const char *kind, const char *id, struct sp_blob *data);

typedef void sp_web_call(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer);

struct sp_web_host {
  /* MUST. Any thread: has the main thread call sp_web_serve soon. */
  void (*wake)(void *ctx);
  /* MAY. SUMMARY of the run under way or the last one, as text that the caller frees; NULL: there is none. */
  char *(*summary)(void *ctx);
  /* MAY, each: where it is NULL the call is answered with 404. docs/web-api.md says what they do. */
  sp_web_call *plans, *check, *run, *stop, *users, *rate, *reset, *try_once, *out;
  sp_web_call *history, *history_run, *compare; /* history_run: form->rest is the run's id */
  sp_web_call *campaigns, *campaign;
};

#endif
