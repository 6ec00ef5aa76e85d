/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Xen's own table from machine frames to the guests' frames, mapped read-only
 * through /dev/xen/privcmd: for the control domain.  One table is for all domains,
 * and does not say whose a frame is: xen__types() does.
 */
#ifndef XENPIN_M2P_H
#define XENPIN_M2P_H

#include <stddef.h>
#include <stdint.h>

#define M2P_WHY	120

struct m2p {
	const uint64_t *pfns;	/* by mfn; a value above any frame's number: none */
	size_t count;		/* multiples of what a part of the table covers */
};

/* Returns 0, or -errno and a sentence in @why. */
int m2p__map(struct m2p *m2p, char why[M2P_WHY]);
void m2p__unmap(struct m2p *m2p);

#endif
