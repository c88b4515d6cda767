/*
 * Dify's event streams, of all app modes (chat, agent-chat, chatflow, agent, completion, workflow).
 *
 * Each frame is one JSON object that names its event in its member "event". A chatflow ends with message_end and
 * workflow_finished: in this order since 1.13.1, in the other up to 1.12; 1.13.0 cut message_end off. So both are
 * awaited, but one and the stream's end suffice. The other modes have one of them, which is the end at once.
 */
#include "dialect/parts.h"

struct dify {
  struct sp_dialect_scratch *scratch;
  enum sp_stream_state state;
  bool chat;           /* the app has messages: an id of a conversation or message was seen */
  bool flow;           /* the app has a workflow: an event of one was seen */
  bool message_ended;  /* message_end */
  bool flow_ended;     /* workflow_finished, and well */
  bool agent_answered; /* a token came as agent_message */
  struct sp_buf detail; /* of a failure */
};

_Static_assert(sizeof(struct dify) <= 64, "a stream's own state is one cache line");

/* The members of a frame that anybody asks for, as values of the document; -1 where absent. */
struct frame {
  int event, answer, data, metadata, code, status, message;
  int conversation_id, message_id, task_id;
};

struct kind {
  struct sp_str name;
  bool flow;      /* only apps with a workflow send it */
  unsigned marks; /* set without reading further */
  /* MAY. Reads what the frame says beyond its name. */
  void (*read)(struct dify *dify, const struct frame *frame, struct sp_meaning *out);
};

static void read_text(struct dify *dify, int value, enum sp_mark mark, struct sp_meaning *out) {
  out->text = sp_json_string(&dify->scratch->doc, value, &dify->scratch->text);
  if (out->text.len > 0) out->marks |= (unsigned)mark;
}

static int data_get(const struct dify *dify, const struct frame *frame, const char *key) {
  return sp_json_get(&dify->scratch->doc, frame->data, key);
}

static void read_message(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  /* The agent mode closes with one message that repeats the whole answer. */
  if (!dify->agent_answered) read_text(dify, frame->answer, SP_MARK_TOKEN, out);
}

static void read_agent_message(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  read_text(dify, frame->answer, SP_MARK_TOKEN, out);
  if (out->text.len > 0) dify->agent_answered = true;
}

/* Once a tool has made a file, basic apps send the chunks of the answer under this name too. */
static void read_message_file(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  read_text(dify, frame->answer, SP_MARK_TOKEN, out);
}

static void read_text_chunk(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  read_text(dify, data_get(dify, frame, "text"), SP_MARK_TOKEN, out);
}

static void read_reasoning(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  read_text(dify, data_get(dify, frame, "reasoning"), SP_MARK_REASONING, out);
}

static void read_message_replace(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  read_text(dify, frame->answer, SP_MARK_REPLACE, out);
}

static void read_text_replace(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  read_text(dify, data_get(dify, frame, "text"), SP_MARK_REPLACE, out);
}

static void read_node_name(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  const struct sp_json *doc = &dify->scratch->doc;
  struct sp_buf *text = &dify->scratch->text;
  struct sp_node_finished *node = &out->node;
  node->type = sp_parts_text(doc, data_get(dify, frame, "node_type"), &dify->scratch->more);
  node->title = sp_parts_text(doc, data_get(dify, frame, "title"), text);
  if (node->title.len == 0) node->title = sp_parts_text(doc, data_get(dify, frame, "node_id"), text);
  if (node->title.len == 0) node->title = node->type;
}

static void read_node(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  const struct sp_json *doc = &dify->scratch->doc;
  int status = data_get(dify, frame, "status");
  struct sp_node_finished *node = &out->node;
  read_node_name(dify, frame, out);
  node->elapsed_ns = sp_parts_seconds_ns(doc, data_get(dify, frame, "elapsed_time"));
  /* An exception is a failure that the node's error strategy went on from. */
  node->failed = sp_json_is(doc, status, "failed") || sp_json_is(doc, status, "exception");
}

/* What the end of one half means for the stream. */
static enum sp_stream_state settled(const struct dify *dify) {
  if (dify->chat && dify->flow) return dify->message_ended && dify->flow_ended ? SP_STREAM_DONE : SP_STREAM_OPEN;
  return SP_STREAM_DONE;
}

static void read_usage(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  const struct sp_json *doc = &dify->scratch->doc;
  int usage = sp_json_get(doc, frame->metadata, "usage");
  out->usage.prompt_tokens = sp_parts_count(doc, sp_json_get(doc, usage, "prompt_tokens"));
  out->usage.completion_tokens = sp_parts_count(doc, sp_json_get(doc, usage, "completion_tokens"));
  out->usage.server_ttft_ns = sp_parts_seconds_ns(doc, sp_json_get(doc, usage, "time_to_first_token"));
  if (out->usage.prompt_tokens >= 0 || out->usage.completion_tokens >= 0 || out->usage.server_ttft_ns >= 0)
    out->marks |= SP_MARK_USAGE;
}

static void read_message_end(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  read_usage(dify, frame, out);
  dify->chat = true;
  dify->message_ended = true;
  out->marks |= SP_MARK_END;
  out->state = settled(dify);
}

static void fail_flow(struct dify *dify, struct sp_str status, int error, struct sp_meaning *out) {
  struct sp_buf *detail = &dify->detail;
  sp_parts_detail_start(detail, SP_STR("workflow "));
  sp_parts_detail_append(detail, status);
  struct sp_str message = sp_parts_text(&dify->scratch->doc, error, &dify->scratch->more);
  if (message.len > 0) sp_parts_detail_append(detail, SP_STR(": "));
  sp_parts_detail_append(detail, message);
  sp_parts_fail(detail, out);
}

static void read_workflow_finished(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  const struct sp_json *doc = &dify->scratch->doc;
  int status = data_get(dify, frame, "status");
  if (sp_json_is(doc, status, "paused")) {
    out->marks |= SP_MARK_PAUSED | SP_MARK_END;
    out->state = SP_STREAM_DONE;
    return;
  }
  if (sp_json_is(doc, status, "partial-succeeded")) {
    out->marks |= SP_MARK_PARTIAL;
  } else if (!sp_json_is(doc, status, "succeeded")) {
    /* failed, stopped, or a status that proves no success */
    struct sp_str said = sp_parts_cut(sp_parts_text(doc, status, &dify->scratch->text), SP_DIALECT_NAME_MAX);
    fail_flow(dify, said.len > 0 ? said : SP_STR("finished without a status"), data_get(dify, frame, "error"), out);
    return;
  }
  dify->flow_ended = true;
  out->marks |= SP_MARK_END;
  out->state = settled(dify);
}

/* The run waits for a person; nothing more comes on this stream. */
static void read_workflow_paused(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  (void)dify;
  (void)frame;
  out->state = SP_STREAM_DONE;
}

/* The server may leave the socket open for minutes behind an error: it is the end. */
static void read_error(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  const struct sp_json *doc = &dify->scratch->doc;
  struct sp_str code = sp_parts_cut(sp_parts_text(doc, frame->code, &dify->scratch->more), SP_DIALECT_NAME_MAX);
  struct sp_str message = sp_parts_text(doc, frame->message, &dify->scratch->text);
  int64_t status = sp_parts_count(doc, frame->status);
  sp_parts_detail_error(&dify->detail, code, status <= 999 ? (int)status : 0, message);
  sp_parts_fail(&dify->detail, out);
}

/* The hot ones first: the search is from the top. */
static const struct kind kinds[] = {
    {SP_DIALECT_KEY("message"), false, 0, read_message},
    {SP_DIALECT_KEY("agent_message"), false, 0, read_agent_message},
    {SP_DIALECT_KEY("text_chunk"), true, 0, read_text_chunk},
    {SP_DIALECT_KEY("reasoning_chunk"), false, 0, read_reasoning},
    {SP_DIALECT_KEY("node_started"), true, SP_MARK_NODE_BEGUN, read_node_name},
    {SP_DIALECT_KEY("node_finished"), true, SP_MARK_NODE, read_node},
    {SP_DIALECT_KEY("node_retry"), true, SP_MARK_RETRY, NULL},
    {SP_DIALECT_KEY("message_end"), false, 0, read_message_end},
    {SP_DIALECT_KEY("workflow_started"), true, 0, NULL},
    {SP_DIALECT_KEY("workflow_finished"), true, 0, read_workflow_finished},
    {SP_DIALECT_KEY("workflow_paused"), true, SP_MARK_PAUSED | SP_MARK_END, read_workflow_paused},
    {SP_DIALECT_KEY("ping"), false, SP_MARK_PING, NULL},
    {SP_DIALECT_KEY("error"), false, 0, read_error},
    /* Containers send these instead of node_started and node_finished. */
    {SP_DIALECT_KEY("iteration_started"), true, SP_MARK_NODE_BEGUN, read_node_name},
    {SP_DIALECT_KEY("iteration_next"), true, 0, NULL},
    {SP_DIALECT_KEY("iteration_completed"), true, SP_MARK_NODE, read_node},
    {SP_DIALECT_KEY("loop_started"), true, SP_MARK_NODE_BEGUN, read_node_name},
    {SP_DIALECT_KEY("loop_next"), true, 0, NULL},
    {SP_DIALECT_KEY("loop_completed"), true, SP_MARK_NODE, read_node},
    {SP_DIALECT_KEY("agent_thought"), false, 0, NULL},
    {SP_DIALECT_KEY("agent_log"), false, 0, NULL},
    {SP_DIALECT_KEY("message_file"), false, 0, read_message_file},
    {SP_DIALECT_KEY("message_replace"), false, SP_MARK_REPLACE, read_message_replace},
    {SP_DIALECT_KEY("text_replace"), true, SP_MARK_REPLACE, read_text_replace},
    {SP_DIALECT_KEY("tts_message"), false, 0, NULL},
    {SP_DIALECT_KEY("tts_message_end"), false, 0, NULL},
    {SP_DIALECT_KEY("human_input_required"), true, 0, NULL},
    {SP_DIALECT_KEY("human_input_form_filled"), true, 0, NULL},
    {SP_DIALECT_KEY("human_input_form_timeout"), true, 0, NULL},
};

static const struct kind *kind_find(struct sp_str name) {
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
    if (sp_str_eq(kinds[i].name, name)) return &kinds[i];
  return NULL;
}

/* Where the frame keeps the value of that key; NULL for one that nobody asks for. By length first: this runs for
 * every member of every frame. */
static int *frame_field(struct frame *frame, struct sp_str key) {
  const char *k = key.bytes;
  switch (key.len) {
  case 4:
    return memcmp(k, "data", 4) == 0 ? &frame->data : memcmp(k, "code", 4) == 0 ? &frame->code : NULL;
  case 5:
    return memcmp(k, "event", 5) == 0 ? &frame->event : NULL;
  case 6:
    return memcmp(k, "answer", 6) == 0 ? &frame->answer : memcmp(k, "status", 6) == 0 ? &frame->status : NULL;
  case 7:
    return memcmp(k, "task_id", 7) == 0 ? &frame->task_id : memcmp(k, "message", 7) == 0 ? &frame->message : NULL;
  case 8:
    return memcmp(k, "metadata", 8) == 0 ? &frame->metadata : NULL;
  case 10:
    return memcmp(k, "message_id", 10) == 0 ? &frame->message_id : NULL;
  case 15:
    return memcmp(k, "conversation_id", 15) == 0 ? &frame->conversation_id : NULL;
  default:
    return NULL;
  }
}

/* One pass over the members, not a search a key. */
static void frame_read(const struct sp_json *doc, struct frame *frame) {
  *frame = (struct frame){-1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
  for (int key = sp_json_first(doc, 0); key >= 0; key = sp_json_next(doc, key)) {
    int *field = frame_field(frame, sp_json_raw(doc, key));
    if (field) *field = key + 1;
  }
}

/* The event's name is in the JSON; the event line speaks only where that does not. */
static struct sp_str event_name(struct dify *dify, const struct frame *frame, struct sp_str type) {
  struct sp_str name = sp_json_string(&dify->scratch->doc, frame->event, &dify->scratch->more);
  return name.len > 0 ? name : type;
}

static void dify_unknown(struct sp_str name, struct sp_meaning *out) {
  out->marks = SP_MARK_UNKNOWN;
  out->name = name.len > 0 ? sp_parts_cut(name, SP_DIALECT_NAME_MAX) : SP_STR("unknown");
}

/* Data that is no JSON object: a ping where the event line says so, else not ours to judge. */
static void dify_unreadable(struct sp_str type, struct sp_meaning *out) {
  if (!sp_str_eq(type, SP_STR("ping"))) {
    dify_unknown(SP_STR("unreadable"), out);
    return;
  }
  out->marks = SP_MARK_PING;
  out->name = SP_STR("ping");
}

static void read_ids(struct dify *dify, const struct frame *frame, struct sp_meaning *out) {
  out->conversation_id = sp_parts_id(dify->scratch, frame->conversation_id, 0);
  out->message_id = sp_parts_id(dify->scratch, frame->message_id, 1);
  out->task_id = sp_parts_id(dify->scratch, frame->task_id, 2);
}

static void dify_read(struct dify *dify, const struct sp_sse_event *event, struct sp_meaning *out) {
  struct frame frame;
  frame_read(&dify->scratch->doc, &frame);
  read_ids(dify, &frame, out);
  if (out->conversation_id.len > 0 || out->message_id.len > 0) dify->chat = true;
  struct sp_str name = event_name(dify, &frame, event->type);
  const struct kind *kind = kind_find(name);
  if (!kind) {
    dify_unknown(name, out);
    return;
  }
  out->name = kind->name;
  out->marks = kind->marks;
  if (kind->flow) dify->flow = true;
  if (kind->read) kind->read(dify, &frame, out);
  dify->state = out->state;
}

static void dify_event(void *state, const struct sp_sse_event *event, struct sp_meaning *out) {
  struct dify *dify = state;
  sp_meaning_clear(out);
  if (dify->state != SP_STREAM_OPEN) {
    sp_parts_over(&dify->detail, dify->state, out);
    return;
  }
  if (sp_parts_read(dify->scratch, event->data))
    dify_read(dify, event, out);
  else
    dify_unreadable(event->type, out);
}

static void dify_init(void *state, struct sp_dialect_scratch *scratch) {
  struct dify *dify = state;
  *dify = (struct dify){.scratch = scratch, .state = SP_STREAM_OPEN};
  sp_parts_detail_init(&dify->detail);
}

static void dify_fini(void *state) {
  struct dify *dify = state;
  sp_buf_fini(&dify->detail);
}

static bool dify_eof(void *state) {
  const struct dify *dify = state;
  if (dify->state == SP_STREAM_OPEN) return dify->message_ended || dify->flow_ended;
  return dify->state == SP_STREAM_DONE;
}

/* A workflow's blocking answer is its workflow_finished without the event's name: a failed run is a 200 as well. Those
 * of the other apps say nothing of a run. */
static void dify_whole(void *state, struct sp_str body, struct sp_meaning *out) {
  struct dify *dify = state;
  struct frame frame;
  sp_meaning_clear(out);
  if (!sp_parts_read(dify->scratch, body)) return;
  frame_read(&dify->scratch->doc, &frame);
  read_ids(dify, &frame, out);
  read_usage(dify, &frame, out);
  if (data_get(dify, &frame, "status") >= 0) read_workflow_finished(dify, &frame, out);
}

const struct sp_dialect sp_dialect_dify = {
    .name = "dify",
    .state_size = sizeof(struct dify),
    .init = dify_init,
    .fini = dify_fini,
    .on_event = dify_event,
    .on_eof = dify_eof,
    .on_whole = dify_whole,
};
