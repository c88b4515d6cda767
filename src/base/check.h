/*
 * Always-on checks for bugs of ours: prints function, file and line to standard error and aborts.
 * Never for what a user, a plan or a target can cause.
 */
#ifndef SP_BASE_CHECK_H
#define SP_BASE_CHECK_H

_Noreturn void sp_check_failed(const char *expression, const char *function, const char *file, int line);

#define SP_CHECK(expression) \
  ((expression) ? (void)0 : sp_check_failed(#expression, __func__, __FILE__, __LINE__))

#endif
