/*
 * Files built into the binary: the Lua prelude and the built-in plans. scripts/embed.py writes the
 * table from the list in src/script/meson.build.
 */
#ifndef SP_SCRIPT_EMBEDDED_H
#define SP_SCRIPT_EMBEDDED_H

#include <stddef.h>

struct sp_embedded {
  const char *kind; /* "prelude", "plan" */
  const char *name; /* "spate.dify", "dify:chat" */
  const char *text;
  size_t len;
};
extern const struct sp_embedded sp_embedded_files[]; /* ends with name NULL */

const struct sp_embedded *sp_embedded_find(const char *kind, const char *name); /* NULL when there is none */

#endif
