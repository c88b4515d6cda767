/*
 * Where a command shows things to people: standard output, or standard error where a document goes to standard output.
 */
#ifndef SP_CLI_SCREEN_H
#define SP_CLI_SCREEN_H

#include "cli/options.h"
#include "report/terminal.h"

struct sp_terminal *sp_screen_open(const struct sp_options *options);

#endif
