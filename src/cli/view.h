/*
 * The terminal's live view as options and environment ask for it.
 */
#ifndef SP_CLI_VIEW_H
#define SP_CLI_VIEW_H

#include "cli/options.h"
#include "report/terminal.h"

struct sp_terminal *sp_view_open(const struct sp_options *options);

#endif
