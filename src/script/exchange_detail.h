/*
 * The one line that an error table shows of a failure: no line ends, no secrets, at most SP_DETAIL_MAX bytes.
 */
#ifndef SP_SCRIPT_EXCHANGE_DETAIL_H
#define SP_SCRIPT_EXCHANGE_DETAIL_H

#include "base/buf.h"
#include "wire/http1.h"

/* Replaces what *detail holds. */
void sp_detail_set(struct sp_buf *detail, struct sp_str text, const struct sp_str *secrets, size_t secret_count);
/* "503 Service Unavailable". */
void sp_detail_status(struct sp_buf *detail, const struct sp_http1_head *head, const struct sp_str *secrets,
                      size_t secret_count);
/* Puts what an error's JSON body says behind the status: Dify's {"code","message"}, OpenAI's {"error":{…}}. */
void sp_detail_add_body(struct sp_buf *detail, struct sp_str body, const struct sp_str *secrets, size_t secret_count);

/* Replaces each secret in the bytes by *** (in place: the result is never longer than the text), and the beginning of
 * one at the end, where a text was cut. What is shorter than SP_SECRET_MIN bytes is left alone. */
#define SP_SECRET_MIN 4u
void sp_redact(char *bytes, size_t *len, const struct sp_str *secrets, size_t secret_count);

/* A text as one line of at most `room` bytes, for people: control bytes become spaces, secrets are hidden. Gives its
 * length; not terminated. */
size_t sp_detail_line(char *line, size_t room, struct sp_str text, const struct sp_str *secrets, size_t secret_count);

#endif
