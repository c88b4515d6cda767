/*
 * OpenAI's streams, and those of the many servers that speak alike: chat completions and completions.
 *
 * A token is a chunk in which the model says something: text of an answer, a refusal, a tool call's name or
 * arguments. What it says in one chunk is one text, in the chunk's order, whichever choices it belongs to.
 * Reasoning is marked apart; where a chunk has both, the text is the answer's. "[DONE]" is the end; servers that
 * leave it out have ended well when every choice seen had its finish_reason.
 */
#include "dialect/parts.h"

#define SP_OPENAI_CHOICES_MAX 128u /* choices told apart; more share the last place */

struct choice_set {
  uint64_t bits[SP_OPENAI_CHOICES_MAX / 64];
};

struct openai {
  struct sp_dialect_scratch *scratch;
  struct sp_buf detail; /* of a failure */
  enum sp_stream_state state;
  struct choice_set seen, finished;
};

/* The members of a chunk, and of a choice in it, that anybody asks for; -1 where absent. */
enum { CHUNK_ID, CHUNK_CHOICES, CHUNK_USAGE, CHUNK_ERROR, CHUNK_OBJECT, CHUNK_MEMBERS };
enum { CHOICE_INDEX, CHOICE_DELTA, CHOICE_TEXT, CHOICE_FINISH_REASON, CHOICE_MEMBERS };

static const struct sp_str chunk_keys[CHUNK_MEMBERS] = {
    SP_DIALECT_KEY("id"),    SP_DIALECT_KEY("choices"), SP_DIALECT_KEY("usage"),
    SP_DIALECT_KEY("error"), SP_DIALECT_KEY("object"),
};
static const struct sp_str choice_keys[CHOICE_MEMBERS] = {
    SP_DIALECT_KEY("index"),
    SP_DIALECT_KEY("delta"),
    SP_DIALECT_KEY("text"),
    SP_DIALECT_KEY("finish_reason"),
};

static void choice_add(struct choice_set *set, unsigned index) { set->bits[index / 64] |= UINT64_C(1) << (index % 64); }

static unsigned choice_index(const struct sp_json *doc, int value) {
  int64_t index = sp_parts_count(doc, value);
  if (index < 0) return 0; /* left out by servers that make one choice only */
  return index < (int64_t)SP_OPENAI_CHOICES_MAX ? (unsigned)index : SP_OPENAI_CHOICES_MAX - 1;
}

static bool all_finished(const struct openai *openai) {
  uint64_t any = 0;
  for (size_t i = 0; i < SP_OPENAI_CHOICES_MAX / 64; i++) {
    if (openai->seen.bits[i] & ~openai->finished.bits[i]) return false;
    any |= openai->seen.bits[i];
  }
  return any != 0;
}

/* Puts one more piece behind *said. The first stays where it lies in the event; scratch->text is written when that
 * has escapes, or when a second comes. */
static void say(struct sp_dialect_scratch *scratch, int value, struct sp_str *said) {
  struct sp_str piece = sp_json_string(&scratch->doc, value, said->len == 0 ? &scratch->text : &scratch->more);
  if (piece.len == 0) return;
  if (said->len == 0) {
    *said = piece;
    return;
  }
  if (said->bytes != scratch->text.bytes) {
    sp_buf_clear(&scratch->text);
    (void)sp_buf_append_str(&scratch->text, *said);
  }
  (void)sp_buf_append_str(&scratch->text, piece); /* pieces of one event: together they are within its cap */
  *said = sp_buf_str(&scratch->text);
}

static void say_function(struct sp_dialect_scratch *scratch, int function, struct sp_str *said) {
  say(scratch, sp_json_get(&scratch->doc, function, "name"), said);
  say(scratch, sp_json_get(&scratch->doc, function, "arguments"), said);
}

static void say_tool_calls(struct sp_dialect_scratch *scratch, int calls, struct sp_str *said) {
  if (sp_json_kind(&scratch->doc, calls) != SP_JSON_ARRAY) return;
  for (int call = sp_json_first(&scratch->doc, calls); call >= 0; call = sp_json_next(&scratch->doc, call))
    say_function(scratch, sp_json_get(&scratch->doc, call, "function"), said);
}

static void say_delta(struct sp_dialect_scratch *scratch, int delta, struct sp_str *said) {
  const struct sp_json *doc = &scratch->doc;
  if (sp_json_kind(doc, delta) != SP_JSON_OBJECT) return;
  for (int key = sp_json_first(doc, delta); key >= 0; key = sp_json_next(doc, key)) {
    struct sp_str name = sp_json_raw(doc, key);
    if (sp_str_eq(name, SP_STR("content")) || sp_str_eq(name, SP_STR("refusal")))
      say(scratch, key + 1, said);
    else if (sp_str_eq(name, SP_STR("tool_calls")))
      say_tool_calls(scratch, key + 1, said);
    else if (sp_str_eq(name, SP_STR("function_call")))
      say_function(scratch, key + 1, said); /* of old */
  }
}

/* Two names for one thing; a server that sends both says the same in both. */
static int reasoning_of(const struct sp_json *doc, int choice) {
  int delta = sp_json_get(doc, choice, "delta");
  int reasoning = sp_json_get(doc, delta, "reasoning_content");
  if (sp_json_raw(doc, reasoning).len == 0 || sp_json_kind(doc, reasoning) != SP_JSON_STRING)
    reasoning = sp_json_get(doc, delta, "reasoning");
  return sp_json_kind(doc, reasoning) == SP_JSON_STRING && sp_json_raw(doc, reasoning).len > 0 ? reasoning : -1;
}

static void read_choice(struct openai *openai, int choice, struct sp_meaning *out) {
  struct sp_dialect_scratch *scratch = openai->scratch;
  const struct sp_json *doc = &scratch->doc;
  if (sp_json_kind(doc, choice) != SP_JSON_OBJECT) return;
  int member[CHOICE_MEMBERS];
  sp_parts_pick(doc, choice, choice_keys, CHOICE_MEMBERS, member);
  unsigned index = choice_index(doc, member[CHOICE_INDEX]);
  choice_add(&openai->seen, index);
  say_delta(scratch, member[CHOICE_DELTA], &out->text);
  say(scratch, member[CHOICE_TEXT], &out->text);
  if (sp_json_kind(doc, member[CHOICE_FINISH_REASON]) != SP_JSON_STRING) return;
  choice_add(&openai->finished, index);
  if (!sp_json_is(doc, member[CHOICE_FINISH_REASON], "error")) return;
  sp_parts_detail_start(&openai->detail, SP_STR("finish_reason: error"));
  sp_parts_fail(&openai->detail, out);
}

static void read_choices(struct openai *openai, int choices, struct sp_meaning *out) {
  struct sp_dialect_scratch *scratch = openai->scratch;
  const struct sp_json *doc = &scratch->doc;
  for (int choice = sp_json_first(doc, choices); choice >= 0; choice = sp_json_next(doc, choice))
    read_choice(openai, choice, out);
  bool answers = out->text.len > 0;
  if (answers) out->marks |= SP_MARK_TOKEN;
  for (int choice = sp_json_first(doc, choices); choice >= 0; choice = sp_json_next(doc, choice)) {
    int reasoning = reasoning_of(doc, choice);
    if (reasoning < 0) continue;
    out->marks |= SP_MARK_REASONING;
    if (!answers) say(scratch, reasoning, &out->text);
  }
}

static void read_usage(const struct sp_json *doc, int usage, struct sp_meaning *out) {
  out->usage.prompt_tokens = sp_parts_count(doc, sp_json_get(doc, usage, "prompt_tokens"));
  out->usage.completion_tokens = sp_parts_count(doc, sp_json_get(doc, usage, "completion_tokens"));
  if (out->usage.prompt_tokens >= 0 || out->usage.completion_tokens >= 0) out->marks |= SP_MARK_USAGE;
}

/* {"message", "type", "code"}: the code may be a name, an HTTP status or null. Some send only a string. */
static void read_error(struct openai *openai, int error, struct sp_meaning *out) {
  struct sp_dialect_scratch *scratch = openai->scratch;
  const struct sp_json *doc = &scratch->doc;
  int code = sp_json_get(doc, error, "code");
  int64_t status = sp_parts_count(doc, code);
  if (sp_json_kind(doc, code) != SP_JSON_STRING) code = sp_json_get(doc, error, "type");
  struct sp_str label = sp_parts_cut(sp_parts_text(doc, code, &scratch->more), SP_DIALECT_NAME_MAX);
  if (sp_json_kind(doc, error) == SP_JSON_OBJECT) error = sp_json_get(doc, error, "message");
  struct sp_str message = sp_parts_text(doc, error, &scratch->text);
  if (message.len == 0 && label.len == 0) message = sp_json_raw(doc, 0); /* of no form we know: show it as it is */
  sp_parts_detail_error(&openai->detail, label, status <= 999 ? (int)status : 0, message);
  sp_parts_fail(&openai->detail, out);
  out->name = SP_STR("error");
}

/* The error of a chunk, or -1: its member "error", or the chunk itself where it says that it is one. */
static int error_of(const struct sp_json *doc, const int *member, struct sp_str type) {
  enum sp_json_kind kind = sp_json_kind(doc, member[CHUNK_ERROR]);
  if (kind == SP_JSON_OBJECT || kind == SP_JSON_STRING) return member[CHUNK_ERROR];
  return sp_str_eq(type, SP_STR("error")) || sp_json_is(doc, member[CHUNK_OBJECT], "error") ? 0 : -1;
}

static void read_chunk(struct openai *openai, struct sp_str type, struct sp_meaning *out) {
  const struct sp_json *doc = &openai->scratch->doc;
  int member[CHUNK_MEMBERS];
  sp_parts_pick(doc, 0, chunk_keys, CHUNK_MEMBERS, member);
  out->message_id = sp_parts_id(openai->scratch, member[CHUNK_ID], 0);
  out->name = SP_STR("chunk");
  int error = error_of(doc, member, type);
  if (error >= 0) {
    read_error(openai, error, out);
    return;
  }
  bool choices = sp_json_kind(doc, member[CHUNK_CHOICES]) == SP_JSON_ARRAY;
  if (choices) read_choices(openai, member[CHUNK_CHOICES], out);
  read_usage(doc, member[CHUNK_USAGE], out);
  if (choices || (out->marks & SP_MARK_USAGE)) {
    if (out->state == SP_STREAM_OPEN && all_finished(openai)) out->marks |= SP_MARK_END;
    return;
  }
  out->marks = SP_MARK_UNKNOWN;
  out->name = sp_str_eq(type, SP_STR("ping")) ? type : SP_STR("unknown");
  if (sp_str_eq(type, SP_STR("ping"))) out->marks = SP_MARK_PING;
}

/* Data that is no JSON object. */
static void read_word(struct openai *openai, const struct sp_sse_event *event, struct sp_meaning *out) {
  if (sp_str_eq(sp_str_trim(event->data), SP_STR("[DONE]"))) {
    out->name = SP_STR("[DONE]");
    out->marks = SP_MARK_END;
    out->state = SP_STREAM_DONE;
  } else if (sp_str_eq(event->type, SP_STR("error"))) {
    out->name = SP_STR("error");
    sp_parts_detail_error(&openai->detail, SP_STR(""), 0, event->data);
    sp_parts_fail(&openai->detail, out);
  } else if (sp_str_eq(event->type, SP_STR("ping"))) {
    out->name = SP_STR("ping");
    out->marks = SP_MARK_PING;
  } else {
    out->name = SP_STR("unreadable");
    out->marks = SP_MARK_UNKNOWN;
  }
}

static void openai_event(void *state, const struct sp_sse_event *event, struct sp_meaning *out) {
  struct openai *openai = state;
  sp_meaning_clear(out);
  if (openai->state != SP_STREAM_OPEN) {
    sp_parts_over(&openai->detail, openai->state, out);
    return;
  }
  if (sp_parts_read(openai->scratch, event->data))
    read_chunk(openai, event->type, out);
  else
    read_word(openai, event, out);
  openai->state = out->state;
}

static void openai_init(void *state, struct sp_dialect_scratch *scratch) {
  struct openai *openai = state;
  *openai = (struct openai){.scratch = scratch, .state = SP_STREAM_OPEN};
  sp_parts_detail_init(&openai->detail);
}

static void openai_fini(void *state) {
  struct openai *openai = state;
  sp_buf_fini(&openai->detail);
}

static bool openai_eof(void *state) {
  const struct openai *openai = state;
  return openai->state == SP_STREAM_OPEN ? all_finished(openai) : openai->state == SP_STREAM_DONE;
}

const struct sp_dialect sp_dialect_openai = {
    .name = "openai",
    .state_size = sizeof(struct openai),
    .init = openai_init,
    .fini = openai_fini,
    .on_event = openai_event,
    .on_eof = openai_eof,
};
