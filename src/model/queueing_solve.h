/* Private to the queueing models: the sequences that a network's solution is made of. */
#ifndef SP_MODEL_QUEUEING_SOLVE_H
#define SP_MODEL_QUEUEING_SOLVE_H

#include "model/queueing.h"

int sp_queue_check(const struct sp_queue_model *model, const struct sp_queue_load *load, struct sp_err *err);
/* Served a second when n are there, n > 0; of slots with something nested only their own delay. */
double sp_queue_rate(const struct sp_queue_station *station, double n);
bool sp_queue_is_limited(const struct sp_queue_station *station); /* some can be too many */
/* The slots that hold it, looking through those without a limit (they hold nobody up); SP_QUEUE_ROOT. */
int sp_queue_holder(const struct sp_queue_model *model, int nested_in);
bool sp_queue_takes_time(const struct sp_queue_model *model, size_t station); /* it, or anything nested in it */
bool sp_queue_has_nested(const struct sp_queue_model *model, size_t station); /* anything that takes time */
/* What gets through when ever more press in. INFINITY: any number. */
double sp_queue_limit_per_s(const struct sp_queue_model *model);

#endif
