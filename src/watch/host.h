/*
 * Private to host: what the places have in common. A place (this machine, a cgroup, processes) is a file with a table.
 */
#ifndef SP_WATCH_HOST_H
#define SP_WATCH_HOST_H

#include "watch/look.h"
#include "watch/proc_text.h"
#include "watch/watch.h"

struct sp_host_place;
struct sp_host {
  const struct sp_host_place *place;
  void *state;             /* the place's own */
  struct sp_proc proc;     /* below /proc */
  char *cgroups;           /* where cgroups are mounted */
  const char *self;        /* the process whose network and mounts are the machine's */
  char *name;              /* what the URL says behind the colon: a path, a process; "" */
  char *subject, *accept;  /* accept: of the queue of a listening port */
  unsigned port;           /* 0: none */
  struct sp_rates rates;
};

struct sp_host_place {
  const char *prefix; /* of the URL: "cgroup:" */
  /* MAY. Reads host->name; sets host->subject where the spec gave none (it is NULL then), and its state. */
  int (*open)(struct sp_host *host, struct sp_err *err);
  int (*probe)(struct sp_host *host, struct sp_watch_sink *sink, struct sp_err *err);
  int (*sample)(struct sp_host *host, struct sp_watch_sink *sink, struct sp_err *err);
  void (*close)(struct sp_host *host); /* MAY */
};
extern const struct sp_host_place sp_host_machine, sp_host_cgroup, sp_host_processes;

/* A file that a place reads, and what to do where it can't be read. */
struct sp_host_file {
  const char *path, *shows, *advice; /* advice NULL: its absence is nothing to tell */
  const char *folder;                /* FOLDER/BELOW/PATH it is then; NULL: PATH */
};
/* Says of each whether it can be read. Ends with a NULL path. */
void sp_host_tell_files(struct sp_proc *proc, const struct sp_host_file *files, const char *below, struct sp_watch_sink *sink);

/* The pressure files of CPU, memory and I/O. */
void sp_host_pressure(struct sp_proc *proc, const char *const files[3], struct sp_look *look);
double sp_host_cpus(struct sp_host *host); /* of the machine; NAN */

/* The network of a process (an id, or "self"): host_net.c. */
void sp_host_network(struct sp_host *host, struct sp_watch_sink *sink, const char *process, int64_t at_ns);
/* The accept queue of the port: of the process's network. */
void sp_host_accept_probe(struct sp_host *host, struct sp_watch_sink *sink, const char *process);
void sp_host_accept(struct sp_host *host, struct sp_watch_sink *sink, const char *process, int64_t at_ns);
/* Does the process have a network of its own, not the machine's? */
bool sp_host_own_network(struct sp_host *host, const char *process);

#endif
