/*
 * curl's --form: "name=content", "name=@file;type=…;filename=…", with quotes as its manual says. What cannot be kept is
 * refused (a field read from a file, nested forms) or becomes a note (headers and encoders of a part).
 */
#ifndef SP_CLI_IMPORT_FORM_H
#define SP_CLI_IMPORT_FORM_H

#include "cli/plan_writer.h"

/* Adds a part. literal: --form-string, where nothing has a meaning of its own. SP_EUSAGE with a sentence. */
int sp_import_form_add(struct sp_import *import, struct sp_import_request *request, const char *text, bool literal,
                       struct sp_err *err);

#endif
