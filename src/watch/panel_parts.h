/* Private to the panel's files. */
#ifndef SP_WATCH_PANEL_PARTS_H
#define SP_WATCH_PANEL_PARTS_H

#include "watch/panel.h"
#include "watch/rates.h"

#define SP_PANEL_PACKS_MAX 32u
#define SP_PANEL_ROWS_MAX 64u /* of a pack */

struct sp_panel_pack {
  const struct sp_pack *pack;
  bool takes;
  bool saw[SP_PANEL_ROWS_MAX]; /* a sample of the row's first metric */
  bool split[SP_PANEL_ROWS_MAX]; /* one that had the label which splits it */
};

/* Whose figures a metric is part of; a list, since one can be of many. */
struct sp_panel_use {
  struct sp_panel_pack *pack;
  const struct sp_pack_row *row;
  size_t row_index;
  bool is_b;
  struct sp_panel_use *next;
};

struct sp_panel_series {
  char *metric, *labels; /* "a=b\x1f…": the same text for series with the same labels */
  struct sp_rate_counter last;
  struct sp_rate_step step;
  bool stepped; /* the last sample has a delta */
  int64_t span_ns; /* that a gauge's value holds for */
  int64_t least_span_ns; /* between two samples, so far */
  struct sp_panel_beat *beats[2];
  size_t beat_count;
};

/* When a metric of a subject was last read, whatever its series: those that were not among them are 0. */
struct sp_panel_beat {
  int64_t at_ns, span_ns;
};

struct sp_panel_member {
  struct sp_panel_series *series;
  bool is_b;
};

/* A row's figure of one subject and detail. */
struct sp_panel_group {
  const struct sp_panel_use *use; /* of the first sample: the row, and its pack */
  char *subject, *detail;
  char *label, *label_value;  /* by which PromQL finds the subject; "" */
  char *detail_label;         /* NULL: the row's own */
  char *query;                /* made at its first point */
  struct sp_panel_member *members;
  size_t count, cap;
  struct sp_panel_series *leader; /* at whose times the points are */
  struct sp_panel_beat *beat;     /* in its place, where what is not there is 0 */
  int64_t emitted_ns;
};

struct sp_panel {
  struct sp_panel_options options;
  struct sp_panel_pack packs[SP_PANEL_PACKS_MAX];
  size_t pack_count;
  struct sp_map uses;     /* metric -> struct sp_panel_use */
  struct sp_map series;   /* metric and labels -> struct sp_panel_series, those of use */
  struct sp_map groups;   /* row, subject, detail -> struct sp_panel_group */
  struct sp_map beats;    /* row, subject -> struct sp_panel_beat */
  struct sp_map subjects; /* pack, instance -> char * */
  size_t gaps, left_out;
};

char *sp_panel_query(const struct sp_panel *panel, const struct sp_panel_group *group); /* the caller frees */
struct sp_str sp_panel_detail_labels(const struct sp_pack_row *row, struct sp_str *otherwise); /* "a,b", and what is behind '?' */

#endif
