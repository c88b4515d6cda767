#include "cli/import_form.h"

/* Appends up to an unquoted ';' and moves *at there. In quotes, \" and \\ are one character. */
static void read_value(const char **at, struct sp_buf *out) {
  const char *c = *at;
  bool quoted = *c == '"' && strchr(c + 1, '"');
  if (quoted) c++;
  while (*c && *c != (quoted ? '"' : ';')) {
    if (quoted && *c == '\\' && (c[1] == '"' || c[1] == '\\')) c++;
    sp_buf_append_char(out, *c++);
  }
  while (*c && *c != ';') c++; /* behind the closing quote */
  *at = c;
}

static struct sp_str keep_value(struct sp_import *import, const char **at) {
  struct sp_buf value;
  sp_buf_init(&value, SIZE_MAX); /* the command has its cap */
  read_value(at, &value);
  struct sp_str kept = sp_import_keep(import, sp_buf_str(&value));
  sp_buf_fini(&value);
  return kept;
}

static bool begins(const char *text, const char *word) { return strncmp(text, word, strlen(word)) == 0; }

/* ";type=text/csv;filename=x.csv". A type may have parameters of its own: what is no member goes with it. */
static void read_members(struct sp_import *import, struct sp_import_part *part, const char *at) {
  while (*at == ';') {
    at++;
    while (*at == ' ') at++;
    if (begins(at, "type=")) {
      at += 5;
      part->type = keep_value(import, &at);
    } else if (begins(at, "filename=")) {
      at += 9;
      part->filename = keep_value(import, &at);
      part->has_filename = true;
    } else {
      struct sp_str other = keep_value(import, &at);
      if (other.len) sp_import_note(import, "of a part of --form, only type and filename are kept");
    }
  }
}

static int read_content(struct sp_import *import, struct sp_import_part *part, const char *content, struct sp_err *err) {
  if (*content == '<')
    return sp_fail(err, SP_EUSAGE, "curl's --form NAME=<FILE cannot be imported: write the field's text into the command");
  if (*content == '(' || *content == ')') return sp_fail(err, SP_EUSAGE, "curl's nested forms (--form '=(…') cannot be imported");
  bool file = *content == '@';
  if (file) content++;
  part->is_file = file;
  part->content = keep_value(import, &content);
  if (file && (!part->content.len || sp_str_eq(part->content, SP_STR("-"))))
    return sp_fail(err, SP_EUSAGE, "curl's --form NAME=@- cannot be imported: name the file");
  read_members(import, part, content);
  return 0;
}

int sp_import_form_add(struct sp_import *import, struct sp_import_request *request, const char *text, bool literal,
                       struct sp_err *err) {
  struct sp_import_part part = {.is_file = false};
  const char *equals = strchr(text, '=');
  if (!equals) return sp_fail(err, SP_EUSAGE, "curl's --form needs NAME=CONTENT");
  part.name = sp_import_keep(import, sp_str_of(text, (size_t)(equals - text)));
  int code = literal ? 0 : read_content(import, &part, equals + 1, err);
  if (literal) part.content = sp_import_keep(import, sp_str_from(equals + 1));
  if (code == 0 && sp_import_add_part(request, &part))
    code = sp_fail(err, SP_EUSAGE, "the form has over %u parts", SP_IMPORT_PARTS_MAX);
  return code;
}
