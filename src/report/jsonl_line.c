#include "report/jsonl_line.h"

#include "base/clock.h"
#include "report/json_put.h"
#include "stats/interval.h"

#include <stdio.h>

#define TEXTS 4u /* name, user_class, task, detail */
#define CUT 4u   /* kept beyond the cap, so that what is cut there is cut between two characters */
static const size_t text_max[TEXTS] = { SP_NAME_MAX, SP_NAME_MAX, SP_NAME_MAX, SP_DETAIL_MAX };

struct head {
  int64_t start_ns, end_ns, metric_ns[SP_METRIC_COUNT];
  uint64_t token_events, answer_chars, bytes_in, bytes_out, gaps, stalls;
  int64_t reported_prompt, reported_completion;
  uint32_t counters[SP_COUNTER_COUNT];
  int status;
  uint16_t lengths[TEXTS];
  uint8_t outcome, role, hang_up;
  bool has_detail, rate_limited, retry, stream;
};

/* --- packing --- */

static size_t copy_text(char *to, const char *text, size_t max) {
  size_t len = text ? strnlen(text, max) : 0;
  if (len > 0) {
    memcpy(to, text, len);
  }
  return len;
}

static uint64_t gaps_of(const struct sp_sample *sample) {
  if (!sample->gaps) {
    return 0;
  }
  return sample->gaps->count + (sample->gaps->spill ? sample->gaps->spill->count : 0);
}

static void fill(struct head *head, const struct sp_sample *sample) {
  head->start_ns = sample->start_ns;
  head->end_ns = sample->end_ns;
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    head->metric_ns[i] = sp_sample_metric(sample, (enum sp_metric)i);
  }
  head->token_events = sample->token_events;
  head->answer_chars = sample->answer_chars;
  head->bytes_in = sample->bytes_in;
  head->bytes_out = sample->bytes_out;
  head->gaps = gaps_of(sample);
  head->stalls = sample->gaps ? sample->gaps->stalls : 0;
  head->reported_prompt = sample->reported_prompt;
  head->reported_completion = sample->reported_completion;
  memcpy(head->counters, sample->counters, sizeof(head->counters));
  head->status = sample->status;
  head->outcome = (uint8_t)sample->outcome;
  head->has_detail = sample->detail != NULL;
  head->rate_limited = sample->rate_limited;
  head->retry = sample->retry;
  head->hang_up = (uint8_t)sample->hang_up;
  head->stream = sample->stream;
}

bool sp_jsonl_pack(struct sp_line_queue *queue, const struct sp_request_key *key, const struct sp_sample *sample) {
  struct head head = { 0 };
  char texts[3 * SP_NAME_MAX + SP_DETAIL_MAX + TEXTS * CUT];
  const char *const from[TEXTS] = { key->name, key->user_class, key->task, sample->detail };
  size_t len = 0;
  fill(&head, sample);
  head.role = (uint8_t)key->role;
  for (size_t i = 0; i < TEXTS; i++) {
    size_t one = copy_text(texts + len, from[i], text_max[i] + CUT);
    head.lengths[i] = (uint16_t)one;
    len += one;
  }
  return sp_line_queue_put(queue, &head, sizeof(head), sp_str_of(texts, len));
}

/* --- the line: written by hand, since there may be tens of thousands a second --- */

static void put_word(struct sp_buf *out, const char *word) { sp_buf_append_text(out, word); }

static void put_whole(struct sp_buf *out, uint64_t value) {
  char digits[24];
  char *at = digits + sizeof(digits);
  do {
    *--at = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  sp_buf_append(out, at, (size_t)(digits + sizeof(digits) - at));
}

/* value / 10^places */
static void put_decimal(struct sp_buf *out, int64_t value, unsigned places) {
  char digits[24];
  uint64_t scale = places == 3 ? 1000 : 1000000, size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  if (value < 0) {
    sp_buf_append_char(out, '-');
  }
  put_whole(out, size / scale);
  uint64_t rest = size % scale;
  for (unsigned i = places; i > 0; i--, rest /= 10) {
    digits[i] = (char)('0' + rest % 10);
  }
  digits[0] = '.';
  sp_buf_append(out, digits, places + 1);
}

static void put_ms(struct sp_buf *out, int64_t ns) {
  if (ns == SP_METRIC_NA) {
    put_word(out, "null");
  } else {
    put_decimal(out, (ns + 500) / 1000, 3);
  }
}

static void put_count(struct sp_buf *out, const char *key, uint64_t value) {
  put_word(out, key);
  put_whole(out, value);
}

static void put_reported(struct sp_buf *out, const char *key, int64_t value) {
  put_word(out, key);
  if (value < 0) {
    put_word(out, "null");
  } else {
    put_whole(out, (uint64_t)value);
  }
}

static void put_texts(struct sp_buf *out, const struct head *head, struct sp_str texts) {
  static const char *const keys[TEXTS] = { ",\"name\":", ",\"user_class\":", ",\"task\":", ",\"detail\":" };
  for (size_t i = 0; i < TEXTS; i++) {
    size_t len = head->lengths[i] < texts.len ? head->lengths[i] : texts.len;
    put_word(out, keys[i]);
    if (i + 1 < TEXTS || head->has_detail) {
      sp_json_put_text(out, sp_str_of(texts.bytes, len), text_max[i]);
    } else {
      put_word(out, "null");
    }
    texts = sp_str_of(texts.bytes + len, texts.len - len);
  }
}

static void put_metrics(struct sp_buf *out, const struct head *head) {
  const char *before = ",\"metrics\":{\"";
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    if (i == SP_METRIC_ITL) {
      continue;
    }
    put_word(out, before);
    put_word(out, sp_metric_info((enum sp_metric)i)->name);
    put_word(out, "\":");
    put_ms(out, head->metric_ns[i]);
    before = ",\"";
  }
  put_word(out, "}");
}

static void put_counters(struct sp_buf *out, const struct head *head) {
  const char *before = "\"";
  put_word(out, ",\"counters\":{");
  for (int i = 0; i < SP_COUNTER_COUNT; i++) {
    if (head->counters[i] > 0) {
      put_word(out, before);
      put_word(out, sp_counter_name((enum sp_counter)i));
      put_count(out, "\":", head->counters[i]);
      before = ",\"";
    }
  }
  put_word(out, "}");
}

static void put_start(struct sp_buf *out, const struct head *head, int64_t begin_ns, int64_t real_minus_mono_ns) {
  char start[SP_RFC3339_SIZE];
  sp_clock_rfc3339(head->start_ns + real_minus_mono_ns, start, sizeof(start));
  put_word(out, "{\"start\":\"");
  put_word(out, start);
  put_word(out, "\",\"start_s\":");
  put_decimal(out, (head->start_ns - begin_ns) / 1000, 6);
}

static void put_end(struct sp_buf *out, const struct head *head) {
  put_word(out, ",\"outcome\":\"");
  put_word(out, sp_outcome_name((enum sp_outcome)head->outcome));
  put_word(out, "\",\"status\":");
  if (head->status > 0) {
    put_whole(out, (uint64_t)head->status);
  } else {
    put_word(out, "null");
  }
  put_word(out, head->stream ? ",\"stream\":true" : ",\"stream\":false");
  put_word(out, ",\"duration\":");
  put_ms(out, head->end_ns > head->start_ns ? head->end_ns - head->start_ns : 0);
}

void sp_jsonl_put(struct sp_buf *out, struct sp_str record, int64_t begin_ns, int64_t real_minus_mono_ns) {
  struct head head;
  memcpy(&head, record.bytes, sizeof(head));
  put_start(out, &head, begin_ns, real_minus_mono_ns);
  put_texts(out, &head, sp_str_of(record.bytes + sizeof(head), record.len - sizeof(head)));
  put_end(out, &head);
  put_metrics(out, &head);
  put_count(out, ",\"gaps\":", head.gaps);
  put_count(out, ",\"stalls\":", head.stalls);
  put_count(out, ",\"tokens\":{\"events\":", head.token_events);
  put_reported(out, ",\"reported_prompt\":", head.reported_prompt);
  put_reported(out, ",\"reported_completion\":", head.reported_completion);
  put_count(out, "},\"answer_chars\":", head.answer_chars);
  put_count(out, ",\"bytes_in\":", head.bytes_in);
  put_count(out, ",\"bytes_out\":", head.bytes_out);
  put_word(out, head.rate_limited ? ",\"rate_limited\":true" : ",\"rate_limited\":false");
  put_word(out, head.retry ? ",\"retry\":true" : ",\"retry\":false");
  put_word(out, ",\"role\":\"");
  put_word(out, sp_role_name((enum sp_role)head.role));
  put_word(out, head.outcome == SP_OUTCOME_ABANDONED ? "\",\"hung_up\":\"" : "\"");
  if (head.outcome == SP_OUTCOME_ABANDONED) {
    put_word(out, sp_hang_up_name((enum sp_hang_up)head.hang_up));
    put_word(out, "\"");
  }
  put_counters(out, &head);
  put_word(out, "}\n");
}
