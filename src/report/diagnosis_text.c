#include "report/diagnosis_text.h"

#include <stdio.h>

#define LINE_SIZE (SP_DIAGNOSIS_TEXT_MAX + 100)

static void put_heading(struct sp_canvas *canvas, const char *text) {
  sp_put_inked(canvas, SP_INK_DIM, "  %s", text);
  sp_put(canvas, "\n");
}

static void put_lines(struct sp_canvas *canvas, const char *heading, const struct sp_diagnosis_list *list) {
  if (list->count == 0) return;
  put_heading(canvas, heading);
  for (size_t i = 0; i < list->count; i++) {
    sp_put(canvas, "    · ");
    sp_put_wrapped(canvas, sp_str_from(list->lines[i].text), 6, 6);
  }
}

static void put_labelled(struct sp_canvas *canvas, const char *label, const char *text) {
  if (!text[0]) return;
  char line[LINE_SIZE];
  snprintf(line, sizeof(line), "%s: %s", label, text);
  sp_put(canvas, "    ");
  sp_put_wrapped(canvas, sp_str_from(line), 4, 6);
}

static void put_claim(const struct sp_diagnosis *diagnosis, struct sp_canvas *canvas) {
  char line[LINE_SIZE];
  if (!diagnosis->claim[0]) {
    sp_put(canvas, "  ");
    sp_put_wrapped(canvas, sp_str_from(diagnosis->why_not), 2, 2);
    return;
  }
  sp_put_inked(canvas, SP_INK_YELLOW, "  %s", diagnosis->culprit);
  sp_put(canvas, " (%s confidence)\n  ", sp_diagnosis_confidence_name(diagnosis->confidence));
  snprintf(line, sizeof(line), "%s", diagnosis->claim);
  sp_put_wrapped(canvas, sp_str_from(line), 2, 2);
}

void sp_diagnosis_put(const struct sp_diagnosis *diagnosis, struct sp_canvas *canvas) {
  sp_put(canvas, "\n");
  sp_put_inked(canvas, SP_INK_BOLD, "what holds it");
  sp_put(canvas, "\n");
  put_claim(diagnosis, canvas);
  put_lines(canvas, "witnesses", &diagnosis->witnesses);
  put_lines(canvas, "near their limits too", &diagnosis->also);
  put_lines(canvas, "not it", &diagnosis->exonerated);
  put_lines(canvas, "not seen", &diagnosis->unseen);
  if (!diagnosis->change[0]) return;
  put_heading(canvas, "next");
  put_labelled(canvas, "change", diagnosis->change);
  put_labelled(canvas, "predicted", diagnosis->predicted);
  put_labelled(canvas, "refuted by", diagnosis->refuted_by);
  put_labelled(canvas, "risk", diagnosis->risk);
}

static void put_answer(const struct sp_whatif_answer *answer, struct sp_canvas *canvas) {
  const struct sp_prediction *prediction = &answer->prediction;
  if (answer->refused) {
    sp_put_inked(canvas, SP_INK_YELLOW, "  %s", answer->asked);
    sp_put(canvas, "\n  ");
    sp_put_wrapped(canvas, sp_str_from(answer->why_not), 2, 2);
    return;
  }
  sp_put_inked(canvas, SP_INK_YELLOW, "  %s", prediction->change);
  sp_put(canvas, " (%s confidence)\n", sp_diagnosis_confidence_name(prediction->confidence));
  put_labelled(canvas, "predicted", prediction->predicted);
  put_labelled(canvas, "by", prediction->basis);
  put_labelled(canvas, "refuted by", prediction->refuted_by);
  put_labelled(canvas, "doubt", prediction->doubt);
}

void sp_whatif_put(const struct sp_whatif_answer *answers, size_t count, struct sp_canvas *canvas) {
  sp_put(canvas, "\n");
  sp_put_inked(canvas, SP_INK_BOLD, "what if");
  sp_put(canvas, "\n");
  for (size_t i = 0; i < count; i++) put_answer(&answers[i], canvas);
}
