#include "mock/passage.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* -- what a node is -- */

struct node_kind {
  const char *type;
  enum sp_work phase;
};

static const struct node_kind node_kinds[] = {
  { "llm", SP_WORK_LLM },
  { "question-classifier", SP_WORK_LLM },
  { "parameter-extractor", SP_WORK_LLM },
  { "tool", SP_WORK_TOOL },
  { "knowledge-retrieval", SP_WORK_KNOWLEDGE },
};

/* SP_WORK_NODE: nothing but a node. */
static enum sp_work phase_of_node(const struct sp_mock_app *app, unsigned node) {
  for (size_t i = 0; i < sizeof node_kinds / sizeof *node_kinds; i++)
    if (strcmp(app->nodes[node].type, node_kinds[i].type) == 0) return node_kinds[i].phase;
  return SP_WORK_NODE;
}

/* Does the model speak in the node that the schedule is in? Apps without nodes are nothing but the model. */
static bool is_llm(const struct sp_mock_exchange *exchange) {
  if (exchange->app->mode == SP_MODE_RETRIEVE) return false;
  return !exchange->kind->flow || phase_of_node(exchange->app, exchange->schedule.node) == SP_WORK_LLM;
}

static bool has_llm(const struct sp_mock_exchange *exchange) {
  if (!exchange->kind->flow) return is_llm(exchange);
  for (unsigned i = 0; i < exchange->app->node_count; i++)
    if (phase_of_node(exchange->app, i) == SP_WORK_LLM) return true;
  return false;
}

/* -- slots -- */

static void give(struct sp_mock_passage *passage, enum sp_resource slots) {
  sp_way_give(&passage->way, slots, passage->from_ns);
}

/* A request that waits for its slot has reached nothing but the backlog. */
static bool take_at_arrival(struct sp_mock_passage *passage) {
  const struct sp_mock_exchange *exchange = passage->exchange;
  bool model_server = exchange->kind->api == SP_API_OPENAI;
  if (!sp_way_take(&passage->way, model_server ? SP_RES_MODEL : SP_RES_STREAMS, passage->from_ns)) return false;
  if (exchange->streaming || model_server || !has_llm(exchange)) return true;
  return sp_way_take(&passage->way, SP_RES_MODEL, passage->from_ns);
}

static bool take_slots(struct sp_mock_passage *passage) {
  const struct sp_mock_exchange *exchange = passage->exchange;
  if (!exchange->streaming || exchange->schedule.step == SP_STEP_HEAD) return take_at_arrival(passage);
  if (exchange->kind->api == SP_API_OPENAI) return true;
  switch (exchange->schedule.step) {
  case SP_STEP_BEGIN: return !exchange->kind->flow || sp_way_take(&passage->way, SP_RES_CELERY, passage->from_ns);
  case SP_STEP_TOKEN:
  case SP_STEP_NODE_FINISHED: return !is_llm(exchange) || sp_way_take(&passage->way, SP_RES_MODEL, passage->from_ns);
  case SP_STEP_NODE_STARTED:
  case SP_STEP_END: give(passage, SP_RES_MODEL); return true;
  case SP_STEP_EOF: give(passage, SP_RES_CELERY); return true;
  default: return true;
  }
}

/* -- work -- */

static void add(struct sp_mock_passage *passage, enum sp_work phase, uint64_t times) {
  sp_way_add(&passage->way, phase, times);
}

static void add_node(struct sp_mock_passage *passage, unsigned node) {
  const struct sp_mock_exchange *exchange = passage->exchange;
  enum sp_work phase = phase_of_node(exchange->app, node);
  bool spoke = exchange->streaming && node == exchange->app->stream_node && exchange->schedule.tokens > 0;
  add(passage, SP_WORK_NODE, 1);
  if (phase != SP_WORK_NODE && !(phase == SP_WORK_LLM && spoke)) add(passage, phase, 1);
}

static void add_token(struct sp_mock_passage *passage) {
  const struct sp_mock_exchange *exchange = passage->exchange;
  if (exchange->schedule.token == 0 && is_llm(exchange)) add(passage, SP_WORK_LLM, 1);
  add(passage, SP_WORK_TOKEN, exchange->lump ? exchange->schedule.tokens : 1);
}

static void add_whole(struct sp_mock_passage *passage) {
  const struct sp_mock_exchange *exchange = passage->exchange;
  add(passage, SP_WORK_HEAD, 1);
  if (exchange->app->mode == SP_MODE_RETRIEVE) {
    add(passage, SP_WORK_RETRIEVE, 1);
    return;
  }
  add(passage, SP_WORK_BEGIN, 1);
  if (!exchange->kind->flow) add(passage, SP_WORK_LLM, 1);
  for (unsigned i = 0; exchange->kind->flow && i < exchange->app->node_count; i++) add_node(passage, i);
  add(passage, SP_WORK_TOKEN, exchange->schedule.tokens);
  add(passage, SP_WORK_END, 1);
}

static void add_work(struct sp_mock_passage *passage) {
  const struct sp_mock_exchange *exchange = passage->exchange;
  if (exchange->kind->api == SP_API_OPENAI) return;
  if (!exchange->streaming) {
    add_whole(passage);
    return;
  }
  switch (exchange->schedule.step) {
  case SP_STEP_HEAD: add(passage, SP_WORK_HEAD, 1); return;
  case SP_STEP_BEGIN: add(passage, SP_WORK_BEGIN, 1); return;
  case SP_STEP_NODE_FINISHED: add_node(passage, exchange->schedule.node); return;
  case SP_STEP_TOKEN: add_token(passage); return;
  case SP_STEP_END: add(passage, SP_WORK_END, 1); return;
  default: return;
  }
}

/* -- the gates -- */

static int64_t now_ns(const struct sp_mock_passage *passage) {
  return sp_loop_now(passage->exchange->conn->mock->loop);
}

static void shift(struct sp_mock_passage *passage, int64_t waited_ns) {
  if (waited_ns > 0) sp_schedule_shift(&passage->exchange->schedule, waited_ns);
}

static void on_passed(struct sp_way *way, int64_t at_ns) {
  struct sp_mock_passage *passage = sp_container_of(way, struct sp_mock_passage, way);
  bool taking = passage->state == SP_PASSAGE_TAKING;
  shift(passage, at_ns - (taking ? passage->from_ns : passage->exchange->schedule.due_ns));
  if (taking && at_ns > passage->from_ns) passage->from_ns = at_ns;
  passage->state = taking ? SP_PASSAGE_AHEAD : SP_PASSAGE_OPEN; /* there may be another slot to take */
  passage->on_open(passage->exchange);
}

bool sp_mock_passage_before(struct sp_mock_passage *passage) {
  if (!passage || passage->state == SP_PASSAGE_DELAY || passage->state == SP_PASSAGE_OPEN) return true;
  if (passage->state == SP_PASSAGE_AHEAD)
    passage->state = take_slots(passage) ? SP_PASSAGE_DELAY : SP_PASSAGE_TAKING;
  return passage->state == SP_PASSAGE_DELAY;
}

bool sp_mock_passage_due(struct sp_mock_passage *passage) {
  if (!passage || passage->state == SP_PASSAGE_OPEN) return true;
  passage->state = SP_PASSAGE_WORKING;
  add_work(passage);
  if (!sp_way_go(&passage->way, passage->exchange->schedule.due_ns)) return false;
  passage->state = SP_PASSAGE_OPEN;
  return true;
}

void sp_mock_passage_step(struct sp_mock_passage *passage, int64_t happened_ns) {
  if (!passage) return;
  passage->state = SP_PASSAGE_AHEAD;
  passage->from_ns = happened_ns;
}

void sp_mock_passage_abandon(struct sp_mock_passage *passage) {
  if (!passage) return;
  sp_way_abandon(&passage->way, now_ns(passage));
  passage->state = SP_PASSAGE_OPEN;
}

/* -- life -- */

struct sp_mock_passage *sp_mock_passage_create(struct sp_mock_exchange *exchange,
                                               void (*on_open)(struct sp_mock_exchange *exchange)) {
  struct sp_mock *mock = exchange->conn->mock;
  if (!mock->resources) return NULL;
  struct sp_mock_passage *passage = sp_alloc(sizeof *passage);
  passage->exchange = exchange;
  passage->on_open = on_open;
  passage->from_ns = exchange->schedule.arrival_ns;
  /* its own draws: with resources or without, the schedule is the same */
  sp_way_init(&passage->way, mock->resources, mock->profile.seed + 1, mock->sequence, on_passed);
  return passage;
}

void sp_mock_passage_destroy(struct sp_mock_passage *passage) {
  if (!passage) return;
  sp_way_fini(&passage->way, now_ns(passage));
  free(passage);
}
