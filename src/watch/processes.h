/*
 * What a changing set of processes uses: at each look the caller says which there are now. What a process used between two
 * looks counts from its start where it began between them; what one used after the look before its end is not seen.
 *
 *   sp_processes_begin(p, at_ns);
 *   sp_processes_add(p, pid);            // for each
 *   sp_processes_end(p, &look);          // fills in what is known of all of them, counters as sums that never fall
 */
#ifndef SP_WATCH_PROCESSES_H
#define SP_WATCH_PROCESSES_H

#include "watch/look.h"
#include "watch/proc_text.h"

#define SP_PROCESSES_MAX 1000u /* looked at; more are counted in left_out */
#define SP_THREADS_MAX 1000u   /* of all of them, looked at one by one (one file each) */

struct sp_processes_seen; /* one process or thread, at one look */
struct sp_processes_set {
  struct sp_processes_seen *items;
  size_t count, max;
};
struct sp_processes {
  struct sp_proc *proc; /* borrowed */
  struct sp_processes_set processes, processes_before, threads, threads_before;
  int64_t at_ns, before_ns; /* before_ns 0: the first look */
  size_t left_out;          /* processes of this look */
  double ticks_per_s;
  /* Sums of all looks. */
  double cpu_s, run_wait_s, major_faults, read_bytes, written_bytes;
  /* Of this look. */
  double private_bytes, shared_bytes, thread_count, busiest_thread_s, files, files_limit;
  bool denied; /* some did not show their I/O and files */
};
void sp_processes_init(struct sp_processes *processes, struct sp_proc *proc);
void sp_processes_fini(struct sp_processes *processes);
void sp_processes_begin(struct sp_processes *processes, int64_t at_ns);
bool sp_processes_add(struct sp_processes *processes, unsigned pid); /* false: it is gone */
void sp_processes_end(struct sp_processes *processes, struct sp_look *look);
size_t sp_processes_count(const struct sp_processes *processes);

#endif
