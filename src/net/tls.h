/*
 * TLS by OpenSSL, as a filter between bytes of the socket and bytes of the application (memory BIOs), so
 * that net/conn.c reads every socket the same way. The context is shared by all threads, read-only after
 * creation; a session belongs to one connection. This file's .c is OpenSSL's only home.
 */
#ifndef SP_NET_TLS_H
#define SP_NET_TLS_H

#include "base/buf.h"
#include "base/err.h"

struct sp_tls_options {
  bool insecure;        /* do not verify the server */
  const char *ca_file;  /* PEM; NULL: the system's. Server: clients must show a certificate signed by these */
  const char *cert_file, *key_file; /* client certificate, PEM; or the server's own (mock) */
  bool server;          /* act as server */
  const char *alpn;     /* protocols by comma, the preferred one first ("h2,http/1.1"); NULL: "http/1.1" */
};

#define SP_TLS_INPUT_MAX (1024u * 1024u)       /* bytes of the socket that wait to be decrypted */
#define SP_TLS_ALPN_MAX 64u                    /* bytes of a list of protocols */
#define SP_TLS_OUTPUT_MAX (4u * 1024u * 1024u) /* bytes for the socket between two sp_tls_take_output */

struct sp_tls_context;
struct sp_tls_context *sp_tls_context_create(const struct sp_tls_options *options, struct sp_err *err);
void sp_tls_context_destroy(struct sp_tls_context *context);

struct sp_tls;
/* host: SNI and the name verified against the certificate (DNS name or IP address); NULL for a server. */
struct sp_tls *sp_tls_create(struct sp_tls_context *context, const char *host, struct sp_err *err);
void sp_tls_destroy(struct sp_tls *tls);
/* A client's session offers these protocols (as in sp_tls_options.alpn), not its context's. Before the handshake. */
int sp_tls_offer(struct sp_tls *tls, const char *alpn, struct sp_err *err);

/* Goes on with the handshake. 1 done, 0 needs more bytes, <0 failed (err: "certificate has expired", …).
 * After every call, and after write/read, send what sp_tls_take_output gives. */
int sp_tls_handshake(struct sp_tls *tls, struct sp_err *err);
/* Bytes from the socket, borrowed until sp_tls_keep_input, which has to follow (behind the handshake or the reads that
 * they allow): it copies what these did not take. */
void sp_tls_input(struct sp_tls *tls, struct sp_str bytes);
int sp_tls_keep_input(struct sp_tls *tls, struct sp_err *err); /* SP_ELIMIT: over SP_TLS_INPUT_MAX wait */
/* Decrypted bytes: >0 their count, 0 none now, -1 the peer closed cleanly, <-1 failed. */
int sp_tls_read(struct sp_tls *tls, char *bytes, size_t size, struct sp_err *err);
/* After a read that gave bytes: whether a further one may give more. Cheaper than to ask for nothing. */
bool sp_tls_has_more(const struct sp_tls *tls);
size_t sp_tls_hot_bytes(void); /* of a session, from its start: what a read touches */
int sp_tls_write(struct sp_tls *tls, struct sp_str bytes, struct sp_err *err);
int sp_tls_shutdown(struct sp_tls *tls); /* makes a close_notify, once; fine at any time */
int sp_tls_take_output(struct sp_tls *tls, struct sp_buf *out); /* appends bytes for the socket */
const char *sp_tls_alpn(const struct sp_tls *tls); /* chosen protocol: "h2", "http/1.1" or "" */

#endif
