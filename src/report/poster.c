#include "report/poster.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/wait.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 5000L
#define POST_MS 10000L
#define BACKOFF_FIRST_NS SP_NS_PER_S
#define BACKOFF_MAX_NS (8 * SP_NS_PER_S)
#define TRIES_MAX 6
#define REASON_SIZE 300

struct body {
  struct body *next;
  size_t len;
  char *bytes;
};

struct sp_poster {
  CURL *curl;
  char *shown; /* the URL without what is secret */
  struct curl_slist *headers;

  pthread_t thread;
  bool has_thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct body *first, *last;
  size_t waiting, waiting_bytes;
  bool finishing;
  int64_t give_up_ns; /* once finishing */

  uint64_t pushed, delivered, lost; /* under the lock */
  char reason[REASON_SIZE]; /* of the newest loss */
  char answer[REASON_SIZE]; /* the thread's: the beginning of what the receiver said */
  size_t answer_len;
};

/* --- the URL --- */

static char *url_part(CURLU *url, CURLUPart part) {
  char *text = NULL;
  return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

static int check_url(CURLU *url, const char *text, struct sp_err *err) {
  CURLUcode code = curl_url_set(url, CURLUPART_URL, text, 0);
  char *scheme = code == CURLUE_OK ? url_part(url, CURLUPART_SCHEME) : NULL;
  bool is_http = scheme && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
  curl_free(scheme);
  return is_http ? SP_OK : sp_fail(err, SP_EUSAGE, "must be the URL of the receiver, e.g. http://127.0.0.1:9090");
}

/* Sets the URL of the handle, and keeps how it is shown. */
static int settle_url(struct sp_poster *poster, const struct sp_poster_options *options, struct sp_err *err) {
  CURLU *url = curl_url();
  SP_CHECK(url != NULL);
  int code = check_url(url, options->url, err);
  if (code == 0) {
    char *path = url_part(url, CURLUPART_PATH);
    if (!path || strcmp(path, "/") == 0) {
      curl_url_set(url, CURLUPART_PATH, options->default_path, 0);
    }
    curl_free(path);
    char *whole = url_part(url, CURLUPART_URL);
    curl_easy_setopt(poster->curl, CURLOPT_URL, whole); /* copied */
    curl_free(whole);
    curl_url_set(url, CURLUPART_USER, NULL, 0);
    curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(url, CURLUPART_QUERY, NULL, 0);
    whole = url_part(url, CURLUPART_URL);
    poster->shown = sp_strdup(whole ? whole : "");
    curl_free(whole);
  }
  curl_url_cleanup(url);
  return code;
}

/* --- one post --- */

static size_t keep_answer(char *bytes, size_t size, size_t count, void *ctx) {
  struct sp_poster *poster = ctx;
  size_t room = sizeof(poster->answer) - 1 - poster->answer_len, len = size * count;
  size_t kept = len < room ? len : room;
  memcpy(poster->answer + poster->answer_len, bytes, kept);
  poster->answer_len += kept;
  poster->answer[poster->answer_len] = 0;
  return len;
}

static void settle_options(struct sp_poster *poster) {
  CURL *curl = poster->curl;
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, POST_MS);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "spate/" SP_VERSION);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, poster->headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_answer);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, poster);
}

enum delivery { DELIVERED, LATER, NEVER };

/* Fills reason, where it was not delivered. */
static enum delivery post(struct sp_poster *poster, const struct body *body, char *reason, size_t size) {
  long status = 0;
  poster->answer_len = 0;
  poster->answer[0] = 0;
  curl_easy_setopt(poster->curl, CURLOPT_POSTFIELDS, body->bytes);
  curl_easy_setopt(poster->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
  CURLcode code = curl_easy_perform(poster->curl);
  if (code != CURLE_OK) {
    snprintf(reason, size, "%s", curl_easy_strerror(code));
    return LATER;
  }
  curl_easy_getinfo(poster->curl, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300) {
    return DELIVERED;
  }
  poster->answer[strcspn(poster->answer, "\r\n")] = 0;
  snprintf(reason, size, "HTTP %ld%s%.200s", status, poster->answer[0] ? ": " : "", poster->answer);
  return status == 429 || status >= 500 ? LATER : NEVER;
}

/* --- the queue; all under the lock --- */

static struct body *pop(struct sp_poster *poster) {
  struct body *body = poster->first;
  poster->first = body->next;
  poster->last = poster->first ? poster->last : NULL;
  poster->waiting--;
  poster->waiting_bytes -= body->len;
  return body;
}

static void free_body(struct body *body) {
  free(body->bytes);
  free(body);
}

static void lose(struct sp_poster *poster, const char *reason) {
  poster->lost++;
  if (reason) {
    snprintf(poster->reason, sizeof(poster->reason), "%s", reason);
  }
}

/* NULL: there will be no more. */
static struct body *wait_for_body(struct sp_poster *poster) {
  pthread_mutex_lock(&poster->lock);
  while (!poster->first && !poster->finishing) {
    pthread_cond_wait(&poster->wake, &poster->lock);
  }
  struct body *body = poster->first ? pop(poster) : NULL;
  pthread_mutex_unlock(&poster->lock);
  return body;
}

/* Sleeps before the next try. False: the end has no time for one. */
static bool pause_before_retry(struct sp_poster *poster, int64_t pause_ns) {
  int64_t due_ns = sp_clock_mono_ns() + pause_ns;
  pthread_mutex_lock(&poster->lock);
  while (sp_clock_mono_ns() < due_ns && !(poster->finishing && poster->give_up_ns <= sp_clock_mono_ns())) {
    int64_t until_ns = poster->finishing && poster->give_up_ns < due_ns ? poster->give_up_ns : due_ns;
    sp_cond_wait_until(&poster->wake, &poster->lock, until_ns);
  }
  bool more = !poster->finishing || sp_clock_mono_ns() < poster->give_up_ns;
  pthread_mutex_unlock(&poster->lock);
  return more;
}

/* --- the thread --- */

static void deliver(struct sp_poster *poster, const struct body *body) {
  char reason[REASON_SIZE];
  int64_t pause_ns = BACKOFF_FIRST_NS;
  enum delivery result = post(poster, body, reason, sizeof(reason));
  for (int tries = 1; result == LATER && tries < TRIES_MAX; tries++) {
    if (!pause_before_retry(poster, pause_ns)) {
      break;
    }
    pause_ns = pause_ns * 2 < BACKOFF_MAX_NS ? pause_ns * 2 : BACKOFF_MAX_NS;
    result = post(poster, body, reason, sizeof(reason));
  }
  pthread_mutex_lock(&poster->lock);
  if (result == DELIVERED) {
    poster->delivered++;
  } else {
    lose(poster, reason);
  }
  pthread_mutex_unlock(&poster->lock);
}

static void *post_bodies(void *ctx) {
  struct sp_poster *poster = ctx;
  struct body *body;
  while ((body = wait_for_body(poster)) != NULL) {
    deliver(poster, body);
    free_body(body);
  }
  return NULL;
}

/* --- life --- */

struct sp_poster *sp_poster_create(const struct sp_poster_options *options, struct sp_err *err) {
  struct sp_poster *poster = sp_alloc(sizeof(*poster));
  SP_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
  poster->curl = curl_easy_init();
  SP_CHECK(poster->curl != NULL);
  pthread_mutex_init(&poster->lock, NULL);
  sp_cond_init(&poster->wake);
  if (settle_url(poster, options, err)) {
    sp_poster_destroy(poster);
    return NULL;
  }
  for (const char *const *header = options->headers; *header; header++) {
    poster->headers = curl_slist_append(poster->headers, *header);
  }
  poster->headers = curl_slist_append(poster->headers, "Expect:"); /* no asking before a large body */
  settle_options(poster);
  return poster;
}

int sp_poster_start(struct sp_poster *poster, struct sp_err *err) {
  int error = pthread_create(&poster->thread, NULL, post_bodies, poster);
  poster->has_thread = error == 0;
  return error ? sp_fail(err, SP_EIO, "cannot start the thread that posts: %s", strerror(error)) : SP_OK;
}

void sp_poster_push(struct sp_poster *poster, char *bytes, size_t len) {
  struct body *body = sp_alloc(sizeof(*body));
  *body = (struct body){ .len = len, .bytes = bytes };
  pthread_mutex_lock(&poster->lock);
  poster->pushed++;
  while (poster->first &&
         (poster->waiting >= SP_POSTER_QUEUE_MAX || poster->waiting_bytes + len > SP_POSTER_BYTES_MAX)) {
    free_body(pop(poster));
    lose(poster, poster->reason[0] ? NULL : "the receiver is slower than the run");
  }
  *(poster->last ? &poster->last->next : &poster->first) = body;
  poster->last = body;
  poster->waiting++;
  poster->waiting_bytes += len;
  pthread_cond_signal(&poster->wake);
  pthread_mutex_unlock(&poster->lock);
}

void sp_poster_finish(struct sp_poster *poster) {
  if (!poster->has_thread) {
    return;
  }
  pthread_mutex_lock(&poster->lock);
  poster->finishing = true;
  int64_t limit_s = poster->delivered > 0 ? SP_POSTER_FINISH_S : SP_POSTER_ABSENT_S;
  poster->give_up_ns = sp_clock_mono_ns() + limit_s * SP_NS_PER_S;
  pthread_cond_broadcast(&poster->wake);
  pthread_mutex_unlock(&poster->lock);
  pthread_join(poster->thread, NULL);
  poster->has_thread = false;
}

void sp_poster_destroy(struct sp_poster *poster) {
  if (!poster) {
    return;
  }
  pthread_mutex_lock(&poster->lock);
  while (poster->first) {
    free_body(pop(poster));
  }
  pthread_mutex_unlock(&poster->lock);
  sp_poster_finish(poster);
  curl_slist_free_all(poster->headers);
  curl_easy_cleanup(poster->curl);
  curl_global_cleanup();
  pthread_cond_destroy(&poster->wake);
  pthread_mutex_destroy(&poster->lock);
  free(poster->shown);
  free(poster);
}

bool sp_poster_note(const struct sp_poster *poster, const char *what, char *text, size_t size) {
  if (poster->lost == 0) {
    return false;
  }
  snprintf(text, size, "%s: %llu of %llu pushes to %s were not taken: %s", what, (unsigned long long)poster->lost,
           (unsigned long long)poster->pushed, poster->shown, poster->reason);
  return true;
}
