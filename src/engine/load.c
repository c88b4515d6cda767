#include "engine/load.h"

#include <math.h>

void sp_load_init(struct sp_load *load) {
  *load = (struct sp_load){ .users = 1, .stop_timeout_ns = SP_STOP_TIMEOUT_NS, .seed = 1 };
}

static bool is_time(int64_t ns) { return ns >= 0 && ns <= SP_LOAD_TIME_MAX_NS; }

int sp_load_check(const struct sp_load *load, struct sp_err *err) {
  if (load->users == 0 || load->users > SP_USERS_MAX)
    return sp_fail(err, SP_EUSAGE, "users must be 1 to %u, not %llu", SP_USERS_MAX, (unsigned long long)load->users);
  if (!isfinite(load->spawn_per_s) || load->spawn_per_s < 0)
    return sp_fail(err, SP_EUSAGE, "the spawn rate must be a number of users a second, 0 or more");
  if (load->threads > SP_THREADS_MAX)
    return sp_fail(err, SP_EUSAGE, "threads must be at most %u, not %u", SP_THREADS_MAX, load->threads);
  if (!is_time(load->run_time_ns) || !is_time(load->stop_timeout_ns) || !is_time(load->warm_up_ns))
    return sp_fail(err, SP_EUSAGE, "run time, warm-up and stop timeout must be 0 to ten years");
  if (load->run_time_ns > 0 && load->warm_up_ns >= load->run_time_ns)
    return sp_fail(err, SP_EUSAGE, "the warm-up must be shorter than the run time: nothing would be measured");
  return 0;
}
