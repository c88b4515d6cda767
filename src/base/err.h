/*
 * An error that we can explain: a code and one sentence for the person who has to act.
 *
 * A function that can fail returns 0 or a negative enum sp_code and fills *err. Callers may put what
 * they know in front with sp_err_context(). Only cli prints. What a *target* does wrong is no error
 * here: it is data (see stats/outcome.h).
 */
#ifndef SP_BASE_ERR_H
#define SP_BASE_ERR_H

#include <stddef.h>

enum sp_code {
  SP_OK = 0,
  SP_EUSAGE = -1, /* the command line or an expression is wrong */
  SP_EPLAN = -2,  /* a plan or profile is wrong */
  SP_EIO = -3,    /* the system said no: file, socket, limit of the machine */
  SP_ELIMIT = -4, /* a cap with a name was reached */
  SP_EPARSE = -5, /* bytes that are not what they should be */
  SP_ENOTFOUND = -6,
};

#define SP_ERR_TEXT_MAX 1024

struct sp_err {
  int code;
  char text[SP_ERR_TEXT_MAX]; /* always terminated; cut at the end where too long */
};

/* Fills *err (may be NULL) and returns `code`, so that `return sp_fail(err, SP_EIO, "…")` reads well. */
int sp_fail(struct sp_err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the text and returns err->code. err is not NULL. */
int sp_err_context(struct sp_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "there is no WHAT 'WORD': did you mean 'NEAR'?", or where none is near all there are. SP_EUSAGE. `next` as for
 * sp_str_nearest (base/str.h). */
int sp_fail_no_such(struct sp_err *err, const char *what, const char *word, const char *(*next)(const void *table, size_t i),
                    const void *table);

#endif
