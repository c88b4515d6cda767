/*
 * What a call brings: the members of its JSON body that calls know, and its query, as texts that the form owns. Read
 * and checked on a web thread; what the texts mean is checked by who knows (the command line's own readers). Other members are left
 * alone.
 */
#ifndef SP_WEB_FORM_H
#define SP_WEB_FORM_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

#define SP_WEB_PAIRS_MAX 300u
#define SP_WEB_NUMBER_SIZE 40u
#define SP_WEB_REST_MAX 80u
#define SP_WEB_QUERY_MAX 50u
#define SP_WEB_LAST_ID_SIZE 80u

struct sp_web_pair {
  const char *key, *value;
};

struct sp_web_form {
  json_t *body; /* owned: keeps the texts */
  const char *plan, *host, *task; /* NULL: not given, or empty */
  struct sp_web_pair settings[SP_WEB_PAIRS_MAX];
  size_t setting_count;
  struct sp_web_pair options[SP_WEB_PAIRS_MAX]; /* a list is its key again and again; empty ones are left out */
  size_t option_count;
  char users[SP_WEB_NUMBER_SIZE], spawn_rate[SP_WEB_NUMBER_SIZE], per_s[SP_WEB_NUMBER_SIZE]; /* "": not given */
  bool at_once;

  char rest[SP_WEB_REST_MAX + 1]; /* of the path, behind the call's name */
  struct {
    char *key, *value;
  } query[SP_WEB_QUERY_MAX]; /* owned */
  size_t query_count;
  char last_event_id[SP_WEB_LAST_ID_SIZE]; /* "": none */
};

/* field: the member at fault, or NULL. The form starts zeroed. */
int sp_web_form_read(struct sp_web_form *form, const char *body, size_t len, const char **field, struct sp_err *err);
void sp_web_form_add_query(struct sp_web_form *form, const char *key, const char *value); /* beyond the cap: left out */
void sp_web_form_fini(struct sp_web_form *form);
/* The first of that name; NULL. */
const char *sp_web_form_query(const struct sp_web_form *form, const char *key);

#endif
