/*
 * How a request ends: in exactly one outcome. One table feeds every output.
 */
#ifndef SP_STATS_OUTCOME_H
#define SP_STATS_OUTCOME_H

#include <stdbool.h>

enum sp_outcome {
  SP_OUTCOME_OK,
  SP_OUTCOME_HTTP_STATUS,  /* status >= 400 */
  SP_OUTCOME_STREAM_ERROR, /* an error event, or a run that ended failed, inside a 200 stream */
  SP_OUTCOME_TRUNCATED,    /* the stream ended without its terminal event */
  SP_OUTCOME_TIMEOUT,
  SP_OUTCOME_CONNECT,  /* refused, unreachable, no DNS, TLS */
  SP_OUTCOME_RESET,    /* closed or reset before or inside the response, where framing shows it */
  SP_OUTCOME_PROTOCOL, /* no HTTP, bad chunking, no event stream, over a cap */
  SP_OUTCOME_CHECK,    /* the plan's own check said no */
  SP_OUTCOME_ABANDONED, /* the plan's own user hung up on purpose: neither ok nor failed */
  SP_OUTCOME_CANCELLED, /* cut by the end of the run: in no rate and no latency histogram */
  SP_OUTCOME_COUNT
};

/* Why the plan's own user hung up. Every abandoned request has one of these. */
enum sp_hang_up {
  SP_HANG_UP_TIME,   /* hang_up = { after = … } */
  SP_HANG_UP_EVENT,  /* hang_up = { event = … } */
  SP_HANG_UP_TOKENS, /* hang_up = { tokens = … } */
  SP_HANG_UP_CLOSE,  /* the plan closed it */
  SP_HANG_UP_LEFT,   /* the plan left the stream, or its task broke */
  SP_HANG_UP_SLOW,   /* the plan's loop was slower than the stream */
  SP_HANG_UP_COUNT
};
const char *sp_hang_up_name(enum sp_hang_up hang_up); /* "tokens": JSON */

const char *sp_outcome_name(enum sp_outcome outcome);  /* "http_status": as in the JSON */
bool sp_outcome_is_failure(enum sp_outcome outcome);   /* neither ok, abandoned nor cancelled */
bool sp_outcome_is_completed(enum sp_outcome outcome); /* ok or failure: counts in rps */

#endif
