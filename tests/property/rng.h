/* rng.h - numbers that depend on the seed alone (splitmix64), so that a failing case can be replayed anywhere. */
#ifndef TC_PROPERTY_RNG_H
#define TC_PROPERTY_RNG_H

#include "compiler/base/base.h"

struct rng {
	uint64_t s;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->s += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 to n-1; 0 for n == 0. */
static inline unsigned rng_below(struct rng *r, unsigned n)
{
	uint64_t x = rng_next(r);

	return n ? (unsigned)(x % n) : 0;
}

static inline bool rng_chance(struct rng *r, unsigned percent)
{
	return rng_below(r, 100) < percent;
}

#endif
