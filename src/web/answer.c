#include "web/host.h"

#include "base/mem.h"
#include "report/json_put.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <unistd.h>

void sp_web_answer_init(struct sp_web_answer *answer) {
  *answer = (struct sp_web_answer){ .status = MHD_HTTP_OK, .file = -1 };
  sp_buf_init(&answer->body, SP_WEB_ANSWER_MAX);
}

void sp_web_answer_fini(struct sp_web_answer *answer) {
  sp_buf_fini(&answer->body);
  if (answer->file >= 0) {
    close(answer->file);
  }
  for (size_t i = 0; i < answer->before_count; i++) {
    sp_blob_unref(answer->before[i].data);
  }
  free(answer->before);
  if (answer->feed) {
    sp_web_feed_leave(answer->feed);
    sp_web_feed_unref(answer->feed);
  }
  sp_web_answer_init(answer);
}

void sp_web_put_fault(struct sp_buf *out, const char *field, const char *text) {
  sp_buf_append_text(out, "\"error\":");
  sp_json_put_text(out, sp_str_from(text), SP_JSON_PUT_MAX);
  sp_buf_append_text(out, ",\"field\":");
  if (field) {
    sp_json_put_text(out, sp_str_from(field), SP_JSON_PUT_MAX);
  } else {
    sp_buf_append_text(out, "null");
  }
}

void sp_web_answer_error(struct sp_web_answer *answer, unsigned status, const char *field, const char *format, ...) {
  struct sp_err err;
  va_list args;
  va_start(args, format);
  vsnprintf(err.text, sizeof(err.text), format, args);
  va_end(args);
  answer->status = status;
  sp_buf_clear(&answer->body);
  sp_buf_append_char(&answer->body, '{');
  sp_web_put_fault(&answer->body, field, err.text);
  sp_buf_append_text(&answer->body, "}\n");
}

void sp_web_answer_done(struct sp_web_answer *answer) { sp_buf_append_text(&answer->body, "{}\n"); }

bool sp_web_answer_watch(struct sp_web_answer *answer, struct sp_web_feed *feed, unsigned most) {
  if (!sp_web_feed_join(feed, most, &answer->at)) {
    sp_web_answer_error(answer, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "%u pages are watching already: close one", most);
    return false;
  }
  answer->feed = sp_web_feed_ref(feed);
  return true;
}

void sp_web_answer_event(struct sp_web_answer *answer, const char *kind, const char *id, struct sp_blob *data) {
  if ((answer->before_count & (answer->before_count - 1)) == 0) { /* full: a power of two, or nothing yet */
    size_t cap = answer->before_count > 0 ? answer->before_count * 2 : 1;
    answer->before = sp_realloc(answer->before, cap * sizeof(*answer->before));
  }
  struct sp_web_event *event = &answer->before[answer->before_count++];
  *event = (struct sp_web_event){ .kind = kind, .data = data };
  snprintf(event->id, sizeof(event->id), "%s", id ? id : "");
}
