/*
 * What the page shows of a run (PAGE DATA of docs/web-api.md): its begin, its ticks, its log, its summary. The live
 * page, the HTML report and the history are all made from it.
 *
 * Each tick's text is made once, when it comes. Memory has a cap, in ticks and in bytes: over it the oldest neighbours
 * are joined, exactly (the histograms are kept beside the text), so a long run's beginning gets coarser. A joined tick
 * has the number of its last second.
 *
 * One owner, one thread. All text is borrowed until the next call that changes the data.
 */
#ifndef SP_REPORT_PAGE_DATA_H
#define SP_REPORT_PAGE_DATA_H

#include "base/blob.h"
#include "report/report.h"
#include "report/tick.h"

#define SP_PAGE_TICKS_MAX 3600u
#define SP_PAGE_BYTES_MAX (128u * 1024u * 1024u) /* of ticks, texts and histograms */
#define SP_PAGE_LOG_MAX 500u      /* lines; the rest is counted in one last line */
#define SP_PAGE_LOG_TEXT_MAX 600u /* bytes of a line */
#define SP_PAGE_TEXT_MAX (512u * 1024u * 1024u) /* of a whole PAGE DATA */

struct sp_page_tick {
  struct sp_tick_gauges gauges;
  int64_t begin_ns, end_ns;
  struct sp_blob *text; /* TICK; take a reference to keep it longer */
  struct sp_str packed; /* report/tick.h */
};

struct sp_page_data;
/* ticks_max, bytes_max 0: the caps above. */
struct sp_page_data *sp_page_data_create(size_t ticks_max, size_t bytes_max);
void sp_page_data_destroy(struct sp_page_data *page); /* NULL is fine */

/* --- filling it --- */

/* A new run: what was there goes. */
void sp_page_data_begin(struct sp_page_data *page, const struct sp_run_begin *begin);
/* The same with a BEGIN that was kept as text; start_ns: the run's start on the clock of its intervals. */
void sp_page_data_begin_text(struct sp_page_data *page, struct sp_str begin, int64_t start_ns);
/* A second. The first one's begin is the run's start, where begin didn't say it. */
const struct sp_page_tick *sp_page_data_tick(struct sp_page_data *page, const struct sp_run_view *view);
/* The same of an interval and its gauges, whose n and start_ns are filled in here. */
const struct sp_page_tick *sp_page_data_push(struct sp_page_data *page, const struct sp_interval *interval,
                                             struct sp_tick_gauges *gauges);
/* A LOG line; level is "info", "warn" or "error". Gives its text. */
struct sp_str sp_page_data_log(struct sp_page_data *page, double t_s, const char *level, const char *text);
/* SUMMARY as text (sp_page_summary). */
void sp_page_data_summary(struct sp_page_data *page, struct sp_str summary);
/* The ticks so far go; numbers go on. */
void sp_page_data_reset(struct sp_page_data *page);

/* --- reading it --- */

struct sp_str sp_page_data_begin_json(const struct sp_page_data *page);   /* BEGIN; empty: no run yet */
struct sp_str sp_page_data_summary_json(const struct sp_page_data *page); /* SUMMARY; empty: none yet */
size_t sp_page_data_count(const struct sp_page_data *page);
const struct sp_page_tick *sp_page_data_at(const struct sp_page_data *page, size_t i);
uint64_t sp_page_data_next(const struct sp_page_data *page);  /* the next tick's number: how many there were */
uint64_t sp_page_data_first(const struct sp_page_data *page); /* the first number that a reset left */
size_t sp_page_data_log_count(const struct sp_page_data *page);
struct sp_str sp_page_data_log_at(const struct sp_page_data *page, size_t i);
/* Appends the whole PAGE DATA. False: it is over the buffer's max. */
bool sp_page_data_put(const struct sp_page_data *page, struct sp_buf *out);

/* --- html.c: the page of ui/ with a document inside, as one file. SP_ELIMIT over SP_PAGE_TEXT_MAX. --- */

int sp_page_report(struct sp_str document, struct sp_buf *out, struct sp_err *err);

/* --- page_documents.c: documents of a run as text, which the caller frees --- */

char *sp_page_begin(const struct sp_run_begin *begin); /* BEGIN */
/* SUMMARY: as --out json writes it but in one line; partial: the run goes on. */
char *sp_page_summary(const struct sp_result *result, bool partial);

#endif
