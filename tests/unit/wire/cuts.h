/*
 * Feeds a parser the same bytes whole, byte by byte, cut in two at every place and cut at random (with a seed), each
 * piece at the end of a page with an unreadable one behind it, and holds what it logs to one text.
 */
#ifndef SP_TESTS_CUTS_H
#define SP_TESTS_CUTS_H

#include "base/buf.h"

struct guard {
  char *pages; /* readable, followed by a page that is not */
  size_t size;
};

void guard_init(struct guard *guard, size_t size_max);
void guard_fini(struct guard *guard);
/* A copy of the bytes that ends where reading on is a fault. Valid until the next call. */
struct sp_str guard_copy(struct guard *guard, struct sp_str bytes);

struct cut_subject {
  void *(*create)(struct sp_buf *log);
  void (*feed)(void *self, struct sp_str piece); /* logs a failure once */
  void (*end)(void *self);                       /* finishes, logs that, frees */
};

/* Fails the test, naming the cut, where the log is not `expected`. */
void cuts_check(const struct cut_subject *subject, struct sp_str input, const char *expected);

/* As above, and what a whole feed logs is what is expected of the others. */
void cuts_check_same(const struct cut_subject *subject, struct sp_str input);

#endif
