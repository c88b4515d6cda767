#include "cli/snapshot.h"

#include "base/mem.h"
#include "base/secret.h"
#include "stats/clean.h"
#include "wire/json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_MAX_BYTES 4096u
#define PLACE_SIZE 20u /* behind a key while they are sorted */

/* -- entries -- */

static char *clean(struct sp_str text, size_t max) {
  char *copy = sp_alloc(max + 1);
  copy[sp_clean_text(copy, max, text)] = 0;
  return copy;
}

/* Takes both over. */
static void add_entry(struct sp_snapshot *snapshot, char *key, char *value) {
  if (snapshot->count == SP_SNAPSHOT_ENTRIES_MAX) {
    snapshot->left_out++;
    free(key);
    free(value);
    return;
  }
  if (snapshot->count == snapshot->cap) {
    snapshot->cap = snapshot->cap ? snapshot->cap * 2 : 64;
    snapshot->entries = sp_realloc(snapshot->entries, snapshot->cap * sizeof(*snapshot->entries));
  }
  snapshot->entries[snapshot->count++] = (struct sp_snapshot_entry){key, value};
}

/* The name that a secret would have is the last part of its path, or a part before it: {"password": {"value": …}}. */
static void take_entry(struct sp_snapshot *snapshot, struct sp_str key, struct sp_str value) {
  struct sp_buf shown;
  sp_buf_init(&shown, value.len * 4 + 16);
  char *name = clean(key, SP_SNAPSHOT_KEY_MAX);
  for (char *at = name; *at; at++) *at = *at == '=' ? ':' : *at;
  sp_value_redact(key, value, &shown);
  add_entry(snapshot, name, clean(sp_buf_str(&shown), SP_SNAPSHOT_VALUE_MAX));
  sp_buf_fini(&shown);
}

static int by_key(const void *a, const void *b) {
  const struct sp_snapshot_entry *x = a, *y = b;
  return strcmp(x->key, y->key);
}

static void drop_entry(struct sp_snapshot_entry *entry) {
  free(entry->key);
  free(entry->value);
}

/* A stable sort by its own hand: entries of one key stay in order, and the last of them is kept. */
static void sort_entries(struct sp_snapshot *snapshot) {
  size_t kept = 0;
  if (snapshot->count == 0) return;
  for (size_t i = 0; i < snapshot->count; i++) { /* the place goes behind the key, for the sort alone */
    struct sp_snapshot_entry *entry = &snapshot->entries[i];
    size_t len = strlen(entry->key);
    entry->key = sp_realloc(entry->key, len + PLACE_SIZE);
    snprintf(entry->key + len, PLACE_SIZE, "\1%016zx", i);
  }
  qsort(snapshot->entries, snapshot->count, sizeof(snapshot->entries[0]), by_key);
  for (size_t i = 0; i < snapshot->count; i++) {
    struct sp_snapshot_entry *entry = &snapshot->entries[i];
    *strrchr(entry->key, '\1') = 0;
    if (kept > 0 && strcmp(snapshot->entries[kept - 1].key, entry->key) == 0) drop_entry(&snapshot->entries[--kept]);
    snapshot->entries[kept++] = *entry;
  }
  snapshot->count = kept;
}

void sp_snapshot_fini(struct sp_snapshot *snapshot) {
  for (size_t i = 0; i < snapshot->count; i++) drop_entry(&snapshot->entries[i]);
  free(snapshot->entries);
  *snapshot = (struct sp_snapshot){0};
}

/* -- lines -- */

static struct sp_str unquoted(struct sp_str value) {
  bool quoted = value.len >= 2 && (value.bytes[0] == '"' || value.bytes[0] == '\'') && value.bytes[value.len - 1] == value.bytes[0];
  return quoted ? sp_str_of(value.bytes + 1, value.len - 2) : value;
}

static void parse_lines(struct sp_str text, struct sp_snapshot *out) {
  while (text.len > 0) {
    struct sp_str value = sp_str_trim(sp_str_split(&text, '\n'));
    if (value.len == 0 || value.bytes[0] == '#') continue;
    if (!memchr(value.bytes, '=', value.len)) {
      out->left_out++;
      continue;
    }
    struct sp_str key = sp_str_trim(sp_str_split(&value, '='));
    if (sp_str_starts(key, SP_STR("export "))) key = sp_str_trim(sp_str_of(key.bytes + 7, key.len - 7));
    if (key.len > 0) take_entry(out, key, unquoted(sp_str_trim(value)));
    else out->left_out++;
  }
}

/* -- JSON -- */

struct flattening {
  const struct sp_json *doc;
  struct sp_snapshot *out;
  struct sp_buf path, scratch;
};

static void put_value(struct flattening *flat, int value) {
  bool text = sp_json_kind(flat->doc, value) == SP_JSON_STRING;
  struct sp_str shown = text ? sp_json_string(flat->doc, value, &flat->scratch) : sp_json_raw(flat->doc, value);
  take_entry(flat->out, sp_buf_str(&flat->path), shown);
}

/* Gives the path's length before, to go back to. */
static size_t enter(struct flattening *flat, struct sp_str part) {
  size_t len = flat->path.len;
  if (len > 0) sp_buf_append_char(&flat->path, '.');
  sp_buf_append_str(&flat->path, part);
  return len;
}

static void leave(struct flattening *flat, size_t len) {
  flat->path.len = len;
  if (flat->path.bytes) flat->path.bytes[len] = 0;
}

static bool is_variable(struct sp_str text) {
  size_t at = 0;
  while (at < text.len && (isalnum((unsigned char)text.bytes[at]) || text.bytes[at] == '_')) at++;
  return at > 0 && at < text.len && text.bytes[at] == '=';
}

static bool is_secret_flag(struct sp_str text) {
  return text.len > 1 && text.bytes[0] == '-' && !memchr(text.bytes, '=', text.len) && sp_name_is_secret(text, SP_NAME_SHOWN);
}

static int name_of(const struct sp_json *doc, int object) {
  int name = sp_json_get(doc, object, "name");
  if (name < 0) name = sp_json_get(doc, object, "Name");
  return sp_json_kind(doc, name) == SP_JSON_STRING ? name : -1;
}

static void flatten(struct flattening *flat, int value);

/* { "name": "A", "value": "1" } is A=1. */
static bool take_pair(struct flattening *flat, int object) {
  int value = sp_json_get(flat->doc, object, "value");
  enum sp_json_kind kind = sp_json_kind(flat->doc, value);
  bool plain = kind == SP_JSON_STRING || kind == SP_JSON_NUMBER || kind == SP_JSON_BOOL;
  if (name_of(flat->doc, object) < 0 || !plain || sp_json_size(flat->doc, object) != 2) return false;
  put_value(flat, value);
  return true;
}

static void flatten_item(struct flattening *flat, int item, size_t number, bool *hides_next) {
  char index[24];
  bool text = sp_json_kind(flat->doc, item) == SP_JSON_STRING;
  int name = name_of(flat->doc, item);
  snprintf(index, sizeof(index), "%zu", number);
  struct sp_str part = sp_str_from(index), word = text ? sp_json_string(flat->doc, item, &flat->scratch) : sp_str_of(NULL, 0);
  if (name >= 0) part = sp_json_string(flat->doc, name, &flat->scratch);
  bool variable = text && is_variable(word), hidden = *hides_next;
  *hides_next = is_secret_flag(word);
  struct sp_str rest = word;
  if (variable) part = sp_str_split(&rest, '=');
  size_t before = enter(flat, hidden ? SP_STR("password") : part);
  if (variable) take_entry(flat->out, sp_buf_str(&flat->path), rest);
  else if (name < 0 || !take_pair(flat, item)) flatten(flat, item);
  leave(flat, before);
}

static void flatten(struct flattening *flat, int value) {
  enum sp_json_kind kind = sp_json_kind(flat->doc, value);
  size_t number = 0;
  bool hides_next = false;
  if (kind != SP_JSON_OBJECT && kind != SP_JSON_ARRAY) {
    put_value(flat, value);
    return;
  }
  for (int child = sp_json_first(flat->doc, value); child >= 0; child = sp_json_next(flat->doc, child), number++) {
    if (kind == SP_JSON_ARRAY) {
      flatten_item(flat, child, number, &hides_next);
      continue;
    }
    size_t before = enter(flat, sp_json_string(flat->doc, child, &flat->scratch));
    flatten(flat, child + 1);
    leave(flat, before);
  }
}

static int parse_json(struct sp_str text, struct sp_snapshot *out, struct sp_err *err) {
  struct sp_json doc;
  struct flattening flat = {.doc = &doc, .out = out};
  sp_json_init(&doc);
  sp_buf_init(&flat.path, PATH_MAX_BYTES);
  sp_buf_init(&flat.scratch, SP_SNAPSHOT_OUTPUT_MAX);
  int code = sp_json_parse(&doc, text, err);
  if (code == 0) flatten(&flat, 0);
  else sp_err_context(err, "the snapshot begins like JSON");
  sp_buf_fini(&flat.path);
  sp_buf_fini(&flat.scratch);
  sp_json_fini(&doc);
  return code ? (err->code = SP_EUSAGE) : 0;
}

int sp_snapshot_parse(struct sp_str text, struct sp_snapshot *out, struct sp_err *err) {
  *out = (struct sp_snapshot){0};
  text = sp_str_trim(text);
  int code = 0;
  if (text.len > 0 && (text.bytes[0] == '{' || text.bytes[0] == '[')) code = parse_json(text, out, err);
  else parse_lines(text, out);
  sort_entries(out);
  if (code == 0 && out->count == 0) code = sp_fail(err, SP_EUSAGE, "the snapshot has no KEY=VALUE line, and is no JSON");
  return code;
}

/* -- kept ones -- */

void sp_snapshot_print(const struct sp_snapshot *snapshot, struct sp_buf *out) {
  for (size_t i = 0; i < snapshot->count; i++) {
    sp_buf_printf(out, "%s=%s\n", snapshot->entries[i].key, snapshot->entries[i].value);
  }
}

void sp_snapshot_read(struct sp_str lines, struct sp_snapshot *out) {
  *out = (struct sp_snapshot){0};
  while (lines.len > 0) {
    struct sp_str value = sp_str_split(&lines, '\n'), key = sp_str_split(&value, '=');
    add_entry(out, sp_strndup(key.bytes ? key.bytes : "", key.len), sp_strndup(value.bytes ? value.bytes : "", value.len));
  }
}

/* -- differences -- */

/* "a.b.key": component a.b. */
static void set_change(struct sp_store_change *change, struct sp_str path, const char *old, const char *new, const char *source) {
  const char *dot = memrchr(path.bytes, '.', path.len);
  size_t before = dot ? (size_t)(dot - path.bytes) : 0, behind = dot ? before + 1 : 0;
  *change = (struct sp_store_change){.component = sp_strndup(path.bytes, before), .key = sp_strndup(path.bytes + behind, path.len - behind),
      .old = sp_strdup(old), .new = sp_strdup(new), .source = sp_strdup(source)};
}

size_t sp_snapshot_diff(const struct sp_snapshot *before, const struct sp_snapshot *after, struct sp_store_change *changes,
                        size_t max) {
  size_t count = 0, b = 0, a = 0;
  while (b < before->count || a < after->count) {
    const struct sp_snapshot_entry *was = b < before->count ? &before->entries[b] : NULL;
    const struct sp_snapshot_entry *is = a < after->count ? &after->entries[a] : NULL;
    int order = !was ? 1 : !is ? -1 : strcmp(was->key, is->key);
    if (order > 0) was = NULL;
    if (order < 0) is = NULL;
    b += was != NULL;
    a += is != NULL;
    if (was && is && strcmp(was->value, is->value) == 0) continue;
    const char *path = was ? was->key : is->key;
    if (count < max) set_change(&changes[count], sp_str_from(path), was ? was->value : NULL, is ? is->value : NULL, "snapshot");
    count++;
  }
  return count;
}

static char *side_of(struct sp_str path, struct sp_str side) {
  struct sp_buf shown;
  char *text = NULL;
  side = sp_str_trim(side);
  if (side.len == 0) return NULL;
  sp_buf_init(&shown, side.len * 4 + 16);
  sp_value_redact(path, side, &shown);
  text = clean(sp_buf_str(&shown), SP_SNAPSHOT_VALUE_MAX);
  sp_buf_fini(&shown);
  return text;
}

int sp_change_parse(const char *text, struct sp_store_change *out, struct sp_err *err) {
  const char *arrow = strstr(text, "->"), *other = strstr(text, "→"), *colon = strstr(text, ": ");
  size_t arrow_len = arrow ? 2 : strlen("→");
  arrow = arrow ? arrow : other;
  struct sp_str path = colon ? sp_str_trim(sp_str_of(text, (size_t)(colon - text))) : sp_str_of(NULL, 0);
  if (!arrow || path.len == 0 || path.len > SP_SNAPSHOT_KEY_MAX || colon + 2 > arrow) {
    return sp_fail(err, SP_EUSAGE, "must be 'component.key: old -> new', e.g. 'dify-api.cpu: 0.8 -> 1.2'");
  }
  char *old = side_of(path, sp_str_of(colon + 2, (size_t)(arrow - colon - 2)));
  char *new = side_of(path, sp_str_from(arrow + arrow_len));
  if (old || new) {
    char *name = clean(path, SP_SNAPSHOT_KEY_MAX);
    set_change(out, sp_str_from(name), old, new, "typed");
    free(name);
  }
  bool nothing = !old && !new;
  free(old);
  free(new);
  return nothing ? sp_fail(err, SP_EUSAGE, "there is nothing on either side of the arrow") : 0;
}

static void drop(const char *text) { free((char *)(uintptr_t)text); }

void sp_changes_fini(struct sp_store_change *changes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    drop(changes[i].component);
    drop(changes[i].key);
    drop(changes[i].old);
    drop(changes[i].new);
    drop(changes[i].source);
  }
}
