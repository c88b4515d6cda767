/* Memory, disks and network file systems, of a container or a host. */
#include "model/diagnose_rules.h"

#include <math.h>
#include <stdio.h>

#define MEMORY_FULL 0.90   /* of the limit: node mixin; awesome-prometheus-alerts has 80 % */
#define PRESSURE 0.005     /* of the time all of it stood still for memory (PSI, full) */
#define FAULTS_PER_S 500.0 /* node mixin */
#define SWAP_PER_S 100.0
#define DISK_FULL 0.90
#define DISK_QUEUE 10.0  /* node mixin: weighted I/O time */
#define IO_PRESSURE 0.20 /* of the time somebody waits for I/O */
#define IOWAIT 0.10      /* awesome-prometheus-alerts */
#define WRITE_SLOW_S 0.1
#define NFS_QUEUE_S 0.005 /* an operation waits in the client: its slots are taken */
#define NFS_SLOW_S 0.05

/* -- memory -- */

static double memory_level(const struct sp_suspect *suspect, size_t step) {
  if (sp_see(suspect, SP_SIGNAL_MEMORY_OOM_KILLS, NULL, step) > 0) return 1;
  return sp_see(suspect, SP_SIGNAL_MEMORY_USED, NULL, step) / sp_see_last(suspect, SP_SIGNAL_MEMORY_LIMIT);
}

static bool memory_saturated(const struct sp_suspect *suspect, enum sp_signal *shown, char *text, size_t size) {
  size_t step = suspect->d->pressed;
  double kills = sp_see(suspect, SP_SIGNAL_MEMORY_OOM_KILLS, NULL, step),
         pressure = sp_see(suspect, SP_SIGNAL_MEMORY_PRESSURE, NULL, step),
         faults = sp_see(suspect, SP_SIGNAL_MEMORY_MAJOR_FAULTS, NULL, step),
         swap = sp_see(suspect, SP_SIGNAL_MEMORY_SWAP, NULL, step);
  if (kills > 0) {
    *shown = SP_SIGNAL_MEMORY_OOM_KILLS;
    snprintf(text, size, "processes were killed for want of memory (%.3f/s)", kills);
  } else if (pressure >= PRESSURE) {
    snprintf(text, size, "it stood still for memory %.1f %% of the time", pressure * 100);
  } else if (faults >= FAULTS_PER_S || swap >= SWAP_PER_S) {
    *shown = faults >= FAULTS_PER_S ? SP_SIGNAL_MEMORY_MAJOR_FAULTS : SP_SIGNAL_MEMORY_SWAP;
    snprintf(text, size, "%.0f major faults/s, %.0f pages swapped/s", sp_zero(faults), sp_zero(swap));
  } else {
    return false;
  }
  return true;
}

static void memory_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  double used = sp_see(suspect, SP_SIGNAL_MEMORY_USED, NULL, step),
         limit = sp_see_last(suspect, SP_SIGNAL_MEMORY_LIMIT);
  snprintf(text, size, "memory %.0f of %.0f MiB (%.0f %%)", used / 1048576, limit / 1048576, used / limit * 100);
}

static void memory_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  bool database = suspect->kind == SP_SUBJECT_DATABASE;
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX, "give %s more memory%s", suspect->name,
           database ? ", or ask for less: work_mem x connections + shared_buffers (a quarter of it) must fit"
                    : ", or fewer workers: each process has its own");
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "restarts %s", suspect->name);
}

/* -- disks -- */

static double disk_level(const struct sp_suspect *suspect, size_t step) {
  double busy = sp_see(suspect, SP_SIGNAL_DISK_BUSY, NULL, step),
         queue = sp_see(suspect, SP_SIGNAL_DISK_QUEUE, NULL, step);
  if (isnan(busy) && isnan(queue)) return busy;
  return fmin(fmax(sp_zero(busy), sp_zero(queue) / DISK_QUEUE), 1);
}

static bool disk_saturated(const struct sp_suspect *suspect, enum sp_signal *shown, char *text, size_t size) {
  (void)shown;
  size_t step = suspect->d->pressed;
  double queue = sp_see(suspect, SP_SIGNAL_DISK_QUEUE, NULL, step),
         write_s = sp_see(suspect, SP_SIGNAL_DISK_WRITE_TIME, NULL, step),
         pressure = sp_see(suspect, SP_SIGNAL_IO_PRESSURE, NULL, step),
         idle = sp_see(suspect, SP_SIGNAL_CPU_IOWAIT, NULL, step);
  if (!(queue >= DISK_QUEUE) && !(write_s >= WRITE_SLOW_S) && !(pressure >= IO_PRESSURE) && !(idle >= IOWAIT))
    return false;
  snprintf(text, size, "%.1f requests at the disk, %.1f ms a write, somebody waits for I/O %.0f %% of the time",
           sp_zero(queue), sp_zero(write_s) * 1000, fmax(sp_zero(pressure), sp_zero(idle)) * 100);
  return true;
}

static void disk_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  snprintf(text, size, "disk busy %.0f %% of the time, %.1f requests at it",
           sp_zero(sp_see(suspect, SP_SIGNAL_DISK_BUSY, NULL, step)) * 100,
           sp_zero(sp_see(suspect, SP_SIGNAL_DISK_QUEUE, NULL, step)));
}

static void disk_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "find who writes and reads on %s (io.read, io.write): a database with too little shared_buffers or "
           "max_wal_size, merges "
           "of the vector store; give it a disk of its own",
           suspect->name);
  out->factor = 1.5;
}

/* -- network file systems -- */

static double nfs_level(const struct sp_suspect *suspect, size_t step) {
  double queue_s = sp_see(suspect, SP_SIGNAL_NFS_QUEUE_TIME, NULL, step),
         time_s = sp_see(suspect, SP_SIGNAL_NFS_TIME, NULL, step);
  if (isnan(queue_s) && isnan(time_s)) return queue_s;
  return fmin(fmax(sp_zero(queue_s) / NFS_QUEUE_S, sp_zero(time_s) / NFS_SLOW_S), 1);
}

static bool nfs_saturated(const struct sp_suspect *suspect, enum sp_signal *shown, char *text, size_t size) {
  (void)shown;
  double queue_s = sp_see(suspect, SP_SIGNAL_NFS_QUEUE_TIME, NULL, suspect->d->pressed);
  if (!(queue_s >= NFS_QUEUE_S)) return false;
  snprintf(text, size, "an operation waits %.1f ms before it is sent: the client's slots are taken", queue_s * 1000);
  return true;
}

static void nfs_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  snprintf(text, size, "NFS: %.1f ms an operation, %.1f ms before it is sent",
           sp_zero(sp_see(suspect, SP_SIGNAL_NFS_TIME, NULL, step)) * 1000,
           sp_zero(sp_see(suspect, SP_SIGNAL_NFS_QUEUE_TIME, NULL, step)) * 1000);
}

static void nfs_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "take the database and the vector store of %s off NFS, to a local SSD: every commit waits for the server's "
           "answer",
           suspect->name);
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "data moves: copy, check, switch; backups have to follow");
  out->factor = 2;
}

static const struct sp_rule rules[] = {
    {.resource = "memory",
     .anchors = {SP_SIGNAL_MEMORY_USED, SP_SIGNAL_MEMORY_OOM_KILLS},
     .anchor_count = 2,
     .full = MEMORY_FULL,
     .needs_queue = true,
     .unmeasured = true,
     .level = memory_level,
     .saturated = memory_saturated,
     .figure = memory_figure,
     .shown = SP_SIGNAL_MEMORY_USED,
     .queue_shown = SP_SIGNAL_MEMORY_PRESSURE,
     .waits = {"waiting for want of memory in ", ""},
     .needles = {"out of memory", "oomkilled", "cannot allocate memory"},
     .advise = memory_advise},
    {.resource = "disk",
     .anchors = {SP_SIGNAL_DISK_BUSY, SP_SIGNAL_DISK_QUEUE},
     .anchor_count = 2,
     .full = DISK_FULL,
     .needs_queue = true,
     .scales = true,
     .unmeasured = true,
     .level = disk_level,
     .saturated = disk_saturated,
     .figure = disk_figure,
     .shown = SP_SIGNAL_DISK_BUSY,
     .queue_shown = SP_SIGNAL_DISK_QUEUE,
     .waits = {"waiting for the disk of ", ""},
     .advise = disk_advise},
    {.resource = "nfs",
     .anchors = {SP_SIGNAL_NFS_TIME, SP_SIGNAL_NFS_QUEUE_TIME},
     .anchor_count = 2,
     .full = 1,
     .unmeasured = true,
     .level = nfs_level,
     .saturated = nfs_saturated,
     .figure = nfs_figure,
     .shown = SP_SIGNAL_NFS_TIME,
     .queue_shown = SP_SIGNAL_NFS_QUEUE_TIME,
     .waits = {"waiting for the network file system of ", ""},
     .advise = nfs_advise},
};
const struct sp_rules sp_rules_machine = {rules, sizeof(rules) / sizeof(rules[0])};
