/*
 * The kernel's text files (/proc, cgroups): read whole within a cap, and taken apart. Bytes in, numbers out; what does not
 * look as it should is left out, never guessed. Numbers are doubles, as rates want them (exact to 2^53); NAN: not there.
 * Text is borrowed; nothing here keeps it. One thread a reader.
 */
#ifndef SP_WATCH_PROC_TEXT_H
#define SP_WATCH_PROC_TEXT_H

#include "base/buf.h"
#include "base/err.h"

#define SP_PROC_FILE_MAX (1u << 20) /* bytes; a longer file ends there */

/* -- reading -- */

struct sp_proc {
  char *root;         /* below which all paths are: "/proc" */
  struct sp_buf text; /* of the last file */
};
void sp_proc_init(struct sp_proc *proc, const char *root);
void sp_proc_fini(struct sp_proc *proc);
/* *text is valid until the next read. SP_EIO with "PATH: reason". */
int sp_proc_read(struct sp_proc *proc, struct sp_str *text, struct sp_err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same where nobody asks why not: false, and an empty text. */
bool sp_proc_has(struct sp_proc *proc, struct sp_str *text, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* -- what all of them are made of -- */

struct sp_str sp_proc_word(struct sp_str *rest); /* up to the next blank; empty at the end */
double sp_proc_number(struct sp_str word);       /* digits only, up to 2^64 - 1 */
size_t sp_proc_numbers(struct sp_str line, double *out, size_t max); /* leading ones of a line; how many */
/* Of lines "name value" and "name: value kB": the first number behind the name. */
double sp_proc_value(struct sp_str text, const char *name);
/* Of lines "a.b name=value name=value" (io.stat) the sum of all that are called so. */
double sp_proc_sum(struct sp_str text, const char *name);
/* Of pairs of lines, "Group: name name" above "Group: value value" (net/snmp, net/netstat). */
double sp_proc_paired(struct sp_str text, const char *group, const char *name);
/* Pressure: seconds in which "some" or "full" waited, so far. */
double sp_proc_pressure_s(struct sp_str text, const char *who);
/* How many are in a list like "0-3,8". */
double sp_proc_list_count(struct sp_str text);

#endif
