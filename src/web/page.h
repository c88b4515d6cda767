/* The page at /: the newest figures as HTML, reloading itself. No script; what comes from outside is escaped. */
#ifndef SP_WEB_PAGE_H
#define SP_WEB_PAGE_H

#include "base/buf.h"
#include "report/export.h"

#define SP_WEB_PAGE_ROWS_MAX 100u

void sp_web_page_put(struct sp_buf *out, const struct sp_export_source *source);

#endif
