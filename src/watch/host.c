/*
 * host: this machine, a cgroup or processes, by the kernel's own files. Nothing is asked of the target itself, so it can't
 * be slowed by questions, and it works as long as the machine does.
 */
#include "watch/host.h"

#include "base/mem.h"
#include "base/units.h"
#include "watch/kinds.h"
#include "watch/proc_parse.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define URL_FORM "local | cgroup:PATH | process:NAME"

static const struct sp_host_place *const places[] = {&sp_host_machine, &sp_host_cgroup, &sp_host_processes};

static const struct sp_watch_option options[] = {
    {"port", "a port that it listens at: its accept queue is watched as SUBJECT.accept"},
    {"proc", "where the machine's /proc is mounted (/proc)"},
    {"cgroups", "where its cgroups are mounted (/sys/fs/cgroup)"},
    {NULL, NULL},
};

/* -- what places share -- */

static int read_file(struct sp_proc *proc, const struct sp_host_file *file, const char *below, struct sp_err *err) {
  struct sp_str text;
  return file->folder ? sp_proc_read(proc, &text, err, "%s/%s/%s", file->folder, below, file->path)
                      : sp_proc_read(proc, &text, err, "%s", file->path);
}

void sp_host_tell_files(struct sp_proc *proc, const struct sp_host_file *files, const char *below, struct sp_watch_sink *sink) {
  char seen[SP_OBSERVED_DETAIL_MAX] = "";
  size_t len = 0;
  for (; files->path; files++) {
    struct sp_err err;
    if (read_file(proc, files, below, &err) == 0) {
      int wrote = snprintf(seen + len, sizeof(seen) - len, "%s%s", len ? ", " : "", files->shows);
      len += wrote > 0 && (size_t)wrote < sizeof(seen) - len ? (size_t)wrote : 0;
    } else if (files->advice) {
      sp_watch_cannot(sink, "%s: %s: %s", files->shows, err.text, files->advice);
    }
  }
  if (len) sp_watch_can(sink, "%s", seen);
}

void sp_host_pressure(struct sp_proc *proc, const char *const files[3], struct sp_look *look) {
  struct sp_str text;
  if (sp_proc_has(proc, &text, "%s", files[0])) {
    sp_look_set(look, SP_SIGNAL_CPU_PRESSURE, sp_proc_pressure_s(text, "some"), files[0]);
  }
  if (sp_proc_has(proc, &text, "%s", files[1])) {
    sp_look_set(look, SP_SIGNAL_MEMORY_PRESSURE, sp_proc_pressure_s(text, "full"), files[1]);
  }
  if (sp_proc_has(proc, &text, "%s", files[2])) {
    sp_look_set(look, SP_SIGNAL_IO_PRESSURE, sp_proc_pressure_s(text, "some"), files[2]);
  }
}

double sp_host_cpus(struct sp_host *host) {
  struct sp_str text;
  struct sp_proc_cpu cpu;
  return sp_proc_has(&host->proc, &text, "stat") && sp_proc_cpu(text, &cpu) ? cpu.cpus : NAN;
}

/* -- the kind -- */

static int fail_url(const char *url, struct sp_err *err) {
  return sp_fail(err, SP_EUSAGE, "'%s' is no place: write host=local, host=cgroup:/sys/fs/cgroup/NAME, host=process:NAME or "
                                 "host=process:PID", url);
}

static const struct sp_host_place *find_place(const char *url, const char **name) {
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    size_t len = strlen(places[i]->prefix);
    *name = url + len;
    bool has_name = len && places[i]->prefix[len - 1] == ':';
    if (strncmp(url, places[i]->prefix, len) == 0 && (has_name ? **name != '\0' : **name == '\0')) return places[i];
  }
  return NULL;
}

static int read_port(const struct sp_watch_spec *spec, unsigned *port, struct sp_err *err) {
  const char *text = sp_watch_option_of(spec, "port");
  uint64_t number = 0;
  *port = 0;
  if (!text) return 0;
  if (sp_parse_count(text, &number, err)) return sp_err_context(err, "port");
  if (number == 0 || number > UINT16_MAX) return sp_fail(err, SP_EUSAGE, "'%s' is no port", text);
  *port = (unsigned)number;
  return 0;
}

static char *join(const char *a, const char *b) {
  size_t size = strlen(a) + strlen(b) + 1;
  char *text = sp_alloc(size);
  snprintf(text, size, "%s%s", a, b);
  return text;
}

static void close_host(void *watcher) {
  struct sp_host *host = watcher;
  if (host->place->close) host->place->close(host);
  sp_proc_fini(&host->proc);
  sp_rates_fini(&host->rates);
  free(host->cgroups);
  free(host->name);
  free(host->subject);
  free(host->accept);
  free(host);
}

static struct sp_host *new_host(const struct sp_watch_spec *spec, const struct sp_host_place *place, const char *name) {
  struct sp_host *host = sp_alloc(sizeof(*host));
  const char *proc = sp_watch_option_of(spec, "proc"), *cgroups = sp_watch_option_of(spec, "cgroups");
  *host = (struct sp_host){.place = place, .name = sp_strdup(name), .subject = sp_strdup(spec->subject)};
  host->self = proc ? "1" : "self"; /* another mount of /proc may not know this process */
  sp_proc_init(&host->proc, proc ? proc : "/proc");
  host->cgroups = sp_strdup(cgroups ? cgroups : "/sys/fs/cgroup");
  sp_rates_init(&host->rates);
  return host;
}

static int open_host(const struct sp_watch_spec *spec, void **watcher, char **source, struct sp_err *err) {
  const char *name;
  const struct sp_host_place *place = find_place(spec->url, &name);
  unsigned port;
  if (!place) return fail_url(spec->url, err);
  if (read_port(spec, &port, err)) return err->code;
  struct sp_host *host = new_host(spec, place, name);
  host->port = port;
  if (place->open && place->open(host, err)) {
    close_host(host);
    return err->code;
  }
  if (!host->subject) host->subject = sp_strdup(*name ? name : "host");
  host->accept = join(host->subject, ".accept");
  *watcher = host;
  *source = join("host ", spec->url);
  return 0;
}

static int probe(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_host *host = watcher;
  return host->place->probe(host, sink, err);
}

static int sample(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_host *host = watcher;
  return host->place->sample(host, sink, err);
}

const struct sp_watcher_kind sp_watcher_host = {
    .name = "host",
    .url_form = URL_FORM,
    .help = "this machine, a cgroup or processes: CPU, throttling, pressure, memory, disks, NFS, network, accept queue",
    .options = options,
    .open = open_host,
    .probe = probe,
    .sample = sample,
    .close = close_host,
};
