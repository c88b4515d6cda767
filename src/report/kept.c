#include "report/kept.h"

#include "base/mem.h"
#include "stats/pack.h"
#include "stats/snapshot.h"

#include <stdlib.h>

#define NOTES_KEPT_MAX 1000u
#define NOTE_KEPT_MAX 4096u

static int fail(struct sp_err *err) { return sp_fail(err, SP_EPARSE, "what was kept of the run is damaged"); }

static int read_version(struct sp_unpacker *from, struct sp_err *err) {
  uint64_t version = sp_unpacker_uint(from);
  if (!from->bad && version > SP_KEPT_VERSION) {
    return sp_fail(err, SP_EPARSE, "the run was kept by a later spate (version %llu, this one reads up to %d)",
                   (unsigned long long)version, SP_KEPT_VERSION);
  }
  return from->bad || version == 0 ? fail(err) : SP_OK;
}

/* NULL and texts: the length is one more than it is, 0 stands for NULL. */
static void put_text(struct sp_buf *out, const char *text) {
  sp_pack_uint(out, text != NULL);
  sp_pack_text(out, text ? text : "");
}

static char *read_text(struct sp_unpacker *from, size_t max) {
  bool there = sp_unpacker_up_to(from, 1) == 1;
  struct sp_str text = sp_unpacker_text(from, max);
  return there && !from->bad ? sp_strndup(text.bytes, text.len) : NULL;
}

/* -- the load -- */

static void put_load(struct sp_buf *out, const struct sp_load *load) {
  sp_pack_uint(out, load->users);
  sp_pack_double(out, load->spawn_per_s);
  sp_pack_int(out, load->run_time_ns);
  sp_pack_uint(out, load->iterations);
  sp_pack_int(out, load->stop_timeout_ns);
  sp_pack_int(out, load->warm_up_ns);
  sp_pack_uint(out, load->threads);
  sp_pack_uint(out, load->seed);
  sp_pack_uint(out, load->kind);
  sp_pack_uint(out, load->stage_count);
  for (size_t i = 0; i < load->stage_count; i++) {
    sp_pack_double(out, load->stages[i].from);
    sp_pack_double(out, load->stages[i].to);
    sp_pack_int(out, load->stages[i].hold_ns);
  }
  sp_pack_int(out, load->shape_period_ns);
  sp_pack_double(out, load->rate_per_s);
  sp_pack_uint(out, load->arrivals);
  sp_pack_uint(out, load->max_in_flight);
  sp_pack_uint(out, load->shape != NULL);
  sp_pack_uint(out, load->trace != NULL);
  sp_pack_int(out, load->trace && load->trace_count > 0 ? load->trace[load->trace_count - 1] : 0);
}

static void read_stages(struct sp_unpacker *from, struct sp_load *load) {
  load->stage_count = (size_t)sp_unpacker_up_to(from, SP_STAGES_MAX);
  for (size_t i = 0; i < load->stage_count; i++) {
    load->stages[i].from = sp_unpacker_double(from);
    load->stages[i].to = sp_unpacker_double(from);
    load->stages[i].hold_ns = sp_unpacker_int(from);
  }
}

/* Only to be told apart from none: nothing runs it again. */
static int gone_shape(void *ctx, double elapsed_s, struct sp_shape_point *out) {
  (void)ctx, (void)elapsed_s, (void)out;
  return 1;
}

static void read_load(struct sp_unpacker *from, struct sp_kept_asked *out) {
  struct sp_load *load = &out->load;
  load->users = sp_unpacker_uint(from);
  load->spawn_per_s = sp_unpacker_double(from);
  load->run_time_ns = sp_unpacker_int(from);
  load->iterations = sp_unpacker_uint(from);
  load->stop_timeout_ns = sp_unpacker_int(from);
  load->warm_up_ns = sp_unpacker_int(from);
  load->threads = (unsigned)sp_unpacker_up_to(from, SP_THREADS_MAX);
  load->seed = sp_unpacker_uint(from);
  load->kind = (enum sp_load_kind)sp_unpacker_up_to(from, SP_LOAD_IN_FLIGHT);
  read_stages(from, load);
  load->shape_period_ns = sp_unpacker_int(from);
  load->rate_per_s = sp_unpacker_double(from);
  load->arrivals = (enum sp_arrivals_kind)sp_unpacker_up_to(from, SP_ARRIVALS_EVEN);
  load->max_in_flight = sp_unpacker_uint(from);
  load->shape = sp_unpacker_up_to(from, 1) ? gone_shape : NULL;
  load->trace_count = sp_unpacker_up_to(from, 1);
  out->trace_end_ns = sp_unpacker_int(from);
  load->trace = load->trace_count > 0 ? &out->trace_end_ns : NULL;
}

void sp_kept_put_asked(struct sp_buf *out, const struct sp_run_begin *begin) {
  sp_pack_uint(out, SP_KEPT_VERSION);
  put_load(out, begin->load);
  sp_pack_uint(out, begin->slo_count);
  for (size_t i = 0; i < begin->slo_count; i++) {
    sp_pack_text(out, begin->slos[i]);
  }
}

int sp_kept_read_asked(struct sp_str bytes, struct sp_kept_asked *out, struct sp_err *err) {
  struct sp_unpacker from = { bytes, false };
  *out = (struct sp_kept_asked){ 0 };
  int code = read_version(&from, err);
  if (code) {
    return code;
  }
  read_load(&from, out);
  size_t count = (size_t)sp_unpacker_up_to(&from, SP_KEPT_SLOS_MAX);
  out->slos = sp_alloc_array(count + 1, sizeof(*out->slos));
  for (; out->slo_count < count && !from.bad; out->slo_count++) {
    struct sp_str text = sp_unpacker_text(&from, SP_SLO_TEXT_MAX);
    out->slos[out->slo_count] = sp_strndup(text.bytes ? text.bytes : "", text.len);
  }
  return from.bad ? fail(err) : SP_OK;
}

void sp_kept_fini_asked(struct sp_kept_asked *asked) {
  for (size_t i = 0; i < asked->slo_count; i++) {
    free(asked->slos[i]);
  }
  free(asked->slos);
  *asked = (struct sp_kept_asked){ 0 };
}

/* -- facts and validity -- */

static void put_little(struct sp_buf *out, const struct sp_little *law) {
  sp_pack_double(out, law->observed);
  sp_pack_double(out, law->predicted);
  sp_pack_uint(out, law->samples);
  sp_pack_double(out, law->lost_s);
}

static void read_little(struct sp_unpacker *from, struct sp_little *law) {
  law->observed = sp_unpacker_double(from);
  law->predicted = sp_unpacker_double(from);
  law->samples = sp_unpacker_uint(from);
  law->lost_s = sp_unpacker_double(from);
}

static void put_facts(struct sp_buf *out, const struct sp_run_facts *facts) {
  unsigned threads = facts->threads < SP_THREADS_MAX ? facts->threads : SP_THREADS_MAX;
  sp_pack_int(out, facts->duration_ns);
  sp_pack_int(out, facts->measured_ns);
  sp_pack_uint(out, facts->users_max);
  sp_pack_uint(out, threads);
  for (unsigned i = 0; i < threads; i++) {
    sp_pack_double(out, facts->thread[i].cpu_share);
    sp_pack_double(out, facts->thread[i].wait_share);
  }
  sp_pack_double(out, facts->cpu_share);
  put_text(out, facts->aborted);
  sp_pack_double(out, facts->users_mean);
  sp_pack_double(out, facts->in_flight_mean);
  sp_pack_uint(out, facts->arrivals_planned);
  sp_pack_uint(out, facts->arrivals_made);
  sp_pack_uint(out, facts->arrivals_dropped);
  put_little(out, &facts->users_law);
  put_little(out, &facts->requests_law);
  sp_pack_uint(out, facts->throttling.known);
  sp_pack_uint(out, facts->throttling.periods);
  sp_pack_int(out, facts->throttling.throttled_ns);
}

static void read_facts(struct sp_unpacker *from, struct sp_run_facts *facts, char **aborted) {
  facts->duration_ns = sp_unpacker_int(from);
  facts->measured_ns = sp_unpacker_int(from);
  facts->users_max = sp_unpacker_uint(from);
  facts->threads = (unsigned)sp_unpacker_up_to(from, SP_THREADS_MAX);
  for (unsigned i = 0; i < facts->threads; i++) {
    facts->thread[i].cpu_share = sp_unpacker_double(from);
    facts->thread[i].wait_share = sp_unpacker_double(from);
  }
  facts->cpu_share = sp_unpacker_double(from);
  facts->aborted = *aborted = read_text(from, NOTE_KEPT_MAX);
  facts->users_mean = sp_unpacker_double(from);
  facts->in_flight_mean = sp_unpacker_double(from);
  facts->arrivals_planned = sp_unpacker_uint(from);
  facts->arrivals_made = sp_unpacker_uint(from);
  facts->arrivals_dropped = sp_unpacker_uint(from);
  read_little(from, &facts->users_law);
  read_little(from, &facts->requests_law);
  facts->throttling.known = sp_unpacker_up_to(from, 1) == 1;
  facts->throttling.periods = sp_unpacker_uint(from);
  facts->throttling.throttled_ns = sp_unpacker_int(from);
}

static void put_sentences(struct sp_buf *out, const char (*list)[SP_REASON_TEXT_MAX], size_t count) {
  sp_pack_uint(out, count);
  for (size_t i = 0; i < count; i++) {
    sp_pack_text(out, list[i]);
  }
}

static size_t read_sentences(struct sp_unpacker *from, char (*list)[SP_REASON_TEXT_MAX], size_t most) {
  size_t count = (size_t)sp_unpacker_up_to(from, most);
  for (size_t i = 0; i < count; i++) {
    struct sp_str text = sp_unpacker_text(from, SP_REASON_TEXT_MAX - 1);
    memcpy(list[i], text.bytes ? text.bytes : "", text.len);
    list[i][text.len] = 0;
  }
  return count;
}

static void put_validity(struct sp_buf *out, const struct sp_validity *validity) {
  sp_pack_uint(out, validity->valid);
  put_sentences(out, validity->reasons, validity->reason_count);
  put_sentences(out, validity->notes, validity->note_count);
  sp_pack_double(out, validity->cpu_share);
  sp_pack_double(out, validity->closure_error);
  sp_pack_double(out, validity->users_closure);
  sp_pack_double(out, validity->requests_closure);
  sp_pack_uint(out, validity->late_starts);
  sp_pack_uint(out, validity->dropped_starts);
}

static void read_validity(struct sp_unpacker *from, struct sp_validity *validity) {
  validity->valid = sp_unpacker_up_to(from, 1) == 1;
  validity->reason_count = read_sentences(from, validity->reasons, SP_REASONS_MAX);
  validity->note_count = read_sentences(from, validity->notes, SP_NOTES_MAX);
  validity->cpu_share = sp_unpacker_double(from);
  validity->closure_error = sp_unpacker_double(from);
  validity->users_closure = sp_unpacker_double(from);
  validity->requests_closure = sp_unpacker_double(from);
  validity->late_starts = sp_unpacker_uint(from);
  validity->dropped_starts = sp_unpacker_uint(from);
}

/* -- SLOs -- */

static void put_window(struct sp_buf *out, const struct sp_window_track *track) {
  sp_pack_uint(out, track->windows);
  sp_pack_uint(out, track->empty);
  sp_pack_uint(out, track->missed);
  sp_pack_double(out, track->worst);
  sp_pack_int(out, track->worst_begin_ns);
  sp_pack_int(out, track->worst_end_ns);
  sp_pack_int(out, track->judged_ns);
}

static void read_window(struct sp_unpacker *from, struct sp_window_track *track) {
  track->windows = sp_unpacker_uint(from);
  track->empty = sp_unpacker_uint(from);
  track->missed = sp_unpacker_uint(from);
  track->worst = sp_unpacker_double(from);
  track->worst_begin_ns = sp_unpacker_int(from);
  track->worst_end_ns = sp_unpacker_int(from);
  track->judged_ns = sp_unpacker_int(from);
}

static void put_confidence(struct sp_buf *out, const struct sp_confidence *sure) {
  sp_pack_uint(out, sure->state);
  sp_pack_double(out, sure->value);
  sp_pack_double(out, sure->low);
  sp_pack_double(out, sure->high);
  sp_pack_uint(out, sure->batches);
  sp_pack_double(out, sure->lag1);
  sp_pack_uint(out, sure->samples);
  sp_pack_uint(out, sure->needed);
}

static void read_confidence(struct sp_unpacker *from, struct sp_confidence *sure) {
  sure->state = (enum sp_confidence_state)sp_unpacker_up_to(from, SP_CONFIDENCE_EXTREME);
  sure->value = sp_unpacker_double(from);
  sure->low = sp_unpacker_double(from);
  sure->high = sp_unpacker_double(from);
  sure->batches = (unsigned)sp_unpacker_up_to(from, UINT32_MAX);
  sure->lag1 = sp_unpacker_double(from);
  sure->samples = sp_unpacker_uint(from);
  sure->needed = sp_unpacker_uint(from);
}

struct kept_slo {
  struct sp_slo slo;
  char *expression, *why;
  struct sp_window_track window;
  struct sp_confidence confidence;
};

static void put_slo(struct sp_buf *out, const struct sp_slo_result *slo) {
  sp_pack_text(out, slo->expression);
  sp_pack_double(out, slo->value);
  sp_pack_uint(out, slo->met);
  sp_pack_uint(out, slo->slo != NULL);
  put_text(out, slo->why);
  sp_pack_uint(out, slo->samples);
  sp_pack_uint(out, slo->confidence != NULL);
  if (slo->confidence) {
    put_confidence(out, slo->confidence);
  }
  sp_pack_uint(out, slo->window != NULL);
  if (slo->window) {
    put_window(out, slo->window);
  }
}

static void read_slo(struct sp_unpacker *from, struct kept_slo *kept, struct sp_slo_result *out) {
  struct sp_str text = sp_unpacker_text(from, SP_SLO_TEXT_MAX);
  out->expression = kept->expression = sp_strndup(text.bytes ? text.bytes : "", text.len);
  out->value = sp_unpacker_double(from);
  out->met = sp_unpacker_up_to(from, 1) == 1;
  bool is_parsed = sp_unpacker_up_to(from, 1) == 1;
  out->slo = is_parsed && sp_slo_parse(text, &kept->slo, NULL) == 0 ? &kept->slo : NULL;
  out->why = kept->why = read_text(from, NOTE_KEPT_MAX);
  out->samples = sp_unpacker_uint(from);
  if (sp_unpacker_up_to(from, 1) == 1) {
    read_confidence(from, &kept->confidence);
    out->confidence = &kept->confidence;
  }
  if (sp_unpacker_up_to(from, 1) == 1) {
    read_window(from, &kept->window);
    kept->window.slo = &kept->slo;
    out->window = &kept->window;
  }
}

/* -- all of it -- */

struct sp_kept_result {
  struct sp_result result;
  struct sp_interval *totals;
  char *aborted;
  struct kept_slo *kept_slos;
  struct sp_slo_result *slos;
  struct sp_run_stage *stages;
  struct sp_interval **intervals; /* of the stages */
  size_t interval_count;
  char **notes;
  size_t note_count;
};

static void put_stage(struct sp_buf *out, const struct sp_run_stage *stage) {
  struct sp_buf interval;
  sp_buf_init(&interval, SP_SNAPSHOT_MAX);
  sp_snapshot_encode(stage->interval, &interval);
  sp_pack_double(out, stage->stage.from);
  sp_pack_double(out, stage->stage.to);
  sp_pack_int(out, stage->stage.hold_ns);
  sp_pack_int(out, stage->begin_ns);
  sp_pack_int(out, stage->measured_ns);
  sp_pack_double(out, stage->users_mean);
  sp_pack_double(out, stage->in_flight_mean);
  sp_pack_uint(out, interval.len);
  sp_buf_append_str(out, sp_buf_str(&interval));
  sp_buf_fini(&interval);
}

static bool read_stage(struct sp_unpacker *from, struct sp_kept_result *kept, struct sp_run_stage *stage) {
  stage->stage.from = sp_unpacker_double(from);
  stage->stage.to = sp_unpacker_double(from);
  stage->stage.hold_ns = sp_unpacker_int(from);
  stage->begin_ns = sp_unpacker_int(from);
  stage->measured_ns = sp_unpacker_int(from);
  stage->users_mean = sp_unpacker_double(from);
  stage->in_flight_mean = sp_unpacker_double(from);
  struct sp_interval *interval = sp_snapshot_decode(sp_unpacker_text(from, SP_SNAPSHOT_MAX), NULL);
  stage->interval = interval;
  if (interval) {
    kept->intervals[kept->interval_count++] = interval;
  }
  return interval && !from->bad;
}

void sp_kept_put_result(struct sp_buf *out, const struct sp_result *result) {
  sp_pack_uint(out, SP_KEPT_VERSION);
  sp_pack_int(out, result->started_real_ns);
  sp_pack_uint(out, result->seed);
  sp_pack_uint(out, result->interrupted);
  put_facts(out, &result->facts);
  put_validity(out, &result->validity);
  sp_pack_uint(out, result->slo_count);
  for (size_t i = 0; i < result->slo_count; i++) {
    put_slo(out, &result->slos[i]);
  }
  sp_pack_uint(out, result->stage_count);
  for (size_t i = 0; i < result->stage_count; i++) {
    put_stage(out, &result->stages[i]);
  }
  sp_pack_uint(out, result->note_count);
  for (size_t i = 0; i < result->note_count; i++) {
    sp_pack_text(out, result->notes[i]);
  }
}

static void read_slos(struct sp_unpacker *from, struct sp_kept_result *kept) {
  size_t count = (size_t)sp_unpacker_up_to(from, SP_KEPT_SLOS_MAX);
  kept->kept_slos = sp_alloc_array(count + 1, sizeof(*kept->kept_slos));
  kept->slos = sp_alloc_array(count + 1, sizeof(*kept->slos));
  for (; kept->result.slo_count < count && !from->bad; kept->result.slo_count++) {
    read_slo(from, &kept->kept_slos[kept->result.slo_count], &kept->slos[kept->result.slo_count]);
  }
  kept->result.slos = kept->slos;
}

static void read_kept_stages(struct sp_unpacker *from, struct sp_kept_result *kept) {
  size_t count = (size_t)sp_unpacker_up_to(from, SP_STAGES_MAX);
  kept->stages = sp_alloc_array(count + 1, sizeof(*kept->stages));
  kept->intervals = sp_alloc_array(count + 1, sizeof(struct sp_interval *));
  for (; kept->result.stage_count < count && !from->bad; kept->result.stage_count++) {
    if (!read_stage(from, kept, &kept->stages[kept->result.stage_count])) {
      from->bad = true;
    }
  }
  kept->result.stages = kept->stages;
}

static void read_notes(struct sp_unpacker *from, struct sp_kept_result *kept) {
  size_t count = (size_t)sp_unpacker_up_to(from, NOTES_KEPT_MAX);
  kept->notes = sp_alloc_array(count + 1, sizeof(char *));
  for (; kept->note_count < count && !from->bad; kept->note_count++) {
    struct sp_str text = sp_unpacker_text(from, NOTE_KEPT_MAX);
    kept->notes[kept->note_count] = sp_strndup(text.bytes ? text.bytes : "", text.len);
  }
  kept->result.notes = (const char *const *)kept->notes;
  kept->result.note_count = kept->note_count;
}

struct sp_kept_result *sp_kept_read_result(struct sp_str bytes, struct sp_interval *totals, struct sp_err *err) {
  struct sp_unpacker from = { bytes, false };
  struct sp_kept_result *kept = sp_alloc(sizeof(*kept));
  kept->result.totals = kept->totals = totals;
  int code = read_version(&from, err);
  if (code == 0) {
    kept->result.started_real_ns = sp_unpacker_int(&from);
    kept->result.seed = sp_unpacker_uint(&from);
    kept->result.interrupted = sp_unpacker_up_to(&from, 1) == 1;
    read_facts(&from, &kept->result.facts, &kept->aborted);
    read_validity(&from, &kept->result.validity);
    read_slos(&from, kept);
    read_kept_stages(&from, kept);
    read_notes(&from, kept);
    code = from.bad || from.rest.len > 0 ? fail(err) : SP_OK;
  }
  if (code) {
    sp_kept_result_destroy(kept);
    return NULL;
  }
  return kept;
}

struct sp_result *sp_kept_result_of(struct sp_kept_result *kept) { return &kept->result; }

void sp_kept_result_destroy(struct sp_kept_result *kept) {
  if (!kept) {
    return;
  }
  for (size_t i = 0; kept->kept_slos && i < kept->result.slo_count; i++) {
    free(kept->kept_slos[i].expression);
    free(kept->kept_slos[i].why);
  }
  for (size_t i = 0; i < kept->interval_count; i++) {
    sp_interval_destroy(kept->intervals[i]);
  }
  for (size_t i = 0; i < kept->note_count; i++) {
    free(kept->notes[i]);
  }
  sp_interval_destroy(kept->totals);
  free(kept->aborted);
  free(kept->kept_slos);
  free(kept->slos);
  free(kept->stages);
  free(kept->intervals);
  free(kept->notes);
  free(kept);
}
