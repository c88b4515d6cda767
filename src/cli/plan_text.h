/*
 * Lua source: texts, keys and JSON values as Lua writes them. A secret inside a text becomes its variable.
 * The writer fails as a whole: once something did not fit, `full` stays and nothing more is appended.
 */
#ifndef SP_CLI_PLAN_TEXT_H
#define SP_CLI_PLAN_TEXT_H

#include "cli/import_secrets.h"
#include "wire/json.h"

struct sp_plan_text {
  struct sp_buf *out;
  const struct sp_import_secrets *secrets; /* NULL: texts are written as they are */
  struct sp_buf scratch;
  bool full;
};

void sp_plan_text_init(struct sp_plan_text *text, struct sp_buf *out, const struct sp_import_secrets *secrets);
void sp_plan_text_fini(struct sp_plan_text *text);

void sp_plan_put(struct sp_plan_text *text, const char *source); /* Lua source as it is */
void sp_plan_putf(struct sp_plan_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sp_plan_put_indent(struct sp_plan_text *text, int levels);
/* An expression for the bytes: "…", a variable, or both joined by `..`. */
void sp_plan_put_string(struct sp_plan_text *text, struct sp_str bytes);
void sp_plan_put_key(struct sp_plan_text *text, struct sp_str name); /* `name = ` or `["na me"] = ` */

/* True when the value comes out of spate's own encoder with the same meaning: no member twice, no number that a double
 * or its text would change, no broken UTF-8. */
bool sp_plan_json_fits(const struct sp_json *doc, int value);
void sp_plan_put_json(struct sp_plan_text *text, const struct sp_json *doc, int value, int indent);

bool sp_plan_is_utf8(struct sp_str bytes);

#endif
