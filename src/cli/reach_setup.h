/*
 * From options and environment to how targets are reached (http/reach.h).
 */
#ifndef SP_CLI_REACH_SETUP_H
#define SP_CLI_REACH_SETUP_H

#include "cli/options.h"

/* host: of the target, "" where it is not known. After a failure the reach is empty. */
int sp_reach_settle(struct sp_http_reach *reach, const struct sp_options *options, const char *host, uint64_t seed,
                    struct sp_err *err);

/* The proxy that the environment puts before this host, for a notice: nobody asked for it on the command line. NULL:
 * none. */
const char *sp_reach_ambient_proxy(const struct sp_http_reach *reach, const char *host);

#endif
