#include "net/tls.h"

#include "base/check.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST_MAX 255
#define KEEP_SIZE 4096u /* an empty buffer of this size stays: most reads and writes of a stream are small */

#define ALPN_DEFAULT "http/1.1"

struct alpn { /* protocols as TLS has them: each behind its length (RFC 7301, 3.1) */
  unsigned char bytes[SP_TLS_ALPN_MAX + 1];
  unsigned int len;
};

struct sp_tls_context {
  SSL_CTX *ssl;
  BIO_METHOD *bio; /* our two buffers as a BIO; unlike BIO_s_mem they give their memory back */
  bool server, insecure;
  struct alpn alpn;
  /* The system's authorities take some 20 ms to read: only once a connection needs them. */
  pthread_mutex_t lock;
  bool system_wanted;
};

struct sp_tls {
  /* What a read touches (sp_tls_hot_bytes) … */
  SSL *ssl;
  bool server, insecure, done, broken;
  struct sp_str lent;          /* from the socket, encrypted, borrowed: what OpenSSL did not take yet … */
  struct sp_buf kept;          /* … behind these, which it did not take of what was lent before */
  struct sp_buf output;        /* for the socket, encrypted */
  size_t kept_taken;
  /* … and what it does not. */
  char host[HOST_MAX + 1];
};

/* -- sentences -- */

static int fail_with_queue(struct sp_err *err, const char *what) {
  unsigned long code = ERR_peek_last_error();
  const char *reason = code ? ERR_reason_error_string(code) : NULL;
  ERR_clear_error();
  return sp_fail(err, SP_EIO, "%s: %s", what, reason ? reason : "unknown TLS error");
}

static int fail_with_verify(const struct sp_tls *tls, struct sp_err *err, long result) {
  ERR_clear_error();
  switch (result) {
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    return sp_fail(err, SP_EIO, "certificate is not for host '%s'", tls->host);
  case X509_V_ERR_CERT_HAS_EXPIRED: return sp_fail(err, SP_EIO, "certificate has expired");
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    return sp_fail(err, SP_EIO, "self-signed certificate (trust it with --cacert, or go on with --insecure)");
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    return sp_fail(err, SP_EIO, "certificate is signed by an unknown authority: %s (name it with --cacert)",
                   X509_verify_cert_error_string(result));
  default: return sp_fail(err, SP_EIO, "certificate is not accepted: %s", X509_verify_cert_error_string(result));
  }
}

/* What the failed SSL call left behind, as one sentence. */
static int fail_with_ssl(struct sp_tls *tls, struct sp_err *err) {
  tls->broken = true;
  long verified = SSL_get_verify_result(tls->ssl);
  unsigned long code = ERR_peek_error();
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return fail_with_queue(err, "TLS failed");
  switch (ERR_GET_REASON(code)) {
  case SSL_R_CERTIFICATE_VERIFY_FAILED: return fail_with_verify(tls, err, verified);
  case SSL_R_WRONG_VERSION_NUMBER:
  case SSL_R_HTTP_REQUEST:
  case SSL_R_UNEXPECTED_MESSAGE:
    return fail_with_queue(err, "the peer does not speak TLS as it should (is the port plain http?)");
  case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
  case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    ERR_clear_error();
    return sp_fail(err, SP_EIO, "a client certificate is required (--cert, --key)");
  case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
    ERR_clear_error();
    return sp_fail(err, SP_EIO, "the server speaks none of the protocols that were offered (ALPN)");
  case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
  case SSL_R_UNSUPPORTED_PROTOCOL: return fail_with_queue(err, "no common TLS version (1.2 is the least)");
  default: return fail_with_queue(err, "TLS failed");
  }
}

/* -- the BIO: reads what is kept and lent, writes output -- */

static int bio_write(BIO *bio, const char *bytes, int len) {
  struct sp_tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (len <= 0) return 0;
  return sp_buf_append(&tls->output, bytes, (size_t)len) < 0 ? -1 : len;
}

static size_t take_kept(struct sp_tls *tls, char *bytes, size_t size) {
  size_t have = tls->kept.len - tls->kept_taken, count = have < size ? have : size;
  memcpy(bytes, tls->kept.bytes + tls->kept_taken, count);
  tls->kept_taken += count;
  return count;
}

static size_t take_lent(struct sp_tls *tls, char *bytes, size_t size) {
  size_t count = tls->lent.len < size ? tls->lent.len : size;
  memcpy(bytes, tls->lent.bytes, count);
  tls->lent = sp_str_of(tls->lent.bytes + count, tls->lent.len - count);
  return count;
}

static bool has_input(const struct sp_tls *tls) { return tls->lent.len > 0 || tls->kept_taken < tls->kept.len; }

static int bio_read(BIO *bio, char *bytes, int size) {
  struct sp_tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  if (tls->kept_taken < tls->kept.len) return (int)take_kept(tls, bytes, (size_t)size);
  if (tls->lent.len > 0) return (int)take_lent(tls, bytes, (size_t)size);
  BIO_set_retry_read(bio);
  return -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int bio_create(BIO *bio) {
  BIO_set_init(bio, 1);
  return 1;
}

static BIO_METHOD *make_bio_method(void) {
  BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "spate buffers");
  SP_CHECK(method);
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_ctrl(method, bio_ctrl);
  BIO_meth_set_create(method, bio_create);
  return method;
}

/* -- context -- */

static int read_alpn(struct alpn *alpn, const char *list, struct sp_err *err) {
  struct sp_str rest = sp_str_from(list ? list : ALPN_DEFAULT);
  alpn->len = 0;
  while (rest.len > 0) {
    struct sp_str name = sp_str_split(&rest, ',');
    if (name.len == 0 || alpn->len + 1 + name.len > sizeof(alpn->bytes))
      return sp_fail(err, SP_EUSAGE, "a list of protocols has an empty name or is over %u bytes", SP_TLS_ALPN_MAX);
    alpn->bytes[alpn->len++] = (unsigned char)name.len;
    memcpy(alpn->bytes + alpn->len, name.bytes, name.len);
    alpn->len += (unsigned int)name.len;
  }
  return SP_OK;
}

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *offered,
                       unsigned int offered_len, void *arg) {
  const struct alpn *own = arg;
  unsigned char *chosen;
  (void)ssl;
  int rc = SSL_select_next_proto(&chosen, out_len, own->bytes, own->len, offered, offered_len);
  *out = chosen;
  return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static int load_certificate(SSL_CTX *ssl, const struct sp_tls_options *options, struct sp_err *err) {
  if (!options->cert_file) {
    if (options->server) return sp_fail(err, SP_EUSAGE, "a TLS server needs a certificate and its key");
    return SP_OK;
  }
  const char *key_file = options->key_file ? options->key_file : options->cert_file;
  const char *const files[] = {options->cert_file, key_file};
  for (size_t i = 0; i < 2; i++) { /* OpenSSL would only say "system lib" */
    if (access(files[i], R_OK)) return sp_fail(err, SP_EIO, "cannot open '%s': %s", files[i], strerror(errno));
  }
  if (SSL_CTX_use_certificate_chain_file(ssl, options->cert_file) != 1) {
    fail_with_queue(err, "not a PEM certificate");
    return sp_err_context(err, "cannot load '%s'", options->cert_file);
  }
  if (SSL_CTX_use_PrivateKey_file(ssl, key_file, SSL_FILETYPE_PEM) != 1) {
    fail_with_queue(err, "not this certificate's key in PEM");
    return sp_err_context(err, "cannot load '%s'", key_file);
  }
  return SP_OK;
}

static int load_authorities(SSL_CTX *ssl, const struct sp_tls_options *options, struct sp_err *err) {
  bool verify = options->server ? options->ca_file != NULL : !options->insecure;
  int mode = SSL_VERIFY_PEER | (options->server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
  SSL_CTX_set_verify(ssl, verify ? mode : SSL_VERIFY_NONE, NULL);
  if (!verify) return SP_OK;
  if (!options->ca_file) return SP_OK; /* the system's, later */
  if (SSL_CTX_load_verify_file(ssl, options->ca_file) == 1) return SP_OK;
  fail_with_queue(err, "no PEM certificates");
  return sp_err_context(err, "cannot load '%s'", options->ca_file);
}

static void set_defaults(SSL_CTX *ssl) {
  SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(ssl, 1); /* all that is there in one read of the BIO: else each record takes two */
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
}

static int set_alpn(struct sp_tls_context *context, const struct sp_tls_options *options, struct sp_err *err) {
  int failed = read_alpn(&context->alpn, options->alpn, err);
  if (failed) return failed;
  if (options->server) SSL_CTX_set_alpn_select_cb(context->ssl, select_alpn, &context->alpn);
  else if (SSL_CTX_set_alpn_protos(context->ssl, context->alpn.bytes, context->alpn.len) != 0)
    return fail_with_queue(err, "cannot offer these protocols");
  return SP_OK;
}

struct sp_tls_context *sp_tls_context_create(const struct sp_tls_options *options, struct sp_err *err) {
  ERR_clear_error();
  SSL_CTX *ssl = SSL_CTX_new(options->server ? TLS_server_method() : TLS_client_method());
  if (!ssl) {
    fail_with_queue(err, "cannot start TLS");
    return NULL;
  }
  struct sp_tls_context *context = sp_alloc(sizeof(*context));
  context->ssl = ssl;
  context->bio = make_bio_method();
  context->server = options->server;
  context->insecure = options->insecure;
  context->system_wanted = !options->server && !options->insecure && !options->ca_file;
  pthread_mutex_init(&context->lock, NULL);
  set_defaults(ssl);
  if (set_alpn(context, options, err) < 0 || load_certificate(ssl, options, err) < 0 ||
      load_authorities(ssl, options, err) < 0) {
    sp_tls_context_destroy(context);
    return NULL;
  }
  return context;
}

void sp_tls_context_destroy(struct sp_tls_context *context) {
  if (!context) return;
  SSL_CTX_free(context->ssl);
  BIO_meth_free(context->bio);
  pthread_mutex_destroy(&context->lock);
  free(context);
}

/* -- session -- */

static bool is_address(const char *host) {
  unsigned char bytes[sizeof(struct in6_addr)];
  return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* The name as certificates have it: without the root's dot, without an address's scope. */
static int copy_host(struct sp_tls *tls, const char *host, struct sp_err *err) {
  size_t len = strchr(host, ':') ? strcspn(host, "%") : strlen(host);
  if (len > 1 && host[len - 1] == '.') len--;
  if (len == 0 || len > HOST_MAX) return sp_fail(err, SP_EUSAGE, "host name is empty or longer than %d", HOST_MAX);
  memcpy(tls->host, host, len);
  tls->host[len] = '\0';
  return SP_OK;
}

static int expect_host(struct sp_tls *tls, const char *host, struct sp_err *err) {
  if (!host) return sp_fail(err, SP_EUSAGE, "TLS needs the host's name");
  if (copy_host(tls, host, err) < 0) return SP_EUSAGE;
  X509_VERIFY_PARAM *param = SSL_get0_param(tls->ssl);
  if (is_address(tls->host)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(param, tls->host) == 1) return SP_OK;
    return fail_with_queue(err, "cannot verify this address");
  }
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_host(param, tls->host, 0) == 1 && SSL_set_tlsext_host_name(tls->ssl, tls->host) == 1)
    return SP_OK;
  return fail_with_queue(err, "cannot ask for this host");
}

static void attach_bio(struct sp_tls *tls, const BIO_METHOD *method) {
  BIO *bio = BIO_new(method);
  SP_CHECK(bio);
  BIO_set_data(bio, tls);
  SSL_set_bio(tls->ssl, bio, bio); /* takes the one reference for both directions */
}

static int load_system_authorities(struct sp_tls_context *context, struct sp_err *err) {
  int code = SP_OK;
  pthread_mutex_lock(&context->lock);
  if (context->system_wanted) {
    if (SSL_CTX_set_default_verify_paths(context->ssl) == 1) context->system_wanted = false;
    else code = fail_with_queue(err, "cannot load the system's certificate authorities");
  }
  pthread_mutex_unlock(&context->lock);
  return code;
}

struct sp_tls *sp_tls_create(struct sp_tls_context *context, const char *host, struct sp_err *err) {
  ERR_clear_error();
  if (load_system_authorities(context, err)) return NULL;
  struct sp_tls *tls = sp_alloc(sizeof(*tls));
  sp_buf_init(&tls->kept, SP_TLS_INPUT_MAX);
  sp_buf_init(&tls->output, SP_TLS_OUTPUT_MAX);
  tls->ssl = SSL_new(context->ssl);
  if (!tls->ssl) {
    fail_with_queue(err, "cannot start TLS");
    sp_tls_destroy(tls);
    return NULL;
  }
  attach_bio(tls, context->bio);
  if (context->server) {
    SSL_set_accept_state(tls->ssl);
  } else {
    SSL_set_connect_state(tls->ssl);
    if (expect_host(tls, host, err) < 0) {
      sp_tls_destroy(tls);
      return NULL;
    }
  }
  return tls;
}

int sp_tls_offer(struct sp_tls *tls, const char *alpn, struct sp_err *err) {
  struct alpn offered;
  int failed = read_alpn(&offered, alpn, err);
  if (failed) return failed;
  if (SSL_set_alpn_protos(tls->ssl, offered.bytes, offered.len) == 0) return SP_OK;
  return fail_with_queue(err, "cannot offer these protocols");
}

void sp_tls_destroy(struct sp_tls *tls) {
  if (!tls) return;
  SSL_free(tls->ssl);
  sp_buf_fini(&tls->kept);
  sp_buf_fini(&tls->output);
  free(tls);
}

/* -- the filter -- */

static void empty(struct sp_buf *buf) {
  if (buf->cap > KEEP_SIZE) sp_buf_fini(buf);
  else sp_buf_clear(buf);
}

/* What an earlier call left would be taken for this one's. Nearly always there is nothing, and looking is cheaper. */
static void clear_errors(void) {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

/* OpenSSL was asked and gave `rc` <= 0. 0: needs more bytes; -1: the peer said close_notify; else failed. */
static int explain_rc(struct sp_tls *tls, int rc, struct sp_err *err) {
  switch (SSL_get_error(tls->ssl, rc)) {
  case SSL_ERROR_WANT_READ: return 0;
  case SSL_ERROR_ZERO_RETURN: return -1;
  default: return fail_with_ssl(tls, err);
  }
}

int sp_tls_handshake(struct sp_tls *tls, struct sp_err *err) {
  if (tls->done) return 1;
  if (tls->broken) return sp_fail(err, SP_EIO, "TLS has failed before");
  ERR_clear_error();
  int rc = SSL_do_handshake(tls->ssl);
  if (rc == 1) {
    tls->done = true;
    return 1;
  }
  rc = explain_rc(tls, rc, err);
  return rc == -1 ? sp_fail(err, SP_EIO, "the peer closed TLS inside the handshake") : rc;
}

void sp_tls_input(struct sp_tls *tls, struct sp_str bytes) { tls->lent = bytes; }

static void forget_taken(struct sp_tls *tls) {
  if (tls->kept_taken == tls->kept.len) sp_buf_fini(&tls->kept);
  else sp_buf_consume(&tls->kept, tls->kept_taken);
  tls->kept_taken = 0;
}

int sp_tls_keep_input(struct sp_tls *tls, struct sp_err *err) {
  struct sp_str rest = tls->lent;
  tls->lent = sp_str_of(NULL, 0);
  if (tls->kept_taken > 0) forget_taken(tls);
  if (rest.len == 0 || sp_buf_append_str(&tls->kept, rest) == 0) return SP_OK;
  return sp_fail(err, SP_ELIMIT, "more than %u bytes wait to be decrypted (SP_TLS_INPUT_MAX)", SP_TLS_INPUT_MAX);
}

bool sp_tls_has_more(const struct sp_tls *tls) {
  return has_input(tls) || SSL_pending(tls->ssl) > 0 || SSL_has_pending(tls->ssl);
}

int sp_tls_read(struct sp_tls *tls, char *bytes, size_t size, struct sp_err *err) {
  if (tls->broken) return sp_fail(err, SP_EIO, "TLS has failed before");
  clear_errors();
  int rc = SSL_read(tls->ssl, bytes, size < INT32_MAX ? (int)size : INT32_MAX);
  return rc > 0 ? rc : explain_rc(tls, rc, err);
}

int sp_tls_write(struct sp_tls *tls, struct sp_str bytes, struct sp_err *err) {
  if (tls->broken) return sp_fail(err, SP_EIO, "TLS has failed before");
  ERR_clear_error();
  size_t written = 0;
  if (bytes.len == 0) return SP_OK;
  int rc = SSL_write_ex(tls->ssl, bytes.bytes, bytes.len, &written);
  if (rc == 1 && written == bytes.len) return SP_OK;
  if (tls->output.len + bytes.len > SP_TLS_OUTPUT_MAX) {
    tls->broken = true;
    return sp_fail(err, SP_ELIMIT, "more than %u encrypted bytes wait (SP_TLS_OUTPUT_MAX)", SP_TLS_OUTPUT_MAX);
  }
  return fail_with_ssl(tls, err);
}

int sp_tls_shutdown(struct sp_tls *tls) {
  if (!tls->done || tls->broken || (SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN)) return SP_OK;
  ERR_clear_error();
  (void)SSL_shutdown(tls->ssl);
  ERR_clear_error();
  return SP_OK;
}

int sp_tls_take_output(struct sp_tls *tls, struct sp_buf *out) {
  if (tls->output.len == 0) return SP_OK;
  int rc = sp_buf_append_str(out, sp_buf_str(&tls->output));
  empty(&tls->output);
  return rc;
}

size_t sp_tls_hot_bytes(void) { return offsetof(struct sp_tls, host); }

const char *sp_tls_alpn(const struct sp_tls *tls) {
  static const char *const known[] = { "h2", "http/1.1" };
  const unsigned char *name = NULL;
  unsigned int len = 0;
  SSL_get0_alpn_selected(tls->ssl, &name, &len);
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
    if (sp_str_eq(sp_str_of((const char *)name, len), sp_str_from(known[i]))) return known[i];
  return "";
}
