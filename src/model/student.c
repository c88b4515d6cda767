#include "model/student.h"

#include "base/check.h"

#include <math.h>
#include <stdbool.h>

#define STEPS_MAX 300
#define CLOSE 1e-15
#define TINY 1e-300

/* DLMF 8.17.22 from the front, by the modified method of Lentz: converges fast for x < (a + 1) / (a + b + 2). */
static double fraction(double x, double a, double b) {
  double c = 1, d = 1 - (a + b) * x / (a + 1), value;
  d = 1 / (fabs(d) < TINY ? TINY : d);
  value = d;
  for (int m = 1; m <= STEPS_MAX; m++) {
    const double terms[2] = { m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                              -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)) };
    double step = 1;
    for (int i = 0; i < 2; i++) {
      d = 1 + terms[i] * d;
      c = 1 + terms[i] / c;
      d = 1 / (fabs(d) < TINY ? TINY : d);
      c = fabs(c) < TINY ? TINY : c;
      step = c * d;
      value *= step;
    }
    if (fabs(step - 1) < CLOSE) {
      break;
    }
  }
  return value;
}

static double log_gamma(double x) {
  int sign;
  return lgamma_r(x, &sign);
}

static double beta_below(double x, double a, double b) {
  if (x <= 0 || x >= 1) {
    return x <= 0 ? 0 : 1;
  }
  double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
  bool near = x < (a + 1) / (a + b + 2);
  return near ? front * fraction(x, a, b) / a : 1 - front * fraction(1 - x, b, a) / b;
}

double sp_student_below(double t, double degrees) {
  SP_CHECK(degrees > 0);
  double tail = beta_below(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  return t > 0 ? 1 - tail : tail;
}

/* Between two powers of two, then by halves. */
double sp_student_quantile(double share, double degrees) {
  SP_CHECK(share > 0 && share < 1);
  double wanted = share > 0.5 ? share : 1 - share, low = 0, high = 1;
  while (sp_student_below(high, degrees) < wanted && high < 1e12) {
    low = high;
    high *= 2;
  }
  for (int i = 0; i < 200 && high - low > 1e-12 * high; i++) {
    double middle = (low + high) / 2;
    if (sp_student_below(middle, degrees) < wanted) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return share < 0.5 ? -high : high;
}
