/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a hypercall batch: which pins and unpins it holds, and Xen's results.
 *
 * Direct loads for what is frequent, loops for the rest: see bpf/flight.h for
 * when each is done.
 */
#ifndef XENPIN_BPF_BATCH_H
#define XENPIN_BPF_BATCH_H

#include "emit.h"
#include "mc_buffer.h"

/*
 * Walks the mmuext operations of a batch.  One entry can hold several, and two
 * nested loops are more than the verifier follows: so one flat sequence of
 * steps, each of which opens an entry or yields an operation.
 */
struct op_walk {
	struct multicall_entry mc;	/* the open entry */
	__u64 nr, count;		/* operation within the open entry */
	__u32 mask;			/* entries still to open */
	__u32 entry;			/* next to look at */
};

#define WALK_STEPS (MC_BATCH + XP_OPS_MAX)

struct raw_op {
	__u64 cmd, mfn;
};

/*
 * A batch in flight, and the room to decode it.  The state of loops stands here
 * and not on the stack because the verifier does not follow values in memory:
 * it would try all their combinations.
 */
struct flight {
	__u64 begin, end;		/* ns; end is 0 until the way out */
	__u64 buffer;			/* address of the mc_buffer */
	__u32 seq;			/* of the reserved record; 0: nothing is in flight */
	__u32 entries;			/* in the whole batch */
	__u32 mask;			/* bit i: entry i holds mmuext operations */
	__u32 nraw;			/* operations in the batch */
	__u32 nops;			/* of these, pins and unpins that pass the filters */
	struct op_walk walk;
	struct raw_op raw[XP_OPS_MAX];
	struct xp_op ops[XP_OPS_MAX];
	__u8 from[XP_OPS_MAX];		/* ops[i] is raw[from[i]] */
	/*
	 * Operations of each entry, on the way in: a call that Xen preempted and
	 * continued comes back with other arguments.
	 */
	__u64 count[MC_BATCH];
	__u64 printk;			/* bpf/refused.h; no batch's */
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

/*
 * Entry @i of the buffer, by address: each use of the variable itself makes the
 * verifier of 6.1 look for its section among all types of the kernel, for 4 ms.
 */
static __always_inline bool flight__entry(const struct flight *flight, __u64 i,
					  struct multicall_entry *mc)
{
	__u64 entries = flight->buffer + bpf_core_field_offset(struct mc_buffer, entries);

	return !bpf_probe_read_kernel(mc, sizeof(*mc), (void *)(entries + i * sizeof(*mc)));
}

static __always_inline bool cmd__is_pin(__u32 cmd)
{
	return cmd <= MMUEXT_PIN_L4_TABLE || cmd == MMUEXT_UNPIN_TABLE;
}

enum walk { WALK_END, WALK_ON, WALK_OP };

static __always_inline void op_walk__begin(struct op_walk *w, __u32 mask)
{
	w->mask = mask;
	w->entry = 0;
	w->nr = 0;
	w->count = 0;
}

static __always_inline enum walk op_walk__open(struct flight *flight)
{
	struct op_walk *w = &flight->walk;
	__u64 nr = masked(w->entry, MC_BATCH);

	w->entry++;

	if (!(w->mask >> nr))
		return WALK_END;
	if (!(w->mask & (1U << nr)))
		return WALK_ON;
	w->mask &= ~(1U << nr);
	if (!flight__entry(flight, nr, &w->mc))
		return WALK_ON;
	w->count = flight->count[nr];
	w->nr = 0;
	return WALK_ON;
}

/* After WALK_OP the operation is number nr - 1 of ops. */
static __always_inline enum walk op_walk__step(struct flight *flight)
{
	if (flight->walk.nr >= flight->walk.count)
		return op_walk__open(flight);
	flight->walk.nr++;
	return WALK_OP;
}

/* Decode one operation; returns whether it passes the filters. */
static __always_inline bool decode_op(const struct raw_op *op, struct xp_op *out)
{
	bool pin = op->cmd <= MMUEXT_PIN_L4_TABLE;
	__u8 level = pin ? op->cmd - MMUEXT_PIN_L1_TABLE + XP_L1 : XP_L_NONE;
	__u64 mfn = op->mfn, pfn;

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
	out->result = 0;
	out->op = pin ? XP_OP_PIN : XP_OP_UNPIN;
	out->level = level;
	return true;
}

/*
 * Which entries hold mmuext operations, how many are these, and do they fill
 * the argument area from its begin without a gap?  A constant index into the
 * buffer is a direct load, a variable one a helper call: hence unrolled, by
 * hand since clang does not unroll a loop with two ends.  Only as far as the
 * batches of a small process go: what is longer holds more pins to pay for it,
 * and each line here is loaded, verified and waited for at every start.
 */
#define FAST_ENTRIES	16
#define FAST_OPS	12

struct survey {
	__u32 mask;
	__u64 nops;
	__u64 gap;	/* 0: none */
};

#define LOOK(i)                                                                                   \
	if ((i) < n && b->entries[i].op == __HYPERVISOR_mmuext_op) {                              \
		s->mask |= 1U << (i);                                                             \
		s->gap |= b->entries[i].args[0] ^ (args + s->nops * sizeof(struct mmuext_op));    \
		s->nops += count[i] = b->entries[i].args[1];                                      \
	}
#define FOUR_OF(n, what, i)                                                                       \
	if ((i) >= (n))                                                                           \
		return;                                                                           \
	FOUR(what, i)
#define FAST(n, what) \
	FOUR(what, 0) FOUR_OF(n, what, 4) FOUR_OF(n, what, 8) FOUR_OF(n, what, 12)

static __always_inline void batch__survey(const struct mc_buffer *b, __u64 n, __u64 args,
					  __u64 *count, struct survey *s)
{
	FAST(n, LOOK)
}

/* The operations of a batch without a gap, and maybe a few more: direct loads again. */
#define COPY(k)                                                                                   \
	to[k].cmd = *(__u32 *)&b->args[(k) * sizeof(struct mmuext_op)];                           \
	to[k].mfn = *(__u64 *)&b->args[(k) * sizeof(struct mmuext_op) + 8];

static __always_inline void batch__copy(const struct mc_buffer *b, __u64 n, struct raw_op *to)
{
	FOUR(COPY, 0)
	FOUR_OF(n, COPY, 4) FOUR_OF(n, COPY, 8)
}

/*
 * Loops are bpf_loop()s: the verifier sees their bodies once, and what it takes
 * to see them unrolled is most of the time until a trace is ready.
 */
static long collect_step(__u64 step, struct flight **context)
{
	struct flight *flight = *context;
	struct op_walk *w = &flight->walk;
	__u64 nr = flight->nraw;
	struct mmuext_op op;

	switch (op_walk__step(flight)) {
	case WALK_END:
		return 1;
	case WALK_ON:
		return 0;
	case WALK_OP:
		break;
	}
	if (nr >= XP_OPS_MAX)
		return 1;
	if (bpf_probe_read_kernel(&op, sizeof(op), (void *)(w->mc.args[0] + (w->nr - 1) * sizeof(op))))
		op.cmd = ~0U;
	nr = masked(nr, XP_OPS_MAX);
	flight->raw[nr].cmd = op.cmd;
	flight->raw[nr].mfn = op.arg1;
	flight->nraw = nr + 1;
	return 0;
}

/* Copy the operations of a batch with gaps, or with more of them than FAST_OPS, by a loop. */
static __always_inline void batch__collect(struct flight *flight)
{
	flight->nraw = 0;
	op_walk__begin(&flight->walk, flight->mask);
	bpf_loop(WALK_STEPS, collect_step, &flight, 0);
}

static long survey_step(__u64 i, struct flight **context)
{
	struct flight *flight = *context;
	struct multicall_entry *mc = &flight->walk.mc;

	if (i >= MC_BATCH || !flight__entry(flight, i, mc))
		return 1;
	if (mc->op == __HYPERVISOR_mmuext_op) {
		i = masked(i, MC_BATCH);
		flight->mask |= 1U << i;
		flight->count[i] = mc->args[1];
	}
	return 0;
}

/*
 * Three of four batches are one entry, or none, whose arguments stand at the
 * begin of the buffer's argument area: these are decided with direct loads.
 * Returns whether the batch cannot hold a pin.
 */
#define PLAIN_OPS 2

static __always_inline bool batch__is_plain(const struct mc_buffer *b, __u32 entries)
{
	const struct multicall_entry *mc = &b->entries[0];

	if (!entries)
		return true;
	if (entries > 1)
		return false;
	if (mc->op != __HYPERVISOR_mmuext_op)
		return true;
	if (mc->args[0] != (__u64)&b->args || mc->args[1] > PLAIN_OPS)
		return false;
	if (cmd__is_pin(*(__u32 *)&b->args[0]))
		return false;
	return mc->args[1] < 2 || !cmd__is_pin(*(__u32 *)&b->args[sizeof(struct mmuext_op)]);
}

static long decode_step(__u64 i, struct flight **context)
{
	struct flight *flight = *context;
	__u64 nr = flight->nops;

	if (i >= XP_OPS_MAX || nr >= XP_OPS_MAX)
		return 1;
	i = masked(i, XP_OPS_MAX);
	nr = masked(nr, XP_OPS_MAX);
	if (decode_op(&flight->raw[i], &flight->ops[nr])) {
		flight->from[nr] = i;
		flight->nops = nr + 1;
	}
	return 0;
}

static __always_inline void batch__decode(struct flight *flight)
{
	flight->nops = 0;
	bpf_loop(flight->nraw, decode_step, &flight, 0);
}

static long results_step(__u64 step, struct flight **context)
{
	struct flight *flight = *context;
	__u64 nr = flight->nraw;

	switch (op_walk__step(flight)) {
	case WALK_END:
		return 1;
	case WALK_ON:
		return 0;
	case WALK_OP:
		break;
	}
	if (nr >= XP_OPS_MAX)
		return 1;
	nr = masked(nr, XP_OPS_MAX);
	flight->raw[nr].cmd = flight->walk.mc.result;
	flight->nraw = nr + 1;
	return 0;
}

static long spread_step(__u64 i, struct flight **context)
{
	struct flight *flight = *context;

	if (i >= XP_OPS_MAX || i >= flight->nops)
		return 1;
	i = masked(i, XP_OPS_MAX);
	flight->ops[i].result = flight->raw[masked(flight->from[i], XP_OPS_MAX)].cmd;
	return 0;
}

/* Some call failed: give each operation the result of its entry. */
static __always_inline void flight__spread_results(struct flight *flight)
{
	flight->nraw = 0;
	op_walk__begin(&flight->walk, flight->mask);
	bpf_loop(WALK_STEPS, results_step, &flight, 0);
	bpf_loop(XP_OPS_MAX, spread_step, &flight, 0);
}

/* Xen's results of the first FAST_ENTRIES calls, together in @any: 0 when all of them went well. */
#define RESULT(i) *any |= b->entries[i].result & -(__u64)(mask >> (i) & 1);

static __always_inline void batch__results(const struct mc_buffer *b, __u32 n, __u32 mask,
					   __u64 *any)
{
	FAST(n, RESULT)
}

#endif
