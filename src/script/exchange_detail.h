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
void sp_detail_status(struct sp_buf *detail, const struct sp_http1_head *head);
/* Puts what an error's JSON body says behind the status: Dify's {"code","message"}, OpenAI's {"error":{…}}. */
void sp_detail_add_body(struct sp_buf *detail, struct sp_str body, const struct sp_str *secrets, size_t secret_count);

/* Replaces each occurrence of a secret in the bytes by *** (in place: the result is never longer than the text,
 * secrets shorter than 4 bytes are left alone). */
void sp_redact(char *bytes, size_t *len, const struct sp_str *secrets, size_t secret_count);

#endif
