// SPDX-License-Identifier: GPL-2.0-only
/*
 * Xen's own count of domain 0's page tables: every frame of the machine is
 * asked for, whether xenpin's audit knows it or not.
 */
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

#include "../../src/xen/frame_types.h"
#include "../../src/base/clock.h"

enum { SOME = 1024, COUNTS = 3 };

/* How many frames of each type there are.  0 or -errno. */
static int count(struct xen *xen, unsigned long of_type[XEN_T_L4 + 1])
{
	static uint64_t mfns[SOME];
	static uint8_t types[SOME];
	int64_t max = xen__max_mfn(xen);

	for (int64_t mfn = 0; mfn <= max; mfn += SOME) {
		int err;

		for (int i = 0; i < SOME; i++)
			mfns[i] = mfn + i;
		err = xen__types(xen, XEN_DOM0, mfns, types, SOME);
		if (err)
			return err;
		for (int i = 0; i < SOME; i++)
			if ((types[i] & XEN_T_LEVEL) <= XEN_T_L4)
				of_type[types[i] & XEN_T_LEVEL]++;
	}
	return max < 0 ? max : 0;
}

int main(void)
{
	unsigned long warm[XEN_T_L4 + 1] = {}, n[XEN_T_L4 + 1] = {};
	char why[XEN_REASON_LEN];
	struct xen *xen;
	uint64_t begin;

	if (xen__open(&xen, why)) {
		fprintf(stderr, "census: %s\n", why);
		return 1;
	}
	/* The first count adds page tables of this process. */
	if (count(xen, warm))
		return 1;
	/* Long enough for some audits beside it. */
	begin = now_ns();
	for (int i = 0; i < COUNTS; i++) {
		memset(n, 0, sizeof(n));
		if (count(xen, n))
			return 1;
	}
	printf("{\"begin\": %llu, \"end\": %llu, \"L1\": %lu, \"L2\": %lu, \"L3\": %lu, "
	       "\"L4\": %lu}\n", (unsigned long long)begin, (unsigned long long)now_ns(),
	       n[XEN_T_L1], n[XEN_T_L2], n[XEN_T_L3], n[XEN_T_L4]);
	return 0;
}
