/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The account of a boot: records in, stages and losses out.  Pure: no I/O, no
 * clock.  All times are those of the records.
 */
#ifndef XENPIN_MODEL_BOOT_H
#define XENPIN_MODEL_BOOT_H

#include <linux/types.h>

#include "../../include/boot_log.h"
#include "frames.h"

struct boot_stage {
	bool begun, ended;
	int64_t begin, end;	/* ns */
	uint64_t pages;		/* what its end says of it */
};

struct boot_node {
	bool expected;		/* the log's header says that something was deferred */
	struct boot_stage deferred;
	uint64_t first_deferred;	/* pfn, at the hand-over; as .expected, by the header */
	uint64_t first_pfn;	/* of the range that was left */
	uint32_t threads;
	uint64_t grown;		/* pages before that, which somebody needed and initialised himself */
};

struct boot_loss {
	uint64_t pfn;
	int64_t t;
	uint8_t level;		/* enum xp_level */
	uint16_t where;		/* enum xp_where */
	bool repaired;		/* as of the last record */
};

struct boot {
	struct boot_stage handover, hook;
	/* Struct pages before the hand-over, of memory that is not deferred. */
	int64_t memmap_begin;
	uint64_t memmap_ns, memmap_pages;
	/* The hand-over's first half: struct pages of reserved memory. */
	bool has_reserved;
	int64_t reserved_end;
	struct boot_node nodes[XP_LOG_NODES];
	struct boot_loss *erased;
	uint64_t nr_erased, max_erased;
	uint64_t repairs;	/* records that tell of one */
	uint64_t records;
	int64_t first, last;	/* times of the first and the last record */
	uint64_t next;		/* slot that the next record should have */
	uint64_t missing;	/* slots between records that are not there */
	uint64_t unnumbered;	/* records that the early ring dropped, by its own count */
	struct frames *frames;
};

/* What it comes to.  Every figure is 0 when its stages were not seen. */
struct boot_sum {
	uint64_t handover_ns, hook_ns;
	bool has_deferred;		/* each node's stage was seen to end, or none was expected */
	uint64_t deferred_ns;		/* from the first node's begin to the last one's end */
	uint64_t deferred_pages;
	bool has_early;
	uint64_t reserved_ns;		/* of the hand-over: struct pages of reserved memory */
	uint64_t free_ns, free_pages;	/* and the way of the rest to the allocator */
	double early_ns_per_page;	/* struct page and way to the allocator */
	bool has_saved;
	int64_t saved_ns;		/* negative: deferral cost more than it saved */
	uint64_t saved_error_ns;	/* give or take so much */
	uint64_t open;			/* erased, and nobody repaired them */
	/* Frames, as of the last record. */
	uint64_t tables, pinned, flagged;
	uint64_t bare;			/* page tables that never had the flag */
};

/* Returns 0 or -ENOMEM. */
int boot__begin(struct boot *boot);
void boot__end(struct boot *boot);

/* Before the records: what the log's header knows of nodes. */
void boot__expect(struct boot *boot, const struct xp_boot_log *header);

/* In the order of their numbers.  Returns 0 or -ENOMEM. */
int boot__apply(struct boot *boot, const struct xp_record *record);

/* Was something deferred on this node, and its end not seen? */
bool boot__node_open(const struct boot_node *node);

/* Was this page's flag erased, and not set again since? */
bool boot__lost(const struct boot *boot, uint64_t pfn);

/*
 * How many erased flags were not set again by the kernel's own count, which no full log cuts short:
 * UINT64_MAX when it could not watch all of them.
 */
static inline uint64_t boot_log__unrepaired(const struct xp_boot_log *header)
{
	if (header->untracked)
		return UINT64_MAX;
	return header->erased > header->repaired ? header->erased - header->repaired : 0;
}

/* May be asked at any time; updates .repaired of the losses. */
void boot__sum(struct boot *boot, struct boot_sum *sum);

/* What follows from records that somebody made up may be larger than any number. */
static inline int64_t boot__whole(double n)
{
	return n >= 0x1p63 ? INT64_MAX : n > -0x1p63 ? (int64_t)n : INT64_MIN;
}

static inline uint64_t boot_stage__ns(const struct boot_stage *stage)
{
	return stage->begun && stage->ended && stage->end > stage->begin ?
		       stage->end - stage->begin : 0;
}

#endif
