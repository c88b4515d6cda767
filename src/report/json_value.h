/*
 * Values of JSON documents (jansson): n/a is null, never 0; texts are made clean.
 */
#ifndef SP_REPORT_JSON_VALUE_H
#define SP_REPORT_JSON_VALUE_H

#include "base/str.h"
#include "stats/hist.h"

#include <jansson.h>

/* Takes the value; NULL becomes null. */
void sp_doc_set(json_t *object, const char *key, json_t *value);
json_t *sp_doc_read(struct sp_str text); /* a document that was kept; NULL where there is none */

json_t *sp_doc_text(const char *text);   /* NULL: null */
json_t *sp_doc_filled(const char *text); /* "": null */
json_t *sp_doc_number(double value);     /* not finite: null */
json_t *sp_doc_whole(uint64_t value);    /* what does not fit JSON's integers as readers have them is text */
json_t *sp_doc_seconds(int64_t ns);
json_t *sp_doc_hist_ms(const struct sp_hist *hist); /* of us; schema HIST, or null */
void sp_doc_set_hist(json_t *object, const struct sp_hist *hist, double scale); /* its members, into the object */

#endif
