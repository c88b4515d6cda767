#include "wire/sse.h"

#define KEPT_BYTES_MAX (64u * 1024u) /* a buffer that grew over this for one event is given back after it */

/* One call of feed. What the open event has so far may still be borrowed from the bytes fed, so that an event which
 * lies whole in them is never copied; park() copies it when the call ends. */
struct feed {
  struct sp_sse *sse;
  const char *at, *end;
  const char *next_lf, *next_cr; /* first at or behind `at` as last searched; `end` where there is none */
  struct sp_str data;            /* borrowed first data line; bytes NULL where sse->data holds it */
  struct sp_str type;            /* borrowed type; bytes NULL where sse->type holds it */
  int code;
  struct sp_err *err;
};

void sp_sse_init(struct sp_sse *sse, size_t event_max, const struct sp_sse_handler *handler, void *ctx) {
  *sse = (struct sp_sse){.handler = handler, .ctx = ctx, .retry_ms = -1, .event_max = event_max};
  sp_buf_init(&sse->line, event_max);
  sp_buf_init(&sse->data, event_max);
  sp_buf_init(&sse->type, event_max);
  sp_buf_init(&sse->id, event_max);
}

void sp_sse_fini(struct sp_sse *sse) {
  sp_buf_fini(&sse->line);
  sp_buf_fini(&sse->data);
  sp_buf_fini(&sse->type);
  sp_buf_fini(&sse->id);
}

static void empty(struct sp_buf *buf) {
  if (buf->cap > KEPT_BYTES_MAX) {
    sp_buf_fini(buf);
  } else {
    sp_buf_clear(buf);
  }
}

static void stop(struct feed *feed, int code) {
  feed->code = code;
  feed->sse->failed = true;
}

/* The cap counts the raw lines of the open event, so that it doesn't depend on where the bytes were cut; no buffer
 * can then outgrow it. */
static bool fits(struct feed *feed, size_t line_len) {
  const struct sp_sse *sse = feed->sse;
  if (line_len <= sse->event_max - sse->event_bytes) return true;
  stop(feed, sp_fail(feed->err, SP_ELIMIT, "an event of the stream is over the limit of %zu bytes (SP_SSE_EVENT_MAX)",
                     sse->event_max));
  return false;
}

static void forget_event(struct feed *feed) {
  struct sp_sse *sse = feed->sse;
  feed->data = sp_str_of(NULL, 0); /* not `= feed->type = …`: gcc would read back what it has just written by halves */
  feed->type = sp_str_of(NULL, 0);
  sse->has_data = false;
  sse->event_bytes = 0;
  if (!sse->copied) return;
  sse->copied = false;
  empty(&sse->data);
  empty(&sse->type);
}

/* A copy only where there is one: most events lie whole in the bytes fed, and touch no buffer. */
static struct sp_buf *copy_into(struct sp_sse *sse, struct sp_buf *buf) {
  sse->copied = true;
  return buf;
}

static struct sp_str whole(const struct sp_sse *sse, struct sp_str borrowed, const struct sp_buf *copy) {
  return borrowed.bytes || !sse->copied ? borrowed : sp_buf_str(copy);
}

static void on_blank_line(struct feed *feed) {
  struct sp_sse *sse = feed->sse;
  struct sp_sse_event event = {
      .type = whole(sse, feed->type, &sse->type),
      .data = whole(sse, feed->data, &sse->data),
      .id = sp_buf_str(&sse->id),
  };
  if (sse->has_data) {
    if (sse->handler->on_event(sse->ctx, &event) != 0) stop(feed, SP_EPARSE);
  } else if (event.type.len && sse->handler->on_blank) {
    sse->handler->on_blank(sse->ctx, event.type);
  }
  forget_event(feed);
}

static void on_data(struct feed *feed, struct sp_str value, bool stable) {
  struct sp_sse *sse = feed->sse;
  if (!sse->has_data && stable) {
    feed->data = value;
  } else {
    struct sp_buf *data = copy_into(sse, &sse->data);
    if (feed->data.bytes) sp_buf_append_str(data, feed->data);
    feed->data = sp_str_of(NULL, 0);
    if (sse->has_data) sp_buf_append_char(data, '\n');
    sp_buf_append_str(data, value);
  }
  sse->has_data = true;
}

static void on_type(struct feed *feed, struct sp_str value, bool stable) {
  struct sp_sse *sse = feed->sse;
  if (sse->copied) sp_buf_clear(&sse->type);
  feed->type = stable ? value : sp_str_of(NULL, 0);
  if (!stable) sp_buf_append_str(copy_into(sse, &sse->type), value);
}

static void on_id(struct sp_sse *sse, struct sp_str value) {
  if (value.len && memchr(value.bytes, '\0', value.len)) return;
  sp_buf_clear(&sse->id);
  sp_buf_append_str(&sse->id, value);
}

static void on_retry(struct sp_sse *sse, struct sp_str value) {
  int64_t ms = 0;
  if (!value.len) return;
  for (size_t i = 0; i < value.len; i++) {
    if (value.bytes[i] < '0' || value.bytes[i] > '9' || ms > INT64_MAX / 10 - 1) return;
    ms = ms * 10 + (value.bytes[i] - '0');
  }
  sse->retry_ms = ms;
}

static void on_field(struct feed *feed, struct sp_str name, struct sp_str value, bool stable) {
  if (sp_str_eq(name, SP_STR("data"))) return on_data(feed, value, stable);
  if (sp_str_eq(name, SP_STR("event"))) return on_type(feed, value, stable);
  if (sp_str_eq(name, SP_STR("id"))) return on_id(feed->sse, value);
  if (sp_str_eq(name, SP_STR("retry"))) on_retry(feed->sse, value);
}

/* `stable`: the line lies in the bytes fed, and not in the line buffer, which the next line overwrites. */
static void on_line(struct feed *feed, struct sp_str line, bool stable) {
  struct sp_sse *sse = feed->sse;
  if (!line.len) return on_blank_line(feed);
  if (!fits(feed, line.len)) return;
  if (line.bytes[0] == ':') {
    if (sse->handler->on_blank) sse->handler->on_blank(sse->ctx, sp_str_of(NULL, 0));
    return;
  }
  sse->event_bytes += line.len;
  const char *colon = memchr(line.bytes, ':', line.len);
  size_t name_len = colon ? (size_t)(colon - line.bytes) : line.len;
  size_t value_at = name_len + (colon != NULL);
  if (value_at < line.len && line.bytes[value_at] == ' ') value_at++;
  on_field(feed, sp_str_of(line.bytes, name_len), sp_str_of(line.bytes + value_at, line.len - value_at), stable);
}

static const char *find(const char *at, const char *end, char c) {
  const char *found = memchr(at, c, (size_t)(end - at));
  return found ? found : end;
}

/* Each byte is searched once for LF and once for CR, however short the lines are. */
static const char *find_line_end(struct feed *feed) {
  if (feed->next_lf < feed->at) feed->next_lf = find(feed->at, feed->end, '\n');
  if (feed->next_cr < feed->at) feed->next_cr = find(feed->at, feed->end, '\r');
  return feed->next_lf < feed->next_cr ? feed->next_lf : feed->next_cr;
}

static void keep_rest_of_line(struct feed *feed) {
  struct sp_sse *sse = feed->sse;
  size_t len = (size_t)(feed->end - feed->at);
  if (fits(feed, sse->line.len + len)) sp_buf_append(&sse->line, feed->at, len);
  feed->at = feed->end;
}

static void next_line(struct feed *feed) {
  struct sp_sse *sse = feed->sse;
  const char *line_end = find_line_end(feed);
  if (line_end == feed->end) return keep_rest_of_line(feed);
  struct sp_str line = sp_str_of(feed->at, (size_t)(line_end - feed->at));
  bool stable = sse->line.len == 0;
  feed->at = line_end + 1;
  sse->skip_lf = *line_end == '\r';
  if (stable) return on_line(feed, line, true);
  if (!fits(feed, sse->line.len + line.len)) return;
  sp_buf_append_str(&sse->line, line);
  on_line(feed, sp_buf_str(&sse->line), false);
  empty(&sse->line);
}

/* One BOM may stand before the first line; bytes that only began like one belong to that line. */
static void skip_bom(struct feed *feed) {
  static const char bom[] = "\xEF\xBB\xBF";
  struct sp_sse *sse = feed->sse;
  while (sse->bom_seen < 3 && feed->at < feed->end && *feed->at == bom[sse->bom_seen]) {
    sse->bom_seen++;
    feed->at++;
  }
  if (sse->bom_seen < 3 && feed->at == feed->end) return;
  if (sse->bom_seen && sse->bom_seen < 3 && fits(feed, sse->bom_seen)) sp_buf_append(&sse->line, bom, sse->bom_seen);
  sse->bom_seen = 4;
}

/* Copies what the open event borrowed: the bytes fed go back to their owner. */
static void park(struct feed *feed) {
  struct sp_sse *sse = feed->sse;
  if (feed->data.bytes) sp_buf_append_str(copy_into(sse, &sse->data), feed->data);
  if (feed->type.bytes) sp_buf_append_str(copy_into(sse, &sse->type), feed->type);
}

int sp_sse_feed(struct sp_sse *sse, struct sp_str bytes, struct sp_err *err) {
  if (sse->failed) return sp_fail(err, SP_EPARSE, "the event stream has failed before");
  if (!bytes.len) return SP_OK;
  struct feed feed = {.sse = sse, .at = bytes.bytes, .end = bytes.bytes + bytes.len, .err = err};
  if (sse->bom_seen < 4) skip_bom(&feed);
  feed.next_lf = find(feed.at, feed.end, '\n');
  feed.next_cr = find(feed.at, feed.end, '\r');
  while (feed.at < feed.end && feed.code == SP_OK) {
    if (sse->skip_lf && *feed.at == '\n') {
      sse->skip_lf = false;
      feed.at++;
      continue;
    }
    sse->skip_lf = false;
    next_line(&feed);
  }
  if (feed.code == SP_OK) park(&feed);
  return feed.code;
}

bool sp_sse_finish(struct sp_sse *sse) {
  bool comment = sse->line.len && sse->line.bytes[0] == ':';
  bool begun =
      sse->has_data || sse->type.len || (sse->line.len && !comment) || sse->bom_seen == 1 || sse->bom_seen == 2;
  sse->has_data = sse->skip_lf = false;
  sse->event_bytes = 0;
  empty(&sse->line);
  empty(&sse->data);
  empty(&sse->type);
  sse->copied = false;
  return begun;
}
