#include "cli/setup.h"

#include "base/mem.h"
#include "cli/load_setup.h"
#include "cli/reach_setup.h"
#include "script/embedded.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define SP_TIMEOUT_NS (120 * SP_NS_PER_S)
#define SP_CONNECT_TIMEOUT_NS (10 * SP_NS_PER_S)
#define SP_STALL_NS SP_NS_PER_S

static void settle_http(struct sp_lua_conf *conf, const struct sp_plan_load *flags, const struct sp_plan_load *plan) {
  conf->timeouts.total_ns = sp_load_pick(flags->timeout_ns, plan->timeout_ns, SP_TIMEOUT_NS);
  conf->timeouts.connect_ns = sp_load_pick(flags->connect_timeout_ns, plan->connect_timeout_ns, SP_CONNECT_TIMEOUT_NS);
  conf->timeouts.first_byte_ns = sp_load_pick(flags->first_byte_timeout_ns, plan->first_byte_timeout_ns, 0);
  conf->timeouts.silence_ns = sp_load_pick(flags->silence_timeout_ns, plan->silence_timeout_ns, 0);
  conf->total_timeout_forced = flags->timeout_ns >= 0;
  conf->connection = plan->connection >= 0 ? (enum sp_http_connection)plan->connection : SP_HTTP_CONNECTION_USER;
  conf->version = (enum sp_http_version)sp_load_pick(flags->version, plan->version, SP_HTTP_1_1);
  conf->version_forced = flags->version >= 0;
  conf->redirects_max = (unsigned)sp_load_pick(flags->redirects, plan->redirects, 0);
  conf->stall_ns = sp_load_pick(flags->stall_ns, plan->stall_ns, SP_STALL_NS);
}

static int open_tls(struct sp_lua_conf *conf, const struct sp_options *options, struct sp_err *err) {
  if (options->key && !options->cert) return sp_fail(err, SP_EUSAGE, "--key needs its certificate beside: --cert FILE");
  struct sp_tls_options tls = {.insecure = options->insecure, .ca_file = options->cacert, .cert_file = options->cert,
      .key_file = options->key};
  conf->tls = sp_tls_context_create(&tls, err);
  return conf->tls ? 0 : err->code;
}

char *sp_setup_redact(const char *host) {
  struct sp_buf out;
  sp_buf_init(&out, SP_URL_MAX * 2);
  if (*host) sp_url_redact(sp_str_from(host), &out);
  /* As it was given: "http://x", not "http://x/". */
  bool slash_added = out.len > 1 && out.bytes[out.len - 1] == '/' && host[strlen(host) - 1] != '/';
  if (slash_added) out.bytes[--out.len] = '\0';
  char *text = out.len ? sp_buf_take(&out) : sp_strdup("");
  sp_buf_fini(&out);
  return text;
}

/* A built-in plan has no address of its own; it can only be given one, as the host or as a whole URL in a parameter.
 * A user's plan may have it from anywhere. */
static bool lacks_host(const struct sp_plan *plan) {
  if (!sp_embedded_find("plan", plan->options.name)) return false;
  for (size_t i = 0; i < plan->param_count; i++) {
    if (plan->params[i].value && strstr(plan->params[i].value, "://")) return false;
  }
  return true;
}

static int check_host(const struct sp_plan *plan, struct sp_err *err) {
  struct sp_url url;
  const char *host = sp_plan_host(plan);
  if (!*host && lacks_host(plan)) {
    return sp_fail(err, SP_EUSAGE, "%s needs the target's address: -H URL, e.g. -H http://127.0.0.1:5001",
                   plan->options.name);
  }
  if (!*host) return 0;
  return sp_url_parse(sp_str_from(host), &url, err) ? sp_err_context(err, "host") : 0;
}

int sp_setup_init(struct sp_setup *setup, const struct sp_options *options, struct sp_err *err) {
  memset(setup, 0, sizeof(*setup));
  struct sp_plan_options plan_options = {.name = options->arguments[0], .settings = options->settings,
      .setting_count = options->setting_count, .host = options->host, .task_patterns = options->task_patterns,
      .task_pattern_count = options->task_pattern_count, .class_names = options->class_names,
      .class_name_count = options->class_name_count};
  setup->plan = sp_plan_load(&plan_options, err);
  if (!setup->plan) return err->code;
  settle_http(&setup->conf, &options->load, &setup->plan->load);
  setup->conf.plan = setup->plan;
  setup->host = sp_setup_redact(sp_plan_host(setup->plan));
  int code = sp_load_settle(&setup->load, &options->load, &setup->plan->load, options->threads, err);
  setup->conf.replaying = setup->load.trace != NULL;
  if (code == 0) code = check_host(setup->plan, err);
  if (code == 0) code = open_tls(&setup->conf, options, err);
  if (code == 0) code = sp_reach_settle(&setup->reach, options, setup->host, setup->load.seed, err);
  setup->conf.reach = &setup->reach;
  if (code) sp_setup_fini(setup);
  return code;
}

void sp_setup_fini(struct sp_setup *setup) {
  sp_tls_context_destroy(setup->conf.tls);
  sp_http_reach_fini(&setup->reach);
  sp_plan_destroy(setup->plan);
  free(setup->host);
  memset(setup, 0, sizeof(*setup));
}

int sp_raise_file_limit(uint64_t connections, struct sp_err *err) {
  struct rlimit limit;
  rlim_t needed = (rlim_t)connections + SP_FILES_BESIDE;
  if (getrlimit(RLIMIT_NOFILE, &limit)) return sp_fail(err, SP_EIO, "cannot read the limit of open files: %s", strerror(errno));
  if (limit.rlim_cur >= needed) return 0;
  struct rlimit raised = {needed, limit.rlim_max < needed ? needed : limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return 0; /* root may raise the hard one too */
  struct rlimit most = {limit.rlim_max, limit.rlim_max};
  (void)setrlimit(RLIMIT_NOFILE, &most); /* a caller that can go on with less has all there is */
  return sp_fail(err, SP_EIO, "%llu users need %llu open files, but the limit (RLIMIT_NOFILE, hard) is %llu: raise it with "
                 "'ulimit -n %llu' as root, or with LimitNOFILE= or /etc/security/limits.conf, or take fewer users",
                 (unsigned long long)connections, (unsigned long long)needed, (unsigned long long)limit.rlim_max,
                 (unsigned long long)needed);
}

bool sp_setup_shares_machine(const struct sp_setup *setup) {
  struct sp_url url;
  if (setup->reach.unix_socket.len > 0) return true;
  return sp_url_parse(sp_str_from(setup->host), &url, NULL) == 0 && sp_url_is_loopback(&url);
}
