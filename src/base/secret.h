/*
 * What a secret's name looks like: the one table of it. A secret that is called something else is not seen.
 * Words are told apart by punctuation and humps ("X-Api-Key", "apiKey" and "api_key" alike), letters ignoring case.
 */
#ifndef SP_BASE_SECRET_H
#define SP_BASE_SECRET_H

#include "base/str.h"

enum sp_name_place {
  SP_NAME_SHOWN = 1,  /* what people read: a parameter, a variable, a query member; rather too much is hidden */
  SP_NAME_SENT = 2,   /* a header, cookie or query member of a request */
  SP_NAME_INSIDE = 4, /* a member of a JSON body or form, where "key" names much else */
};

bool sp_name_is_secret(struct sp_str name, enum sp_name_place place);

#endif
