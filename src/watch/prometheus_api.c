#include "watch/prometheus_api.h"

#include "stats/clean.h"
#include "wire/url.h"

#include <math.h>
#include <stdio.h>

#define FORM_MAX (256u * 1024u)
#define TEXT_MAX (64u * 1024u)
#define SAID_MAX 300u
#define WARNINGS_MAX 10u

int sp_prometheus_open(struct sp_prometheus *api, const struct sp_watch_spec *spec, struct sp_err *err) {
  if (sp_fetch_create(spec, &api->fetch, err)) return err->code;
  sp_json_init(&api->doc);
  sp_buf_init(&api->form, FORM_MAX);
  sp_buf_init(&api->scratch, TEXT_MAX);
  return 0;
}

void sp_prometheus_close(struct sp_prometheus *api) {
  if (!api->fetch) return;
  sp_fetch_destroy(api->fetch);
  sp_json_fini(&api->doc);
  sp_buf_fini(&api->form);
  sp_buf_fini(&api->scratch);
}

void sp_prometheus_ask(struct sp_prometheus *api, const char *query) {
  sp_buf_clear(&api->form);
  sp_buf_append_text(&api->form, "query=");
  sp_url_encode(sp_str_from(query), &api->form);
}

void sp_prometheus_ask_time(struct sp_prometheus *api, const char *name, int64_t at_ns) {
  sp_buf_printf(&api->form, "&%s=%lld.%03d", name, (long long)(at_ns / SP_NS_PER_S), (int)(at_ns % SP_NS_PER_S / SP_NS_PER_MS));
}

/* -- answers -- */

static void copy_clean(struct sp_prometheus *api, int value, char *text) {
  text[sp_clean_text(text, SAID_MAX, sp_json_string(&api->doc, value, &api->scratch))] = 0;
}

static void note_warnings(struct sp_prometheus *api, struct sp_watch_sink *sink, const char *member) {
  char text[SAID_MAX + 1];
  unsigned count = 0;
  for (int item = sp_json_first(&api->doc, sp_json_get(&api->doc, 0, member)); item >= 0 && count < WARNINGS_MAX; count++) {
    copy_clean(api, item, text);
    sp_watch_note(sink, "it says: %s", text);
    item = sp_json_next(&api->doc, item);
  }
}

static int fail_said(struct sp_prometheus *api, const struct sp_fetched *answer, struct sp_err *err) {
  char text[SAID_MAX + 1];
  bool bad = answer->status == 400 || answer->status == 422;
  copy_clean(api, sp_json_get(&api->doc, 0, "error"), text);
  return sp_fail(err, bad ? SP_EUSAGE : SP_EIO, "%s answered %d: %s", sp_fetch_name(api->fetch), answer->status, text);
}

static int read_answer(struct sp_prometheus *api, struct sp_watch_sink *sink, const struct sp_fetched *answer, int *data,
                       struct sp_err *err) {
  struct sp_err fault = {0};
  int code = sp_json_parse(&api->doc, answer->body, &fault);
  bool says = code == 0 && sp_json_get(&api->doc, 0, "status") >= 0;
  if (answer->status != 200 && !(says && sp_json_get(&api->doc, 0, "error") >= 0)) {
    return sp_fetch_fail_status(api->fetch, answer, err);
  }
  if (code == SP_ELIMIT) return sp_fail(err, SP_ELIMIT, "%s: its answer is too big: %s", sp_fetch_name(api->fetch), fault.text);
  if (!says) {
    return sp_fail(err, SP_EPARSE, "%s is no Prometheus: its answer %s%s%s", sp_fetch_name(api->fetch),
                   code ? "is no JSON (" : "has no status", code ? fault.text : "", code ? ")" : "");
  }
  if (!sp_json_is(&api->doc, sp_json_get(&api->doc, 0, "status"), "success")) return fail_said(api, answer, err);
  note_warnings(api, sink, "warnings");
  note_warnings(api, sink, "infos");
  *data = sp_json_get(&api->doc, 0, "data");
  return 0;
}

static int call(struct sp_prometheus *api, struct sp_watch_sink *sink, const struct sp_fetch_call *call, int *data,
                struct sp_err *err) {
  struct sp_fetched answer;
  if (sp_fetch(api->fetch, sink, call, &answer, err)) return err->code;
  api->asked_ns = answer.asked_ns;
  api->got_ns = answer.got_ns;
  return read_answer(api, sink, &answer, data, err);
}

int sp_prometheus_call(struct sp_prometheus *api, struct sp_watch_sink *sink, const char *name, int *data, struct sp_err *err) {
  char target[60];
  snprintf(target, sizeof(target), "/api/v1/%s", name);
  return call(api, sink, &(struct sp_fetch_call){.target = target, .form = sp_buf_str(&api->form)}, data, err);
}

int sp_prometheus_get(struct sp_prometheus *api, struct sp_watch_sink *sink, const char *target, int *data, struct sp_err *err) {
  return call(api, sink, &(struct sp_fetch_call){.target = target}, data, err);
}

/* -- results -- */

static struct sp_str keep(struct sp_prometheus *api, int value, struct sp_buf *texts) {
  struct sp_str text = sp_json_string(&api->doc, value, &api->scratch);
  if (text.bytes != api->scratch.bytes || text.len == 0) return text; /* a slice of the answer */
  size_t start = texts->len;
  if (sp_buf_append_str(texts, text)) return sp_str_of(NULL, 0);
  return sp_str_of(texts->bytes + start, text.len);
}

/* The texts do not move: they are within what was reserved. */
void sp_prometheus_labels(struct sp_prometheus *api, int metric, struct sp_prom_sample *sample, struct sp_buf *texts) {
  sp_buf_clear(texts);
  sp_buf_reserve(texts, sp_json_raw(&api->doc, metric).len);
  sample->label_count = 0;
  sample->name = sp_str_of(NULL, 0);
  for (int key = sp_json_first(&api->doc, metric); key >= 0; key = sp_json_next(&api->doc, key)) {
    struct sp_str name = keep(api, key, texts), value = keep(api, key + 1, texts);
    if (sp_str_eq(name, SP_STR("__name__"))) sample->name = value;
    else if (sample->label_count < SP_PROM_LABELS_MAX) sample->labels[sample->label_count++] = (struct sp_prom_label){name, value};
  }
}

bool sp_prometheus_value(struct sp_prometheus *api, int pair, int64_t *at_ns, double *value) {
  int first = sp_json_first(&api->doc, pair);
  double at_s = sp_json_number(&api->doc, first, -1);
  if (at_s < 0 || at_s > 9e9) return false;
  *at_ns = llround(at_s * 1000) * SP_NS_PER_MS;
  return sp_prom_number(sp_json_raw(&api->doc, sp_json_next(&api->doc, first)), value);
}
