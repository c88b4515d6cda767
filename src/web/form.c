#include "web/form.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
  struct sp_web_form *form;
  const char **field;
  struct sp_err *err;
};

static int fault(struct reader *reader, const char *field, const char *what) {
  *reader->field = field;
  return sp_fail(reader->err, SP_EUSAGE, "%s %s", field, what);
}

static int read_text(struct reader *reader, const char *key, const char **out) {
  json_t *value = json_object_get(reader->form->body, key);
  if (!value || json_is_null(value)) {
    return SP_OK;
  }
  if (!json_is_string(value)) {
    return fault(reader, key, "must be a text");
  }
  *out = *json_string_value(value) ? json_string_value(value) : NULL;
  return SP_OK;
}

/* 80, 2.5 or "80/s" as text: its reader comes later. */
static int read_number(struct reader *reader, const char *key, char *out) {
  json_t *value = json_object_get(reader->form->body, key);
  int len = 0;
  if (json_is_integer(value)) {
    len = snprintf(out, SP_WEB_NUMBER_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
  } else if (json_is_real(value)) {
    len = snprintf(out, SP_WEB_NUMBER_SIZE, "%.15g", json_real_value(value));
  } else if (json_is_string(value)) {
    len = snprintf(out, SP_WEB_NUMBER_SIZE, "%s", json_string_value(value));
  } else if (value && !json_is_null(value)) {
    len = -1;
  }
  return len < 0 || len >= (int)SP_WEB_NUMBER_SIZE ? fault(reader, key, "must be a number") : SP_OK;
}

/* --- objects of texts --- */

static int add_pair(struct reader *reader, struct sp_web_pair *pairs, size_t *count, const char *key, json_t *value) {
  if (!json_is_string(value)) {
    return json_is_null(value) ? SP_OK : fault(reader, key, "must be a text");
  }
  if (*count == SP_WEB_PAIRS_MAX) {
    return fault(reader, key, "is one value too many");
  }
  pairs[(*count)++] = (struct sp_web_pair){ key, json_string_value(value) };
  return SP_OK;
}

static int add_option(struct reader *reader, const char *key, json_t *value) {
  struct sp_web_form *form = reader->form;
  if (json_is_string(value) && !*json_string_value(value)) {
    return SP_OK; /* a field that was left empty */
  }
  if (!json_is_array(value)) {
    return add_pair(reader, form->options, &form->option_count, key, value);
  }
  int code = SP_OK;
  for (size_t i = 0; i < json_array_size(value) && code == SP_OK; i++) {
    json_t *one = json_array_get(value, i);
    code = json_is_array(one) ? fault(reader, key, "must be a text or a list of texts") : add_option(reader, key, one);
  }
  return code;
}

static int read_object(struct reader *reader, const char *name, json_t **out) {
  *out = json_object_get(reader->form->body, name);
  if (*out && !json_is_object(*out) && !json_is_null(*out)) {
    return fault(reader, name, "must be an object of texts");
  }
  return SP_OK;
}

static int read_settings(struct reader *reader) {
  json_t *settings, *value;
  const char *key;
  int code = read_object(reader, "settings", &settings);
  json_object_foreach(settings, key, value) {
    code = code ? code : add_pair(reader, reader->form->settings, &reader->form->setting_count, key, value);
  }
  return code;
}

static int read_options(struct reader *reader) {
  json_t *options, *value;
  const char *key;
  int code = read_object(reader, "options", &options);
  json_object_foreach(options, key, value) {
    code = code ? code : add_option(reader, key, value);
  }
  return code;
}

/* --- the whole --- */

static int read_members(struct reader *reader) {
  struct sp_web_form *form = reader->form;
  int code = read_text(reader, "plan", &form->plan);
  code = code ? code : read_text(reader, "host", &form->host);
  code = code ? code : read_text(reader, "task", &form->task);
  code = code ? code : read_settings(reader);
  code = code ? code : read_options(reader);
  code = code ? code : read_number(reader, "users", form->users);
  code = code ? code : read_number(reader, "spawn_rate", form->spawn_rate);
  code = code ? code : read_number(reader, "per_s", form->per_s);
  form->at_once = json_is_true(json_object_get(form->body, "at_once"));
  return code;
}

int sp_web_form_read(struct sp_web_form *form, const char *body, size_t len, const char **field, struct sp_err *err) {
  struct reader reader = { form, field, err };
  json_error_t error;
  *field = NULL;
  form->body = json_loadb(len > 0 ? body : "{}", len > 0 ? len : 2, JSON_REJECT_DUPLICATES, &error);
  if (!form->body) {
    return sp_fail(err, SP_EPARSE, "the body is no JSON: %s (line %d, column %d)", error.text, error.line, error.column);
  }
  return json_is_object(form->body) ? read_members(&reader) : sp_fail(err, SP_EPARSE, "the body must be a JSON object");
}

void sp_web_form_add_query(struct sp_web_form *form, const char *key, const char *value) {
  if (form->query_count < SP_WEB_QUERY_MAX) {
    form->query[form->query_count].key = sp_strdup(key);
    form->query[form->query_count++].value = sp_strdup(value ? value : "");
  }
}

void sp_web_form_fini(struct sp_web_form *form) {
  json_decref(form->body);
  form->body = NULL;
  for (size_t i = 0; i < form->query_count; i++) {
    free(form->query[i].key);
    free(form->query[i].value);
  }
  form->query_count = 0;
}

const char *sp_web_form_query(const struct sp_web_form *form, const char *key) {
  for (size_t i = 0; i < form->query_count; i++) {
    if (strcmp(form->query[i].key, key) == 0) {
      return form->query[i].value;
    }
  }
  return NULL;
}
