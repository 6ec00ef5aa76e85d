/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercall batches.
 *
 * The kernel gathers hypercalls in a per-CPU buffer of 32 entries and issues
 * them in xen_mc_flush().  When that function is entered the batch is
 * complete; when it returns each entry carries Xen's result, and the entries
 * stay as they were until the next batch is begun.  So the way in only looks
 * whether there is a pin or an unpin and notes the time; the way out decodes.
 * The way in is the tracepoint in xen_mc_flush(): a raw tracepoint costs half
 * of what a trampoline does.
 *
 * Most batches hold neither: they must leave early, and without a helper call.
 */
#ifndef XENPIN_BPF_BATCH_H
#define XENPIN_BPF_BATCH_H

#include "emit.h"

/* Per-CPU multicall buffer: arch/x86/xen/multicalls.c. */
extern const struct mc_buffer mc_buffer __ksym __weak;

/*
 * Walks the mmuext operations of a batch.  One entry can hold several, and two
 * nested loops are more than the verifier follows: so one flat sequence of
 * steps, each of which opens an entry or yields an operation.
 */
struct op_walk {
	__u64 entries;			/* address of the batch's entries */
	__u64 ops;			/* of the open entry's argument array */
	__s64 result;			/* Xen's, of the open entry */
	__u64 nr, count;		/* operation within the open entry */
	__u32 mask;			/* entries still to open */
	__u32 entry;			/* next to look at */
};

#define WALK_STEPS (MC_BATCH + XP_OPS_MAX)

/*
 * A batch between its way in and its way out, and the room to decode it.  The
 * walk stands here and not on the stack because the verifier does not follow
 * values in memory: it would try all their combinations.
 */
struct flight {
	__u64 begin;			/* ns; 0: no pin or unpin in flight */
	__u32 entries;			/* in the whole batch */
	__u32 mask;			/* bit i: entry i holds mmuext operations */
	__u32 nops;			/* decoded, and through the filters */
	__u32 pad;
	struct op_walk walk;
	struct xp_op ops[XP_OPS_MAX];
} __attribute__((aligned(64)));

/* By CPU number and not a per-CPU map, whose lookup is a call before 6.10. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);		/* the number of CPUs, set by the loader */
	__type(key, __u32);
	__type(value, struct flight);
} flights SEC(".maps");

static __always_inline struct flight *flight__this_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&flights, &cpu);
}

static __always_inline bool cmd__is_pin(__u32 cmd)
{
	return cmd <= MMUEXT_PIN_L4_TABLE || cmd == MMUEXT_UNPIN_TABLE;
}

enum walk { WALK_END, WALK_ON, WALK_OP };

static __always_inline enum walk op_walk__open(struct op_walk *w)
{
	struct multicall_entry mc;
	__u32 nr = w->entry++ & (MC_BATCH - 1);

	if (!(w->mask >> nr))
		return WALK_END;
	if (!(w->mask & (1U << nr)))
		return WALK_ON;
	w->mask &= ~(1U << nr);
	if (bpf_probe_read_kernel(&mc, sizeof(mc), (void *)(w->entries + nr * sizeof(mc))))
		return WALK_ON;
	w->ops = mc.args[0];
	w->count = mc.args[1];
	w->result = mc.result;
	w->nr = 0;
	return WALK_ON;
}

static __always_inline enum walk op_walk__step(struct op_walk *w, struct mmuext_op *op)
{
	if (w->nr >= w->count)
		return op_walk__open(w);
	if (bpf_probe_read_kernel(op, sizeof(*op), (void *)(w->ops + w->nr * sizeof(*op))))
		op->cmd = ~0U;
	w->nr++;
	return WALK_OP;
}

/* Decode one operation; returns whether it passes the filters. */
static __always_inline bool decode_op(const struct mmuext_op *op, __s64 result, struct xp_op *out)
{
	bool pin = op->cmd <= MMUEXT_PIN_L4_TABLE;
	__u8 level = pin ? op->cmd - MMUEXT_PIN_L1_TABLE + XP_L1 : XP_L_NONE;
	__u64 mfn = op->arg1, pfn;

	if (!cmd__is_pin(op->cmd) || !filter__what(pin ? XP_W_PIN : XP_W_UNPIN))
		return false;
	/* An unpin does not say its level: it cannot fail a filter for it. */
	if (pin && !filter__level(level))
		return false;
	if (!kaddr.m2p || bpf_probe_read_kernel(&pfn, sizeof(pfn), (void *)(kaddr.m2p + mfn * 8)))
		pfn = XP_NO_PFN;
	if (!filter__pfn(pfn) || !filter__mm_of(pfn))
		return false;
	out->mfn = mfn;
	out->pfn = pfn;
	out->result = result;
	out->op = pin ? XP_OP_PIN : XP_OP_UNPIN;
	out->level = level;
	return true;
}

/*
 * Which entries hold mmuext operations?  A constant index into the buffer is a
 * direct load, a variable one a helper call: hence unrolled, by hand since
 * clang does not unroll a loop with two ends.  And without a branch on what is
 * loaded: one path to verify.
 */
#define LOOK(i)                                                                                   \
	if ((i) >= entries)                                                                       \
		return mask;                                                                      \
	mask |= ((b->entries[i].op ^ __HYPERVISOR_mmuext_op) - 1) >> 63 << (i);
#define LOOK4(i) LOOK(i) LOOK(i + 1) LOOK(i + 2) LOOK(i + 3)

static __always_inline __u32 batch__mask(const struct mc_buffer *b, __u32 entries)
{
	__u32 mask = 0;

	LOOK4(0) LOOK4(4) LOOK4(8) LOOK4(12) LOOK4(16) LOOK4(20) LOOK4(24) LOOK4(28)
	return mask;
}

static __always_inline void op_walk__begin(struct op_walk *w, const struct mc_buffer *b, __u32 mask)
{
	w->entries = (__u64)&b->entries;
	w->mask = mask;
	w->entry = 0;
	w->nr = 0;
	w->count = 0;
}

static __always_inline bool batch__has_pin(struct op_walk *walk)
{
	struct mmuext_op op;

	for (int i = 0; i < WALK_STEPS; i++) {
		enum walk step = op_walk__step(walk, &op);

		if (step == WALK_END)
			return false;
		if (step == WALK_OP && cmd__is_pin(op.cmd))
			return true;
	}
	return false;
}

/*
 * Three of four batches are one entry, or none, whose arguments stand at the
 * begin of the buffer's argument area: these are decided with direct loads.
 * Returns whether the batch cannot hold a pin.
 */
#define FAST_OPS 2

static __always_inline bool batch__is_plain(const struct mc_buffer *b, __u32 entries)
{
	const struct multicall_entry *mc = &b->entries[0];

	if (!entries)
		return true;
	if (entries > 1)
		return false;
	if (mc->op != __HYPERVISOR_mmuext_op)
		return true;
	if (mc->args[0] != (__u64)&b->args || mc->args[1] > FAST_OPS)
		return false;
	if (cmd__is_pin(*(__u32 *)&b->args[0]))
		return false;
	return mc->args[1] < 2 || !cmd__is_pin(*(__u32 *)&b->args[sizeof(struct mmuext_op)]);
}

static __always_inline int on_flush(__u32 entries)
{
	const struct mc_buffer *b = bpf_this_cpu_ptr(&mc_buffer);
	struct flight *flight;
	__u32 mask;

	if (!armed || batch__is_plain(b, entries))
		return 0;
	mask = batch__mask(b, entries);
	if (!mask)
		return 0;
	flight = flight__this_cpu();
	if (!flight)
		return 0;
	op_walk__begin(&flight->walk, b, mask);
	if (!batch__has_pin(&flight->walk))
		return 0;
	flight->entries = entries;
	flight->mask = mask;
	flight->begin = bpf_ktime_get_ns();
	return 0;
}

static __always_inline void batch__decode(struct flight *flight)
{
	struct mmuext_op op;

	flight->nops = 0;
	op_walk__begin(&flight->walk, bpf_this_cpu_ptr(&mc_buffer), flight->mask);
	for (int i = 0; i < WALK_STEPS; i++) {
		enum walk step = op_walk__step(&flight->walk, &op);
		__u32 nr = flight->nops;

		if (step == WALK_END)
			break;
		if (step == WALK_OP && nr < XP_OPS_MAX &&
		    decode_op(&op, flight->walk.result, &flight->ops[nr]))
			flight->nops++;
	}
}

static __always_inline int on_flushed(void *ctx)
{
	struct xp_event ev = {
		.kind = XP_BATCH,
		.hook = XP_HOOK_FLUSH,
		.flags = XP_F_RESULT,
	};
	__u32 tgid, cpu, seq, nops;
	struct flight *flight;
	struct xp_record *rec;
	struct xp_ring *ring;
	struct xp_op *ops;
	__u64 begin;

	flight = flight__this_cpu();
	if (!flight || !flight->begin)
		return 0;
	begin = flight->begin;
	flight->begin = 0;
	tgid = bpf_get_current_pid_tgid() >> 32;
	if (!filter__task(tgid))
		return 0;
	batch__decode(flight);
	nops = flight->nops;
	ring = ring__this_cpu(&cpu);
	if (!nops || nops > XP_OPS_MAX || !ring)
		return 0;
	rec = record__begin(ring, cpu, tgid, ev, record__slots(nops * sizeof(*ops)), &seq);
	if (!rec)
		return 0;
	rec->u.batch.entries = flight->entries;
	rec->u.batch.nops = nops;
	rec->u.batch.latency_ns = rec->t - begin;
	ops = record__body(rec);
	for (int i = 0; i < XP_OPS_MAX; i++) {
		if (i >= nops)
			break;
		ops[i] = flight->ops[i];
	}
	record__end(ctx, rec, seq);
	return 0;
}

#endif
