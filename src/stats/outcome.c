#include "stats/outcome.h"

#include "base/check.h"

static const char *const names[SP_OUTCOME_COUNT] = {
  [SP_OUTCOME_OK] = "ok",
  [SP_OUTCOME_HTTP_STATUS] = "http_status",
  [SP_OUTCOME_STREAM_ERROR] = "stream_error",
  [SP_OUTCOME_TRUNCATED] = "truncated",
  [SP_OUTCOME_TIMEOUT] = "timeout",
  [SP_OUTCOME_CONNECT] = "connect",
  [SP_OUTCOME_RESET] = "reset",
  [SP_OUTCOME_PROTOCOL] = "protocol",
  [SP_OUTCOME_CHECK] = "check",
  [SP_OUTCOME_ABANDONED] = "abandoned",
  [SP_OUTCOME_CANCELLED] = "cancelled",
};

static const char *const hang_ups[SP_HANG_UP_COUNT] = {
  [SP_HANG_UP_TIME] = "time",   [SP_HANG_UP_EVENT] = "event", [SP_HANG_UP_TOKENS] = "tokens",
  [SP_HANG_UP_CLOSE] = "close", [SP_HANG_UP_LEFT] = "left",   [SP_HANG_UP_SLOW] = "slow_plan",
};

const char *sp_hang_up_name(enum sp_hang_up hang_up) {
  SP_CHECK((unsigned)hang_up < SP_HANG_UP_COUNT);
  return hang_ups[hang_up];
}

const char *sp_outcome_name(enum sp_outcome outcome) {
  SP_CHECK((unsigned)outcome < SP_OUTCOME_COUNT);
  return names[outcome];
}

bool sp_outcome_is_failure(enum sp_outcome outcome) {
  return outcome != SP_OUTCOME_OK && outcome != SP_OUTCOME_ABANDONED && outcome != SP_OUTCOME_CANCELLED;
}

bool sp_outcome_is_completed(enum sp_outcome outcome) {
  return outcome == SP_OUTCOME_OK || sp_outcome_is_failure(outcome);
}
