/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The upper page tables of a tree that is about to be unpinned.
 *
 * The kernel unpins it, and then clears the entries of its L2 and L3 tables. If one of
 * them has lost its flag, the first such write kills: nothing that comes later tells.
 * There are few of them, so they are looked at before; what is found without its flag has
 * a record as if the flag were cleared now, and the direct map says whether it matters.
 */
#ifndef XENPIN_BPF_UPPER_H
#define XENPIN_BPF_UPPER_H

#include "direct_map.h"
#include "table_event.h"

#define UPPER_L3S	16	/* of a tree, that are looked into */
#define UPPER_BARE	4	/* without flag, that are told */
#define UPPER_ENTRIES	512
#define UPPER_USER	256	/* entries of an L4 that are its own */
#define UPPER_EIGHT	8

/* By CPU: the kernel is not preempted while it unpins a tree, and no interrupt unpins one. */
struct upper {
	__u64 entries[UPPER_ENTRIES];	/* of the table that is looked into */
	__u64 l3[UPPER_L3S];
	__u64 bare[UPPER_BARE];		/* pfn << 3 | level */
	__u32 nr_l3, nr_bare;
	__u32 level;			/* of what the entries refer to */
	__u32 first;			/* of the eight entries that are looked at */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);		/* the number of CPUs, set by the loader */
	__type(key, __u32);
	__type(value, struct upper);
} uppers SEC(".maps");

/* The loops are bpf_loop()s, as in batch.h: the verifier sees each body once. */
static long upper_entry_step(__u64 i, struct upper **context)
{
	struct upper *u = *context;
	__u64 pfn = map__frame(u->entries[masked(u->first + i, UPPER_ENTRIES)]);
	__u64 bare = u->nr_bare, l3 = u->nr_l3;
	bool set = true;

	if (pfn == XP_NO_PFN)
		return 0;
	if (page__flag(pfn, &set) && !set && bare < UPPER_BARE) {
		u->bare[masked(bare, UPPER_BARE)] = pfn << 3 | (u->level & 7);
		u->nr_bare = bare + 1;
	}
	if (u->level == XP_L3 && l3 < UPPER_L3S) {
		u->l3[masked(l3, UPPER_L3S)] = pfn;
		u->nr_l3 = l3 + 1;
	}
	return 0;
}

/* Most entries are empty: eight at a time. */
static long upper_step(__u64 i, struct upper **context)
{
	struct upper *u = *context;
	__u64 any = 0;

	i = masked(i, UPPER_ENTRIES / UPPER_EIGHT) * UPPER_EIGHT;
	for (int k = 0; k < UPPER_EIGHT; k++)
		any |= u->entries[i + k];
	if (!(any & MAP_PRESENT))
		return 0;
	u->first = i;
	bpf_loop(UPPER_EIGHT, upper_entry_step, context, 0);
	return 0;
}

/* A function that the verifier sees by itself, once, and not for each of its callers. */
__noinline int upper__entries(struct upper *u)
{
	if (!u)
		return 0;
	/* The upper half of an L4 is the kernel's. */
	bpf_loop((u->level == XP_L3 ? UPPER_USER : UPPER_ENTRIES) / UPPER_EIGHT, upper_step, &u, 0);
	return 0;
}

static long upper_l3_step(__u64 i, struct upper **context)
{
	struct upper *u = *context;

	if (i >= UPPER_L3S || i >= u->nr_l3)
		return 1;
	if (bpf_probe_read_kernel(u->entries, sizeof(u->entries),
				  (void *)(kaddr.page_offset + (u->l3[masked(i, UPPER_L3S)] << 12))))
		return 0;
	upper__entries(u);
	return 0;
}

struct upper_told {
	struct upper *upper;
	void *ctx;
	__u64 mm;
};

static long upper_tell_step(__u64 i, struct upper_told *told)
{
	struct upper *u = told->upper;
	struct xp_event ev = {
		.kind = XP_FLAG_CLEAR,
		.probe = XP_PROBE_PGD_UNPIN,
		.flags = XP_F_INFERRED | XP_F_FLAG_KNOWN | XP_F_FLAG,
	};
	__u64 bare;

	if (i >= UPPER_BARE || i >= u->nr_bare)
		return 1;
	bare = u->bare[masked(i, UPPER_BARE)];
	ev.level = bare & 7;
	if (direct_map__is_readonly(bare >> 3))
		ev.flags |= XP_F_READONLY;
	table__event(told->ctx, ev, told->mm, bare >> 3, 0);
	return 0;
}

static __always_inline void upper__look(void *ctx, __u64 mm, __u64 pgd)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct upper *u = bpf_map_lookup_elem(&uppers, &cpu);

	if (!u || bpf_probe_read_kernel(u->entries, UPPER_USER * sizeof(__u64),
					(void *)(kaddr.page_offset + (pgd << 12))))
		return;
	u->nr_l3 = 0;
	u->nr_bare = 0;
	u->level = XP_L3;
	upper__entries(u);
	u->level = XP_L2;
	bpf_loop(UPPER_L3S, upper_l3_step, &u, 0);
	if (u->nr_bare) {
		struct upper_told told = { u, ctx, mm };

		bpf_loop(UPPER_BARE, upper_tell_step, &told, 0);
	}
}

#endif
