#include "watch/proc_text.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_SIZE 16384u
#define LIST_MAX 65536.0 /* processors that somebody may have */

/* -- reading -- */

void sp_proc_init(struct sp_proc *proc, const char *root) {
  proc->root = sp_strdup(root);
  sp_buf_init(&proc->text, SP_PROC_FILE_MAX);
}

void sp_proc_fini(struct sp_proc *proc) {
  free(proc->root);
  sp_buf_fini(&proc->text);
}

/* 0, or errno. */
static int read_all(int fd, struct sp_buf *text) {
  ssize_t got = 1;
  while (got > 0) {
    size_t room = text->max - text->len < READ_SIZE ? text->max - text->len : READ_SIZE;
    if (room == 0 || sp_buf_reserve(text, room)) return 0;
    got = read(fd, text->bytes + text->len, room);
    if (got > 0) text->len += (size_t)got;
  }
  text->bytes[text->len] = '\0';
  return got < 0 ? errno : 0;
}

static int __attribute__((format(printf, 4, 0)))
read_file(struct sp_proc *proc, struct sp_str *text, struct sp_err *err, const char *format, va_list args) {
  char path[PATH_MAX];
  int head = snprintf(path, sizeof(path), "%s/", proc->root);
  *text = sp_str_of("", 0);
  if (head < 0 || (size_t)head >= sizeof(path)) return sp_fail(err, SP_ELIMIT, "%s: a path too long", proc->root);
  vsnprintf(path + head, sizeof(path) - (size_t)head, format, args);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return sp_fail(err, SP_EIO, "%s: %s", path, strerror(errno));
  sp_buf_clear(&proc->text);
  int error = read_all(fd, &proc->text);
  close(fd);
  if (error) return sp_fail(err, SP_EIO, "%s: %s", path, strerror(error));
  *text = sp_buf_str(&proc->text);
  return 0;
}

int sp_proc_read(struct sp_proc *proc, struct sp_str *text, struct sp_err *err, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int code = read_file(proc, text, err, format, args);
  va_end(args);
  return code;
}

bool sp_proc_has(struct sp_proc *proc, struct sp_str *text, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int code = read_file(proc, text, NULL, format, args);
  va_end(args);
  return code == 0;
}

/* -- what all of them are made of -- */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

struct sp_str sp_proc_word(struct sp_str *rest) {
  size_t from = 0, to;
  while (from < rest->len && is_blank(rest->bytes[from])) from++;
  for (to = from; to < rest->len && !is_blank(rest->bytes[to]);) to++;
  struct sp_str word = sp_str_of(rest->len ? rest->bytes + from : "", to - from);
  *rest = sp_str_of(rest->len ? rest->bytes + to : "", rest->len - to);
  return word;
}

double sp_proc_number(struct sp_str word) {
  uint64_t value = 0;
  if (word.len == 0) return NAN;
  for (size_t i = 0; i < word.len; i++) {
    unsigned digit = (unsigned)(unsigned char)word.bytes[i] - '0';
    if (digit > 9 || __builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, digit, &value)) return NAN;
  }
  return (double)value;
}

size_t sp_proc_numbers(struct sp_str line, double *out, size_t max) {
  size_t count = 0;
  for (; count < max; count++) {
    out[count] = sp_proc_number(sp_proc_word(&line));
    if (isnan(out[count])) break;
  }
  return count;
}

static bool is_named(struct sp_str word, const char *name) {
  if (word.len && word.bytes[word.len - 1] == ':') word.len--;
  return sp_str_eq(word, sp_str_from(name));
}

double sp_proc_value(struct sp_str text, const char *name) {
  while (text.len) {
    struct sp_str line = sp_str_split(&text, '\n');
    if (is_named(sp_proc_word(&line), name)) return sp_proc_number(sp_proc_word(&line));
  }
  return NAN;
}

double sp_proc_sum(struct sp_str text, const char *name) {
  double sum = NAN;
  while (text.len) {
    struct sp_str line = sp_str_split(&text, '\n');
    while (line.len) {
      struct sp_str value = sp_proc_word(&line), key = sp_str_split(&value, '=');
      double number = sp_str_eq(key, sp_str_from(name)) ? sp_proc_number(value) : NAN;
      if (!isnan(number)) sum = isnan(sum) ? number : sum + number;
    }
  }
  return sum;
}

double sp_proc_paired(struct sp_str text, const char *group, const char *name) {
  while (text.len) {
    struct sp_str names = sp_str_split(&text, '\n');
    if (!is_named(sp_proc_word(&names), group)) continue;
    struct sp_str values = sp_str_split(&text, '\n');
    if (!is_named(sp_proc_word(&values), group)) return NAN;
    while (names.len) {
      bool found = sp_str_eq(sp_proc_word(&names), sp_str_from(name));
      struct sp_str value = sp_proc_word(&values);
      if (found) return sp_proc_number(value);
    }
  }
  return NAN;
}

double sp_proc_pressure_s(struct sp_str text, const char *who) {
  while (text.len) {
    struct sp_str line = sp_str_split(&text, '\n');
    if (is_named(sp_proc_word(&line), who)) return sp_proc_sum(line, "total") * 1e-6;
  }
  return NAN;
}

double sp_proc_list_count(struct sp_str text) {
  double count = 0;
  text = sp_str_trim(text);
  while (text.len) {
    struct sp_str last = sp_str_split(&text, ','), first = sp_str_split(&last, '-');
    double from = sp_proc_number(first), to = last.len ? sp_proc_number(last) : from;
    if (!(to >= from && to < LIST_MAX)) return NAN;
    count += to - from + 1;
  }
  return count > 0 ? count : NAN;
}
