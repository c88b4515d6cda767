#include "base/rng.h"

#include "base/check.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

void sp_rng_seed(struct sp_rng *rng, uint64_t seed, uint64_t stream) {
  /* Seed and stream are each mixed before they meet, so that (1, 2) and (2, 1) or (seed + 1, stream - 1) differ. */
  uint64_t state = splitmix64(&seed);
  state ^= rotate_left(splitmix64(&stream), 17);
  for (int i = 0; i < 4; i++) rng->s[i] = splitmix64(&state);
}

uint64_t sp_rng_u64(struct sp_rng *rng) {
  uint64_t *s = rng->s;
  uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
  uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate_left(s[3], 45);
  return result;
}

uint64_t sp_rng_below(struct sp_rng *rng, uint64_t bound) {
  SP_CHECK(bound > 0);
  uint64_t rejected = (0 - bound) % bound; /* 2^64 mod bound: the values that would make the rest uneven */
  uint64_t x;
  do
    x = sp_rng_u64(rng);
  while (x < rejected);
  return x % bound;
}

double sp_rng_uniform(struct sp_rng *rng) { return (double)(sp_rng_u64(rng) >> 11) * 0x1.0p-53; }

double sp_rng_between(struct sp_rng *rng, double low, double high) {
  double x = low + (high - low) * sp_rng_uniform(rng);
  if (!(low < high)) return low;
  return x < high ? x : nextafter(high, low); /* rounding may reach high */
}

double sp_rng_exponential(struct sp_rng *rng, double mean) { return -mean * log1p(-sp_rng_uniform(rng)); }

double sp_rng_normal(struct sp_rng *rng) { /* Marsaglia's polar method; the second value is not kept */
  double u, v, s;
  do {
    u = 2 * sp_rng_uniform(rng) - 1;
    v = 2 * sp_rng_uniform(rng) - 1;
    s = u * u + v * v;
  } while (s >= 1 || s <= 0);
  return u * sqrt(-2 * log(s) / s);
}
