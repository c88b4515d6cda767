#include "cli/task_pick.h"

#include <string.h>

size_t sp_task_pick_all(const struct sp_plan *plan, const char *name, struct sp_task_pick *picks, size_t max) {
  size_t count = 0;
  for (size_t c = 0; c < plan->class_count; c++) {
    for (size_t t = 0; plan->classes[c].weight && t < plan->classes[c].task_count; t++) {
      const struct sp_task_spec *task = &plan->classes[c].tasks[t];
      if (task->weight == 0 || count == max || (name && strcmp(task->name, name) != 0)) continue;
      picks[count++] = (struct sp_task_pick){c, t};
    }
  }
  return count;
}

void sp_task_pick_only(struct sp_plan *plan, struct sp_task_pick pick) {
  for (size_t c = 0; c < plan->class_count; c++) {
    struct sp_task_spec *tasks = (struct sp_task_spec *)plan->classes[c].tasks;
    plan->classes[c].weight = c == pick.class_index;
    for (size_t t = 0; t < plan->classes[c].task_count; t++) {
      tasks[t].weight = c == pick.class_index && t == pick.task_index;
    }
  }
}

void sp_task_pick_load(struct sp_load *load) {
  *load = (struct sp_load){.users = 1, .iterations = 1, .threads = 1, .seed = load->seed, .stop_timeout_ns = SP_STOP_TIMEOUT_NS};
}
