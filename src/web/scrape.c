/* /metrics: the newest figures in both of Prometheus' formats, made each second, given out as they are. */
#include "base/clock.h"
#include "base/units.h"
#include "web/inside.h"
#include "base/wait.h"

#include <string.h>

static void publish(struct sp_web *web, enum sp_exposition_format format, const struct sp_export_source *source) {
  struct sp_buf text;
  sp_buf_init(&text, SP_EXPOSITION_MAX);
  sp_exposition_put(&text, source, format);
  struct sp_blob *made = sp_blob_create(sp_buf_str(&text));
  sp_buf_fini(&text);
  pthread_mutex_lock(&web->lock);
  struct sp_blob *former = web->metrics[format];
  web->metrics[format] = made;
  pthread_mutex_unlock(&web->lock);
  sp_blob_unref(former);
}

void sp_web_publish_metrics(struct sp_web *web, const struct sp_export_source *source) {
  publish(web, SP_EXPOSITION_TEXT, source);
  publish(web, SP_EXPOSITION_OPENMETRICS, source);
}

bool sp_web_reply_metrics(struct sp_web *web, struct MHD_Connection *connection, enum MHD_Result *result) {
  const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
  bool open = accept && strstr(accept, "application/openmetrics-text");
  enum sp_exposition_format format = open ? SP_EXPOSITION_OPENMETRICS : SP_EXPOSITION_TEXT;
  pthread_mutex_lock(&web->lock);
  struct sp_blob *text = web->metrics[format] ? sp_blob_ref(web->metrics[format]) : NULL;
  pthread_mutex_unlock(&web->lock);
  if (!text) {
    *result = sp_web_reply_error(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the run has not begun yet");
    return false;
  }
  struct sp_str bytes = sp_blob_str(text);
  struct MHD_Response *response =
    MHD_create_response_from_buffer(bytes.len, (void *)(uintptr_t)bytes.bytes, MHD_RESPMEM_MUST_COPY);
  sp_blob_unref(text);
  MHD_add_response_header(response, "Vary", "Accept");
  *result = sp_web_queue(connection, MHD_HTTP_OK, sp_exposition_content_type(format), response);
  return true;
}

/* --- who comes regularly --- */

void sp_web_count_scrape(struct sp_web *web) {
  int64_t now_ns = sp_clock_mono_ns();
  pthread_mutex_lock(&web->lock);
  web->scrape_every_ns = web->scrapes > 0 ? now_ns - web->scrape_ns : 0;
  web->scrape_ns = now_ns;
  web->scrapes++;
  pthread_cond_broadcast(&web->changed);
  pthread_mutex_unlock(&web->lock);
}

/* How long the next visit of who comes regularly may take; 0: nobody does. */
static int64_t linger_ns(struct sp_web *web, uint64_t *seen) {
  pthread_mutex_lock(&web->lock);
  int64_t every_ns = web->scrape_every_ns;
  *seen = web->scrapes;
  pthread_mutex_unlock(&web->lock);
  int64_t most_ns = every_ns > 0 ? every_ns + every_ns / 2 + SP_NS_PER_S : 0;
  return most_ns < SP_WEB_LINGER_MAX_NS ? most_ns : SP_WEB_LINGER_MAX_NS;
}

bool sp_web_linger_note(struct sp_web *web, char *text, size_t size) {
  char limit[SP_UNIT_TEXT_SIZE];
  uint64_t seen;
  int64_t most_ns = linger_ns(web, &seen);
  snprintf(text, size, "live: waiting for the scraper to see the end, at most %s (Ctrl-C ends it)",
           sp_format_duration(most_ns, limit, sizeof(limit)));
  return most_ns > 0;
}

void sp_web_linger(struct sp_web *web) {
  uint64_t seen;
  int64_t until_ns = sp_clock_mono_ns() + linger_ns(web, &seen);
  bool waiting = true;
  pthread_mutex_lock(&web->lock);
  while (waiting && web->scrapes == seen && sp_clock_mono_ns() < until_ns) {
    if (web->first) {
      pthread_mutex_unlock(&web->lock);
      sp_web_serve(web);
      pthread_mutex_lock(&web->lock);
    } else {
      waiting = sp_cond_wait_until(&web->changed, &web->lock, until_ns);
    }
  }
  pthread_mutex_unlock(&web->lock);
}
