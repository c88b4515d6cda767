/*
 * JSON's escapes: the part of wire/json.h that needs no tokens, and what it asks of them. Private to wire.
 */
#ifndef SP_WIRE_JSON_TEXT_H
#define SP_WIRE_JSON_TEXT_H

#include "wire/json.h"

/* True when the escaped text of a valid JSON string (without quotes) means `plain`. */
bool sp_json_escaped_equals(struct sp_str escaped, struct sp_str plain);

/* True for a string that sp_json_raw() shows with escapes; known without a look at its text. */
bool sp_json_has_escapes(const struct sp_json *doc, int value);

#endif
