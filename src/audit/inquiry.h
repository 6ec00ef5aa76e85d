/* SPDX-License-Identifier: GPL-2.0-only */
/* An audit under way: what its parts share. */
#ifndef XENPIN_INQUIRY_H
#define XENPIN_INQUIRY_H

#include "audit.h"

/* A contradiction, and where it stands. */
struct suspect {
	uint32_t index;		/* of guest.tables */
	uint8_t class;		/* enum finding_class, as of the last look */
	uint8_t looks;		/* so many in a row saw this class, of a page at rest */
	bool walked;		/* found through a tree, not by its flag or in the direct map */
	bool reached;		/* as of the last look, a tree refers to it still */
	bool settled;		/* its witnesses agree */
	uint32_t moves;		/* of its page, after the last look */
};

struct inquiry {
	struct audit *audit;
	struct guest *guest;
	uint32_t nr_seen;	/* tables of the first look; behind them is what no tree reaches */
	uint64_t *known;	/* a bit for each pfn: it is among the tables that are looked at */
	struct suspect *suspects;
	size_t nr, room;
};

static inline struct xp_seen *inquiry__table(const struct inquiry *q, uint32_t index)
{
	return q->guest->tables + index;
}

/* A table that the kernel pins by itself, for use in trees to come. */
static inline bool is_kept(const struct xp_seen *s)
{
	return s->parent == XP_NO_PARENT && s->level == XP_L1;
}

static inline void bits__set(uint64_t *bits, uint64_t pfn)
{
	bits[pfn / 64] |= 1ULL << pfn % 64;
}

static inline bool bits__has(const uint64_t *bits, uint64_t pfn)
{
	return bits[pfn / 64] >> pfn % 64 & 1;
}

/* Xen's types of the tables @indices, into .types.  Xen may have begun to refuse. */
void inquiry__ask_xen(struct inquiry *q, const uint32_t *indices, size_t n);

/* Xen's type of a table, or XEN_T_UNKNOWN. */
static inline uint8_t inquiry__type(const struct inquiry *q, uint32_t index)
{
	return q->audit->types ? q->audit->types[index] : XEN_T_UNKNOWN;
}

/* See audit__contradiction(). */
static inline int inquiry__contradiction(const struct inquiry *q, uint32_t index, bool reached)
{
	return audit__contradiction(q->audit, inquiry__table(q, index), inquiry__type(q, index),
				    reached);
}

/* Find all suspects of the first look.  0 or -errno. */
int inquiry__suspect(struct inquiry *q);

/* What the kernel has read-only that is no page table, for who may not ask Xen.  0 or -errno. */
int inquiry__explain(struct inquiry *q);

/* Look at the suspects again until it is known which of them stand.  0 or -errno. */
int inquiry__settle(struct inquiry *q);

/* Does the contradiction count?  One that neither counts nor is settled is unknown. */
bool inquiry__stands(const struct inquiry *q, const struct suspect *s);

/* What stands becomes a finding, what is open is counted.  0 or -ENOMEM. */
int inquiry__conclude(struct inquiry *q);

#endif
