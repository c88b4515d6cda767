/* Base64 (RFC 4648 §4, padded). */
#ifndef SP_BASE_BASE64_H
#define SP_BASE_BASE64_H

#include "base/buf.h"

int sp_base64_append(struct sp_str raw, struct sp_buf *out); /* SP_ELIMIT: out is full, with a part of it */

#endif
