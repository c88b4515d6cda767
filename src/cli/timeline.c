#include "cli/timeline.h"

#include "base/mem.h"
#include "base/units.h"
#include "script/exchange_detail.h"

#include <stdio.h>
#include <stdlib.h>

/* A slice as one line of at most `size` - 1 bytes, without secrets, cut at a character with "…". */
static void one_line(const struct sp_timeline *timeline, struct sp_str text, char *line, size_t size) {
  char wide[1024];
  size_t len = sp_detail_line(wide, sizeof(wide), text, timeline->secrets, timeline->secret_count), room = size - 1;
  bool cut = len > room;
  if (cut) {
    len = room - 3;
    while (len > 0 && ((unsigned char)wide[len] & 0xc0) == 0x80) len--;
  }
  memcpy(line, wide, len);
  memcpy(line + len, cut ? "…" : "", cut ? 4 : 1);
}

static void print_at(struct sp_timeline *timeline, int64_t at_ns, const char *name, const char *note) {
  fprintf(timeline->out, "  %10.2f ms  %-18s %s\n", (double)(at_ns - timeline->start_ns) / 1e6, name, note);
}

static void print_held(struct sp_timeline *timeline, int64_t first_ns, int64_t others_ns) {
  for (size_t i = 0; i < timeline->held_count; i++) {
    print_at(timeline, i ? others_ns : first_ns, timeline->held[i].name, timeline->held[i].note);
  }
  timeline->held_count = 0;
}

/* What comes next is this request's: where another one was under way, a line says so. */
static void turn_to(struct sp_timeline *timeline, const struct sp_tap_request *request) {
  if (timeline->number == request->number && timeline->start_ns == request->start_ns) return;
  print_held(timeline, sp_clock_mono_ns(), sp_clock_mono_ns()); /* of a read that was hung up on */
  timeline->start_ns = request->start_ns;
  timeline->number = request->number;
  fprintf(timeline->out, "… %s, request %llu\n", request->key->name, (unsigned long long)request->number);
}

static void on_start(void *ctx, const struct sp_tap_request *request, struct sp_str method, struct sp_str url) {
  struct sp_timeline *timeline = ctx;
  struct sp_buf shown;
  sp_buf_init(&shown, SP_URL_MAX * 2);
  sp_url_redact(url, &shown);
  if (shown.bytes) {
    sp_redact(shown.bytes, &shown.len, timeline->secrets, timeline->secret_count);
    shown.bytes[shown.len] = '\0';
  }
  print_held(timeline, sp_clock_mono_ns(), sp_clock_mono_ns());
  timeline->start_ns = request->start_ns;
  timeline->number = request->number;
  fprintf(timeline->out, "%s (%s) · " SP_STR_FMT " %s\n", request->key->name, request->key->user_class, SP_STR_ARG(method),
          shown.bytes ? shown.bytes : "");
  sp_buf_fini(&shown);
}

static struct sp_timeline_line *hold(struct sp_timeline *timeline) {
  if (timeline->held_count == SP_TIMELINE_HELD_MAX) timeline->held_count--; /* the last line shows the newest */
  if (timeline->held_count == timeline->held_cap) {
    timeline->held_cap = timeline->held_cap ? timeline->held_cap * 2 : 16;
    timeline->held = sp_realloc(timeline->held, timeline->held_cap * sizeof(*timeline->held));
  }
  return &timeline->held[timeline->held_count++];
}

/* "LLM (llm)" */
static void node_name(const struct sp_timeline *timeline, const struct sp_node_finished *node, char *name, size_t size) {
  char title[80], type[32];
  one_line(timeline, node->title, title, sizeof(title));
  one_line(timeline, node->type, type, sizeof(type));
  snprintf(name, size, type[0] ? "%s (%s)" : "%s", title, type);
}

static void node_note(const struct sp_timeline *timeline, const struct sp_node_finished *node, char *note, size_t size) {
  char elapsed[SP_UNIT_TEXT_SIZE] = "no time given", name[116];
  node_name(timeline, node, name, sizeof(name));
  if (node->elapsed_ns >= 0) sp_format_duration(node->elapsed_ns, elapsed, sizeof(elapsed));
  snprintf(note, size, "%s: %s%s", name, elapsed, node->failed ? ", failed" : "");
}

static void on_event(void *ctx, const struct sp_tap_request *request, const struct sp_exchange_event *event) {
  struct sp_timeline *timeline = ctx;
  turn_to(timeline, request);
  struct sp_timeline_line *line = hold(timeline);
  const struct sp_meaning *meaning = event->meaning;
  one_line(timeline, meaning->name, line->name, sizeof(line->name));
  line->note[0] = '\0';
  if (meaning->marks & (SP_MARK_TOKEN | SP_MARK_REASONING | SP_MARK_REPLACE)) {
    char text[120];
    one_line(timeline, meaning->text, text, sizeof(text));
    snprintf(line->note, sizeof(line->note), "%s\"%s\"", meaning->marks & SP_MARK_TOKEN ? "token " : "", text);
  } else if (meaning->marks & SP_MARK_NODE) {
    node_note(timeline, &meaning->node, line->note, sizeof(line->note));
  } else if (meaning->marks & SP_MARK_NODE_BEGUN) {
    node_name(timeline, &meaning->node, line->note, sizeof(line->note));
  } else if (meaning->state == SP_STREAM_FAILED) {
    one_line(timeline, meaning->detail, line->note, sizeof(line->note));
  } else if (meaning->marks & SP_MARK_UNKNOWN) {
    one_line(timeline, event->sse->data, line->note, sizeof(line->note));
  }
}

static void on_blank(void *ctx, const struct sp_tap_request *request, struct sp_str type) {
  struct sp_timeline *timeline = ctx;
  turn_to(timeline, request);
  char name[40];
  one_line(timeline, type.len ? type : SP_STR("(comment)"), name, sizeof(name));
  print_at(ctx, sp_clock_mono_ns(), name, "");
}

static void on_events_timed(void *ctx, const struct sp_tap_request *request, int64_t first_ns, int64_t others_ns) {
  struct sp_timeline *timeline = ctx;
  turn_to(timeline, request);
  print_held(timeline, first_ns, others_ns);
}

static void print_gaps(struct sp_timeline *timeline, const struct sp_gaps *gaps) {
  const struct sp_metric_info *info = sp_metric_info(SP_METRIC_ITL);
  struct sp_hist us;
  if (gaps->count == 0) return;
  sp_hist_init(&us);
  sp_gaps_record(gaps, &us);
  fprintf(timeline->out, "    %-12s %10.2f ms   %s, p50 (p95 %.2f ms, max %.2f ms)\n", info->name,
          (double)sp_hist_percentile(&us, 50) / 1e3, info->label, (double)sp_hist_percentile(&us, 95) / 1e3,
          (double)us.max / 1e3);
  sp_hist_fini(&us);
}

static void print_metrics(struct sp_timeline *timeline, const struct sp_sample *sample) {
  for (int metric = 0; metric < SP_METRIC_COUNT; metric++) {
    if (metric == SP_METRIC_ITL) print_gaps(timeline, sample->gaps);
    if (sample->metric_ns[metric] == SP_METRIC_NA || metric == SP_METRIC_ITL) continue;
    const struct sp_metric_info *info = sp_metric_info((enum sp_metric)metric);
    fprintf(timeline->out, "    %-12s %10.2f ms   %s\n", info->name, (double)sample->metric_ns[metric] / 1e6, info->label);
  }
}

static void print_counts(struct sp_timeline *timeline, struct sp_exchange *exchange) {
  const struct sp_sample *sample = sp_exchange_sample(exchange);
  fprintf(timeline->out, "    %llu events, %llu token events, %llu characters", (unsigned long long)sp_exchange_events(exchange),
          (unsigned long long)sample->token_events, (unsigned long long)sample->answer_chars);
  if (sample->reported_completion >= 0) fprintf(timeline->out, ", %lld completion tokens reported", (long long)sample->reported_completion);
  fprintf(timeline->out, ", %llu bytes\n", (unsigned long long)sample->bytes_in);
}

static void on_end(void *ctx, const struct sp_tap_request *request, struct sp_exchange *exchange) {
  struct sp_timeline *timeline = ctx;
  const struct sp_sample *sample = sp_exchange_sample(exchange);
  on_events_timed(timeline, request, sample->end_ns, sample->end_ns);
  timeline->requests++;
  if (sp_outcome_is_failure(sample->outcome)) timeline->failures++;
  char text[400];
  one_line(timeline, sp_exchange_text(exchange), text, sizeof(text));
  const char *detail = sp_exchange_detail(exchange);
  fprintf(timeline->out, "  = %s%s%s%s\n", sp_outcome_name(sample->outcome), sp_exchange_status(exchange) == 200 ? " · 200" : "",
          *detail ? " · " : "", detail);
  print_metrics(timeline, sample);
  print_counts(timeline, exchange);
  if (*text) fprintf(timeline->out, "    %s: %s\n", sample->token_events ? "answer" : "body", text);
  fprintf(timeline->out, "\n");
}

static void on_task_error(void *ctx, const char *task, const char *detail) {
  struct sp_timeline *timeline = ctx;
  (void)task;
  timeline->task_errors++;
  fprintf(timeline->out, "  ! error in the plan: %s\n", detail);
}

void sp_timeline_init(struct sp_timeline *timeline, FILE *out, const struct sp_plan *plan) {
  *timeline = (struct sp_timeline){.out = out, .secrets = plan->secrets, .secret_count = plan->secret_count};
  timeline->tap = (struct sp_tap){.ctx = timeline, .on_start = on_start, .on_event = on_event, .on_blank = on_blank,
      .on_events_timed = on_events_timed, .on_end = on_end, .on_task_error = on_task_error};
}

void sp_timeline_fini(struct sp_timeline *timeline) { free(timeline->held); }
