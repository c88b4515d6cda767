#include "watch/processes.h"

#include "base/mem.h"
#include "watch/proc_parse.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NS 1e-9
#define KIB 1024.0

struct sp_processes_seen {
  unsigned id;
  double start;  /* of a process: tells two of the same id apart */
  double cpu_s, run_wait_s, major_faults, read_bytes, written_bytes; /* so far; NAN: not known */
};

/* -- sets -- */

static struct sp_processes_set new_set(size_t max) {
  return (struct sp_processes_set){.items = sp_alloc_array(max, sizeof(struct sp_processes_seen)), .max = max};
}

static void swap_sets(struct sp_processes_set *now, struct sp_processes_set *before) {
  struct sp_processes_set kept = *before;
  *before = *now;
  *now = kept;
  now->count = 0;
}

/* Looks come in nearly the same order each time: the search begins where the item was. */
static const struct sp_processes_seen *find(const struct sp_processes_set *before, size_t near, unsigned id, double start) {
  for (size_t i = 0; i < before->count; i++) {
    const struct sp_processes_seen *seen = &before->items[(near + i) % before->count];
    if (seen->id == id && seen->start == start) return seen;
  }
  return NULL;
}

void sp_processes_init(struct sp_processes *processes, struct sp_proc *proc) {
  *processes = (struct sp_processes){.proc = proc, .ticks_per_s = (double)sysconf(_SC_CLK_TCK)};
  processes->processes = new_set(SP_PROCESSES_MAX);
  processes->processes_before = new_set(SP_PROCESSES_MAX);
  processes->threads = new_set(SP_THREADS_MAX);
  processes->threads_before = new_set(SP_THREADS_MAX);
}

void sp_processes_fini(struct sp_processes *processes) {
  free(processes->processes.items);
  free(processes->processes_before.items);
  free(processes->threads.items);
  free(processes->threads_before.items);
}

void sp_processes_begin(struct sp_processes *processes, int64_t at_ns) {
  swap_sets(&processes->processes, &processes->processes_before);
  swap_sets(&processes->threads, &processes->threads_before);
  processes->before_ns = processes->at_ns;
  processes->at_ns = at_ns;
  processes->left_out = 0;
  processes->private_bytes = processes->shared_bytes = processes->thread_count = 0;
  processes->busiest_thread_s = processes->files = processes->files_limit = NAN;
  processes->denied = false;
}

/* -- counters -- */

/* Adds what a counter grew by. NAN once: unknown then. */
static void grow(double *sum, double before, double now) {
  if (!isnan(before) && !isnan(now) && now > before) *sum += now - before;
}

/* What was not there at the look before is new, but at the first look nothing is. */
static void count_process(struct sp_processes *processes, const struct sp_processes_seen *now) {
  static const struct sp_processes_seen nothing;
  const struct sp_processes_seen *before =
      find(&processes->processes_before, processes->processes.count, now->id, now->start);
  if (!before && processes->before_ns == 0) return;
  if (!before) before = &nothing;
  grow(&processes->cpu_s, before->cpu_s, now->cpu_s);
  grow(&processes->major_faults, before->major_faults, now->major_faults);
  grow(&processes->read_bytes, before->read_bytes, now->read_bytes);
  grow(&processes->written_bytes, before->written_bytes, now->written_bytes);
}

static void count_thread(struct sp_processes *processes, const struct sp_processes_seen *now) {
  const struct sp_processes_seen *before = find(&processes->threads_before, processes->threads.count, now->id, 0);
  if (!before) return;
  grow(&processes->run_wait_s, before->run_wait_s, now->run_wait_s);
  double busy_s = now->cpu_s - before->cpu_s;
  if (busy_s >= 0 && !(processes->busiest_thread_s >= busy_s)) processes->busiest_thread_s = busy_s;
}

/* -- one process's files -- */

static void look_at_thread(struct sp_processes *processes, unsigned pid, unsigned tid) {
  struct sp_str text;
  double times_ns[2]; /* on a processor, waiting for one */
  struct sp_processes_set *set = &processes->threads;
  if (set->count == set->max || !sp_proc_has(processes->proc, &text, "%u/task/%u/schedstat", pid, tid)) return;
  if (sp_proc_numbers(sp_str_split(&text, '\n'), times_ns, 2) < 2) return;
  struct sp_processes_seen seen = {.id = tid, .cpu_s = times_ns[0] * NS, .run_wait_s = times_ns[1] * NS};
  count_thread(processes, &seen);
  set->items[set->count++] = seen;
}

static void look_at_threads(struct sp_processes *processes, unsigned pid) {
  char path[PATH_MAX];
  struct dirent *entry;
  snprintf(path, sizeof(path), "%s/%u/task", processes->proc->root, pid);
  DIR *folder = opendir(path);
  if (!folder) return;
  while ((entry = readdir(folder))) {
    double tid = sp_proc_number(sp_str_from(entry->d_name));
    if (tid > 0 && tid < UINT_MAX) look_at_thread(processes, pid, (unsigned)tid);
  }
  closedir(folder);
}

/* Pages shared with its siblings (a database's buffers) count once: the most that one of them maps. */
static void look_at_memory(struct sp_processes *processes, unsigned pid) {
  struct sp_str text;
  if (!sp_proc_has(processes->proc, &text, "%u/status", pid)) return;
  double private_kib = sp_proc_value(text, "RssAnon"), shared_kib = sp_proc_value(text, "RssShmem");
  if (isnan(private_kib)) private_kib = sp_proc_value(text, "VmRSS"); /* kernels before 4.5 */
  if (!isnan(private_kib)) processes->private_bytes += private_kib * KIB;
  if (shared_kib * KIB > processes->shared_bytes) processes->shared_bytes = shared_kib * KIB;
}

static double count_files(struct sp_processes *processes, unsigned pid) {
  char path[PATH_MAX];
  double count = 0;
  struct dirent *entry;
  snprintf(path, sizeof(path), "%s/%u/fd", processes->proc->root, pid);
  DIR *folder = opendir(path);
  if (!folder) return NAN;
  while ((entry = readdir(folder))) count += entry->d_name[0] != '.';
  closedir(folder);
  return count;
}

/* "Max open files  1024  524288  files": the soft one. */
static double files_limit(struct sp_processes *processes, unsigned pid) {
  struct sp_str text;
  sp_proc_has(processes->proc, &text, "%u/limits", pid);
  while (text.len) {
    struct sp_str line = sp_str_split(&text, '\n'), name = SP_STR("Max open files");
    if (!sp_str_starts(line, name)) continue;
    struct sp_str rest = sp_str_of(line.bytes + name.len, line.len - name.len);
    return sp_proc_number(sp_proc_word(&rest));
  }
  return NAN;
}

/* The fullest counts: a limit is each process's own. */
static void look_at_files(struct sp_processes *processes, unsigned pid) {
  double used = count_files(processes, pid), limit = files_limit(processes, pid);
  if (isnan(used)) processes->denied = true;
  if (isnan(used) || isnan(limit) || limit <= 0) return;
  if (processes->files / processes->files_limit >= used / limit) return;
  processes->files = used;
  processes->files_limit = limit;
}

static void look_at_io(struct sp_processes *processes, unsigned pid, struct sp_processes_seen *seen) {
  struct sp_str text;
  seen->read_bytes = seen->written_bytes = NAN;
  if (!sp_proc_has(processes->proc, &text, "%u/io", pid)) return;
  seen->read_bytes = sp_proc_value(text, "read_bytes");
  seen->written_bytes = sp_proc_value(text, "write_bytes");
}

bool sp_processes_add(struct sp_processes *processes, unsigned pid) {
  struct sp_str text;
  struct sp_proc_process process;
  struct sp_processes_set *set = &processes->processes;
  if (!sp_proc_has(processes->proc, &text, "%u/stat", pid) || !sp_proc_process(text, &process)) return false;
  if (set->count == set->max) {
    processes->left_out++;
    return true;
  }
  struct sp_processes_seen seen = {.id = pid, .start = process.start, .cpu_s = process.cpu / processes->ticks_per_s,
                                   .major_faults = process.major_faults};
  processes->thread_count += process.threads;
  look_at_io(processes, pid, &seen);
  look_at_memory(processes, pid);
  look_at_files(processes, pid);
  look_at_threads(processes, pid);
  count_process(processes, &seen);
  set->items[set->count++] = seen;
  return true;
}

size_t sp_processes_count(const struct sp_processes *processes) { return processes->processes.count; }

void sp_processes_end(struct sp_processes *processes, struct sp_look *look) {
  double span_s = (double)(processes->at_ns - processes->before_ns) * NS;
  sp_look_set(look, SP_SIGNAL_CPU_CORES, processes->cpu_s, "/proc/PID/stat");
  sp_look_set(look, SP_SIGNAL_MEMORY_MAJOR_FAULTS, processes->major_faults, "/proc/PID/stat");
  sp_look_set(look, SP_SIGNAL_MEMORY_USED, processes->private_bytes + processes->shared_bytes, "/proc/PID/status");
  sp_look_set(look, SP_SIGNAL_THREADS, processes->thread_count, "/proc/PID/stat");
  sp_look_set(look, SP_SIGNAL_FILES_USED, processes->files, "/proc/PID/fd");
  sp_look_set(look, SP_SIGNAL_FILES_LIMIT, processes->files_limit, "/proc/PID/limits");
  if (!processes->denied) {
    sp_look_set(look, SP_SIGNAL_IO_READ, processes->read_bytes, "/proc/PID/io");
    sp_look_set(look, SP_SIGNAL_IO_WRITE, processes->written_bytes, "/proc/PID/io");
  }
  if (processes->threads.count == 0) return;
  sp_look_set(look, SP_SIGNAL_CPU_RUN_WAIT, processes->run_wait_s, "/proc/PID/task/TID/schedstat");
  sp_look_set(look, SP_SIGNAL_CPU_BUSIEST_THREAD, processes->before_ns ? processes->busiest_thread_s / span_s : NAN,
              "/proc/PID/task/TID/schedstat");
}
