/*
 * From options and plan to everything a run needs: load, HTTP settings, file limits. Shared by run, try and demo.
 */
#ifndef SP_CLI_SETUP_H
#define SP_CLI_SETUP_H

#include "cli/options.h"
#include "script/user_lua.h"

struct sp_setup {
  struct sp_plan *plan;
  struct sp_load load;
  struct sp_lua_conf conf;
  struct sp_http_reach reach; /* conf's; the setup does not move */
  char *host; /* redacted, for people */
};

/* Loads the plan and settles what flags, plan and defaults say (in this order). */
int sp_setup_init(struct sp_setup *setup, const struct sp_options *options, struct sp_err *err);
void sp_setup_fini(struct sp_setup *setup);

/* A URL without what looks like a secret in it (sp_url_redact), otherwise as it was given. The caller frees it. */
char *sp_setup_redact(const char *text);

/* Does the target share this machine with us: by a name of its own (localhost, 127.x, ::1), or behind a Unix socket? */
bool sp_setup_shares_machine(const struct sp_setup *setup);

#define SP_FILES_BESIDE 64u /* files that are no connections: loops, outputs, libraries */
/* Raises the soft limit of open files to what `connections` need; where the hard limit is in the way, to that, and a
 * sentence with the command. */
int sp_raise_file_limit(uint64_t connections, struct sp_err *err);

#endif
