/*
 * What can go wrong with a response, on request: one row a fault. A row says when it comes and what it does to a
 * stream and to a whole (blocking) response; it is not available where its function is NULL.
 */
#ifndef SP_MOCK_FAULT_H
#define SP_MOCK_FAULT_H

#include "base/err.h"
#include "base/str.h"

struct sp_mock_exchange;

enum sp_fault_phase {
  SP_FAULT_AT_START, /* before the schedule is made: alters all of the response */
  SP_FAULT_AT_HEAD,  /* in place of the response head, when that is due */
  SP_FAULT_AT_TOKEN, /* when the K-th token event is due (or what follows the last token, if there are fewer) */
  SP_FAULT_AFTER_TOKENS, /* when what follows the last token is due */
};

enum sp_fault_after {
  SP_FAULT_GO_ON, /* the response goes on as it would have */
  SP_FAULT_TAKEN, /* the fault has ended the response, or made it silent: nothing more is written */
};

enum sp_fault_needs { SP_FAULT_ANY = 0, SP_FAULT_DIFY = 1, SP_FAULT_FLOW = 2 }; /* FLOW: an app with nodes */

struct sp_fault {
  const char *name;
  enum sp_fault_phase phase;
  enum sp_fault_needs needs;
  enum sp_fault_after (*stream)(struct sp_mock_exchange *exchange);
  enum sp_fault_after (*whole)(struct sp_mock_exchange *exchange);
  const char *text; /* for the docs and for messages */
};

const struct sp_fault *sp_fault_at(size_t i); /* NULL at the end */
const struct sp_fault *sp_fault_find(struct sp_str name);
/* "reset@10", "stall": the row and K (1 when not given). The error names the near word. */
int sp_fault_parse(struct sp_str text, const struct sp_fault **out, uint64_t *out_at, struct sp_err *err);

#endif
