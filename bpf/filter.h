/* SPDX-License-Identifier: GPL-2.0-only */
/* The common filters, evaluated before a record is made. */
#ifndef XENPIN_BPF_FILTER_H
#define XENPIN_BPF_FILTER_H

#include "ring.h"
#include <bpf/bpf_core_read.h>

/*
 * With --mm: the page tables known to belong to it.  A page is released
 * without a word about its mm, and at exec or exit from another context.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);		/* grown by the loader when --mm is given */
	__type(key, __u64);		/* pfn */
	__type(value, __u8);
} mm_tables SEC(".maps");

static __always_inline bool filter__comm(void)
{
	/* Through volatile: else the compiler takes the zeros of this file for the name. */
	const volatile __u64 *want = (const volatile void *)config.comm;
	__u64 have[2] = {};

	if (!OPTION(by_comm))
		return true;
	bpf_get_current_comm(have, sizeof(have));
	return want[0] == have[0] && want[1] == have[1];
}

static __always_inline bool filter__task(void)
{
	if (OPTION(pid) && bpf_get_current_pid_tgid() >> 32 != OPTION(pid))
		return false;
	return filter__comm();
}

static __always_inline bool filter__level(__u32 level)
{
	return !OPTION(levels) || (OPTION(levels) & (1U << (level & 7)));
}

static __always_inline bool filter__pfn(__u64 pfn)
{
	if (OPTION(pfn_to) == ~0ULL)
		return true;
	return pfn >= OPTION(pfn_from) && pfn <= OPTION(pfn_to);
}

static __always_inline bool filter__what(__u32 what)
{
	return OPTION(what) & what;
}

/* Is this table, of unknown mm, one of the wanted mm's? */
static __always_inline bool filter__mm_of(__u64 pfn)
{
	struct task_struct *task;

	if (!OPTION(mm) || bpf_map_lookup_elem(&mm_tables, &pfn))
		return true;
	task = bpf_get_current_task_btf();
	return (__u64)task->active_mm == OPTION(mm);
}

static __always_inline bool filter__mm(__u64 mm)
{
	return !OPTION(mm) || mm == OPTION(mm);
}

#endif
