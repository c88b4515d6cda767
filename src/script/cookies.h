/*
 * A user's cookie jar on the requests of an exchange. The clock of cookies is the wall's; it is read only where there is
 * a cookie.
 */
#ifndef SP_SCRIPT_COOKIES_H
#define SP_SCRIPT_COOKIES_H

#include "wire/cookie_jar.h"
#include "wire/http1.h"

int64_t sp_cookies_now_s(void);
/* What the answer to `url` sets. */
void sp_cookies_take(struct sp_cookie_jar *jar, struct sp_str url, const struct sp_http1_head *head);
/* Fills *out with the headers and a Cookie header behind them. False: nothing to add (a plan's own Cookie header stays
 * as it is). */
bool sp_cookies_add(struct sp_cookie_jar *jar, struct sp_str url, struct sp_str headers, struct sp_buf *out);

#endif
