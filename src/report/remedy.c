/*
 * What to do about an error: by its kind, its status and words of its detail. The first row that fits says it;
 * rows of one kind stand from the particular to the general.
 *
 * Dify's codes: api/controllers/service_api and its error handlers (see docs/metrics.md, outcomes).
 */
#include "report/terminal.h"

#include <ctype.h>
#include <string.h>

struct remedy {
  const char *kind;  /* outcome's name or "task" */
  int low, high;     /* status at the front of the detail; 0, 0: any */
  const char *words; /* in the detail, ASCII case ignored; NULL: any */
  const char *advice;
};

#define DIFY_PROVIDER "set the key of the app's model provider in Dify (Settings → Model Provider)"
#define DIFY_QUOTA "the model provider's quota is used up: top it up, or give the app another model for the test"
#define DIFY_MODEL "the app's model is not there any more: choose one in the app and publish it"
#define DIFY_INVOKE \
  "the model's provider refused the call: look at its limits and its log, or put a mock model behind the app " \
  "(the API layer alone is what many tests want)"
#define DIFY_KIND \
  "the key belongs to another kind of app: dify:chat is for chat, agent and chatflow apps, dify:completion for text " \
  "generators, dify:workflow for workflows"
#define TOO_MANY \
  "the target limits the rate: fewer users (-u), a slower rate or more think time, or raise its limit (in Dify an " \
  "app's maximum of active requests, and the knowledge base's rate limit)"

static const struct remedy remedies[] = {
  { "http_status", 401, 401, NULL, "check the key: the target did not accept it (-e key=app-…)" },
  { "http_status", 403, 403, NULL,
    "the key is known but may not do this: is the app's API switched on, and is it a key of this app or dataset?" },
  { "http_status", 404, 404, "conversation", "the conversation is gone: each user begins its own; do not share ids" },
  { "http_status", 404, 404, NULL,
    "check the address: --host ends before /v1 (http://server), and ids in the path exist on this server" },
  { "http_status", 400, 429, "too many requests", TOO_MANY },
  { "http_status", 400, 400, "app_unavailable", "the app can't run: set its model and publish it in Dify" },
  { "http_status", 400, 400, "not_chat_app", DIFY_KIND },
  { "http_status", 400, 400, "not_completion_app", DIFY_KIND },
  { "http_status", 400, 400, "not_workflow_app", DIFY_KIND },
  { "http_status", 400, 400, "provider_not_initialize", DIFY_PROVIDER },
  { "http_status", 400, 400, "provider_quota_exceeded", DIFY_QUOTA },
  { "http_status", 400, 400, "model_currently_not_support", DIFY_MODEL },
  { "http_status", 400, 400, "completion_request_error", DIFY_INVOKE },
  { "http_status", 400, 400, "dataset_not_initialized", "the knowledge base is not indexed yet: wait until it is" },
  { "http_status", 400, 400, NULL,
    "the target does not like the request: compare its fields with the target's API (spate try prints one exchange; "
    "a Dify app's inputs: GET /v1/parameters)" },
  { "http_status", 405, 405, NULL, "the path exists, but not for this method: check --host and the path" },
  { "http_status", 413, 413, NULL, "the request is too large for the target or the gateway before it" },
  { "http_status", 415, 415, NULL, "the target does not take this content type or file type" },
  { "http_status", 422, 422, NULL, "the request's fields are not what the target expects: see the detail" },
  { "http_status", 429, 429, NULL, TOO_MANY },
  { "http_status", 500, 500, NULL,
    "an error inside the target: its own log says which (Dify: docker logs of the api)" },
  { "http_status", 502, 502, NULL,
    "the gateway got no answer from the app behind it: is that up? look at the gateway's error log" },
  { "http_status", 503, 503, NULL,
    "the target or its gateway is overloaded or not ready: fewer users, or look at its log" },
  { "http_status", 504, 504, NULL,
    "the gateway gave up waiting for the app: the app is too slow under this load, or the gateway's timeout too short "
    "(nginx: proxy_read_timeout)" },
  { "http_status", 500, 599, NULL, "an error inside the target: its own log says which" },

  { "stream_error", 0, 0, "provider_not_initialize", DIFY_PROVIDER },
  { "stream_error", 0, 0, "provider_quota_exceeded", DIFY_QUOTA },
  { "stream_error", 0, 0, "model_currently_not_support", DIFY_MODEL },
  { "stream_error", 0, 0, "completion_request_error", DIFY_INVOKE },
  { "stream_error", 0, 0, "too many requests", TOO_MANY },
  { "stream_error", 0, 0, "rate limit", TOO_MANY },
  { "stream_error", 0, 0, "rate_limit", TOO_MANY },
  { "stream_error", 0, 0, "invalid_param",
    "the app refused its inputs: compare them with the app's (GET /v1/parameters)" },
  { "stream_error", 0, 0, "workflow stopped", "somebody stopped the run at the target" },
  { "stream_error", 0, 0, "workflow failed",
    "a node of the flow failed: the app's log in Dify shows the run and the node" },
  { "stream_error", 0, 0, "internal_server_error",
    "an error inside the target, told in the stream: its own log says which (often a pool that is used up)" },
  { "stream_error", 0, 0, NULL, "the target reported an error inside the stream: its own log says more" },

  { "truncated", 0, 0, NULL,
    "the stream ended without its last event: look for a worker that was killed or restarted, and for a gateway that "
    "limits a response's time" },

  { "timeout", 0, 0, "connect within", "no connection in time: is the address right, and is a firewall in between?" },
  { "timeout", 0, 0, "connection timed out",
    "no connection in time: is the address right, and is a firewall in between?" },
  { "timeout", 0, 0, "dns", "the name server does not answer: check the network of this machine" },
  { "timeout", 0, 0, "no byte for",
    "the answer stalled: the target stopped sending in the middle; look at the model and at buffering gateways" },
  { "timeout", 0, 0, "no answer within",
    "nothing came back in time: the target queues (its workers are busy), or the timeout is too short for it" },
  { "timeout", 0, 0, NULL,
    "the target is slower than the timeout: fewer users, or a longer --timeout if it may take so long" },

  { "connect", 0, 0, "CONNECT with 407",
    "the proxy wants user and password: --proxy http://user:password@host:port (or the same in https_proxy)" },
  { "connect", 0, 0, "proxy http://",
    "the proxy did not lead to the target: look at its log, at --proxy, and at https_proxy … of the environment "
    "(--proxy '' goes without)" },
  { "connect", 0, 0, "refused", "nothing listens there: is the server up? check --host" },
  { "connect", 0, 0, "is not known", "the name is unknown: check --host for a typing error, and this machine's DNS" },
  { "connect", 0, 0, "name server", "the name server does not answer: check the network of this machine" },
  { "connect", 0, 0, "look up", "the name could not be looked up: check --host, and this machine's DNS" },
  { "connect", 0, 0, "expired",
    "the server's certificate has expired: renew it there; --insecure goes on without the check" },
  { "connect", 0, 0, "is not for host",
    "the certificate is another host's: call the server by the name in it; --insecure goes on without the check" },
  { "connect", 0, 0, "self-signed",
    "trust the certificate with --cacert FILE, or go on without the check with --insecure" },
  { "connect", 0, 0, "unknown authority",
    "name the authority that signed the certificate with --cacert FILE, or go on without the check with --insecure" },
  { "connect", 0, 0, "client certificate", "the server wants a client certificate: --cert FILE --key FILE" },
  { "connect", 0, 0, "wrong version number", "the server speaks no TLS there: is the URL to be http:// ?" },
  { "connect", 0, 0, "tls",
    "no secure connection: is it https at this port, and does the server speak TLS 1.2 or later?" },
  { "connect", 0, 0, "certificate", "the server's certificate is not accepted: --cacert FILE trusts its authority" },
  { "connect", 0, 0, "too many open files",
    "this machine's limit of open files is reached: ulimit -n, then start again" },
  { "connect", 0, 0, "keep connections alive",
    "this machine has no free port left: keep connections alive (connection = \"user\"), make them from several "
    "addresses (--source), or widen net.ipv4.ip_local_port_range" },
  { "connect", 0, 0, "unreachable", "there is no way to this address from here: check --host and the network" },
  { "connect", 0, 0, "no route", "there is no way to this address from here: check --host and the network" },
  { "connect", 0, 0, "timed out", "no connection in time: is the address right, and is a firewall in between?" },
  { "connect", 0, 0, NULL, "no connection to the target: check --host and whether the server is up" },

  { "reset", 0, 0, NULL,
    "the target closed the connection in the middle: a worker that crashed or was killed (memory?), or a gateway's "
    "limit of connections" },

  { "protocol", 0, 0, "is the url to be https", "the server speaks TLS there: write https:// in --host" },
  { "protocol", 0, 0, "event stream",
    "the answer is no event stream: is it the streaming path, and does the request ask for streaming?" },
  { "protocol", 0, 0, "limit", "an answer larger than spate's limit: look at what the target sends (spate try)" },
  { "protocol", 0, 0, NULL, "what came back is no proper HTTP: does something else listen at this port?" },

  { "check", 0, 0, NULL, "the plan's own check said no: spate try shows the whole answer" },
  { "task", 0, 0, "attempt to", "a mistake in the plan at the line named here: spate try runs each task once" },
  { "task", 0, 0, NULL, "an error of the plan at the line named here: spate try runs each task once" },
};

static int status_of(const char *detail) {
  int status = 0;
  for (int i = 0; i < 3; i++) {
    if (!isdigit((unsigned char)detail[i])) {
      return 0;
    }
    status = status * 10 + (detail[i] - '0');
  }
  return isdigit((unsigned char)detail[3]) ? 0 : status;
}

static bool fits(const struct remedy *remedy, const char *kind, const char *detail, int status) {
  if (strcmp(remedy->kind, kind) != 0) {
    return false;
  }
  if (remedy->high > 0 && (status < remedy->low || status > remedy->high)) {
    return false;
  }
  return !remedy->words || strcasestr(detail, remedy->words);
}

const char *sp_remedy(const char *kind, const char *detail) {
  int status = 0;
  detail = detail ? detail : "";
  if (kind && strcmp(kind, "http_status") == 0) {
    status = status_of(detail);
  }
  for (size_t i = 0; kind && i < sizeof(remedies) / sizeof(remedies[0]); i++) {
    if (fits(&remedies[i], kind, detail, status)) {
      return remedies[i].advice;
    }
  }
  return NULL;
}
