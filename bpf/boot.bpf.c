// SPDX-License-Identifier: GPL-2.0-only
/*
 * The early program: what the patched kernel would go on to write to its boot
 * log, from the end of that log until user space takes over, in one ring.
 *
 * Compiled to a light skeleton and linked into the kernel, which attaches it
 * just before deferred struct-page init; so tp_btf only and no user memory.
 * See XP_EARLY_RING in boot_log.h for what user space finds.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "bound.h"
#include "record.h"
#include "boot_log.h"

char LICENSE[] SEC("license") = "GPL";

struct early_ring {
	struct xp_ring ring;
	__u8 slots[(XP_EARLY_SLOTS + XP_RECORD_SLOTS_MAX) * XP_SLOT];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct early_ring);
} xenpin_early SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xp_early_ctl);
} xenpin_earlyctl SEC(".maps");

/* Whose loss it is. */
static __always_inline enum xp_probe probe_of(__u8 kind)
{
#define KIND(name, word, shape, what, probe, ...) \
	if (kind == XP_##name) \
		return XP_PROBE_##probe;
#include "kinds.def"
	return XP_PROBE_BOOT;
}

/* CPUs meet here only for the length of a cmpxchg, so a few tries always do. */
#define TRIES 16

/* The next @nslots slots, and the number of the first in *slot; NULL: no room. */
static __always_inline struct xp_record *reserve(struct early_ring *r, __u32 nslots, __u64 *slot)
{
	__u64 head, seen = *(volatile __u64 *)&r->ring.head;
	int i;

	for (i = 0; i < TRIES; i++) {
		head = seen;
		if (head + nslots - *(volatile __u64 *)&r->ring.tail > XP_EARLY_SLOTS)
			break;
		seen = __sync_val_compare_and_swap(&r->ring.head, head, head + nslots);
		if (seen == head) {
			*slot = head;
			return (void *)&r->slots[(head & (XP_EARLY_SLOTS - 1)) * XP_SLOT];
		}
	}
	return NULL;
}

/* A stack, or operations: the most of what follows a record's head. */
#define MORE_SLOTS	(XP_OPS_MAX * sizeof(struct xp_op) / XP_SLOT)

/* The kernel pads what is no whole slot with zeroes. */
SEC("tp_btf/xenpin_record")
int BPF_PROG(early_record, const struct xp_record *rec, void *more, unsigned int bytes)
{
	struct xp_early_ctl *ctl;
	struct early_ring *r;
	struct xp_record *dst;
	__u32 zero = 0;
	__u64 n, slot;

	ctl = bpf_map_lookup_elem(&xenpin_earlyctl, &zero);
	r = bpf_map_lookup_elem(&xenpin_early, &zero);
	if (!ctl || !ctl->on || !r)
		return 0;
	n = (bytes + XP_SLOT - 1) / XP_SLOT;
	if (n > MORE_SLOTS)
		n = MORE_SLOTS;
	dst = reserve(r, 1 + n, &slot);
	if (!dst) {
		__sync_fetch_and_add(&r->ring.dropped[probe_of(rec->kind)], 1);
		return 0;
	}
	bpf_probe_read_kernel(dst, sizeof(*dst), rec);
	if (n)
		bpf_probe_read_kernel(dst + 1, bounded(n, MORE_SLOTS) * XP_SLOT, more);
	/* Its number makes it visible; the exchange orders that after all the rest. */
	__sync_lock_test_and_set(&dst->seq, (__u32)slot + 1);
	return 0;
}
