/* The same JSON in other clothes. */
#include "tape.h"

#include "base/buf.h"
#include "base/mem.h"

#define JSON_MAX (1u << 20)

/* True when the byte at i stands inside of a string (its quotes are outside). */
struct walk {
  bool quoted, escape;
  int depth;
};

static bool step(struct walk *walk, char c) {
  bool inside = walk->quoted;
  if (walk->escape)
    walk->escape = false;
  else if (walk->quoted && c == '\\')
    walk->escape = true;
  else if (c == '"')
    walk->quoted = !walk->quoted;
  if (inside) return true;
  if (c == '{' || c == '[') walk->depth++;
  if (c == '}' || c == ']') walk->depth--;
  return false;
}

char *json_spaced(const char *json) {
  struct sp_buf out;
  struct walk walk = {false, false, 0};
  sp_buf_init(&out, JSON_MAX);
  for (const char *c = json; *c; c++) {
    bool inside = step(&walk, *c);
    sp_buf_append_char(&out, *c);
    if (!inside && (*c == ',' || *c == ':')) sp_buf_append_char(&out, ' ');
  }
  return sp_buf_take(&out);
}

static uint32_t utf8_take(const char **c) {
  const unsigned char *u = (const unsigned char *)*c;
  int more = u[0] >= 0xf0 ? 3 : u[0] >= 0xe0 ? 2 : u[0] >= 0xc0 ? 1 : 0;
  uint32_t code = more == 3 ? u[0] & 7u : more == 2 ? u[0] & 15u : more == 1 ? u[0] & 31u : u[0];
  for (int i = 1; i <= more; i++) code = code << 6 | (u[i] & 63u);
  *c += more + 1;
  return code;
}

char *json_escaped(const char *json) {
  struct sp_buf out;
  sp_buf_init(&out, JSON_MAX);
  while (*json) {
    uint32_t code = utf8_take(&json);
    if (code < 0x80)
      sp_buf_append_char(&out, (char)code);
    else if (code < 0x10000)
      sp_buf_printf(&out, "\\u%04x", code);
    else
      sp_buf_printf(&out, "\\u%04x\\u%04X", 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
  }
  return sp_buf_take(&out);
}

char *json_reversed(const char *json) {
  struct sp_str members[64];
  struct walk walk = {false, false, 0};
  struct sp_buf out;
  size_t count = 0;
  const char *start = json + 1;
  for (const char *c = json; *c; c++) {
    bool inside = step(&walk, *c);
    bool ends = !inside && ((*c == ',' && walk.depth == 1) || (*c == '}' && walk.depth == 0));
    if (!ends || count == 64) continue;
    members[count++] = sp_str_of(start, (size_t)(c - start));
    start = c + 1;
  }
  sp_buf_init(&out, JSON_MAX);
  sp_buf_append_char(&out, '{');
  for (size_t i = count; i-- > 0;) sp_buf_printf(&out, SP_STR_FMT "%s", SP_STR_ARG(members[i]), i > 0 ? "," : "");
  sp_buf_append_char(&out, '}');
  return sp_buf_take(&out);
}
