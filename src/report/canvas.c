#include "report/canvas.h"

#include "stats/clean.h"

#include <stdio.h>

struct range {
  uint32_t first, last;
};

/* East_Asian_Width W and F of Unicode 15, neighbours joined where what lies between is unassigned or rare. */
static const struct range wide[] = {
  { 0x1100, 0x115F },   { 0x231A, 0x231B },   { 0x2329, 0x232A },   { 0x23E9, 0x23EC },   { 0x23F0, 0x23F0 },
  { 0x23F3, 0x23F3 },   { 0x25FD, 0x25FE },   { 0x2614, 0x2615 },   { 0x2648, 0x2653 },   { 0x267F, 0x267F },
  { 0x2693, 0x2693 },   { 0x26A1, 0x26A1 },   { 0x26AA, 0x26AB },   { 0x26BD, 0x26BE },   { 0x26C4, 0x26C5 },
  { 0x26CE, 0x26CE },   { 0x26D4, 0x26D4 },   { 0x26EA, 0x26EA },   { 0x26F2, 0x26F3 },   { 0x26F5, 0x26F5 },
  { 0x26FA, 0x26FA },   { 0x26FD, 0x26FD },   { 0x2705, 0x2705 },   { 0x270A, 0x270B },   { 0x2728, 0x2728 },
  { 0x274C, 0x274C },   { 0x274E, 0x274E },   { 0x2753, 0x2755 },   { 0x2757, 0x2757 },   { 0x2795, 0x2797 },
  { 0x27B0, 0x27B0 },   { 0x27BF, 0x27BF },   { 0x2B1B, 0x2B1C },   { 0x2B50, 0x2B50 },   { 0x2B55, 0x2B55 },
  { 0x2E80, 0x303E },   { 0x3041, 0x4DBF },   { 0x4E00, 0xA4CF },   { 0xA960, 0xA97C },   { 0xAC00, 0xD7A3 },
  { 0xF900, 0xFAFF },   { 0xFE10, 0xFE19 },   { 0xFE30, 0xFE6F },   { 0xFF01, 0xFF60 },   { 0xFFE0, 0xFFE6 },
  { 0x16FE0, 0x18CFF }, { 0x1AFF0, 0x1B2FF }, { 0x1F004, 0x1F004 }, { 0x1F0CF, 0x1F0CF }, { 0x1F18E, 0x1F18E },
  { 0x1F191, 0x1F19A }, { 0x1F200, 0x1F320 }, { 0x1F32D, 0x1F335 }, { 0x1F337, 0x1F37C }, { 0x1F37E, 0x1F393 },
  { 0x1F3A0, 0x1F3CA }, { 0x1F3CF, 0x1F3D3 }, { 0x1F3E0, 0x1F3F0 }, { 0x1F3F4, 0x1F3F4 }, { 0x1F3F8, 0x1F43E },
  { 0x1F440, 0x1F440 }, { 0x1F442, 0x1F4FC }, { 0x1F4FF, 0x1F53D }, { 0x1F54B, 0x1F54E }, { 0x1F550, 0x1F567 },
  { 0x1F57A, 0x1F57A }, { 0x1F595, 0x1F596 }, { 0x1F5A4, 0x1F5A4 }, { 0x1F5FB, 0x1F64F }, { 0x1F680, 0x1F6C5 },
  { 0x1F6CC, 0x1F6CC }, { 0x1F6D0, 0x1F6D2 }, { 0x1F6D5, 0x1F6DF }, { 0x1F6EB, 0x1F6EC }, { 0x1F6F4, 0x1F6FC },
  { 0x1F7E0, 0x1F7F0 }, { 0x1F90C, 0x1F93A }, { 0x1F93C, 0x1F945 }, { 0x1F947, 0x1F9FF }, { 0x1FA70, 0x1FAFF },
  { 0x20000, 0x3FFFD },
};

/* Marks that stand over or under the character before, and format characters. */
static const struct range zero[] = {
  { 0x0300, 0x036F }, { 0x0483, 0x0489 }, { 0x0591, 0x05BD }, { 0x0610, 0x061A }, { 0x064B, 0x065F },
  { 0x0E31, 0x0E31 }, { 0x0E34, 0x0E3A }, { 0x0E47, 0x0E4E }, { 0x1AB0, 0x1AFF }, { 0x1DC0, 0x1DFF },
  { 0x200B, 0x200F }, { 0x202A, 0x202E }, { 0x2060, 0x2069 }, { 0x20D0, 0x20FF }, { 0x302A, 0x302D },
  { 0x3099, 0x309A }, { 0xFE00, 0xFE0F }, { 0xFE20, 0xFE2F }, { 0xFEFF, 0xFEFF }, { 0xE0001, 0xE01EF },
};

static bool is_in(uint32_t code, const struct range *ranges, size_t count) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (code > ranges[middle].last) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < count && code >= ranges[low].first;
}

/* The character at the front: its code point, and its bytes in *length. A stray byte is one of its own. */
static uint32_t decode(struct sp_str text, size_t *length) {
  const unsigned char *bytes = (const unsigned char *)text.bytes;
  *length = sp_utf8_length(text);
  if (*length <= 1) {
    *length = 1;
    return bytes[0] < 0x80 ? bytes[0] : '?';
  }
  uint32_t code = bytes[0] & (0xFFu >> (*length + 1));
  for (size_t i = 1; i < *length; i++) {
    code = code << 6 | (bytes[i] & 0x3Fu);
  }
  return code;
}

static int width_of(uint32_t code) {
  if (code < 0x300) {
    return 1;
  }
  if (is_in(code, zero, sizeof(zero) / sizeof(zero[0]))) {
    return 0;
  }
  return is_in(code, wide, sizeof(wide) / sizeof(wide[0])) ? 2 : 1;
}

int sp_text_width(struct sp_str text) {
  int width = 0;
  for (size_t at = 0, length = 0; at < text.len; at += length) {
    width += width_of(decode(sp_str_of(text.bytes + at, text.len - at), &length));
  }
  return width;
}

size_t sp_text_fit(struct sp_str text, int width) {
  size_t at = 0;
  while (at < text.len) {
    size_t length = 0;
    int more = width_of(decode(sp_str_of(text.bytes + at, text.len - at), &length));
    if (more > width) {
      break;
    }
    width -= more;
    at += length;
  }
  return at;
}

void sp_put(struct sp_canvas *canvas, const char *format, ...) {
  va_list args;
  va_start(args, format);
  sp_buf_vprintf(canvas->out, format, args);
  va_end(args);
}

void sp_put_spaces(struct sp_canvas *canvas, int count) {
  for (; count > 0; count--) {
    sp_buf_append_char(canvas->out, ' ');
  }
}

/* Texts of plans and peers end up here: nothing of theirs may steer the terminal. */
static void put_clean(struct sp_canvas *canvas, struct sp_str text) {
  char chunk[256];
  while (text.len > 0) {
    size_t take = text.len < sizeof(chunk) ? text.len : sizeof(chunk);
    while (take < text.len && ((unsigned char)text.bytes[take] & 0xC0) == 0x80 && take > sizeof(chunk) - 4) {
      take--; /* not inside a character */
    }
    size_t len = sp_clean_text(chunk, sizeof(chunk), sp_str_of(text.bytes, take));
    sp_buf_append(canvas->out, chunk, len);
    text = sp_str_of(text.bytes + take, text.len - take);
  }
}

/* Returns the columns written. */
static int put_within(struct sp_canvas *canvas, struct sp_str text, int width) {
  int needed = sp_text_width(text);
  if (needed <= width) {
    put_clean(canvas, text);
    return needed;
  }
  if (width <= 0) {
    return 0;
  }
  text.len = sp_text_fit(text, width - 1);
  put_clean(canvas, text);
  sp_put(canvas, "…");
  return sp_text_width(text) + 1;
}

void sp_put_clipped(struct sp_canvas *canvas, struct sp_str text, int width) { put_within(canvas, text, width); }

void sp_put_cell(struct sp_canvas *canvas, struct sp_str text, int width, bool right) {
  int room = width - sp_text_width(text);
  int before = right && room > 0 ? room : 0;
  sp_put_spaces(canvas, before);
  int written = put_within(canvas, text, width);
  sp_put_spaces(canvas, width - before - written);
}

/* A space, but not one between a number and its "%". */
static bool may_break(struct sp_str text, size_t at) {
  return text.bytes[at] == ' ' && (at + 1 == text.len || text.bytes[at + 1] != '%');
}

/* Bytes of text to put on a line of so many columns: up to the last space in it, or as many as fit. */
static size_t line_length(struct sp_str text, int width) {
  size_t fit = sp_text_fit(text, width);
  if (fit == text.len || may_break(text, fit)) {
    return fit;
  }
  for (size_t at = fit; at > 0; at--) {
    if (may_break(text, at - 1)) {
      return at;
    }
  }
  return fit > 0 ? fit : text.len;
}

void sp_put_wrapped(struct sp_canvas *canvas, struct sp_str text, int at, int indent) {
  while (text.len > 0) {
    int room = canvas->width - at > 2 ? canvas->width - at : 2;
    size_t take = line_length(text, room);
    size_t len = take;
    while (len > 0 && text.bytes[len - 1] == ' ') {
      len--;
    }
    put_clean(canvas, sp_str_of(text.bytes, len));
    for (; take < text.len && text.bytes[take] == ' '; take++) {
    }
    text = sp_str_of(text.bytes + take, text.len - take);
    if (text.len > 0) {
      sp_put(canvas, "\n");
      sp_put_spaces(canvas, indent);
      at = indent;
    }
  }
  sp_put(canvas, "\n");
}

struct sp_str sp_text_part(struct sp_str *rest) {
  struct sp_str separator = SP_STR(SP_PART_SEPARATOR), part = *rest;
  const char *end = rest->len > 0 ? memmem(rest->bytes, rest->len, separator.bytes, separator.len) : NULL;
  if (!end) {
    *rest = sp_str_of(NULL, 0);
    return part;
  }
  part.len = (size_t)(end - part.bytes);
  *rest = sp_str_of(end + separator.len, rest->len - part.len - separator.len);
  return part;
}

void sp_put_parts(struct sp_canvas *canvas, struct sp_str text, int at, int indent) {
  for (bool first = true; text.len > 0; first = false) {
    struct sp_str part = sp_text_part(&text);
    int width = sp_text_width(part);
    if (!first && at + 3 + width <= canvas->width) {
      sp_put(canvas, SP_PART_SEPARATOR);
      at += 3;
    } else if (!first) {
      sp_put(canvas, "\n");
      sp_put_spaces(canvas, indent);
      at = indent;
    }
    if (at + width > canvas->width && text.len == 0) {
      sp_put_wrapped(canvas, part, at, indent);
      return;
    }
    sp_put_clipped(canvas, part, canvas->width - at);
    at += width;
  }
  sp_put(canvas, "\n");
}

static const char *const inks[] = {
  [SP_INK_PLAIN] = "\x1b[0m", [SP_INK_BOLD] = "\x1b[1m",    [SP_INK_DIM] = "\x1b[2m",   [SP_INK_RED] = "\x1b[31m",
  [SP_INK_GREEN] = "\x1b[32m", [SP_INK_YELLOW] = "\x1b[33m", [SP_INK_CYAN] = "\x1b[36m",
};

void sp_put_ink(struct sp_canvas *canvas, enum sp_ink ink) {
  if (canvas->color) {
    sp_put(canvas, "%s", inks[ink]);
  }
}

void sp_put_inked(struct sp_canvas *canvas, enum sp_ink ink, const char *format, ...) {
  va_list args;
  sp_put_ink(canvas, ink);
  va_start(args, format);
  sp_buf_vprintf(canvas->out, format, args);
  va_end(args);
  sp_put_ink(canvas, SP_INK_PLAIN);
}

#define FACT_GAP 3

static int facts_width(const struct sp_fact *facts, const bool *dropped, size_t count) {
  int width = -FACT_GAP;
  for (size_t i = 0; i < count; i++) {
    width += dropped[i] ? 0 : sp_text_width(sp_str_from(facts[i].text)) + FACT_GAP;
  }
  return width;
}

static size_t least_important(const struct sp_fact *facts, const bool *dropped, size_t count) {
  size_t least = count;
  for (size_t i = 0; i < count; i++) {
    if (!dropped[i] && (least == count || facts[i].priority < facts[least].priority)) {
      least = i;
    }
  }
  return least;
}

void sp_put_facts(struct sp_canvas *canvas, const struct sp_fact *facts, size_t count) {
  bool dropped[SP_FACTS_MAX] = { false };
  count = count < SP_FACTS_MAX ? count : SP_FACTS_MAX;
  size_t left = count;
  for (; left > 1 && facts_width(facts, dropped, count) > canvas->width; left--) {
    dropped[least_important(facts, dropped, count)] = true;
  }
  int room = canvas->width;
  for (size_t i = 0, written = 0; i < count; i++) {
    if (!dropped[i]) {
      sp_put_spaces(canvas, written++ > 0 ? FACT_GAP : 0);
      sp_put_clipped(canvas, sp_str_from(facts[i].text), room);
    }
  }
  sp_put(canvas, "\n");
}
