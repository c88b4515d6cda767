/*
 * Bytes that are made once and then shared by threads, which only read them. The last who lets go frees them.
 */
#ifndef SP_BASE_BLOB_H
#define SP_BASE_BLOB_H

#include "base/str.h"

struct sp_blob; /* its text is terminated by a NUL that the length does not count */
struct sp_blob *sp_blob_create(struct sp_str text); /* a copy; one reference, the caller's */
struct sp_blob *sp_blob_ref(struct sp_blob *blob);  /* any thread that holds one, or is given one */
void sp_blob_unref(struct sp_blob *blob);           /* NULL is fine */
struct sp_str sp_blob_str(const struct sp_blob *blob); /* NULL: the empty slice */

#endif
