/*
 * Stages as people write them. A piece is LEVEL:HOLD or FROM..TO:HOLD (a ramp); pieces stand behind commas:
 *
 *   users, in flight   "50:5m,100:5m,0..100:2m,150:30s"
 *   arrivals           "20/s", "20/s:1m,20..100/s:5m,100/s:30s" (also /m and /h; a bare number is a second's)
 *
 * The last may leave its hold out: it lasts until the run ends otherwise. Errors (SP_EUSAGE) name the piece and its
 * column, from 1.
 */
#ifndef SP_ENGINE_SHAPE_PARSE_H
#define SP_ENGINE_SHAPE_PARSE_H

#include "engine/load.h"

#define SP_STAGE_TEXT_MAX 80u /* characters of a piece */

/* stages has room for SP_STAGES_MAX. */
int sp_stages_parse(const char *text, struct sp_stage *stages, size_t *count, struct sp_err *err);
int sp_rates_parse(const char *text, struct sp_stage *stages, size_t *count, struct sp_err *err);

#endif
