/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The audit's verdict: the witnesses of each page table compared.
 *
 * What contradicts itself in one look is looked at again, several times, since
 * a table may have been in the middle of being pinned, moved or torn down.
 * Only what stood while the page was at rest is a finding (settle.c).
 */
#ifndef XENPIN_AUDIT_SRC_H
#define XENPIN_AUDIT_SRC_H

#include "guest/guest.h"
#include "model/pins.h"

struct audit {
	uint32_t tables[XP_L4 + 1];	/* of pinned trees, by level */
	uint32_t flagged;		/* of these, with the flag */
	uint32_t unknown;		/* contradictions of pages that never rested, or could not be read */
	uint32_t aliases;		/* frames whose flag bit means something else */
	uint8_t witnesses;		/* enum witness: those that were heard */
	bool complete;			/* every table was seen */
	uint64_t begin, end;		/* ns, CLOCK_MONOTONIC */
	/* Of this, to walk the trees, and to scan struct pages and the direct map. */
	uint64_t trees_ns, scan_ns, direct_map_ns;
	struct finding *findings;
	size_t nr_findings;
	uint32_t *chosen;		/* indices of guest.tables, each pfn once */
	uint8_t *types;			/* enum xen_type, by index; NULL: Xen was not heard */
	size_t nr_tables;		/* in .chosen */
	uint64_t *explained;		/* a bit for each pfn: read-only, and no page table; or NULL */
};

/*
 * Look, and judge.  Returns 0 or -errno; the audit is to be freed in any case.
 */
int audit__take(struct audit *audit, struct guest *guest);
void audit__free(struct audit *audit);

/*
 * Where the witnesses of a page contradict each other, as it was seen: enum finding_class, or
 * FINDING_CLASSES when they agree.  @type is Xen's, @reached whether a pinned tree refers to it.
 */
int audit__contradiction(const struct audit *audit, const struct xp_seen *seen, uint8_t type,
			 bool reached);

/* The page is read-only in the direct map, and no page table. */
bool audit__explains(const struct audit *audit, const struct xp_seen *seen);

/* All tables were seen, and all contradictions judged: what was not found is not there. */
static inline bool audit__is_whole(const struct audit *audit)
{
	return audit->complete && !audit->unknown;
}

/* Seed the model with what the audit saw, between pins__seed_begin() and _end().  0 or -ENOMEM. */
int audit__seed(const struct audit *audit, const struct guest *guest, struct pins *pins);

#endif
