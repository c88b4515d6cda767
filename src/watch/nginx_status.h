/* The page of nginx's module ngx_http_stub_status. Pure: text in, numbers out. */
#ifndef SP_WATCH_NGINX_STATUS_H
#define SP_WATCH_NGINX_STATUS_H

#include "base/str.h"

struct sp_nginx_status {
  double active;                      /* connections now; those that wait for a next request among them */
  double accepted, handled, requests; /* so far */
  double reading, writing, waiting;   /* connections now; writing: an answer under way, a stream's too */
};
bool sp_nginx_status_parse(struct sp_str text, struct sp_nginx_status *out); /* false: it is another page */

#endif
