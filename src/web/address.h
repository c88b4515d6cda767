/* Where the web server listens. What can be reached from other machines needs a token (web/access.h). */
#ifndef SP_WEB_ADDRESS_H
#define SP_WEB_ADDRESS_H

#include "base/err.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define SP_WEB_ADDRESS_DEFAULT "127.0.0.1:8089"
#define SP_WEB_HOST_SIZE 64

struct sp_web_address {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } socket;
  socklen_t socket_len;
  char host[SP_WEB_HOST_SIZE]; /* as in a URL: "127.0.0.1", "[::1]" */
  bool loopback;               /* this machine alone can reach it */
};

/* "127.0.0.1:8089", "localhost:8089", "[::1]:0", "8089", ":8089". "" or NULL: the default. */
int sp_web_address_parse(const char *text, struct sp_web_address *out, struct sp_err *err);

#endif
