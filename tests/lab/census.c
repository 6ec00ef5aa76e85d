// SPDX-License-Identifier: GPL-2.0-only
/*
 * Xen's own count of domain 0's page tables: every frame of the machine is
 * asked for, whether xenpin's audit knows it or not.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../src/audit/xen.h"
#include "../../src/clock.h"

enum { SOME = 1024 };

int main(void)
{
	static uint64_t mfns[SOME];
	static uint8_t types[SOME];
	unsigned long count[XEN_T_L4 + 1] = {};
	char why[XEN_REASON_LEN];
	struct xen *xen;
	uint64_t begin = now_ns();
	int64_t max;

	if (xen__open(&xen, why)) {
		fprintf(stderr, "census: %s\n", why);
		return 1;
	}
	max = xen__max_mfn(xen);
	for (int64_t mfn = 0; mfn <= max; mfn += SOME) {
		for (int i = 0; i < SOME; i++)
			mfns[i] = mfn + i;
		if (xen__types(xen, mfns, types, SOME))
			return 1;
		for (int i = 0; i < SOME; i++)
			if ((types[i] & XEN_T_LEVEL) <= XEN_T_L4)
				count[types[i] & XEN_T_LEVEL]++;
	}
	printf("{\"begin\": %llu, \"end\": %llu, \"L1\": %lu, \"L2\": %lu, \"L3\": %lu, "
	       "\"L4\": %lu}\n", (unsigned long long)begin, (unsigned long long)now_ns(),
	       count[XEN_T_L1], count[XEN_T_L2], count[XEN_T_L3], count[XEN_T_L4]);
	return max < 0;
}
