/* host=process:NAME and process:PID. By name: whoever is called so at each look, so that workers may come and go. */
#include "watch/host.h"

#include "base/mem.h"
#include "watch/proc_parse.h"
#include "watch/processes.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KERNEL_NAME_MAX 15u /* the kernel cuts a process's name there */
#define PROGRAM_MAX 256u    /* bytes of a command's first word that are looked at */

struct state {
  struct sp_processes processes;
  unsigned pid;       /* 0: by name */
  unsigned first_pid; /* of the last look */
};

static int open_processes(struct sp_host *host, struct sp_err *err) {
  double pid = sp_proc_number(sp_str_from(host->name));
  if (pid < 1 || pid > INT_MAX) return sp_fail(err, SP_EUSAGE, "'%s' is no process id", host->name);
  struct state *state = sp_alloc(sizeof(*state));
  state->pid = isnan(pid) ? 0 : (unsigned)pid;
  sp_processes_init(&state->processes, &host->proc);
  host->state = state;
  return 0;
}

static void close_processes(struct sp_host *host) {
  struct state *state = host->state;
  if (!state) return;
  sp_processes_fini(&state->processes);
  free(state);
}

/* -- by name -- */

/* "/usr/bin/gunicorn" and "gunicorn: worker [app]" are gunicorn. */
static void program_of(struct sp_str command, char *name) {
  struct sp_str word = sp_str_of(command.bytes, strnlen(command.bytes, command.len));
  word = sp_proc_word(&word);
  if (word.len && word.bytes[word.len - 1] == ':') word.len--;
  const char *slash = word.len ? memrchr(word.bytes, '/', word.len) : NULL;
  if (slash) word = sp_str_of(slash + 1, word.len - (size_t)(slash + 1 - word.bytes));
  snprintf(name, PROGRAM_MAX, SP_STR_FMT, SP_STR_ARG(word));
}

/* This program may be called as the target is (spate mock): the load generator is no part of it. */
static bool is_self(struct sp_host *host, unsigned pid) {
  return strcmp(host->proc.root, "/proc") == 0 && (pid_t)pid == getpid();
}

static bool is_called(struct sp_host *host, unsigned pid) {
  char name[PROGRAM_MAX];
  struct sp_str text;
  if (is_self(host, pid) || !sp_proc_has(&host->proc, &text, "%u/comm", pid)) return false;
  snprintf(name, sizeof(name), SP_STR_FMT, SP_STR_ARG(sp_str_trim(text)));
  if (sp_str_matches(host->name, name)) return true;
  bool cut = strlen(name) == KERNEL_NAME_MAX && strncmp(name, host->name, KERNEL_NAME_MAX) == 0;
  if (!sp_proc_has(&host->proc, &text, "%u/cmdline", pid) || text.len == 0) return cut;
  program_of(text, name);
  return sp_str_matches(host->name, name);
}

static void add(struct state *state, unsigned pid) {
  if (sp_processes_add(&state->processes, pid) && state->first_pid == 0) state->first_pid = pid;
}

static int add_named(struct sp_host *host, struct sp_err *err) {
  struct dirent *entry;
  DIR *folder = opendir(host->proc.root);
  if (!folder) return sp_fail(err, SP_EIO, "%s: %s", host->proc.root, strerror(errno));
  while ((entry = readdir(folder))) {
    double pid = sp_proc_number(sp_str_from(entry->d_name));
    if (pid >= 1 && pid <= INT_MAX && is_called(host, (unsigned)pid)) add(host->state, (unsigned)pid);
  }
  closedir(folder);
  return 0;
}

static int look(struct sp_host *host, int64_t at_ns, struct sp_err *err) {
  struct state *state = host->state;
  state->first_pid = 0;
  sp_processes_begin(&state->processes, at_ns);
  if (state->pid) add(state, state->pid);
  if (!state->pid && add_named(host, err)) return err->code;
  if (sp_processes_count(&state->processes)) return 0;
  return state->pid ? sp_fail(err, SP_EIO, "there is no process %u", state->pid)
                    : sp_fail(err, SP_EIO, "no process is called '%s': `ps -eo comm,args` shows the names", host->name);
}

/* -- the place -- */

static void tell_what_shows(struct sp_host *host, struct sp_watch_sink *sink) {
  struct state *state = host->state;
  struct sp_str text;
  struct sp_err err;
  size_t count = sp_processes_count(&state->processes);
  sp_watch_can(sink, "CPU, memory, page faults and threads of %zu process%s", count, count == 1 ? "" : "es");
  if (state->processes.left_out) {
    sp_watch_cannot(sink, "%zu more processes: %u are looked at", state->processes.left_out, SP_PROCESSES_MAX);
  }
  if (state->processes.denied) {
    sp_watch_cannot(sink, "their disk I/O and open files: they are another user's: run as that user or as root");
  }
  if (sp_proc_read(&host->proc, &text, &err, "%u/schedstat", state->first_pid)) {
    sp_watch_cannot(sink, "waiting for a CPU, and the busiest thread: %s: the kernel was built without CONFIG_SCHED_INFO",
                    err.text);
  }
}

static int probe(struct sp_host *host, struct sp_watch_sink *sink, struct sp_err *err) {
  char process[16];
  struct state *state = host->state;
  if (look(host, sp_clock_real_ns(), err)) return err->code;
  tell_what_shows(host, sink);
  snprintf(process, sizeof(process), "%u", state->first_pid);
  sp_host_accept_probe(host, sink, process);
  return 0;
}

static int sample(struct sp_host *host, struct sp_watch_sink *sink, struct sp_err *err) {
  char process[16];
  struct sp_look found;
  struct state *state = host->state;
  int64_t at_ns = sp_clock_real_ns();
  if (look(host, at_ns, err)) return err->code;
  sp_look_init(&found, host->subject, NULL, host->proc.root, at_ns);
  sp_look_set(&found, SP_SIGNAL_CPU_LIMIT, sp_host_cpus(host), "stat");
  sp_processes_end(&state->processes, &found);
  sp_look_tell(&found, &host->rates, sink);
  snprintf(process, sizeof(process), "%u", state->first_pid);
  if (sp_host_own_network(host, process)) sp_host_network(host, sink, process, at_ns);
  sp_host_accept(host, sink, process, at_ns);
  return 0;
}

const struct sp_host_place sp_host_processes = {
    .prefix = "process:", .open = open_processes, .probe = probe, .sample = sample, .close = close_processes};
