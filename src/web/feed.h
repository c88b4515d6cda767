/*
 * Events for many watchers. Each is made once and shared; publishing takes a lock for the time of a pointer's swap, and
 * a watcher that is slow costs nobody anything: what waits is kept once, in a ring with a cap, and who has fallen
 * behind it is told so (and dropped).
 *
 * Any thread may publish and watch. Counted references: whoever publishes holds one, each watcher one.
 */
#ifndef SP_WEB_FEED_H
#define SP_WEB_FEED_H

#include "base/blob.h"

#define SP_WEB_EVENT_ID_SIZE 64u

struct sp_web_event {
  const char *kind; /* "tick": static text */
  char id[SP_WEB_EVENT_ID_SIZE]; /* "": none */
  struct sp_blob *data; /* one line of JSON; each copy of the event has its own reference */
};

struct sp_web_feed;
struct sp_web_feed *sp_web_feed_create(size_t events_max, size_t bytes_max);
struct sp_web_feed *sp_web_feed_ref(struct sp_web_feed *feed);
void sp_web_feed_unref(struct sp_web_feed *feed);

/* Takes the event's data. After the end nothing is published. */
void sp_web_feed_publish(struct sp_web_feed *feed, struct sp_web_event event);
void sp_web_feed_end(struct sp_web_feed *feed); /* watchers get what there is, then the end */

/* A watcher comes: what is published from here on is its. False: `most` are here already. */
bool sp_web_feed_join(struct sp_web_feed *feed, unsigned most, uint64_t *at);
void sp_web_feed_leave(struct sp_web_feed *feed);
unsigned sp_web_feed_watchers(struct sp_web_feed *feed);
bool sp_web_feed_left(struct sp_web_feed *feed); /* somebody was here, and nobody is any more */
/* Waits until nobody watches, at most so long. */
void sp_web_feed_drain(struct sp_web_feed *feed, int64_t most_ns);

enum sp_web_next {
  SP_WEB_NEXT_EVENT, /* *out is filled, with a reference of its own */
  SP_WEB_NEXT_QUIET, /* nothing came in most_ns */
  SP_WEB_NEXT_END,
  SP_WEB_NEXT_LOST,  /* the watcher was too slow: what it would have had next is gone */
};
enum sp_web_next sp_web_feed_next(struct sp_web_feed *feed, uint64_t *at, int64_t most_ns, struct sp_web_event *out);

#endif
