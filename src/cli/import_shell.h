/*
 * A command as it was pasted, split into words as a POSIX shell does it (XCU 2.2, 2.3): quotes, backslashes, lines
 * continued with a backslash, and bash's $'…'. Nothing is expanded or run: $NAME stays as it is written. The first
 * command counts; what stands behind it (a pipe, a second line) is only noticed.
 */
#ifndef SP_CLI_IMPORT_SHELL_H
#define SP_CLI_IMPORT_SHELL_H

#include "base/buf.h"
#include "base/err.h"

#define SP_SHELL_TEXT_MAX (4u * 1024u * 1024u)
#define SP_SHELL_WORDS_MAX 2000u

struct sp_shell_words {
  char **items; /* each terminated, without NUL inside */
  size_t count;
  bool more;      /* something stands behind the command */
  bool variables; /* $NAME, ${…}, $(…) or `…` stand in it */
};

/* SP_EUSAGE with line and column of the fault. */
int sp_shell_split(struct sp_str text, struct sp_shell_words *words, struct sp_err *err);
void sp_shell_words_fini(struct sp_shell_words *words);

#endif
