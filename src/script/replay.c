#include "script/replay.h"

#include "base/clock.h"
#include "base/mem.h"
#include "script/lua_host.h"
#include "wire/json.h"

#include <math.h>
#include <stdlib.h>

#define DUE_MAX_S ((double)(SP_LOAD_TIME_MAX_NS / SP_NS_PER_S))

/* -- one line's time -- */

struct row_time { /* a text is kept whole: a double would lose its nanoseconds */
  bool is_text;
  double number;
  int64_t real_ns;
};

struct parser {
  struct sp_replay *replay;
  const struct sp_replay_options *options;
  struct sp_json doc;
  struct sp_buf scratch;
  struct row_time first, last;
  double unit_s;
  size_t line;
};

static int fail_line(const struct parser *parser, const char *what, struct sp_err *err) {
  return sp_fail(err, SP_EPLAN, "%s:%zu: %s", parser->options->path, parser->line, what);
}

static int read_time(struct parser *parser, int value, struct row_time *out, struct sp_err *err) {
  enum sp_json_kind kind = sp_json_kind(&parser->doc, value);
  *out = (struct row_time){.is_text = kind == SP_JSON_STRING};
  if (kind == SP_JSON_NUMBER) {
    out->number = sp_json_number(&parser->doc, value, (double)NAN);
    return isfinite(out->number) ? 0 : fail_line(parser, "its time is too large a number", err);
  }
  if (kind == SP_JSON_STRING) {
    struct sp_str text = sp_json_string(&parser->doc, value, &parser->scratch);
    if (sp_clock_parse_rfc3339(text, &out->real_ns)) return 0;
    return fail_line(parser, "its time is no RFC 3339 text such as 2026-11-23T16:50:00.123Z", err);
  }
  return sp_fail(err, SP_EPLAN, "%s:%zu: no time: the member '%s' must be a number or an RFC 3339 text (another name: "
                 "time = \"…\")", parser->options->path, parser->line, parser->options->time);
}

/* Numbers since 1970 tell their unit by their size: 1e11 s would be in the year 5138, 1e11 ms was in 1973. */
static double unit_of(double number) {
  static const struct {
    double least, unit_s;
  } units[] = {{1e17, 1e-9}, {1e14, 1e-6}, {1e11, 1e-3}};
  for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
    if (number >= units[i].least) return units[i].unit_s;
  }
  return 1;
}

static double seconds_between(const struct parser *parser, const struct row_time *from, const struct row_time *to) {
  if (to->is_text) return (double)(to->real_ns - from->real_ns) / (double)SP_NS_PER_S;
  return (to->number - from->number) * parser->unit_s;
}

static int begin_times(struct parser *parser, const struct row_time *time) {
  parser->first = parser->last = *time;
  parser->unit_s = parser->options->unit_s > 0 ? parser->options->unit_s : unit_of(time->number);
  return 0;
}

static int check_time(struct parser *parser, const struct row_time *time, struct sp_err *err) {
  if (parser->replay->count == 0) return begin_times(parser, time);
  if (time->is_text != parser->first.is_text) return fail_line(parser, "its time is a text where others are numbers", err);
  if (seconds_between(parser, &parser->last, time) < 0) {
    return fail_line(parser, "its time is before that of the line before it: sort the file by time", err);
  }
  parser->last = *time;
  return 0;
}

/* -- rows -- */

static void append(struct sp_replay *replay, struct sp_str row, int64_t due_ns) {
  if (replay->count == replay->cap) {
    replay->cap = replay->cap ? replay->cap * 2 : 64;
    replay->rows = sp_realloc(replay->rows, replay->cap * sizeof(*replay->rows));
    replay->due_ns = sp_realloc(replay->due_ns, replay->cap * sizeof(*replay->due_ns));
  }
  replay->rows[replay->count] = row;
  replay->due_ns[replay->count++] = due_ns;
}

static int read_row(struct parser *parser, struct sp_str row, struct sp_err *err) {
  struct sp_err why;
  struct row_time time;
  if (row.len > SP_REPLAY_LINE_MAX) {
    return sp_fail(err, SP_ELIMIT, "%s:%zu: a line of over %u bytes", parser->options->path, parser->line,
                   SP_REPLAY_LINE_MAX);
  }
  if (sp_json_parse(&parser->doc, row, &why)) return fail_line(parser, why.text, err);
  if (sp_json_kind(&parser->doc, 0) != SP_JSON_OBJECT) return fail_line(parser, "a line must be a JSON object", err);
  int code = read_time(parser, sp_json_get(&parser->doc, 0, parser->options->time), &time, err);
  if (code == 0) code = check_time(parser, &time, err);
  if (code) return code;
  double due_s = seconds_between(parser, &parser->first, &time) / parser->options->speed;
  if (!(due_s <= DUE_MAX_S)) {
    return fail_line(parser, "over ten years after the first line: check the times' unit and the speed", err);
  }
  if (parser->replay->count == SP_REPLAY_ROWS_MAX) {
    return sp_fail(err, SP_ELIMIT, "%s: over %u lines", parser->options->path, SP_REPLAY_ROWS_MAX);
  }
  append(parser->replay, row, llround(due_s * (double)SP_NS_PER_S));
  return 0;
}

int sp_replay_parse(struct sp_replay *replay, struct sp_str text, const struct sp_replay_options *options,
                    struct sp_err *err) {
  struct parser parser = {.replay = replay, .options = options};
  int code = 0;
  *replay = (struct sp_replay){0};
  sp_json_init(&parser.doc);
  sp_buf_init(&parser.scratch, SP_REPLAY_LINE_MAX);
  while (code == 0 && text.len > 0) {
    struct sp_str row = sp_str_trim(sp_str_split(&text, '\n'));
    parser.line++;
    if (row.len > 0) code = read_row(&parser, row, err);
  }
  if (code == 0 && replay->count == 0) code = sp_fail(err, SP_EPLAN, "%s: no lines to replay", options->path);
  sp_buf_fini(&parser.scratch);
  sp_json_fini(&parser.doc);
  return code;
}

void sp_replay_fini(struct sp_replay *replay) {
  free(replay->rows);
  free(replay->due_ns);
  *replay = (struct sp_replay){0};
}

/* -- a plan's files -- */

struct replay_file {
  struct sp_replay_options options; /* own texts */
  char *text;
  struct sp_replay replay;
};

struct sp_replays {
  struct replay_file files[SP_REPLAYS_MAX];
  size_t count;
  bool sealed;
};

struct sp_replays *sp_replays_create(void) { return sp_alloc(sizeof(struct sp_replays)); }

static void close_file(struct replay_file *file) {
  sp_replay_fini(&file->replay);
  free(file->text);
  free((char *)file->options.path);
  free((char *)file->options.time);
  *file = (struct replay_file){0};
}

void sp_replays_destroy(struct sp_replays *replays) {
  if (!replays) return;
  for (size_t i = 0; i < replays->count; i++) close_file(&replays->files[i]);
  free(replays);
}

void sp_replays_seal(struct sp_replays *replays) { replays->sealed = true; }

static bool is_same(const struct sp_replay_options *a, const struct sp_replay_options *b) {
  bool same_numbers = !(a->unit_s < b->unit_s || a->unit_s > b->unit_s || a->speed < b->speed || a->speed > b->speed);
  return same_numbers && strcmp(a->path, b->path) == 0 && strcmp(a->time, b->time) == 0;
}

static int open_file(struct replay_file *file, const struct sp_replay_options *options, struct sp_err *err) {
  size_t len;
  *file = (struct replay_file){.options = *options};
  file->options.path = sp_strdup(options->path);
  file->options.time = sp_strdup(options->time);
  int code = sp_read_file(options->path, SP_REPLAY_FILE_MAX, &file->text, &len, err);
  if (code == 0) code = sp_replay_parse(&file->replay, sp_str_of(file->text, len), options, err);
  if (code) close_file(file);
  return code;
}

const struct sp_replay *sp_replays_open(struct sp_replays *replays, const struct sp_replay_options *options,
                                        struct sp_err *err) {
  for (size_t i = 0; i < replays->count; i++) {
    if (is_same(&replays->files[i].options, options)) return &replays->files[i].replay;
  }
  if (replays->sealed) {
    sp_fail(err, SP_EPLAN, "a replay is opened while the plan loads, not in a task");
  } else if (replays->count == SP_REPLAYS_MAX) {
    sp_fail(err, SP_ELIMIT, "over %u replays", SP_REPLAYS_MAX);
  } else if (open_file(&replays->files[replays->count], options, err) == 0) {
    return &replays->files[replays->count++].replay;
  }
  return NULL;
}
