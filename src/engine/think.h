/* When the next task of a user is due. */
#ifndef SP_ENGINE_THINK_H
#define SP_ENGINE_THINK_H

#include "base/rng.h"
#include "engine/load.h"

#define SP_THINK_MAX_NS (INT64_C(366) * 24 * 3600 * SP_NS_PER_S) /* longer pauses are cut to this */

/* The end of the pause behind a task that was due at task_due_ns and ended at now_ns. Not for SP_THINK_CUSTOM. */
int64_t sp_think_due_ns(const struct sp_think *think, struct sp_rng *rng, int64_t task_due_ns, int64_t now_ns);

#endif
