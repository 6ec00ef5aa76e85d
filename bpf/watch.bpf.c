// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who writes the flags of one struct page?  A hardware breakpoint on that word
 * runs this after each write; those that leave PagePinned as it was are other
 * flags' business.
 */
#include "layouts.h"
#include "../include/record.h"
#include "../include/watch_record.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "GPL";

/* Set by the loader. */
const volatile __u64 page_flags;	/* address */
const volatile __u64 pfn;
const volatile __u32 level;

__u32 was_set;		/* the flag, as the last writer left it */
__u64 writes;		/* all of them */
__u64 dropped;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} changes SEC(".maps");

/* Run when a CPU was not watched for a moment: what changed there, nobody saw. */
SEC("syscall") int compare(void *ctx)
{
	__u64 flags, bit = 1ULL << bpf_core_enum_value(enum pageflags, PG_pinned);
	__u32 set;

	if (bpf_probe_read_kernel(&flags, sizeof(flags), (void *)page_flags))
		return 1;
	set = !!(flags & bit);
	if (__sync_val_compare_and_swap(&was_set, !set, set) != set)
		__sync_fetch_and_add(&dropped, 1);
	return 0;
}

SEC("perf_event") int flags_written(void *ctx)
{
	__u64 flags, bit = 1ULL << bpf_core_enum_value(enum pageflags, PG_pinned);
	struct xp_change *change;
	__u32 set;
	long n;

	__sync_fetch_and_add(&writes, 1);
	if (bpf_probe_read_kernel(&flags, sizeof(flags), (void *)page_flags))
		return 0;
	set = !!(flags & bit);
	if (__sync_val_compare_and_swap(&was_set, !set, set) == set)
		return 0;
	change = bpf_ringbuf_reserve(&changes, sizeof(*change), 0);
	if (!change) {
		__sync_fetch_and_add(&dropped, 1);
		return 0;
	}
	__builtin_memset(change, 0, sizeof(*change));
	change->rec.kind = set ? XP_FLAG_SET : XP_FLAG_CLEAR;
	change->rec.nslots = 1;
	change->rec.cpu = bpf_get_smp_processor_id();
	change->rec.t = bpf_ktime_get_ns();
	change->rec.pid = bpf_get_current_pid_tgid() >> 32;
	change->rec.level = level;
	change->rec.flags = XP_F_STACK | XP_F_FLAG_KNOWN | (set ? 0 : XP_F_FLAG);
	bpf_get_current_comm(change->rec.comm, sizeof(change->rec.comm));
	change->rec.u.flag.pfn = pfn;
	n = bpf_get_stack(ctx, change->stack, sizeof(change->stack), 0);
	if (n > 0)
		change->rec.u.flag.ip = change->stack[0];
	bpf_ringbuf_submit(change, 0);
	return 0;
}
