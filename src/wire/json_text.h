/*
 * JSON's escapes: the part of wire/json.h that needs no tokens. Private to wire.
 */
#ifndef SP_WIRE_JSON_TEXT_H
#define SP_WIRE_JSON_TEXT_H

#include "wire/json.h"

/* True when the escaped text of a valid JSON string (without quotes) means `plain`. */
bool sp_json_escaped_equals(struct sp_str escaped, struct sp_str plain);

/* What the text of a valid JSON string (without quotes) means, in *scratch; as sp_json_string(). */
struct sp_str sp_json_unescape(struct sp_str raw, struct sp_buf *scratch);

#endif
