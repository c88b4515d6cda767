#include "net_test.h"

#include "certs.h"

static void run(const struct certs *certs, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void run(const struct certs *certs, const char *format, ...) {
  char command[1024];
  char line[1400];
  va_list args;
  va_start(args, format);
  vsnprintf(command, sizeof(command), format, args);
  va_end(args);
  snprintf(line, sizeof(line), "cd %s && { %s; } >>log 2>&1", certs->folder, command);
  if (system(line) != 0) fail_msg("failed, see %s/log: %s", certs->folder, command);
}

#define NEW_KEY "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

static void make_signed(const struct certs *certs, const char *name, const char *alternative, int days) {
  run(certs, "openssl req " NEW_KEY " -keyout %s.key -out %s.csr -subj /CN=%s -addext subjectAltName=%s", name, name,
      name, alternative);
  run(certs, "openssl x509 -req -in %s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days %d -copy_extensions copy "
      "-out %s.pem", name, days, name);
}

void certs_make(struct certs *certs) {
  strcpy(certs->folder, "/tmp/spate-certs-XXXXXX");
  assert_non_null(mkdtemp(certs->folder));
  run(certs, "openssl req -x509 " NEW_KEY " -keyout ca.key -out ca.pem -days 30 -subj '/CN=spate test authority'");
  run(certs, "openssl req -x509 " NEW_KEY " -keyout self.key -out self.pem -days 30 -subj /CN=localhost "
      "-addext subjectAltName=DNS:localhost");
  make_signed(certs, "good", "DNS:localhost,IP:127.0.0.1", 30);
  make_signed(certs, "expired", "DNS:localhost", -1);
  make_signed(certs, "other", "DNS:elsewhere.example", 30);
  make_signed(certs, "client", "DNS:someone.example", 30);
}

void certs_remove(struct certs *certs) {
  char line[128];
  snprintf(line, sizeof(line), "rm -r %s", certs->folder);
  assert_int_equal(system(line), 0);
}

char *certs_path(const struct certs *certs, const char *file, char *path) {
  snprintf(path, CERTS_PATH_MAX, "%s/%s", certs->folder, file);
  return path;
}

static struct sp_tls_context *make(const struct certs *certs, const char *name, bool server, bool with_ca) {
  char cert[CERTS_PATH_MAX], key[CERTS_PATH_MAX], ca[CERTS_PATH_MAX], file[32];
  struct sp_tls_options options = { .server = server };
  struct sp_err err = { 0 };
  if (with_ca) options.ca_file = certs_path(certs, "ca.pem", ca);
  if (name) {
    snprintf(file, sizeof(file), "%s.pem", name);
    options.cert_file = certs_path(certs, file, cert);
    snprintf(file, sizeof(file), "%s.key", name);
    options.key_file = certs_path(certs, file, key);
  }
  struct sp_tls_context *context = sp_tls_context_create(&options, &err);
  if (!context) fail_msg("%s", err.text);
  return context;
}

struct sp_tls_context *certs_server(const struct certs *certs, const char *name, bool wants_client) {
  return make(certs, name, true, wants_client);
}

struct sp_tls_context *certs_client(const struct certs *certs, const char *name) {
  return make(certs, name, false, true);
}

struct sp_tls_context *certs_insecure_client(void) {
  struct sp_tls_options options = { .insecure = true };
  return sp_tls_context_create(&options, NULL);
}
