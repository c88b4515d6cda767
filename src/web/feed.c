#include "web/feed.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/wait.h"

#include <stdlib.h>

struct sp_web_feed {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct sp_web_event *ring; /* numbers begin … end - 1, each at its number % events_max */
  size_t events_max, bytes_max, bytes;
  uint64_t begin, end;
  unsigned refs, watchers;
  bool ended, visited;
};

struct sp_web_feed *sp_web_feed_create(size_t events_max, size_t bytes_max) {
  struct sp_web_feed *feed = sp_alloc(sizeof(*feed));
  pthread_mutex_init(&feed->lock, NULL);
  sp_cond_init(&feed->changed);
  feed->ring = sp_alloc_array(events_max, sizeof(*feed->ring));
  feed->events_max = events_max;
  feed->bytes_max = bytes_max;
  feed->refs = 1;
  return feed;
}

struct sp_web_feed *sp_web_feed_ref(struct sp_web_feed *feed) {
  pthread_mutex_lock(&feed->lock);
  feed->refs++;
  pthread_mutex_unlock(&feed->lock);
  return feed;
}

static void drop_oldest(struct sp_web_feed *feed) {
  struct sp_web_event *oldest = &feed->ring[feed->begin++ % feed->events_max];
  feed->bytes -= sp_blob_str(oldest->data).len;
  sp_blob_unref(oldest->data);
}

void sp_web_feed_unref(struct sp_web_feed *feed) {
  if (!feed) {
    return;
  }
  pthread_mutex_lock(&feed->lock);
  bool last = --feed->refs == 0;
  pthread_mutex_unlock(&feed->lock);
  if (!last) {
    return;
  }
  while (feed->begin < feed->end) {
    drop_oldest(feed);
  }
  pthread_cond_destroy(&feed->changed);
  pthread_mutex_destroy(&feed->lock);
  free(feed->ring);
  free(feed);
}

/* --- publishing --- */

void sp_web_feed_publish(struct sp_web_feed *feed, struct sp_web_event event) {
  pthread_mutex_lock(&feed->lock);
  if (feed->ended) {
    sp_blob_unref(event.data);
  } else {
    if (feed->end - feed->begin == feed->events_max) {
      drop_oldest(feed);
    }
    feed->ring[feed->end++ % feed->events_max] = event;
    feed->bytes += sp_blob_str(event.data).len;
    while (feed->bytes > feed->bytes_max && feed->end - feed->begin > 1) {
      drop_oldest(feed);
    }
    pthread_cond_broadcast(&feed->changed);
  }
  pthread_mutex_unlock(&feed->lock);
}

void sp_web_feed_end(struct sp_web_feed *feed) {
  pthread_mutex_lock(&feed->lock);
  feed->ended = true;
  pthread_cond_broadcast(&feed->changed);
  pthread_mutex_unlock(&feed->lock);
}

/* --- watching --- */

bool sp_web_feed_join(struct sp_web_feed *feed, unsigned most, uint64_t *at) {
  pthread_mutex_lock(&feed->lock);
  bool room = feed->watchers < most;
  if (room) {
    feed->watchers++;
    feed->visited = true;
    *at = feed->end;
  }
  pthread_mutex_unlock(&feed->lock);
  return room;
}

void sp_web_feed_leave(struct sp_web_feed *feed) {
  pthread_mutex_lock(&feed->lock);
  feed->watchers--;
  pthread_cond_broadcast(&feed->changed);
  pthread_mutex_unlock(&feed->lock);
}

unsigned sp_web_feed_watchers(struct sp_web_feed *feed) {
  pthread_mutex_lock(&feed->lock);
  unsigned watchers = feed->watchers;
  pthread_mutex_unlock(&feed->lock);
  return watchers;
}

bool sp_web_feed_left(struct sp_web_feed *feed) {
  pthread_mutex_lock(&feed->lock);
  bool left = feed->visited && feed->watchers == 0;
  pthread_mutex_unlock(&feed->lock);
  return left;
}

void sp_web_feed_drain(struct sp_web_feed *feed, int64_t most_ns) {
  int64_t until_ns = sp_clock_mono_ns() + most_ns;
  pthread_mutex_lock(&feed->lock);
  while (feed->watchers > 0 && sp_cond_wait_until(&feed->changed, &feed->lock, until_ns)) {
  }
  pthread_mutex_unlock(&feed->lock);
}

static enum sp_web_next next_of(struct sp_web_feed *feed, uint64_t *at, struct sp_web_event *out) {
  if (*at < feed->begin) {
    return SP_WEB_NEXT_LOST;
  }
  if (*at == feed->end) {
    return feed->ended ? SP_WEB_NEXT_END : SP_WEB_NEXT_QUIET;
  }
  *out = feed->ring[(*at)++ % feed->events_max];
  sp_blob_ref(out->data);
  return SP_WEB_NEXT_EVENT;
}

enum sp_web_next sp_web_feed_next(struct sp_web_feed *feed, uint64_t *at, int64_t most_ns, struct sp_web_event *out) {
  int64_t until_ns = sp_clock_mono_ns() + most_ns;
  enum sp_web_next next;
  pthread_mutex_lock(&feed->lock);
  while ((next = next_of(feed, at, out)) == SP_WEB_NEXT_QUIET) {
    if (!sp_cond_wait_until(&feed->changed, &feed->lock, until_ns)) {
      break;
    }
  }
  pthread_mutex_unlock(&feed->lock);
  return next;
}
