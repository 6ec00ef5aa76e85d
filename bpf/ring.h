/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The writer's side of struct xp_ring.
 *
 * BPF's own ring buffer takes a spinlock that all CPUs share, and its reserve
 * and submit are two helper calls: most of what a record costs.  Here each CPU
 * writes its own ring, and the only concurrency is an interrupt on the same
 * CPU: a cmpxchg on the head settles it.  A record becomes visible when its
 * seq is written, after everything else (x86 keeps stores in order).
 *
 * A ring that had no room for a record is closed: everything is counted as dropped
 * until the reader has emptied it, told how much that was, and opened it.  So a gap is
 * where the records end, and the programs need no code that tells of it.
 */
#ifndef XENPIN_BPF_RING_H
#define XENPIN_BPF_RING_H

#include "layouts.h"
#include "bound.h"
#include "../include/record.h"
#include "../include/config.h"
#include <bpf/bpf_helpers.h>

#define barrier() asm volatile("" ::: "memory")
#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

/* An IRQ may interrupt the reservation, and an NMI that one. */
#define RESERVE_TRIES 3

const volatile struct xp_config config;

/* Of a trace without options the compiler knows what they say: bpf/trace_all.bpf.c. */
#ifdef WITHOUT_OPTIONS
static const struct xp_config no_options = XP_NO_OPTIONS;
#define OPTION(name) no_options.name
#else
#define OPTION(name) config.name
#endif

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

/*
 * Count a dropped record of @probe, and close the ring.  Also for a record that comes later and
 * will lack what nobody could note now.
 */
static __always_inline void ring__drop(struct xp_ring *r, enum xp_probe probe)
{
	__sync_fetch_and_add(&r->dropped[probe], 1);
	WRITE_ONCE(r->closed, 1);
}

/*
 * Reserve @nslots for a record of @probe; @seq is what makes it visible.  NULL
 * when there is no room, which is counted.  Time is taken after the reservation:
 * whoever reads the clock and then finds the slot free knows that the record
 * to come is younger.
 */
static __always_inline struct xp_record *ring__reserve(struct xp_ring *r, __u32 cpu, __u32 nslots,
						       enum xp_probe probe, __u32 *seq)
{
	__u64 head = READ_ONCE(r->head), seen;
	struct xp_record *rec;

	for (int i = 0; i < RESERVE_TRIES && !READ_ONCE(r->closed); i++) {
		if (head + nslots - READ_ONCE(r->tail) > config.ring_mask + 1ULL)
			break;
		seen = __sync_val_compare_and_swap(&r->head, head, head + nslots);
		if (seen != head) {
			head = seen;
			continue;
		}
		*seq = (head + 1) | XP_SEQ_WRITTEN;
		rec = (void *)r->slots + (head & config.ring_mask) * XP_SLOT;
		rec->t = bpf_ktime_get_ns();
		rec->nslots = nslots;
		rec->cpu = cpu;
		return rec;
	}
	ring__drop(r, probe);
	return NULL;
}

/* The record that was reserved with @seq. */
static __always_inline struct xp_record *ring__at(struct xp_ring *r, __u32 seq)
{
	return (void *)r->slots + ((seq - 1) & config.ring_mask) * XP_SLOT;
}

static __always_inline void ring__commit(struct xp_record *rec, __u32 seq)
{
	barrier();
	WRITE_ONCE(rec->seq, seq);
}

#endif
