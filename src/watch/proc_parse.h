/*
 * What stands in the files of /proc that are more than names and values. Pure: text in, numbers out; fuzzed. Lines that do
 * not look as they should are passed over.
 */
#ifndef SP_WATCH_PROC_PARSE_H
#define SP_WATCH_PROC_PARSE_H

#include "watch/proc_text.h"

/* /proc/stat, in ticks since the start, over all processors. */
struct sp_proc_cpu {
  double busy, iowait, steal, all;
  double cpus;
};
bool sp_proc_cpu(struct sp_str text, struct sp_proc_cpu *out);

/* /proc/schedstat: seconds in which runnable threads waited for a processor; NAN: not there. */
double sp_proc_run_wait_s(struct sp_str text);

/* /proc/diskstats, disk by disk: no partitions, loops, RAM disks and CD drives. */
struct sp_proc_disk {
  struct sp_str name;
  bool stacked; /* upon other disks (dm-, md): its bytes are theirs too */
  double read_bytes, written_bytes, writes, write_s, busy_s, queue_s;
};
struct sp_proc_disks {
  struct sp_str rest, last;
};
bool sp_proc_disk_next(struct sp_proc_disks *disks, struct sp_proc_disk *out);

/* /proc/net/dev, without the loopback. */
struct sp_proc_interface {
  struct sp_str name;
  double in_bytes, out_bytes, drops; /* drops: and errors, both ways */
};
bool sp_proc_interface_next(struct sp_str *rest, struct sp_proc_interface *out);

/* /proc/PID/mountstats: the operations of the NFS mounts, and of each mount all together (op "") behind its own. */
struct sp_proc_nfs {
  struct sp_str mount, op;
  double ops, queue_s, time_s; /* of all of them so far: waited in the client, sent to answered */
};
struct sp_proc_mounts {
  struct sp_str rest, mount;
  bool in_ops;
  struct sp_proc_nfs sum;
};
bool sp_proc_nfs_next(struct sp_proc_mounts *mounts, struct sp_proc_nfs *out);

/* /proc/PID/stat. Times in ticks. */
struct sp_proc_process {
  struct sp_str name; /* at most 15 bytes; may be anything */
  double parent, major_faults, cpu, threads, start;
};
bool sp_proc_process(struct sp_str text, struct sp_proc_process *out);

/* /proc/net/tcp and tcp6: connections that wait for accept() at the listeners of the port; NAN: nobody listens. */
double sp_proc_accept_waiting(struct sp_str text, unsigned port);

#endif
