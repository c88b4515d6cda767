/*
 * May the run's own numbers be believed? Facts measured in the run against limits; each reason is one sentence
 * with its figure and a remedy. Facts that are 0 (NAN, NULL) are not known and give no reason.
 *
 * Little's law holds for whatever is counted and timed rightly: L = X W (J. Little, A proof for the queuing formula,
 * 1961), and for users in a closed loop N = X (R + Z). Both sides are measured apart here (counts integrated over the
 * time; throughput and times from the samples), so where they differ, time went by that the samples don't know of:
 * the generator's.
 */
#ifndef SP_ENGINE_VALIDITY_H
#define SP_ENGINE_VALIDITY_H

#include "engine/cgroup.h"
#include "stats/interval.h"

#define SP_REASONS_MAX 16u
#define SP_REASON_TEXT_MAX 400u
#define SP_NOTES_MAX 4u

/* A share of late samples says something only where several were late: one slow read of three is no verdict. */
#define SP_LATE_SAMPLES_MIN 5u

struct sp_validity {
  bool valid;
  size_t reason_count;
  char reasons[SP_REASONS_MAX][SP_REASON_TEXT_MAX];
  size_t note_count; /* worth knowing, no reason against the run */
  char notes[SP_NOTES_MAX][SP_REASON_TEXT_MAX];
  double cpu_share;     /* of the busiest engine thread */
  double closure_error; /* Little's law: the larger of those below, as a share; NAN where neither was computed */
  double users_closure, requests_closure; /* signed: predicted / observed - 1; NAN where not computed */
  uint64_t late_starts, dropped_starts;
};

struct sp_thread_facts {
  double cpu_share;  /* of one CPU, 0 … 1, over the run */
  double wait_share; /* of the time, waiting for a CPU that others had */
};

/* What the counts say against what the times say; both are means over the time. */
struct sp_little {
  double observed;  /* users, or requests in flight, integrated over the time */
  double predicted; /* throughput x mean time; NAN where there is too little to say */
  uint64_t samples;
  double lost_s; /* the difference, a sample: > 0: time that the times don't know of */
};

struct sp_validity_facts {
  const struct sp_interval *totals;
  bool running; /* requests are in flight still: the books need not close */
  double cpu_share;
  uint64_t dropped_starts; /* 0: as the totals say */

  int64_t duration_ns;
  const struct sp_thread_facts *thread; /* thread_count of them; borrowed */
  unsigned thread_count;
  struct sp_throttling throttling;
  struct sp_little users_law, requests_law;

  uint64_t port_exhausted;   /* connections that found no local port (EADDRNOTAVAIL) */
  double conn_rate;          /* new connections a second */
  unsigned port_low, port_high; /* the system's range for local ports */
  uint64_t files_exhausted;  /* connections that found no file descriptor (EMFILE, ENFILE) */
  uint64_t file_limit;       /* RLIMIT_NOFILE; 0: not known */
  unsigned source_count;     /* local addresses that connections are made from; 0: as one */
  bool shared_machine;       /* the target is on this machine */
  const char *proxy;         /* the names of proxies that requests went through; NULL or "": none. Borrowed */
};
/* After the run the books are held to close, too. */
void sp_validity_judge(const struct sp_validity_facts *facts, struct sp_validity *out);

/* "32768\t60999" of /proc/sys/net/ipv4/ip_local_port_range. False where it is none. */
bool sp_port_range_parse(const char *text, unsigned *low, unsigned *high);
/* Reads it; path NULL: the system's. Zeros where it can't. */
void sp_port_range_read(const char *path, unsigned *low, unsigned *high);
/* New connections a second to one address that the range allows: a closed one keeps its port for a minute (TIME_WAIT:
 * twice the maximum segment lifetime, RFC 9293; a constant of Linux). */
double sp_port_range_conn_rate(unsigned low, unsigned high);

#endif
