/*
 * A plan in Lua, written from requests that were found elsewhere: a curl command, a browser's recording.
 *
 * sp_import_init, add requests and notes, sp_import_write once, sp_import_fini. Texts are copied into the import and
 * live as long as it does. What looks like a secret becomes a parameter of the plan: its value is never written, not
 * even where the same text stands somewhere else (cli/import_secrets.h). One thread; no files, no clock.
 */
#ifndef SP_CLI_PLAN_WRITER_H
#define SP_CLI_PLAN_WRITER_H

#include "base/err.h"
#include "cli/import_secrets.h"
#include "wire/url.h"

#define SP_IMPORT_STEPS_MAX 500u
#define SP_IMPORT_HEADERS_MAX 100u /* of one request */
#define SP_IMPORT_NOTES_MAX 40u
#define SP_IMPORT_PARTS_MAX 100u   /* of one form */
#define SP_IMPORT_NAME_MAX 100u /* bytes of a task's or step's name */

struct sp_import_header {
  struct sp_str name, value;
};

struct sp_import_part { /* of a multipart form */
  struct sp_str name, content; /* content: the text, or a file's path */
  struct sp_str type, filename; /* type empty: not said */
  bool is_file, has_filename;
};

struct sp_import_request {
  struct sp_str method;
  struct sp_str origin; /* "https://host:port" */
  struct sp_str target; /* path and query */
  struct sp_import_header *headers;
  size_t header_count;
  struct sp_str body;
  bool has_body;
  struct sp_import_part *parts; /* instead of a body */
  size_t part_count;
  struct sp_str auth_user, auth_password; /* Basic; auth_user.bytes NULL: none */
  int redirects;                          /* how many are followed */
  const char *stream; /* "dify", "openai", "sse", or NULL */
  bool gzip, new_connection;
  double timeout_s; /* 0: not said */
  double pause_s;   /* before it; 0: none */
};

struct sp_import {
  const char *source;            /* "a curl command" */
  const char *user_class, *task; /* task NULL: the one request's own name */
  struct sp_str base;            /* spate.load{ host = … }; empty: the first request's origin */
  struct sp_str cookies;         /* "a=1; b=2": what each user begins with; empty: nothing */
  struct sp_import_request *requests;
  size_t request_count;
  char *notes[SP_IMPORT_NOTES_MAX];
  size_t note_count;
  double connect_timeout_s;         /* 0: not said */
  struct sp_import_secrets secrets; /* sp_import_write fills it */
  char **owned;
  size_t owned_count;
};

void sp_import_init(struct sp_import *import, const char *source);
void sp_import_fini(struct sp_import *import);
struct sp_str sp_import_keep(struct sp_import *import, struct sp_str text); /* a copy, terminated */
/* A comment in the plan, and a line for the person: one sentence, without values of the input. Doubles and those over
 * the cap are dropped. */
void sp_import_note(struct sp_import *import, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Valid until the next one is added; the caller keeps to SP_IMPORT_STEPS_MAX. */
struct sp_import_request *sp_import_add(struct sp_import *import);
/* Appends "https://host:port", the host in small letters, the port where it is not the default. */
void sp_import_append_origin(const struct sp_url *url, struct sp_buf *out);
/* Takes the URL apart; its user becomes auth, where nothing else says who asks. */
int sp_import_set_url(struct sp_import *import, struct sp_import_request *request, struct sp_str url,
                      struct sp_err *err);
/* "user:password" as it is. */
void sp_import_set_auth(struct sp_import *import, struct sp_import_request *request, struct sp_str pair);
int sp_import_add_part(struct sp_import_request *request, const struct sp_import_part *part); /* SP_ELIMIT: one too many */
/* A second one of the same name is joined to the first. What the client makes by itself (Content-Length, …) is left
 * out; Accept-Encoding and Connection become gzip and new_connection. */
void sp_import_add_header(struct sp_import *import, struct sp_import_request *request, struct sp_str name,
                          struct sp_str value);
struct sp_str sp_import_get_header(const struct sp_import_request *request, const char *name); /* bytes NULL: absent */
/* When all is known of it: says how its answer streams, from path, body and Accept (or because it did: event_stream).
 */
void sp_import_settle(struct sp_import_request *request, bool event_stream);

/* Appends "POST /v1/chat-messages": no query, no secret. */
void sp_import_append_name(const struct sp_import *import, const struct sp_import_request *request, struct sp_buf *out);
/* Appends the plan. SP_ELIMIT when it does not fit. */
int sp_import_write(struct sp_import *import, struct sp_buf *out, struct sp_err *err);

#endif
