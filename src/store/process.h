/*
 * Is the process that wrote something still there? A number is not enough: numbers are given anew, after a restart of
 * the machine too, and another container has numbers of its own.
 */
#ifndef SP_STORE_PROCESS_H
#define SP_STORE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#define SP_BOOT_ID_SIZE 40
#define SP_SILENT_NS (INT64_C(60) * 1000000000) /* a run that wrote nothing for so long, where nothing better is known */

struct sp_process {
  int64_t pid;
  uint64_t started;            /* in the clock ticks of /proc/PID/stat; 0: not known */
  uint64_t space;              /* its PID namespace; 0: not known */
  char boot[SP_BOOT_ID_SIZE];  /* "": not known */
};

void sp_process_self(struct sp_process *out);
/* silent_ns: since it last wrote something; decides for a process of another PID namespace, which we can't see. */
bool sp_process_is_gone(const struct sp_process *process, int64_t silent_ns);

#endif
