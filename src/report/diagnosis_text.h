/* A diagnosis for a person to read: text only. */
#ifndef SP_REPORT_DIAGNOSIS_TEXT_H
#define SP_REPORT_DIAGNOSIS_TEXT_H

#include "model/diagnose.h"
#include "report/canvas.h"

void sp_diagnosis_put(const struct sp_diagnosis *diagnosis, struct sp_canvas *canvas);

#endif
