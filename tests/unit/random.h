/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that are the same in every run; the high bits are the better ones. */
#ifndef XENPIN_TEST_RANDOM_H
#define XENPIN_TEST_RANDOM_H

#include <stdint.h>

static inline uint32_t next_random(uint32_t *seed)
{
	return *seed = *seed * 1664525 + 1013904223;
}

#endif
