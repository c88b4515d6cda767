#include "stats/role.h"

#include "base/check.h"

#include <string.h>

static const char *const names[SP_ROLE_COUNT] = {
  [SP_ROLE_LOAD] = "load",
  [SP_ROLE_PROBE] = "probe",
  [SP_ROLE_SETUP] = "setup",
};

const char *sp_role_name(enum sp_role role) {
  SP_CHECK((unsigned)role < SP_ROLE_COUNT);
  return names[role];
}

int sp_role_find(const char *name) {
  for (int i = 0; i < SP_ROLE_COUNT; i++) {
    if (strcmp(names[i], name) == 0) {
      return i;
    }
  }
  return -1;
}
