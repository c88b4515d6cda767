/*
 * Student's t distribution for any degrees of freedom over 0 (Welch's are fractions). Pure functions.
 * By the regularised incomplete beta function: Abramowitz & Stegun 26.7.1; its continued fraction DLMF 8.17.22.
 */
#ifndef SP_MODEL_STUDENT_H
#define SP_MODEL_STUDENT_H

/* The share of values below t, and the t that so large a share (over 0, under 1) is below. */
double sp_student_below(double t, double degrees);
double sp_student_quantile(double share, double degrees);

#endif
