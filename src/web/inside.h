/* Private to this folder: the inside of the server. web.c: the run as it is shown (main thread). calls.c: from a web
 * thread to the main one. routes.c: which call is which. server.c: requests. reply.c: answers. scrape.c: /metrics. */
#ifndef SP_WEB_INSIDE_H
#define SP_WEB_INSIDE_H

#include "report/exposition.h"
#include "report/page_data.h"
#include "web/access.h"
#include "web/address.h"
#include "web/web.h"

#include <microhttpd.h>
#include <pthread.h>

struct sp_web_pending; /* calls.c */

/* A connection as the watchman sees it. */
struct sp_web_seat {
  int fd;           /* -1: free */
  int64_t since_ns; /* a request is on its way since then; 0: it has come */
};

struct sp_web {
  const struct sp_web_host *host;
  void *ctx;
  bool serve;
  struct sp_web_access access;
  char url[SP_WEB_HOST_SIZE + 24], entry[SP_WEB_HOST_SIZE + SP_WEB_TOKEN_MAX + 40];
  struct sp_web_feed *feed;

  /* main thread */
  struct sp_page_data *page;
  struct sp_export_run run;
  char run_id[40];
  const char *phase;
  int64_t elapsed_ns, summary_ns; /* summary_ns: no new one before */
  bool trying;
  const char *const *outputs;

  /* server.c */
  struct MHD_Daemon *daemon;
  int listener; /* the daemon's, once it runs */
  char *cert, *key;
  pthread_t watchman;
  bool watched;

  pthread_mutex_t lock; /* all below */
  pthread_cond_t changed;
  bool closing;
  struct sp_web_pending *first, *last;
  struct sp_blob *metrics[2]; /* by enum sp_exposition_format; NULL: none yet */
  uint64_t scrapes;
  int64_t scrape_ns, scrape_every_ns;
  struct sp_web_seat seats[SP_WEB_CONNECTIONS_MAX];
};

/* --- web.c --- */
void sp_web_put_state(struct sp_web *web, struct sp_buf *out);
bool sp_web_is_busy(const struct sp_web *web); /* a run is under way */

/* --- routes.c --- */
typedef void sp_web_action(struct sp_web *web, const struct sp_web_form *form, struct sp_web_answer *answer);
struct sp_web_route {
  const char *method, *path; /* a path that ends in '/' has one more word behind it: form->rest */
  sp_web_action *act;        /* on the main thread */
};
/* NULL: there is none of that path; *rest: the word. method_fits: false where only the method is another. */
const struct sp_web_route *sp_web_route_find(const char *method, const char *path, const char **rest, bool *method_fits);

/* --- calls.c --- */
/* From a web thread: has the main thread act, and waits. Takes the form. */
void sp_web_call_main(struct sp_web *web, sp_web_action *act, struct sp_web_form *form, struct sp_web_answer *answer);
void sp_web_calls_refuse(struct sp_web *web); /* closing: whoever waits is told so */

/* --- reply.c --- */
enum MHD_Result sp_web_reply(struct MHD_Connection *connection, struct sp_web_answer *answer); /* empties the answer */
enum MHD_Result sp_web_reply_error(struct MHD_Connection *connection, unsigned status, const char *text);
enum MHD_Result sp_web_reply_page(struct MHD_Connection *connection);
enum MHD_Result sp_web_reply_entry(struct sp_web *web, struct MHD_Connection *connection); /* cookie and redirect */
enum MHD_Result sp_web_queue(struct MHD_Connection *connection, unsigned status, const char *type,
                             struct MHD_Response *response);

/* --- scrape.c --- */
void sp_web_publish_metrics(struct sp_web *web, const struct sp_export_source *source);
/* True: the metrics were given. */
bool sp_web_reply_metrics(struct sp_web *web, struct MHD_Connection *connection, enum MHD_Result *result);
void sp_web_count_scrape(struct sp_web *web);

/* --- server.c --- */
int sp_web_server_start(struct sp_web *web, const struct sp_web_options *options, struct sp_err *err);
void sp_web_server_stop(struct sp_web *web);

#endif
