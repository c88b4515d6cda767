#include "tape.h"

#include "base/buf.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define TAPE_LOG_MAX (1u << 24)

struct tape {
  const struct sp_dialect *dialect;
  void *state;
  struct sp_dialect_scratch scratch;
  struct sp_buf log;
  enum sp_stream_state end;
};

static const char *const mark_names[] = {"token", "reasoning", "node",    "usage",  "ping", "unknown",
                                         "retry", "replace",   "partial", "paused", "end",
                                         "begun"};

static void write_marks(struct sp_buf *log, unsigned marks) {
  for (size_t i = 0; i < sizeof(mark_names) / sizeof(mark_names[0]); i++)
    if (marks & (1u << i)) sp_buf_printf(log, " %s", mark_names[i]);
}

static void write_named(struct sp_buf *log, const char *name, struct sp_str text) {
  if (text.len > 0) sp_buf_printf(log, " %s=" SP_STR_FMT, name, SP_STR_ARG(text));
}

static void write_number(struct sp_buf *log, const char *name, int64_t number) {
  assert_true(number >= -1);
  if (number >= 0) sp_buf_printf(log, " %s=%lld", name, (long long)number);
}

static void write_node(struct sp_buf *log, const struct sp_meaning *meaning) {
  const struct sp_node_finished *node = &meaning->node;
  if (!(meaning->marks & SP_MARK_NODE)) assert_int_equal(node->elapsed_ns, -1);
  if (meaning->marks & SP_MARK_NODE_BEGUN) {
    sp_buf_printf(log, " <" SP_STR_FMT "|" SP_STR_FMT ">", SP_STR_ARG(node->title), SP_STR_ARG(node->type));
    return;
  }
  if (!(meaning->marks & SP_MARK_NODE)) {
    assert_int_equal(node->title.len + node->type.len, 0);
    return;
  }
  sp_buf_printf(log, " <" SP_STR_FMT "|" SP_STR_FMT "|%lld%s>", SP_STR_ARG(node->title), SP_STR_ARG(node->type),
                (long long)node->elapsed_ns, node->failed ? "|failed" : "");
}

static void write_meaning(struct sp_buf *log, const struct sp_meaning *meaning) {
  sp_buf_append_str(log, meaning->name);
  write_marks(log, meaning->marks);
  if (meaning->text.len > 0) sp_buf_printf(log, " '" SP_STR_FMT "'", SP_STR_ARG(meaning->text));
  write_node(log, meaning);
  write_number(log, "prompt", meaning->usage.prompt_tokens);
  write_number(log, "completion", meaning->usage.completion_tokens);
  write_number(log, "server_ttft", meaning->usage.server_ttft_ns);
  write_named(log, "conversation", meaning->conversation_id);
  write_named(log, "message", meaning->message_id);
  write_named(log, "task", meaning->task_id);
  if (meaning->state == SP_STREAM_DONE) sp_buf_append_text(log, " DONE");
  if (meaning->state == SP_STREAM_FAILED) sp_buf_printf(log, " FAILED " SP_STR_FMT, SP_STR_ARG(meaning->detail));
  sp_buf_append_char(log, '\n');
}

static int on_event(void *ctx, const struct sp_sse_event *event) {
  struct tape *tape = ctx;
  if (tape->end != SP_STREAM_OPEN) return 0;
  struct sp_meaning meaning;
  memset(&meaning, 0x5a, sizeof(meaning)); /* all of it is to be filled */
  tape->dialect->on_event(tape->state, event, &meaning);
  tape->end = meaning.state;
  write_meaning(&tape->log, &meaning);
  return 0;
}

static void on_blank(void *ctx, struct sp_str type) {
  struct tape *tape = ctx;
  if (tape->end == SP_STREAM_OPEN) sp_buf_printf(&tape->log, "(" SP_STR_FMT ")\n", SP_STR_ARG(type));
}

static const struct sp_sse_handler handler = {on_event, on_blank};

/* Memory that ends at a page which nobody may touch. */
struct guarded {
  char *pages;
  size_t size;
};

static struct sp_str guard(struct guarded *guarded, struct sp_str bytes) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t room = (bytes.len / page + 1) * page;
  guarded->size = room + page;
  guarded->pages = mmap(NULL, guarded->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(guarded->pages != MAP_FAILED);
  assert_int_equal(mprotect(guarded->pages + room, page, PROT_NONE), 0);
  char *start = guarded->pages + room - bytes.len;
  if (bytes.len > 0) memcpy(start, bytes.bytes, bytes.len);
  return sp_str_of(start, bytes.len);
}

static void unguard(struct guarded *guarded) { assert_int_equal(munmap(guarded->pages, guarded->size), 0); }

static void tape_open(struct tape *tape, const struct sp_dialect *dialect) {
  tape->dialect = dialect;
  tape->state = sp_alloc(dialect->state_size);
  tape->end = SP_STREAM_OPEN;
  sp_buf_init(&tape->log, TAPE_LOG_MAX);
  sp_dialect_scratch_init(&tape->scratch);
  dialect->init(tape->state, &tape->scratch);
}

static char *tape_close(struct tape *tape) {
  tape->dialect->fini(tape->state);
  sp_dialect_scratch_fini(&tape->scratch);
  free(tape->state);
  char *log = sp_buf_take(&tape->log);
  return log ? log : sp_strdup("");
}

static void feed(struct sp_sse *sse, struct sp_str bytes) {
  struct guarded guarded;
  struct sp_err err;
  assert_int_equal(sp_sse_feed(sse, guard(&guarded, bytes), &err), 0);
  unguard(&guarded);
}

/* Byte by byte the pages would cost more than they show: one byte each from the stack. */
static void feed_bytewise(struct sp_sse *sse, struct sp_str stream) {
  for (size_t i = 0; i < stream.len; i++) {
    char byte = stream.bytes[i];
    assert_int_equal(sp_sse_feed(sse, sp_str_of(&byte, 1), NULL), 0);
  }
}

static void feed_cut(struct sp_sse *sse, struct sp_str stream, size_t cut) {
  size_t at = cut < stream.len ? cut : stream.len;
  feed(sse, sp_str_of(stream.bytes, at));
  feed(sse, sp_str_of(stream.bytes + at, stream.len - at));
}

char *tape_play(const struct sp_dialect *dialect, struct sp_str stream, size_t cut) {
  struct tape tape;
  struct sp_sse sse;
  tape_open(&tape, dialect);
  sp_sse_init(&sse, SP_SSE_EVENT_MAX, &handler, &tape);
  if (cut == TAPE_BYTEWISE)
    feed_bytewise(&sse, stream);
  else
    feed_cut(&sse, stream, cut);
  (void)sp_sse_finish(&sse);
  sp_sse_fini(&sse);
  bool complete = dialect->on_eof(tape.state);
  /* Whoever reached the end or failed says the same at the socket's end. */
  if (tape.end != SP_STREAM_OPEN)
    assert_int_equal(complete, tape.end == SP_STREAM_DONE);
  else
    sp_buf_append_text(&tape.log, complete ? "eof: complete\n" : "eof: truncated\n");
  return tape_close(&tape);
}

static void play_expect(const struct sp_dialect *dialect, struct sp_str stream, size_t cut, const char *expected) {
  char *log = tape_play(dialect, stream, cut);
  if (strcmp(log, expected) != 0) print_error("%s, cut at %zu:\n%s", dialect->name, cut, stream.bytes);
  assert_string_equal(log, expected);
  free(log);
}

void tape_expect(const struct sp_dialect *dialect, const char *stream, const char *expected) {
  struct sp_str bytes = sp_str_from(stream);
  play_expect(dialect, bytes, TAPE_WHOLE, expected);
  play_expect(dialect, bytes, TAPE_BYTEWISE, expected);
  for (size_t cut = 0; cut < bytes.len; cut++) play_expect(dialect, bytes, cut, expected);
}

char *tape_event(const struct sp_dialect *dialect, const char *type, const char *data) {
  struct tape tape;
  struct guarded guarded;
  tape_open(&tape, dialect);
  struct sp_sse_event event = {.type = sp_str_from(type), .data = guard(&guarded, sp_str_from(data))};
  (void)on_event(&tape, &event);
  unguard(&guarded);
  return tape_close(&tape);
}
