// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read-only pages that are no page tables.
 *
 * The kernel's image and what it allocated at boot are reserved and never come here.  What it
 * makes read-only later has another mapping that is read-only, too: text and constants of
 * modules, of BPF programs, of trampolines.  An LDT is read-only for Xen's sake alone.
 */
#include <errno.h>
#include <stdlib.h>

#include "inquiry.h"

#define SIGN_BITS	(~0ULL << 48)
#define PAGE_SIZE	4096ULL

/* Where in the kernel's half the memory of an L1 table of init_mm's begins. */
static uint64_t address_of(const struct inquiry *q, const struct xp_seen *l1)
{
	const struct xp_seen *l2 = inquiry__table(q, l1->parent), *l3;

	if (l2->parent == XP_NO_PARENT)
		return 0;
	l3 = inquiry__table(q, l2->parent);
	return SIGN_BITS | (uint64_t)l3->slot << 39 | (uint64_t)l2->slot << 30 |
	       (uint64_t)l1->slot << 21;
}

static bool is_within(uint64_t address, uint64_t from, uint64_t size)
{
	return address >= from && address - from < size;
}

/* Does the table map something else than all pages, or all struct pages? */
static bool maps_other_memory(const struct inquiry *q, const struct xp_seen *s)
{
	const struct xp_places *p = q->guest->places;
	uint64_t address = address_of(q, s);

	return !is_within(address, p->page_offset, p->max_pfn * PAGE_SIZE) &&
	       !is_within(address, p->vmemmap, p->max_pfn * p->page_size);
}

static bool explains(const struct inquiry *q, const struct xp_seen *s)
{
	uint64_t init_mm = q->guest->places->init_mm;

	if (s->parent == XP_NO_PARENT)
		return s->level == XP_L4 && s->mm != init_mm;
	return s->level == XP_L1 && s->mm == init_mm && maps_other_memory(q, s);
}

int inquiry__explain(struct inquiry *q)
{
	const struct xp_look *look = q->guest->look;
	uint32_t seen = q->nr_seen, overflow = look->overflow, unread = look->unread, n = 0;
	uint32_t *indices = malloc((seen + 1) * sizeof(*indices));
	uint64_t max_pfn = q->guest->places->max_pfn;
	int err;

	q->audit->explained = calloc(max_pfn / 64 + 2, sizeof(*q->audit->explained));
	if (!indices || !q->audit->explained) {
		free(indices);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < seen; i++)
		if (explains(q, inquiry__table(q, i)))
			indices[n++] = i;
	err = guest__explain(q->guest, indices, n);
	free(indices);
	for (uint32_t i = 0; !err && i < look->readonly; i++)
		bits__set(q->audit->explained, q->guest->readonly[i].pfn);
	if (look->overflow != overflow || look->unread != unread)
		q->audit->complete = false;
	return err;
}
