#include "script/exchange.h"

#include "base/check.h"
#include "base/mem.h"
#include "script/cookies.h"
#include "script/exchange_detail.h"
#include "script/redirect.h"

#include <stdlib.h>

#define GAPS_OWN 64u   /* gaps between tokens that a stream has room for from its start */
#define SP_ID_MAX 128u /* bytes of a conversation's, message's or task's id */

enum { ID_CONVERSATION, ID_MESSAGE, ID_TASK, ID_COUNT };

/* Thousands of these wait for their next event, so each event finds its exchange in no cache: what a token touches
 * stands together (from the end of `sse` to the dialect's state), in few cache lines. */
struct sp_exchange {
  struct sp_http_session *session;
  struct sp_http_call *call;
  struct sp_cookie_jar *cookies;
  struct sp_str url; /* with cookies: of the first request */
  char *own_url;     /* its memory, where that is ours */
  struct sp_redirect *redirect; /* NULL: none is followed */
  uint64_t redirect_bytes;      /* of the body of the redirect under way */
  struct sp_sample sample; /* counts of tokens and characters: at the end */
  struct sp_buf headers;
  struct sp_buf detail;
  char *ids[ID_COUNT];
  const struct sp_request_key *key;
  const struct sp_str *secrets;
  size_t secret_count;
  struct sp_dialect_scratch *scratch;
  int status;
  enum sp_outcome abort_outcome;
  bool expects_stream, ended, recorded, paused;
  unsigned head_events; /* events in the read that completed the head */
  /* times, absolute */
  int64_t start_ns, first_token_ns;
  int64_t terminal_ns; /* the newest terminal event: the answer's end, which the socket's close can lag behind */

  struct sp_sse sse;
  const struct sp_exchange_hooks *hooks;
  void *ctx;
  const struct sp_dialect *dialect; /* NULL: none */
  struct sp_recorder *recorder;
  int64_t stall_ns;
  int64_t head_user_ns; /* the read that completed the head */
  int64_t last_token_ns, last_event_ns;
  uint64_t events, token_events, answer_chars;
  enum sp_stream_state state;
  bool is_stream, aborted;
  bool is_load; /* else a probe: its events and nodes are in no total */
  bool redirecting; /* the answer under way is a redirect that is followed */
  bool timed_first; /* an event that is no ping */
  uint8_t id_len[ID_COUNT]; /* 0: none yet */
  /* the read under way: its first event waits for the read's end to know which stamp is true */
  struct sp_rx rx; /* a copy: an exchange that is hung up inside of a read ends after it */
  unsigned read_events;
  unsigned held_marks;
  bool held, held_terminal;
  struct sp_buf text; /* answer or body */
  struct sp_gaps gaps;
  /* Behind it, of a stream: the list of the first GAPS_OWN gaps, so that the end of it is on the same page. */
  _Alignas(max_align_t) char dialect_state[]; /* where a dialect is given; begun with the stream */
};

static int64_t since_start(const struct sp_exchange *exchange, int64_t instant_ns) {
  int64_t ns = instant_ns - exchange->start_ns;
  return ns < 0 ? 0 : ns;
}

/* -- times of events -- */

static void take_token(struct sp_exchange *exchange, int64_t at_ns) {
  if (exchange->token_events++ == 0) {
    exchange->first_token_ns = at_ns;
    exchange->sample.metric_ns[SP_METRIC_TTFT] = since_start(exchange, at_ns);
  } else {
    sp_gaps_add(&exchange->gaps, at_ns - exchange->last_token_ns, exchange->stall_ns);
  }
  exchange->last_token_ns = at_ns;
}

static void take_first(struct sp_exchange *exchange, enum sp_metric metric, int64_t at_ns) {
  if (exchange->sample.metric_ns[metric] == SP_METRIC_NA) {
    exchange->sample.metric_ns[metric] = since_start(exchange, at_ns);
  }
}

static void time_event(struct sp_exchange *exchange, unsigned marks, bool terminal, int64_t at_ns) {
  if (at_ns < exchange->last_event_ns) at_ns = exchange->last_event_ns; /* a stamp may be older than a user time */
  exchange->last_event_ns = at_ns;
  if (!exchange->timed_first && !(marks & SP_MARK_PING)) {
    exchange->timed_first = true;
    take_first(exchange, SP_METRIC_TTFE, at_ns);
  }
  if (marks & SP_MARK_TOKEN) take_token(exchange, at_ns);
  if (marks & SP_MARK_REASONING) take_first(exchange, SP_METRIC_TTFR, at_ns);
  if (terminal || marks & SP_MARK_END) exchange->terminal_ns = at_ns;
}

static void release_held(struct sp_exchange *exchange, int64_t at_ns) {
  if (!exchange->held) return;
  exchange->held = false;
  time_event(exchange, exchange->held_marks, exchange->held_terminal, at_ns);
}

static void hold_or_time(struct sp_exchange *exchange, unsigned marks, bool terminal) {
  exchange->read_events++;
  if (exchange->rx.user_ns == exchange->head_user_ns) exchange->head_events++;
  if (exchange->read_events == 1) {
    exchange->held = true;
    exchange->held_marks = marks;
    exchange->held_terminal = terminal;
    return;
  }
  release_held(exchange, exchange->rx.user_ns);
  time_event(exchange, marks, terminal, exchange->rx.user_ns);
}

static int64_t rx_time(const struct sp_rx *rx, unsigned events) {
  return events <= 1 && rx->kernel_ns ? rx->kernel_ns : rx->user_ns;
}

static void read_end(struct sp_exchange *exchange, const struct sp_rx *rx) {
  if (exchange->read_events == 0) return;
  int64_t first_ns = rx_time(rx, exchange->read_events);
  release_held(exchange, first_ns);
  exchange->read_events = 0;
  const struct sp_exchange_hooks *hooks = exchange->hooks;
  if (hooks->on_events_timed) hooks->on_events_timed(exchange->ctx, exchange, first_ns, rx->user_ns);
}

/* -- meaning of events -- */

/* The first of each: a stream speaks of one conversation, one message, one task, and says so in every event. */
static void keep_id(struct sp_exchange *exchange, int which, struct sp_str id) {
  if (exchange->id_len[which] || id.len == 0 || id.len >= SP_ID_MAX) return;
  exchange->ids[which] = sp_strndup(id.bytes, id.len);
  exchange->id_len[which] = (uint8_t)id.len;
}

static void keep_ids(struct sp_exchange *exchange, const struct sp_meaning *meaning) {
  keep_id(exchange, ID_CONVERSATION, meaning->conversation_id);
  keep_id(exchange, ID_MESSAGE, meaning->message_id);
  keep_id(exchange, ID_TASK, meaning->task_id);
}

static struct sp_str kept_id(const struct sp_exchange *exchange, int which) {
  return sp_str_of(exchange->ids[which], exchange->id_len[which]);
}

static void take_usage(struct sp_sample *sample, const struct sp_usage *usage) {
  if (usage->prompt_tokens >= 0) sample->reported_prompt = usage->prompt_tokens;
  if (usage->completion_tokens >= 0) sample->reported_completion = usage->completion_tokens;
  if (usage->server_ttft_ns >= 0) sample->metric_ns[SP_METRIC_SERVER_TTFT] = usage->server_ttft_ns;
}

static void count_marks(struct sp_sample *sample, unsigned marks) {
  static const struct {
    unsigned mark;
    enum sp_counter counter;
  } counted[] = {
      {SP_MARK_PING, SP_COUNTER_PING},         {SP_MARK_UNKNOWN, SP_COUNTER_UNKNOWN_EVENT},
      {SP_MARK_RETRY, SP_COUNTER_NODE_RETRY},  {SP_MARK_REPLACE, SP_COUNTER_REPLACED},
      {SP_MARK_PARTIAL, SP_COUNTER_PARTIAL},   {SP_MARK_PAUSED, SP_COUNTER_PAUSED},
  };
  for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
    if (marks & counted[i].mark) sample->counters[counted[i].counter]++;
  }
}

/* Up to the text's cap: what is behind it is dropped, not what still happens to fit. True when all was taken. */
static bool keep_text(struct sp_exchange *exchange, struct sp_str bytes) {
  size_t room = exchange->text.max - exchange->text.len;
  sp_buf_append(&exchange->text, bytes.bytes, bytes.len < room ? bytes.len : room);
  return bytes.len <= room;
}

static void take_rare(struct sp_exchange *exchange, const struct sp_meaning *meaning) {
  count_marks(&exchange->sample, meaning->marks);
  if (meaning->marks & SP_MARK_NODE && exchange->is_load) {
    const struct sp_node_finished *node = &meaning->node;
    sp_recorder_node(exchange->recorder, node->title, node->type, node->elapsed_ns, node->failed);
  }
  if (meaning->marks & SP_MARK_USAGE) take_usage(&exchange->sample, &meaning->usage);
  if (meaning->marks & SP_MARK_REPLACE) {
    sp_buf_clear(&exchange->text);
    keep_text(exchange, meaning->text);
  }
}

/* The answer's text; over its cap the text is cut, the timing goes on: a load test needs no more of it. */
static void take_text(struct sp_exchange *exchange, struct sp_str text) {
  exchange->answer_chars += sp_utf8_count(text);
  keep_text(exchange, text);
}

static void set_detail(struct sp_exchange *exchange, struct sp_str text) {
  sp_detail_set(&exchange->detail, text, exchange->secrets, exchange->secret_count);
}

static void settle(struct sp_exchange *exchange, const struct sp_meaning *meaning) {
  if (meaning->state == SP_STREAM_OPEN) return;
  exchange->state = meaning->state;
  if (meaning->state == SP_STREAM_FAILED) set_detail(exchange, meaning->detail);
  sp_http_finish(exchange->call);
}

static int on_sse_event(void *ctx, const struct sp_sse_event *event) {
  struct sp_exchange *exchange = ctx;
  if (exchange->state != SP_STREAM_OPEN || exchange->aborted) return 0;
  struct sp_meaning meaning;
  const struct sp_exchange_hooks *hooks = exchange->hooks;
  if (hooks->judge) {
    sp_meaning_clear(&meaning);
    hooks->judge(exchange->ctx, event, &meaning);
  } else {
    exchange->dialect->on_event(exchange->dialect_state, event, &meaning);
  }
  exchange->events++;
  if (exchange->is_load) sp_recorder_event(exchange->recorder);
  hold_or_time(exchange, meaning.marks, meaning.state != SP_STREAM_OPEN);
  if (meaning.marks & SP_MARK_TOKEN) take_text(exchange, meaning.text);
  if (meaning.marks & ~(unsigned)(SP_MARK_TOKEN | SP_MARK_REASONING)) take_rare(exchange, &meaning);
  keep_ids(exchange, &meaning);
  if (hooks->on_event) {
    struct sp_exchange_event seen = {event, &meaning};
    hooks->on_event(exchange->ctx, exchange, &seen);
  }
  if (!exchange->aborted) settle(exchange, &meaning); /* else: hung up in the hook */
  return 0;
}

static void on_sse_blank(void *ctx, struct sp_str type) {
  struct sp_exchange *exchange = ctx;
  if (sp_str_eq(type, SP_STR("ping"))) exchange->sample.counters[SP_COUNTER_PING]++;
  const struct sp_exchange_hooks *hooks = exchange->hooks;
  if (hooks->on_blank) hooks->on_blank(exchange->ctx, exchange, type);
}

static const struct sp_sse_handler sse_handler = {.on_event = on_sse_event, .on_blank = on_sse_blank};

/* -- the HTTP side -- */

static int check_event_stream(const struct sp_http1_head *head, struct sp_err *err) {
  struct sp_str type = sp_http1_find(head, "content-type");
  if (head->status == 204 || head->status >= 300) {
    return sp_fail(err, SP_EPARSE, "not an event stream: status %d", head->status);
  }
  struct sp_str media = sp_str_trim(sp_str_split(&type, ';'));
  if (media.len == 0 || sp_str_ieq(media, SP_STR("text/event-stream"))) return 0;
  return sp_fail(err, SP_EPARSE, "not an event stream: the answer's content type is '" SP_STR_FMT "'",
                 SP_STR_ARG(media));
}

static void open_stream(struct sp_exchange *exchange) {
  exchange->is_stream = true;
  exchange->text.max = SP_ANSWER_MAX;
  sp_sse_init(&exchange->sse, SP_SSE_EVENT_MAX, &sse_handler, exchange);
  if (exchange->dialect) exchange->dialect->init(exchange->dialect_state, exchange->scratch);
}

/* Of the request under way. */
static struct sp_str current_url(const struct sp_exchange *exchange) {
  return exchange->redirect ? exchange->redirect->request.url : exchange->url;
}

static int on_head(void *ctx, const struct sp_http1_head *head, const struct sp_rx *rx, struct sp_err *err) {
  struct sp_exchange *exchange = ctx;
  exchange->status = head->status;
  exchange->head_user_ns = rx->user_ns;
  sp_buf_append_str(&exchange->headers, head->raw);
  if (exchange->cookies) sp_cookies_take(exchange->cookies, current_url(exchange), head);
  exchange->redirecting = exchange->redirect && sp_redirect_note(exchange->redirect, head);
  if (exchange->redirecting) return 0;
  if (head->status >= 400) {
    exchange->text.max = SP_ERROR_BODY_MAX;
    sp_detail_status(&exchange->detail, head, exchange->secrets, exchange->secret_count);
    return 0;
  }
  if (!exchange->expects_stream) return 0;
  int code = check_event_stream(head, err);
  if (code) return code;
  open_stream(exchange);
  return 0;
}

static bool wants_more(const struct sp_exchange *exchange) {
  return !exchange->ended && !exchange->aborted && exchange->state == SP_STREAM_OPEN;
}

static void tell_bytes(struct sp_exchange *exchange, size_t len) {
  const struct sp_exchange_hooks *hooks = exchange->hooks;
  if (hooks->on_bytes && wants_more(exchange)) hooks->on_bytes(exchange->ctx, exchange, len);
}

/* Nobody reads it, but its end leaves the connection to the next request. */
static int pass_over(struct sp_exchange *exchange, struct sp_str bytes) {
  exchange->redirect_bytes += bytes.len;
  if (exchange->redirect_bytes > SP_REDIRECT_BODY_MAX) sp_http_finish(exchange->call);
  return 0;
}

/* Where this event's token and gap will be put: fetched while the event is read. */
static inline __attribute__((always_inline)) void fetch_ends(const struct sp_exchange *exchange) {
  if (exchange->text.bytes) __builtin_prefetch(exchange->text.bytes + exchange->text.len, 1);
  if (exchange->gaps.us) __builtin_prefetch(exchange->gaps.us + exchange->gaps.count, 1);
}

static int on_body(void *ctx, struct sp_str bytes, const struct sp_rx *rx, struct sp_err *err) {
  struct sp_exchange *exchange = ctx;
  exchange->rx = *rx;
  if (exchange->redirecting) return pass_over(exchange, bytes);
  if (exchange->is_stream) {
    fetch_ends(exchange);
    int code = sp_sse_feed(&exchange->sse, bytes, err);
    if (code == 0) tell_bytes(exchange, bytes.len);
    return code;
  }
  tell_bytes(exchange, bytes.len);
  if (keep_text(exchange, bytes)) return 0;
  if (exchange->status >= 400) return 0; /* enough seen for its message */
  return sp_fail(err, SP_ELIMIT, "the answer's body is over %u MiB (SP_BODY_MAX)", SP_BODY_MAX >> 20);
}

static void on_read_end(void *ctx, const struct sp_rx *rx) { read_end(ctx, rx); }

/* -- the end -- */

static enum sp_outcome stream_end(struct sp_exchange *exchange, const struct sp_http_result *result) {
  if (result->end == SP_HTTP_CUT) {
    set_detail(exchange, sp_str_from(result->detail));
    return result->reset ? SP_OUTCOME_RESET : SP_OUTCOME_TRUNCATED;
  }
  sp_sse_finish(&exchange->sse);
  const struct sp_dialect *dialect = exchange->dialect;
  /* A judge cannot be asked at the end: it has to have seen something. */
  bool complete = dialect ? dialect->on_eof(exchange->dialect_state) : exchange->events > 0;
  if (complete) return SP_OUTCOME_OK;
  set_detail(exchange, exchange->events ? SP_STR("the stream ended without its terminal event")
                                        : SP_STR("the stream ended without a single event"));
  return SP_OUTCOME_TRUNCATED;
}

/* An answer that is no stream: who speaks its dialect knows a failed run that is a 200 all the same. */
static enum sp_outcome judge_whole(struct sp_exchange *exchange) {
  const struct sp_dialect *dialect = exchange->dialect;
  if (!dialect || !dialect->on_whole) return SP_OUTCOME_OK;
  struct sp_meaning meaning;
  dialect->init(exchange->dialect_state, exchange->scratch);
  dialect->on_whole(exchange->dialect_state, sp_buf_str(&exchange->text), &meaning);
  count_marks(&exchange->sample, meaning.marks);
  if (meaning.marks & SP_MARK_USAGE) take_usage(&exchange->sample, &meaning.usage);
  keep_ids(exchange, &meaning);
  bool failed = meaning.state == SP_STREAM_FAILED;
  if (failed) set_detail(exchange, meaning.detail);
  dialect->fini(exchange->dialect_state);
  return failed ? SP_OUTCOME_STREAM_ERROR : SP_OUTCOME_OK;
}

static enum sp_outcome whole_end(struct sp_exchange *exchange, const struct sp_http_result *result) {
  if (exchange->status >= 400) {
    sp_detail_add_body(&exchange->detail, sp_buf_str(&exchange->text), exchange->secrets,
                       exchange->secret_count);
    exchange->sample.rate_limited = exchange->status == 429;
    return SP_OUTCOME_HTTP_STATUS;
  }
  if (exchange->is_stream) return stream_end(exchange, result);
  if (result->end == SP_HTTP_OK) return judge_whole(exchange);
  set_detail(exchange, sp_str_from(result->detail));
  return SP_OUTCOME_RESET;
}

static enum sp_outcome judge_end(struct sp_exchange *exchange, const struct sp_http_result *result) {
  if (exchange->state == SP_STREAM_DONE) return SP_OUTCOME_OK;
  if (exchange->state == SP_STREAM_FAILED) return SP_OUTCOME_STREAM_ERROR;
  if (result->end == SP_HTTP_ABORTED) {
    SP_CHECK(exchange->aborted);
    return exchange->abort_outcome;
  }
  if (exchange->redirecting && result->end == SP_HTTP_OK) { /* and was not followed */
    return exchange->aborted ? exchange->abort_outcome : SP_OUTCOME_PROTOCOL;
  }
  if (exchange->aborted) sp_buf_clear(&exchange->detail); /* too late: the call had ended by itself */
  switch (result->end) {
  case SP_HTTP_OK:
  case SP_HTTP_CUT: return whole_end(exchange, result);
  case SP_HTTP_CONNECT: set_detail(exchange, sp_str_from(result->detail)); return SP_OUTCOME_CONNECT;
  case SP_HTTP_TIMEOUT: set_detail(exchange, sp_str_from(result->detail)); return SP_OUTCOME_TIMEOUT;
  case SP_HTTP_RESET: set_detail(exchange, sp_str_from(result->detail)); return SP_OUTCOME_RESET;
  case SP_HTTP_PROTOCOL: set_detail(exchange, sp_str_from(result->detail)); return SP_OUTCOME_PROTOCOL;
  case SP_HTTP_ABORTED: break;
  }
  return exchange->abort_outcome;
}

static void take_phases(struct sp_exchange *exchange, const struct sp_http_result *result) {
  int64_t *metric_ns = exchange->sample.metric_ns;
  metric_ns[SP_METRIC_DNS] = result->dns_ns;
  metric_ns[SP_METRIC_CONNECT] = result->connect_ns;
  metric_ns[SP_METRIC_TLS] = result->tls_ns;
  bool hopped = exchange->redirect && exchange->redirect->followed;
  int64_t first_write_ns = hopped ? exchange->redirect->first_write_ns : result->first_write_ns;
  if (first_write_ns) metric_ns[SP_METRIC_WAIT] = since_start(exchange, first_write_ns);
  const struct sp_rx *first = &result->first_byte;
  if (!first->user_ns) return;
  bool shared = first->user_ns == exchange->head_user_ns && exchange->head_events > 1;
  metric_ns[SP_METRIC_TTFB] = since_start(exchange, rx_time(first, shared ? 2 : 1));
  if (metric_ns[SP_METRIC_TTFE] != SP_METRIC_NA && metric_ns[SP_METRIC_TTFB] > metric_ns[SP_METRIC_TTFE]) {
    metric_ns[SP_METRIC_TTFB] = metric_ns[SP_METRIC_TTFE];
  }
}

static void take_whole(struct sp_exchange *exchange, int64_t end_ns) {
  struct sp_sample *sample = &exchange->sample;
  sample->token_events = exchange->token_events;
  sample->answer_chars = exchange->answer_chars;
  if (end_ns < exchange->last_event_ns) end_ns = exchange->last_event_ns;
  if (end_ns < sample->start_ns) end_ns = sample->start_ns;
  sample->end_ns = end_ns;
  sample->metric_ns[SP_METRIC_E2E] = end_ns - sample->start_ns;
  sample->metric_ns[SP_METRIC_MAX_GAP] = exchange->gaps.max_ns;
  if (sample->token_events >= 2) {
    int64_t gaps = (int64_t)sample->token_events - 1;
    sample->metric_ns[SP_METRIC_TPOT] = (exchange->last_token_ns - exchange->first_token_ns) / gaps;
  }
  sample->gaps = &exchange->gaps;
  sample->detail = exchange->detail.len ? exchange->detail.bytes : NULL;
  if (exchange->is_stream && sample->outcome == SP_OUTCOME_OK && sample->token_events == 0) {
    sample->counters[SP_COUNTER_EMPTY_ANSWER] = 1;
  }
}

static int64_t end_of(const struct sp_exchange *exchange, const struct sp_http_result *result) {
  bool answered = exchange->state != SP_STREAM_OPEN || exchange->sample.outcome == SP_OUTCOME_OK;
  return exchange->terminal_ns && answered ? exchange->terminal_ns : result->end_ns;
}

static void start_call(struct sp_exchange *exchange, const struct sp_http_request *request);

/* Forgets the answer that was a redirect, and goes on: true when the next request is under way. */
static bool follow(struct sp_exchange *exchange, const struct sp_http_result *result) {
  struct sp_err err;
  if (!exchange->redirecting || result->end != SP_HTTP_OK || exchange->aborted) return false;
  if (sp_redirect_go(exchange->redirect, result, &err)) {
    set_detail(exchange, sp_str_from(err.text));
    return false;
  }
  exchange->redirecting = false;
  exchange->redirect_bytes = 0;
  exchange->status = 0;
  sp_buf_clear(&exchange->headers);
  start_call(exchange, &exchange->redirect->request);
  return true;
}

static void take_hops(struct sp_exchange *exchange) {
  const struct sp_redirect *redirect = exchange->redirect;
  struct sp_sample *sample = &exchange->sample;
  if (!redirect) return;
  sample->bytes_in += redirect->bytes_in;
  sample->bytes_out += redirect->bytes_out;
  sample->counters[SP_COUNTER_RESENT] |= redirect->resent;
  sample->counters[SP_COUNTER_REDIRECT] = redirect->followed;
}

static void on_done(void *ctx, const struct sp_http_result *result) {
  struct sp_exchange *exchange = ctx;
  if (follow(exchange, result)) return;
  release_held(exchange, exchange->rx.user_ns);
  struct sp_sample *sample = &exchange->sample;
  sample->outcome = judge_end(exchange, result);
  sample->status = exchange->status;
  sample->stream = exchange->is_stream;
  sample->bytes_in = result->bytes_in;
  sample->bytes_out = result->bytes_out;
  sample->counters[SP_COUNTER_RESENT] = result->resent;
  take_hops(exchange);
  take_phases(exchange, result);
  take_whole(exchange, end_of(exchange, result));
  exchange->call = NULL;
  exchange->ended = true;
  exchange->hooks->on_end(exchange->ctx, exchange);
}

static const struct sp_http_sink sink = {
    .on_head = on_head, .on_body = on_body, .on_read_end = on_read_end, .on_done = on_done};

/* -- life -- */

/* What a token touches: see struct sp_exchange. */
static struct sp_ahead hot_memory(const struct sp_exchange *exchange) {
  const char *from = (const char *)&exchange->sse.line;
  const char *to = exchange->dialect_state + (exchange->dialect ? exchange->dialect->state_size : 0);
  return (struct sp_ahead){from, (size_t)(to - from)};
}

static void start_call(struct sp_exchange *exchange, const struct sp_http_request *request) {
  struct sp_http_request sent = *request;
  sent.hot = hot_memory(exchange);
  struct sp_buf headers;
  sp_buf_init(&headers, SP_HTTP1_HEAD_MAX);
  bool has_cookies = exchange->cookies && exchange->cookies->count > 0;
  if (has_cookies && sp_cookies_add(exchange->cookies, request->url, request->headers, &headers)) {
    sent.headers = sp_buf_str(&headers);
  }
  exchange->call = sp_http_start(exchange->session, &sent, &sink, exchange);
  sp_buf_fini(&headers);
  if (exchange->paused) sp_http_pause(exchange->call); /* before the redirect */
}

/* With the memory that lies behind it. */
static struct sp_exchange *allocate(const struct sp_dialect *dialect, bool stream) {
  size_t state = dialect ? dialect->state_size : 0;
  size_t gaps_at = sizeof(struct sp_exchange) + (state + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
  struct sp_exchange *exchange = sp_alloc(gaps_at + (stream ? GAPS_OWN * sizeof(uint32_t) : 0));
  sp_gaps_init(&exchange->gaps);
  if (stream) sp_gaps_lend(&exchange->gaps, (uint32_t *)(void *)((char *)exchange + gaps_at), GAPS_OWN);
  return exchange;
}

struct sp_exchange *sp_exchange_start(const struct sp_exchange_options *options) {
  const struct sp_dialect *dialect = options->dialect;
  struct sp_exchange *exchange = allocate(dialect, options->stream);
  exchange->hooks = options->hooks;
  exchange->ctx = options->ctx;
  exchange->key = options->key;
  exchange->recorder = options->recorder;
  exchange->secrets = options->secrets;
  exchange->secret_count = options->secret_count;
  exchange->dialect = dialect;
  exchange->scratch = options->scratch;
  exchange->expects_stream = options->stream;
  exchange->stall_ns = options->stall_ns;
  exchange->is_load = options->key->role == SP_ROLE_LOAD;
  exchange->start_ns = options->request.start_ns;
  sp_sample_init(&exchange->sample);
  exchange->sample.start_ns = exchange->start_ns;
  exchange->sample.stream_asked = options->stream;
  sp_buf_init(&exchange->text, SP_BODY_MAX);
  sp_buf_init(&exchange->headers, SP_HTTP1_HEAD_MAX);
  sp_buf_init(&exchange->detail, SP_DETAIL_MAX);
  sp_recorder_start(options->recorder, options->key);
  exchange->session = options->session;
  exchange->cookies = options->cookies;
  if (options->redirects_max) exchange->redirect = sp_redirect_create(&options->request, options->redirects_max);
  start_call(exchange, &options->request);
  exchange->url = options->request.url;
  if (options->cookies && options->url) exchange->own_url = sp_buf_take(options->url);
  return exchange;
}

void sp_exchange_abort(struct sp_exchange *exchange, enum sp_outcome outcome, const char *why) {
  if (!wants_more(exchange)) return;
  exchange->aborted = true;
  exchange->abort_outcome = outcome;
  set_detail(exchange, sp_str_from(why));
  sp_http_abort(exchange->call);
}

void sp_exchange_pause(struct sp_exchange *exchange) {
  if (!wants_more(exchange)) return;
  exchange->paused = true;
  sp_http_pause(exchange->call);
}

void sp_exchange_resume(struct sp_exchange *exchange) {
  if (!wants_more(exchange)) return;
  exchange->paused = false;
  sp_http_resume(exchange->call);
}

void sp_exchange_record(struct sp_exchange *exchange) {
  SP_CHECK(exchange->ended && !exchange->recorded);
  exchange->recorded = true;
  sp_recorder_end(exchange->recorder, exchange->key, &exchange->sample);
}

void sp_exchange_destroy(struct sp_exchange *exchange) {
  if (!exchange) return;
  SP_CHECK(exchange->ended && exchange->recorded);
  if (exchange->is_stream) sp_sse_fini(&exchange->sse);
  if (exchange->is_stream && exchange->dialect) exchange->dialect->fini(exchange->dialect_state);
  for (int i = 0; i < ID_COUNT; i++) free(exchange->ids[i]);
  sp_redirect_destroy(exchange->redirect);
  free(exchange->own_url);
  sp_gaps_fini(&exchange->gaps);
  sp_buf_fini(&exchange->text);
  sp_buf_fini(&exchange->headers);
  sp_buf_fini(&exchange->detail);
  free(exchange);
}

struct sp_sample *sp_exchange_sample(struct sp_exchange *exchange) { return &exchange->sample; }
int sp_exchange_status(const struct sp_exchange *exchange) { return exchange->status; }
struct sp_str sp_exchange_headers(const struct sp_exchange *exchange) { return sp_buf_str(&exchange->headers); }
struct sp_str sp_exchange_text(const struct sp_exchange *exchange) { return sp_buf_str(&exchange->text); }
const char *sp_exchange_detail(const struct sp_exchange *exchange) {
  return exchange->detail.len ? exchange->detail.bytes : "";
}
uint64_t sp_exchange_events(const struct sp_exchange *exchange) { return exchange->events; }
unsigned sp_exchange_redirects(const struct sp_exchange *exchange) {
  return exchange->redirect ? exchange->redirect->followed : 0;
}
struct sp_str sp_exchange_url(const struct sp_exchange *exchange) {
  return sp_exchange_redirects(exchange) ? exchange->redirect->request.url : SP_STR("");
}
struct sp_str sp_exchange_conversation(const struct sp_exchange *exchange) {
  return kept_id(exchange, ID_CONVERSATION);
}
struct sp_str sp_exchange_message(const struct sp_exchange *exchange) { return kept_id(exchange, ID_MESSAGE); }
struct sp_str sp_exchange_task(const struct sp_exchange *exchange) { return kept_id(exchange, ID_TASK); }

void sp_exchange_fail_check(struct sp_exchange *exchange, const char *message) {
  if (exchange->sample.outcome != SP_OUTCOME_OK) return;
  exchange->sample.outcome = SP_OUTCOME_CHECK;
  set_detail(exchange, sp_str_from(message));
  exchange->sample.detail = exchange->detail.len ? exchange->detail.bytes : "check failed";
}
