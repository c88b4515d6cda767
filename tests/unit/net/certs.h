/*
 * Certificates for the tests, made by the openssl command in a folder under /tmp: an authority, and signed by it a
 * good one (localhost, 127.0.0.1), an expired one, one for another host and a client's; and a self-signed one.
 */
#ifndef SP_TESTS_CERTS_H
#define SP_TESTS_CERTS_H

#include "net/tls.h"

struct certs {
  char folder[64];
};

void certs_make(struct certs *certs);
void certs_remove(struct certs *certs);

/* name: "good", "expired", "other", "client" or "self". Fails the test where the context cannot be made. */
struct sp_tls_context *certs_server(const struct certs *certs, const char *name, bool wants_client);
/* name: a client certificate, NULL for none. */
struct sp_tls_context *certs_client(const struct certs *certs, const char *name);
struct sp_tls_context *certs_insecure_client(void);

#define CERTS_PATH_MAX 128
char *certs_path(const struct certs *certs, const char *file, char *path); /* CERTS_PATH_MAX; returns path */

#endif
