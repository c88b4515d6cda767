/*
 * A curl command becomes a request of an import. What curl would send is kept: method, URL, headers, body, as its
 * manual says. Options that only concern curl's own output are passed over; those that spate cannot keep become notes,
 * and so do unknown ones. Files as a body (@name, -T) are refused with a sentence; those of a form (-F) are read by the plan.
 */
#ifndef SP_CLI_IMPORT_CURL_H
#define SP_CLI_IMPORT_CURL_H

#include "cli/plan_writer.h"

#define SP_CURL_REDIRECTS 50 /* what curl follows, where nothing else is said */
#define SP_CURL_DATA_MAX (4u * 1024u * 1024u)

/* A command as it was pasted: one text, quotes and all. SP_EUSAGE or SP_ELIMIT with a sentence. */
int sp_import_curl_text(struct sp_import *import, struct sp_str command, struct sp_err *err);
/* Its words, the quotes taken off by a shell already; "curl" in front may be missing. */
int sp_import_curl_words(struct sp_import *import, const char *const *words, size_t count, struct sp_err *err);

/* -- private to import_curl.c and import_curl_options.c -- */

enum sp_curl_action {
  SP_CURL_IGNORE, /* of no matter to a load test */
  SP_CURL_NOTE,   /* left out, and said so */
  SP_CURL_REFUSE,
  SP_CURL_METHOD,
  SP_CURL_HEADER,
  SP_CURL_DATA,
  SP_CURL_DATA_RAW,
  SP_CURL_DATA_URLENCODE,
  SP_CURL_JSON,
  SP_CURL_FORM,
  SP_CURL_FORM_STRING,
  SP_CURL_LOCATION,
  SP_CURL_MAX_REDIRS,
  SP_CURL_USER,
  SP_CURL_BEARER,
  SP_CURL_AGENT,
  SP_CURL_REFERER,
  SP_CURL_COOKIE,
  SP_CURL_RANGE,
  SP_CURL_GET,
  SP_CURL_HEAD,
  SP_CURL_URL,
  SP_CURL_URL_QUERY,
  SP_CURL_COMPRESSED,
  SP_CURL_TIMEOUT,
  SP_CURL_CONNECT_TIMEOUT,
};

struct sp_curl_option {
  const char *name; /* without dashes; NULL ends the table */
  char letter;      /* or 0 */
  bool value;
  enum sp_curl_action action;
  const char *say; /* for NOTE and REFUSE: what to know or do */
};

extern const struct sp_curl_option sp_curl_options[];

#endif
