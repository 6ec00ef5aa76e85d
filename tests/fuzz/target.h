/* SPDX-License-Identifier: GPL-2.0-only */
/* What all targets share. */
#ifndef XENPIN_FUZZ_TARGET_H
#define XENPIN_FUZZ_TARGET_H

#include <linux/types.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All that is printed is made, and goes nowhere. */
static inline FILE *nowhere(void)
{
	static FILE *out;

	if (!out)
		out = fopen("/dev/null", "w");
	return out;
}

#endif
