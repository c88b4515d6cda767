/*
 * Where an answer's schedule meets the resources: what has to be had before a step's delay begins, and what has to be
 * done before the step happens. What it waits moves this step and all behind it. Without resources there is no passage,
 * and the schedule alone says when things happen.
 *
 *   arrival [stream slot] --head--> [head] HEAD [celery slot] --queue--> [begin] BEGIN …
 *   … [model slot] --first--> [llm, token] TOKEN --gap--> [token] TOKEN … [tool, knowledge, node] NODE_FINISHED …
 *   … --tail--> [end] END (celery slot back) … EOF (stream slot back)
 * A whole answer has all of its work done at its end. An answer of the model's own API takes the model's slot alone.
 */
#ifndef SP_MOCK_PASSAGE_H
#define SP_MOCK_PASSAGE_H

#include "mock/resources.h"
#include "mock/stream.h"

enum sp_passage_state { SP_PASSAGE_AHEAD, SP_PASSAGE_TAKING, SP_PASSAGE_DELAY, SP_PASSAGE_WORKING, SP_PASSAGE_OPEN };

struct sp_mock_passage {
  struct sp_way way;
  struct sp_mock_exchange *exchange;
  void (*on_open)(struct sp_mock_exchange *exchange);
  enum sp_passage_state state; /* of the schedule's step */
  int64_t from_ns;             /* when the step before happened */
};

/* One for an answer that begins; NULL where the mock has no resources. on_open comes from the loop where something was
 * waited for: the answer should look again. */
struct sp_mock_passage *sp_mock_passage_create(struct sp_mock_exchange *exchange,
                                               void (*on_open)(struct sp_mock_exchange *exchange));
void sp_mock_passage_destroy(struct sp_mock_passage *passage); /* NULL is fine */

/* May the step's delay begin; may the step happen, its delay being over? False: on_open comes. */
bool sp_mock_passage_before(struct sp_mock_passage *passage);
bool sp_mock_passage_due(struct sp_mock_passage *passage);
void sp_mock_passage_step(struct sp_mock_passage *passage, int64_t happened_ns); /* the schedule has gone on */
void sp_mock_passage_abandon(struct sp_mock_passage *passage); /* nothing stands before the next step any more */

#endif
