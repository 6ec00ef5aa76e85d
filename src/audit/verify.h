/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Xen's own list of page tables against what the records since boot imply, frame
 * by frame, over every frame of the control domain.
 */
#ifndef XENPIN_VERIFY_H
#define XENPIN_VERIFY_H

#include "model/frames.h"
#include "xen/frame_types.h"

#define VERIFY_HISTORY	32	/* records of a frame that are named */
#define VERIFY_MAX	64	/* differences that are named */

struct difference {
	uint64_t pfn, mfn;	/* pfn XP_NO_PFN: Xen's frame has none */
	uint8_t xen, records;	/* enum xen_type, Xen's and what the records imply */
	bool stale;		/* the flag is all that speaks for a page table, and Xen has none */
	uint32_t seq[VERIFY_HISTORY];	/* the first records about it */
	unsigned int nr_seq;
};

struct verify_result {
	uint64_t frames;	/* of this domain */
	uint64_t levels[5];	/* Xen's page tables, by enum xp_level */
	uint64_t pinned;
	uint64_t nr_differences;
	struct difference differences[VERIFY_MAX];
};

struct verify;

/* Returns 0, or -errno and a sentence in @why.  Opens all that it needs. */
int verify__open(struct verify **verify, char why[XEN_REASON_LEN]);
void verify__close(struct verify *verify);

/* Ask Xen about every frame.  Takes seconds, in which things happen: returns 0 or -errno. */
int verify__scan(struct verify *verify);

/* @record came after the scan began: what it is about must be asked again. */
void verify__touch(struct verify *verify, const struct xp_record *record);
int verify__rescan(struct verify *verify);

/* With @frames, at a moment when no record is newer than the last question. */
void verify__compare(struct verify *verify, const struct frames *frames,
		     struct verify_result *result);

/* Does @record belong to the history of a difference? */
void verify__history(struct verify_result *result, const struct xp_record *record);

/* "L1 pinned", "L2", "no page table" */
const char *verify__type_name(uint8_t type);

#endif
