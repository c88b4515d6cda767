/*
 * JSON's escapes: the part of wire/json.h that needs no tokens. Private to wire.
 */
#ifndef SP_WIRE_JSON_TEXT_H
#define SP_WIRE_JSON_TEXT_H

#include "base/str.h"

/* True when the escaped text of a valid JSON string (without quotes) means `plain`. */
bool sp_json_escaped_equals(struct sp_str escaped, struct sp_str plain);

#endif
