/*
 * What a request is for. Only `load` is the load: the others have rows of their own and are in no total, rate, SLO,
 * goodput or law.
 */
#ifndef SP_STATS_ROLE_H
#define SP_STATS_ROLE_H

enum sp_role {
  SP_ROLE_LOAD,
  SP_ROLE_PROBE, /* looks at the target while the load runs */
  SP_ROLE_SETUP, /* prepares the load: a login, an upload */
  SP_ROLE_COUNT
};

const char *sp_role_name(enum sp_role role); /* "probe": plans, JSON */
int sp_role_find(const char *name);          /* -1 when there is none */

#endif
