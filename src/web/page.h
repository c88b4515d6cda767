/*
 * The page, built into the binary: scripts/embed_page.py writes it from ui's index.html (the target page_html), or from
 * src/web/page.html where there is none.
 */
#ifndef SP_WEB_PAGE_H
#define SP_WEB_PAGE_H

#include <stddef.h>

struct sp_web_page {
  const char *html;
  size_t html_len;
  const char *gzip;
  size_t gzip_len;
  const char *policy; /* Content-Security-Policy: only its own scripts run, by their hashes */
};
extern const struct sp_web_page sp_web_page;

#endif
