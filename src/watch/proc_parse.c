#include "watch/proc_parse.h"

#include <ctype.h>
#include <math.h>

#define SECTOR_BYTES 512.0 /* of diskstats, whatever the disk has */
#define NS 1e-9
#define MS 1e-3

/* -- processors -- */

enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, STATES };

static bool read_states(struct sp_str line, struct sp_proc_cpu *out) {
  double ticks[STATES] = {0}; /* old kernels have no steal */
  if (sp_proc_numbers(line, ticks, STATES) < STEAL) return false;
  for (size_t i = 0; i < STATES; i++) ticks[i] = isnan(ticks[i]) ? 0 : ticks[i];
  out->iowait = ticks[IOWAIT];
  out->steal = ticks[STEAL];
  out->busy = ticks[USER] + ticks[NICE] + ticks[SYSTEM] + ticks[IRQ] + ticks[SOFTIRQ];
  out->all = out->busy + ticks[IDLE] + ticks[IOWAIT] + ticks[STEAL];
  return true;
}

bool sp_proc_cpu(struct sp_str text, struct sp_proc_cpu *out) {
  bool found = false;
  *out = (struct sp_proc_cpu){0};
  while (text.len) {
    struct sp_str line = sp_str_split(&text, '\n'), name = sp_proc_word(&line);
    if (sp_str_eq(name, SP_STR("cpu"))) found = read_states(line, out);
    if (name.len > 3 && sp_str_starts(name, SP_STR("cpu")) && isdigit((unsigned char)name.bytes[3])) out->cpus++;
  }
  return found && out->cpus > 0;
}

double sp_proc_run_wait_s(struct sp_str text) {
  double sum_ns = NAN, fields[8]; /* the eighth: run delay (Documentation/scheduler/sched-stats.rst) */
  while (text.len) {
    struct sp_str line = sp_str_split(&text, '\n'), name = sp_proc_word(&line);
    if (!sp_str_starts(name, SP_STR("cpu")) || sp_proc_numbers(line, fields, 8) < 8) continue;
    sum_ns = isnan(sum_ns) ? fields[7] : sum_ns + fields[7];
  }
  return sum_ns * NS;
}

/* -- disks -- */

static const struct sp_str no_disks[] = {{"loop", 4}, {"ram", 3}, {"zram", 4}, {"sr", 2}, {"fd", 2}};

static bool is_disk(struct sp_str name) {
  for (size_t i = 0; i < sizeof(no_disks) / sizeof(no_disks[0]); i++) {
    struct sp_str prefix = no_disks[i];
    if (sp_str_starts(name, prefix) && name.len > prefix.len && isdigit((unsigned char)name.bytes[prefix.len])) return false;
  }
  return name.len > 0;
}

/* sda1 of sda, nvme0n1p2 of nvme0n1: partitions stand behind their disk. */
static bool is_partition(struct sp_str name, struct sp_str disk) {
  if (disk.len == 0 || !sp_str_starts(name, disk) || name.len == disk.len) return false;
  size_t i = disk.len;
  if (isdigit((unsigned char)disk.bytes[disk.len - 1]) && name.bytes[i++] != 'p') return false;
  if (i == name.len) return false;
  for (; i < name.len; i++) {
    if (!isdigit((unsigned char)name.bytes[i])) return false;
  }
  return true;
}

bool sp_proc_disk_next(struct sp_proc_disks *disks, struct sp_proc_disk *out) {
  double n[11]; /* Documentation/admin-guide/iostats.rst, fields 1 to 11 */
  while (disks->rest.len) {
    struct sp_str line = sp_str_split(&disks->rest, '\n');
    sp_proc_word(&line); /* the device's numbers */
    sp_proc_word(&line);
    struct sp_str name = sp_proc_word(&line);
    if (!is_disk(name) || is_partition(name, disks->last) || sp_proc_numbers(line, n, 11) < 11) continue;
    disks->last = name;
    bool stacked = sp_str_starts(name, SP_STR("dm-")) || sp_str_starts(name, SP_STR("md"));
    *out = (struct sp_proc_disk){.name = name, .stacked = stacked, .read_bytes = n[2] * SECTOR_BYTES, .writes = n[4],
                                 .written_bytes = n[6] * SECTOR_BYTES,
                                 .write_s = n[7] * MS, .busy_s = n[9] * MS, .queue_s = n[10] * MS};
    return true;
  }
  return false;
}

/* -- network -- */

bool sp_proc_interface_next(struct sp_str *rest, struct sp_proc_interface *out) {
  double n[12]; /* bytes packets errs drop fifo frame compressed multicast, and bytes packets errs drop … of what was sent */
  while (rest->len) {
    struct sp_str line = sp_str_split(rest, '\n'), name = sp_str_trim(sp_str_split(&line, ':'));
    if (name.len == 0 || sp_str_eq(name, SP_STR("lo")) || sp_proc_numbers(line, n, 12) < 12) continue;
    *out = (struct sp_proc_interface){.name = name, .in_bytes = n[0], .out_bytes = n[8], .drops = n[2] + n[3] + n[10] + n[11]};
    return true;
  }
  return false;
}

/* -- NFS -- */

/* "device server:/export mounted on /data with fstype nfs4 statvers=1.1": where; empty: another file system. */
static struct sp_str nfs_mount(struct sp_str line) {
  struct sp_str place = {0};
  while (line.len) {
    struct sp_str word = sp_proc_word(&line);
    if (sp_str_eq(word, SP_STR("on"))) place = sp_proc_word(&line);
    if (!sp_str_eq(word, SP_STR("fstype"))) continue;
    struct sp_str type = sp_proc_word(&line);
    return sp_str_eq(type, SP_STR("nfs")) || sp_str_eq(type, SP_STR("nfs4")) ? place : (struct sp_str){0};
  }
  return (struct sp_str){0};
}

/* "WRITE: ops transmissions timeouts sent received queue rtt execute …", times in ms. */
static bool read_op(struct sp_str line, struct sp_proc_nfs *out) {
  double n[7];
  struct sp_str name = sp_proc_word(&line);
  if (name.len < 2 || name.bytes[name.len - 1] != ':' || sp_proc_numbers(line, n, 7) < 7) return false;
  out->op = sp_str_of(name.bytes, name.len - 1);
  out->ops = n[0];
  out->queue_s = n[5] * MS;
  out->time_s = n[6] * MS;
  return true;
}

/* The sum of the mount that ends here; false: there was none. */
static bool end_mount(struct sp_proc_mounts *mounts, struct sp_proc_nfs *out) {
  bool had = mounts->in_ops;
  *out = mounts->sum;
  mounts->in_ops = false;
  mounts->sum = (struct sp_proc_nfs){0};
  return had;
}

bool sp_proc_nfs_next(struct sp_proc_mounts *mounts, struct sp_proc_nfs *out) {
  while (mounts->rest.len) {
    struct sp_str behind = mounts->rest, line = sp_str_trim(sp_str_split(&behind, '\n'));
    bool begins = sp_str_starts(line, SP_STR("device "));
    if (begins && end_mount(mounts, out)) return true; /* this line is looked at again */
    mounts->rest = behind;
    if (begins) {
      mounts->mount = nfs_mount(line);
    } else if (mounts->mount.len && sp_str_starts(line, SP_STR("per-op statistics"))) {
      mounts->in_ops = true;
      mounts->sum = (struct sp_proc_nfs){.mount = mounts->mount};
    } else if (mounts->in_ops && read_op(line, out)) {
      out->mount = mounts->mount;
      mounts->sum.ops += out->ops;
      mounts->sum.queue_s += out->queue_s;
      mounts->sum.time_s += out->time_s;
      return true;
    }
  }
  return end_mount(mounts, out);
}

/* -- a process -- */

enum { PARENT = 1, MAJOR_FAULTS = 9, USER_TIME = 11, SYSTEM_TIME = 12, THREADS = 17, START = 19, STAT_FIELDS };

/* "42 (name) S 1 …": the name may hold spaces and brackets itself. */
bool sp_proc_process(struct sp_str text, struct sp_proc_process *out) {
  const char *open = text.len ? memchr(text.bytes, '(', text.len) : NULL,
             *close = text.len ? memrchr(text.bytes, ')', text.len) : NULL;
  if (!open || !close || close < open) return false;
  struct sp_str line = sp_str_of(close + 1, text.len - (size_t)(close + 1 - text.bytes));
  line = sp_str_trim(sp_str_split(&line, '\n'));
  double fields[STAT_FIELDS];
  for (size_t i = 0; i < STAT_FIELDS; i++) fields[i] = sp_proc_number(sp_proc_word(&line));
  *out = (struct sp_proc_process){.name = sp_str_of(open + 1, (size_t)(close - open - 1)), .parent = fields[PARENT],
                                  .major_faults = fields[MAJOR_FAULTS], .cpu = fields[USER_TIME] + fields[SYSTEM_TIME],
                                  .threads = fields[THREADS], .start = fields[START]};
  return !isnan(out->cpu + out->parent + out->major_faults + out->threads + out->start);
}

/* -- listeners -- */

#define STATE_LISTEN "0A"

static double hex(struct sp_str text) {
  double value = 0;
  if (text.len == 0 || text.len > 8) return NAN;
  for (size_t i = 0; i < text.len; i++) {
    int c = tolower((unsigned char)text.bytes[i]);
    if (!isxdigit(c)) return NAN;
    value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return value;
}

/* "sl local_address rem_address st tx_queue:rx_queue …", in hexadecimal. */
double sp_proc_accept_waiting(struct sp_str text, unsigned port) {
  double waiting = NAN;
  while (text.len) {
    struct sp_str line = sp_str_split(&text, '\n');
    sp_proc_word(&line);
    struct sp_str local = sp_proc_word(&line);
    sp_str_split(&local, ':');
    sp_proc_word(&line);
    bool listens = sp_str_eq(sp_proc_word(&line), SP_STR(STATE_LISTEN));
    struct sp_str queue = sp_proc_word(&line);
    sp_str_split(&queue, ':');
    if (!listens || hex(local) != (double)port || isnan(hex(queue))) continue;
    waiting = isnan(waiting) ? hex(queue) : waiting + hex(queue);
  }
  return waiting;
}
