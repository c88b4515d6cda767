/*
 * The page of ui/, built into the binary by scripts/embed_page.py: what the web server gives out, and what a report on
 * disk is made of.
 */
#ifndef SP_REPORT_PAGE_HTML_H
#define SP_REPORT_PAGE_HTML_H

#include <stddef.h>

struct sp_page_html {
  const char *html;
  size_t html_len;
  size_t data_at; /* where a report's PAGE DATA goes in: an offset in html */
  const char *gzip;
  size_t gzip_len;
  const char *policy; /* Content-Security-Policy: only its own scripts run, by their hashes */
};
extern const struct sp_page_html sp_page_html;

#endif
