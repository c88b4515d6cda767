/*
 * The mock's resources under load on the fake clock (closed_system.h), as a watcher would see them: each second what the mock's
 * exporter would say (mock/exporter.c), and nothing that it would not. The truth about its stations stays hidden.
 */
#ifndef SP_TESTS_WATCHED_SYSTEM_H
#define SP_TESTS_WATCHED_SYSTEM_H

#include "../mock/closed_system.h"

#include "mock/mock.h"
#include "model/whatif.h"

#define WATCHED_LOADS_MAX 8u

struct watched_system {
  struct sp_diagnose_step steps[WATCHED_LOADS_MAX];
  struct sp_diagnose_input input;
  struct sp_observations *observations;
};
/* Some simulated minutes at each of these numbers of users (0 ends the list), who think so long on the average. */
void watched_system_open(struct watched_system *watched, const char *profile, const char *app, const unsigned *users,
                         double think_s);
void watched_system_close(struct watched_system *watched);
/* The throughput alone. */
double watched_system_per_s(const char *profile, const char *app, unsigned users, double think_s);

#endif
