/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest to read from: what the judge of an audit sees of a guest's memory, whoever reads it.
 *
 * A maker reads it: snapshot.c is the one for this machine's own guest, by BPF.  A maker embeds
 * struct guest, fills in its data and answers through its operations.  Each operation is about a
 * whole look or a list of pages; what was seen lies in arrays that the judge indexes, so that no
 * page costs a call through a pointer.
 */
#ifndef XENPIN_GUEST_H
#define XENPIN_GUEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/audit_maps.h"
#include "../../include/record.h"
#include "model/pins.h"
#include "xen/frame_types.h"

#define AUDIT_REASON_LEN 160

struct guest;

struct guest_ops {
	/*
	 * Walk all trees, then look for the flag in all struct pages, then for pages that the
	 * direct map has read-only.  A look is not one moment unless memory stands still: tables
	 * come and go while it is taken.  0 or -errno.
	 */
	int (*look)(struct guest *guest);

	/*
	 * Look again at these tables, by index: their .state is new, and .mfn is, too, of those
	 * that guest__add() added.  0 or -errno.
	 */
	int (*again)(struct guest *guest, const uint32_t *indices, size_t n);

	/*
	 * Read these tables, by index: L1 tables of the kernel's own, outside its direct map, and
	 * L4 tables of processes.  Pages that the former map read-only, and LDTs of the latter, are
	 * then .readonly.  0 or -errno.
	 */
	int (*explain)(struct guest *guest, const uint32_t *indices, size_t n);

	/*
	 * Xen's types of these frames: enum xen_type.  Asked only while WITNESS_XEN is among the
	 * guest's witnesses.  0 or -errno: Xen may begin to refuse.
	 */
	int (*types)(struct guest *guest, const uint64_t *mfns, uint8_t *types, size_t n);

	/* All mms that a process has.  Their number, or -errno; *@owners is the caller's to free. */
	int (*owners)(struct guest *guest, struct xp_owner **owners);

	/* How moves are followed.  NULL: they cannot be, or memory stands still. */
	const struct guest_moves_ops *moves;

	void (*close)(struct guest *guest);
};

/*
 * What moves page tables is counted from follow() on until ignore(): for the time that suspects
 * are being settled, and no longer, since it may cost the guest something.
 */
struct guest_moves_ops {
	int (*follow)(struct guest *guest);	/* 0 or -errno */
	void (*ignore)(struct guest *guest);

	/*
	 * Interrupt each CPU once, which ends what the CPUs were in the middle of.  Returns 1;
	 * 0: some had hypercalls waiting, so it may not be over; or -errno.
	 */
	int (*visit_cpus)(struct guest *guest);

	/* Did some moves go uncounted since the last question?  Then anything may have moved. */
	bool (*missed)(struct guest *guest);

	/* So many tasks were preempted while they made or ended a page table; or -errno. */
	int (*halfway)(struct guest *guest);
};

#define PAUSES_MAX 16

/* How much a contradiction must be seen before it counts: that follows from how a maker reads. */
struct guest_rules {
	uint32_t tries;		/* of a whole look, until one could read every table */
	/*
	 * So many new looks in a row must see the same contradiction of a page at rest.  A maker
	 * that cannot follow moves asks for more, since time alone tells it that a page rests.
	 * 0: memory stands still, and the first look saw all that there is.
	 */
	uint32_t looks;
	/* So many new looks come before moves are followed, since most suspects need no more. */
	uint32_t unfollowed;
	/*
	 * Pauses before each new look; a 0 ends the list.  Those beyond .unfollowed + .looks are
	 * for pages that had not come to rest.
	 */
	uint32_t pauses_us[PAUSES_MAX];
};

struct guest {
	const struct guest_ops *ops;
	const struct guest_rules *rules;
	uint8_t witnesses;		/* enum witness: those that can be heard at all */
	char no_types[XEN_REASON_LEN];	/* why Xen cannot; "" when it can */

	/* What the last look tells of itself, and its arrays: valid until the next operation. */
	struct xp_look *look;
	struct xp_seen *tables;
	const struct xp_flagged *flagged;
	const struct xp_readonly *readonly;	/* without the flag, or what explain() found */
	uint32_t room;				/* for .tables */

	/*
	 * Where things are.  The judge needs .max_pfn and .init_mm, and when Xen's types are not
	 * known .page_offset, .vmemmap and .page_size, too.
	 */
	const struct xp_places *places;
	const struct xp_moves *moves;		/* as counted, if guest_ops.moves are there */
};

/*
 * A frame that the walk did not reach, to be looked at again; places for @leave more
 * stay free.  Its index, or -ENOSPC.
 */
int guest__add(struct guest *guest, uint64_t pfn, uint32_t leave);

/* @guest may be NULL. */
void guest__close(struct guest *guest);

static inline int guest__look(struct guest *guest)
{
	return guest->ops->look(guest);
}

static inline int guest__again(struct guest *guest, const uint32_t *indices, size_t n)
{
	return guest->ops->again(guest, indices, n);
}

static inline int guest__explain(struct guest *guest, const uint32_t *indices, size_t n)
{
	return guest->ops->explain(guest, indices, n);
}

static inline bool guest__has_types(const struct guest *guest)
{
	return guest->witnesses & WITNESS_XEN;
}

/* -ENOTSUP when Xen cannot be heard. */
static inline int guest__types(struct guest *guest, const uint64_t *mfns, uint8_t *types, size_t n)
{
	return guest__has_types(guest) ? guest->ops->types(guest, mfns, types, n) : -ENOTSUP;
}

static inline int guest__owners(struct guest *guest, struct xp_owner **owners)
{
	return guest->ops->owners(guest, owners);
}

/*
 * The operations of struct guest_moves_ops.  Of a guest whose moves cannot be followed they say
 * that nothing moves and that what was under way is over: guest_rules.looks makes up for that.
 */
int guest__follow(struct guest *guest);
void guest__ignore(struct guest *guest);
int guest__visit_cpus(struct guest *guest);
bool guest__missed_moves(struct guest *guest);
int guest__halfway(struct guest *guest);

/* So often was the page seen to move, or one that shares its slot. */
uint32_t guest__moves(const struct guest *guest, uint64_t pfn);

#endif
