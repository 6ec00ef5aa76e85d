/* SPDX-License-Identifier: GPL-2.0-only */
/* This machine's own guest, read by BPF (bpf/audit.bpf.c) while it runs. */
#ifndef XENPIN_SNAPSHOT_H
#define XENPIN_SNAPSHOT_H

#include "guest.h"

/*
 * Moves are followed.  Then two looks may fall into moments in which the kernel contradicts itself,
 * and three cannot (src/audit/settle.c).
 */
static const struct guest_rules snapshot_rules = {
	.tries = 5,
	.looks = 3,
	.unfollowed = 2,
	.pauses_us = { 1000, 3000, 10000, 30000, 60000, 10000, 10000, 20000, 20000, 40000 },
};

/*
 * Load the programs, find the kernel's tables, and, for the control domain @dom0, open the way
 * to Xen's types: without it .no_types says why.  0, or -errno with a sentence in @why: -ENOKEY
 * when this kernel does not say where the tables are, which no other try will change.
 */
int snapshot__open(struct guest **guest, bool dom0, char why[AUDIT_REASON_LEN]);

#endif
