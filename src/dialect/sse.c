/*
 * Any event stream: each event with data is a token and its data the text; the stream's end is the end. An event
 * of type "error" fails the stream, one of type "ping" is a ping.
 */
#include "dialect/parts.h"

struct plain {
  struct sp_buf detail;
  bool failed;
};

static void plain_init(void *state, struct sp_dialect_scratch *scratch) {
  struct plain *plain = state;
  (void)scratch;
  sp_parts_detail_init(&plain->detail);
  plain->failed = false;
}

static void plain_fini(void *state) {
  struct plain *plain = state;
  sp_buf_fini(&plain->detail);
}

static void plain_event(void *state, const struct sp_sse_event *event, struct sp_meaning *out) {
  struct plain *plain = state;
  sp_meaning_clear(out);
  out->name = event->type.len > 0 ? event->type : SP_STR("message");
  if (sp_str_eq(event->type, SP_STR("error"))) {
    plain->failed = true;
    sp_parts_detail_error(&plain->detail, SP_STR(""), 0, event->data);
  } else if (sp_str_eq(event->type, SP_STR("ping"))) {
    out->marks = SP_MARK_PING;
  } else if (event->data.len > 0) {
    out->marks = SP_MARK_TOKEN;
    out->text = event->data;
  }
  if (plain->failed) sp_parts_fail(&plain->detail, out);
}

static bool plain_eof(void *state) {
  const struct plain *plain = state;
  return !plain->failed;
}

const struct sp_dialect sp_dialect_sse = {
    .name = "sse",
    .state_size = sizeof(struct plain),
    .init = plain_init,
    .fini = plain_fini,
    .on_event = plain_event,
    .on_eof = plain_eof,
};
