/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The writer's side of struct xp_ring.
 *
 * BPF's own ring buffer takes a spinlock that all CPUs share, and its reserve
 * and submit are two helper calls: most of what a record costs.  Here each CPU
 * writes its own ring, and the only concurrency is an interrupt on the same
 * CPU: a cmpxchg on the head settles it.  A record becomes visible when its
 * seq is written, after everything else (x86 keeps stores in order).
 */
#ifndef XENPIN_BPF_RING_H
#define XENPIN_BPF_RING_H

#include "vmlinux.h"
#include "../include/record.h"
#include "../include/config.h"
#include <bpf/bpf_helpers.h>

#define barrier() asm volatile("" ::: "memory")
#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

/* An IRQ may interrupt the reservation, and an NMI that one. */
#define RESERVE_TRIES 3

const volatile struct xp_config config;

/* value_size and max_entries (the number of CPUs) are set by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 65536);
} rings SEC(".maps");

static __always_inline struct xp_ring *ring__this_cpu(__u32 *cpu)
{
	*cpu = bpf_get_smp_processor_id();
	return bpf_map_lookup_elem(&rings, cpu);
}

/* Returns the record's first slot, or NULL when the ring is full. */
static __always_inline struct xp_record *ring__take(struct xp_ring *r, __u32 nslots, __u32 *seq)
{
	__u64 head = READ_ONCE(r->head), seen;

	for (int i = 0; i < RESERVE_TRIES; i++) {
		if (head + nslots - READ_ONCE(r->tail) > config.ring_mask + 1ULL)
			return NULL;
		seen = __sync_val_compare_and_swap(&r->head, head, head + nslots);
		if (seen == head) {
			*seq = head + 1;
			return (void *)r->slots + (head & config.ring_mask) * XP_SLOT;
		}
		head = seen;
	}
	return NULL;
}

static __always_inline void ring__lose(struct xp_ring *r, enum xp_hook hook)
{
	__sync_fetch_and_add(&r->lost[hook], 1);
	WRITE_ONCE(r->pending, 1);
}

static __always_inline void ring__commit(struct xp_record *rec, __u32 seq)
{
	barrier();
	WRITE_ONCE(rec->seq, seq);
}

/* Claim the untold losses of @hook: an interrupt may be doing the same. */
static __always_inline __u64 ring__claim_losses(struct xp_ring *r, int hook)
{
	__u64 lost = READ_ONCE(r->lost[hook]);
	__u64 told = READ_ONCE(r->told[hook]);

	if (lost == told)
		return 0;
	return __sync_val_compare_and_swap(&r->told[hook], told, lost) == told ? lost - told : 0;
}

struct telling {
	struct xp_ring *ring;
	__u32 cpu;
};

static long tell_hook(__u64 hook, struct telling *t)
{
	struct xp_record *rec;
	__u64 count;
	__u32 seq;

	if (hook >= XP_HOOK_MAX)
		return 1;
	count = ring__claim_losses(t->ring, hook);
	if (!count)
		return 0;
	rec = ring__take(t->ring, 1, &seq);
	if (!rec) {
		__sync_fetch_and_add(&t->ring->told[hook], -count);
		WRITE_ONCE(t->ring->pending, 1);
		return 1;
	}
	rec->kind = XP_LOST;
	rec->nslots = 1;
	rec->cpu = t->cpu;
	rec->t = bpf_ktime_get_ns();
	rec->u.lost.hook = hook;
	rec->u.lost.count = count;
	ring__commit(rec, seq);
	return 0;
}

/*
 * Say at the place of the gap what was lost there: one record per hook.  A
 * record that finds no room gives its count back, and stays pending.  A
 * bpf_loop(), which the verifier does not unroll into each program.
 */
static __noinline int ring__tell_losses(struct xp_ring *r, __u32 cpu)
{
	struct telling t = { r, cpu };

	WRITE_ONCE(r->pending, 0);
	bpf_loop(XP_HOOK_MAX, tell_hook, &t, 0);
	return 0;
}

/*
 * Reserve @nslots for a record of @hook.  Time is taken after the reservation:
 * whoever reads the clock and then finds the slot free knows that the record
 * to come is younger.
 */
static __always_inline struct xp_record *ring__reserve(struct xp_ring *r, __u32 cpu, __u32 nslots,
						       enum xp_hook hook, __u32 *seq)
{
	struct xp_record *rec;

	if (READ_ONCE(r->pending))
		ring__tell_losses(r, cpu);
	rec = ring__take(r, nslots, seq);
	if (!rec) {
		ring__lose(r, hook);
		return NULL;
	}
	rec->t = bpf_ktime_get_ns();
	rec->nslots = nslots;
	rec->cpu = cpu;
	return rec;
}

#endif
