/* Private to the folder: the JSON summary and its larger parts. */
#ifndef SP_REPORT_JSON_PARTS_H
#define SP_REPORT_JSON_PARTS_H

#include "model/whatif.h"
#include "report/json_value.h"
#include "report/report.h"

/* json.c */
json_t *sp_doc_summary(const struct sp_result *result); /* spate.summary/1 */
json_t *sp_doc_tags(const struct sp_tag *tags, size_t count);
json_t *sp_doc_run(const struct sp_result *result);

/* json_request.c: of an interval, whose rates are over measured_ns. */
json_t *sp_doc_totals(const struct sp_interval *interval, int64_t measured_ns);
json_t *sp_doc_requests(const struct sp_interval *interval, int64_t measured_ns);

/* json_verdict.c */
json_t *sp_doc_validity(const struct sp_result *result);
json_t *sp_doc_slos(const struct sp_result *result);
json_t *sp_doc_load(const struct sp_result *result); /* what was asked for, and what came of it */
json_t *sp_doc_stages(const struct sp_result *result);
json_t *sp_doc_notes(const struct sp_result *result);

/* json_watch.c, json_diagnosis.c: what was seen of the target over the measured time, and what that says. */
json_t *sp_doc_watch(const struct sp_result *result); /* result->seen is not NULL */
json_t *sp_doc_diagnosis(const struct sp_diagnosis *diagnosis);
json_t *sp_doc_what_if(const struct sp_whatif_answer *answers, size_t count);
/* The culprit that the diagnosis in a summary's or a search's text names; "": none. Returns culprit. */
char *sp_doc_culprit(struct sp_str text, char *culprit, size_t size);

#endif
