/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the records since boot say of each frame: is it pinned, is it a page
 * table, of which level, and does it carry the flag.  Needs a stream with exact
 * flag writes, as a patched kernel makes it.  Pure: no I/O, no clock.
 */
#ifndef XENPIN_FRAMES_H
#define XENPIN_FRAMES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../include/record.h"

struct frame {
	uint64_t pfn;
	uint8_t level;		/* enum xp_level, the last that was said */
	bool used;		/* of the hash; every frame that is handed out is */
	bool pinned;		/* a pin that Xen accepted, and no unpin since */
	bool table;		/* a page table: pinned, in a pinned tree, or flagged */
	bool made;		/* a record besides those of the flag says so; the flag is only a memo */
	bool flag;		/* PagePinned */
	bool erased;		/* struct-page init took the flag, nobody set it again */
};

struct frames;

struct frames *frames__new(void);	/* NULL: no memory */
void frames__free(struct frames *frames);

/* Returns 0 or -ENOMEM. */
int frames__apply(struct frames *frames, const struct xp_record *record);

/* NULL when no record was about @pfn. */
const struct frame *frames__find(const struct frames *frames, uint64_t pfn);

/* In no particular order. */
typedef void (*frame_fn)(void *context, const struct frame *frame);
void frames__each(const struct frames *frames, frame_fn fn, void *context);

#endif
