/* SPDX-License-Identifier: GPL-2.0-only */
/* A record that is about one page table. */
#ifndef XENPIN_BPF_TABLE_EVENT_H
#define XENPIN_BPF_TABLE_EVENT_H

#include "emit.h"

static __always_inline int table__event(void *ctx, struct xp_event ev, __u64 mm, __u64 pfn,
					__u64 ip)
{
	struct xp_record *rec;
	__u32 seq;

	if (!filter__task() || !filter__level(ev.level) || !filter__pfn(pfn))
		return 0;
	rec = record__begin(ev, record__slots(0), &seq);
	if (!rec)
		return 0;
	rec->u.table.pfn = pfn;
	rec->u.table.mm = mm;
	rec->u.table.ip = ip;
	record__end(ctx, rec, seq);
	return 0;
}

#endif
