/*
 * Random numbers that repeat with the same seed: xoshiro256++ (Blackman, Vigna 2019), seeded by
 * splitmix64. One generator an owner; `stream` tells owners of one seed apart.
 */
#ifndef SP_BASE_RNG_H
#define SP_BASE_RNG_H

#include <stdint.h>

struct sp_rng {
  uint64_t s[4];
};

void sp_rng_seed(struct sp_rng *rng, uint64_t seed, uint64_t stream);
uint64_t sp_rng_u64(struct sp_rng *rng);
uint64_t sp_rng_below(struct sp_rng *rng, uint64_t bound);          /* 0 … bound-1, unbiased; bound > 0 */
double sp_rng_uniform(struct sp_rng *rng);                          /* [0, 1) */
double sp_rng_between(struct sp_rng *rng, double low, double high); /* [low, high) */
double sp_rng_exponential(struct sp_rng *rng, double mean);
double sp_rng_normal(struct sp_rng *rng); /* mean 0, standard deviation 1 */

#endif
