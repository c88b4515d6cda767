/* A diagnosis, and what changes would do, for a person to read: text only. */
#ifndef SP_REPORT_DIAGNOSIS_TEXT_H
#define SP_REPORT_DIAGNOSIS_TEXT_H

#include "model/whatif.h"
#include "report/canvas.h"

void sp_diagnosis_put(const struct sp_diagnosis *diagnosis, struct sp_canvas *canvas);
void sp_whatif_put(const struct sp_whatif_answer *answers, size_t count, struct sp_canvas *canvas);

#endif
