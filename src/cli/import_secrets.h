/*
 * The secrets of imported requests: credentials in headers, cookies, query members, form fields and JSON members.
 * Each becomes a parameter; a mark says which bytes of the input it stands for. Found by name, so a secret that is
 * called something else is not seen. The texts searched are borrowed and must outlive the list.
 */
#ifndef SP_CLI_IMPORT_SECRETS_H
#define SP_CLI_IMPORT_SECRETS_H

#include "base/buf.h"

#define SP_IMPORT_SECRETS_MAX 50u /* parameters; LuaJIT lets a function see 60 locals of the file */
#define SP_IMPORT_SECRET_MIN 8u   /* bytes from which on a value that is no word is also looked for elsewhere */
#define SP_IMPORT_WORD_MAX 20u    /* letters up to which a value may be a word of a language */
#define SP_IMPORT_SECRET_NAME_MAX 48u

struct sp_import_secret {
  char name[SP_IMPORT_SECRET_NAME_MAX]; /* of the parameter and of its local variable */
  char description[128];
  struct sp_str value;
  bool one_for_all; /* the Cookie header: one parameter, whatever its values */
};

struct sp_import_mark { /* these bytes of the input are secret number `secret`; -1: one too many, shown as *** */
  const char *at;
  size_t len;
  int secret;
};

struct sp_import_secrets {
  struct sp_import_secret items[SP_IMPORT_SECRETS_MAX];
  size_t count;
  struct sp_import_mark *marks; /* in order of `at` after sp_import_secrets_sort */
  size_t mark_count, mark_cap;
  size_t left_over; /* marks of secrets over the cap */
};

void sp_import_secrets_init(struct sp_import_secrets *secrets);
void sp_import_secrets_fini(struct sp_import_secrets *secrets);

void sp_import_secrets_find_in_header(struct sp_import_secrets *secrets, struct sp_str name, struct sp_str value);
void sp_import_secrets_find_in_target(struct sp_import_secrets *secrets, struct sp_str target); /* behind the '?' */
void sp_import_secrets_find_in_body(struct sp_import_secrets *secrets, struct sp_str body);
void sp_import_secrets_find_in_field(struct sp_import_secrets *secrets, struct sp_str name, struct sp_str value);
/* Both: a user's name is often a key. */
void sp_import_secrets_find_in_auth(struct sp_import_secrets *secrets, struct sp_str user, struct sp_str password);
void sp_import_secrets_sort(struct sp_import_secrets *secrets); /* when all are found */

/* The first secret in the text: a mark, or a long value that was found elsewhere. False when there is none. */
bool sp_import_secrets_next(const struct sp_import_secrets *secrets, struct sp_str text, struct sp_import_mark *out);

#endif
