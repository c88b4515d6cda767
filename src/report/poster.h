/*
 * Posts bodies to a URL from a thread of its own, over libcurl: the run goes on whatever the receiver does. What can't
 * be delivered is tried again for a while, the queue has a limit (the oldest goes first), and the end tells what was
 * lost.
 *
 * push, finish and the figures belong to one thread, the main one.
 */
#ifndef SP_REPORT_POSTER_H
#define SP_REPORT_POSTER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_POSTER_QUEUE_MAX 64u                          /* bodies that wait */
#define SP_POSTER_BYTES_MAX ((size_t)128u * 1024u * 1024u) /* of them, together */
#define SP_POSTER_FINISH_S 10 /* how long the end may take for what still waits */
#define SP_POSTER_ABSENT_S 2  /* where nothing has been delivered yet: nobody is there */

struct sp_poster_options {
  const char *url;
  const char *default_path;   /* where the URL has none: "/api/v1/write" */
  const char *const *headers; /* "Name: value"; ends with NULL */
};

struct sp_poster;
/* Checks the URL (http or https), doesn't ask whether anybody is there. */
struct sp_poster *sp_poster_create(const struct sp_poster_options *options, struct sp_err *err);
void sp_poster_destroy(struct sp_poster *poster); /* NULL is fine; without finish what waits is lost */

int sp_poster_start(struct sp_poster *poster, struct sp_err *err);
void sp_poster_push(struct sp_poster *poster, char *body, size_t len); /* takes body, from malloc */
void sp_poster_finish(struct sp_poster *poster); /* delivers what waits and ends the thread */

/* After finish: a sentence on what was not delivered and why; false: all was. */
bool sp_poster_note(const struct sp_poster *poster, const char *what, char *text, size_t size);

#endif
