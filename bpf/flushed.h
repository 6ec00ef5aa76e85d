/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a flush leaves behind: the multicall buffer keeps a batch until it is
 * filled anew.
 *
 * How many entries the batch had is not kept.  But the functions that pin begin
 * with an empty buffer, fill it in an order that is always the same, and flush it
 * last, with interrupts off: their last entry is known by what it is about, and
 * their operations fill the argument area from its begin.  All reads are direct
 * loads: a constant index into the buffer is one, a variable one a call.
 *
 * Between the flush and our look an interrupt may have used the buffer: for a
 * cr3, say.  It overwrote the first of our operations, which are known all the
 * same: what is unpinned are unpins, and what a tree's pins begin with is of L1.
 */
#ifndef XENPIN_BPF_FLUSHED_H
#define XENPIN_BPF_FLUSHED_H

#include "mc_buffer.h"
#include "../include/counter_maps.h"

/* xp_flushed.ops has eight bits for the count of each command; these read it. */
#define OPS_OF(ops, cmd)	((ops) >> (cmd) * 8 & 0xff)
#define OPS_PINS(ops)		(OPS_OF(ops, 0) + OPS_OF(ops, 1) + OPS_OF(ops, 2) + OPS_OF(ops, 3))
#define OPS_UNPINS(ops)		OPS_OF(ops, MMUEXT_UNPIN_TABLE)
#define OPS_FOREIGN(ops)	OPS_OF(ops, MMUEXT_UNPIN_TABLE + 1)

#define OP_SIZE			sizeof(struct mmuext_op)

#define SIXTEEN(what, i)	FOUR(what, i) FOUR(what, i + 4) FOUR(what, i + 8) FOUR(what, i + 12)
#define EACH_ENTRY(what)	SIXTEEN(what, 0) SIXTEEN(what, 16)
#define EACH_OP(what)		SIXTEEN(what, 0) FOUR(what, 16) what(20)

#define IS_MMUEXT(i)	(b->entries[i].op == __HYPERVISOR_mmuext_op)
#define IS_PROT_OF(i, address)                                                                    \
	(b->entries[i].op == __HYPERVISOR_update_va_mapping && b->entries[i].args[0] == (address))
#define COMMAND(k)	(*(__u32 *)&b->args[(k) * OP_SIZE])

/*
 * The address behind an entry's last operation.  When Xen preempts a call it
 * moves the begin on and counts what is left, with a mark: the end stays.  Or it
 * has done all and makes the begin 0; only the first entry has two operations.
 */
#define PREEMPTED	(1ULL << 31)
#define END_OF(i)                                                                                 \
	(b->entries[i].args[0] ?                                                                  \
	 b->entries[i].args[0] + (b->entries[i].args[1] & ~PREEMPTED) * OP_SIZE : end + OP_SIZE)

/*
 * What was found so far goes through memory, where the verifier does not follow
 * it: else it would look at what comes next once for each way to get there.
 */
#define FORGET()	asm volatile("" ::: "memory")

/* Through memory as well: the verifier lets nobody calculate with a pointer. */
static __always_inline __u64 flushed__args(const struct mc_buffer *b, struct xp_flushed *f)
{
	f->args = (__u64)&b->args;
	FORGET();
	return f->args;
}

static __always_inline void add_op(__u64 *ops, __u32 cmd)
{
	*ops += cmd <= MMUEXT_UNPIN_TABLE ? 1ULL << cmd * 8 : 1ULL << (MMUEXT_UNPIN_TABLE + 1) * 8;
}

/* Those that others overwrote count as @cmd, which all operations of ours were. */
static __always_inline __u64 ops__ours(__u64 ops, __u32 cmd)
{
	return ops + (OPS_FOREIGN(ops) << cmd * 8);
}

#define ADD_OP(k)                                                                                 \
	if ((k) * OP_SIZE >= bytes)                                                               \
		goto counted;                                                                     \
	add_op(&ops, COMMAND(k));

static __always_inline void flushed__count(const struct mc_buffer *b, struct xp_flushed *f)
{
	__u64 ops = 0, bytes = f->bytes;

	EACH_OP(ADD_OP)
counted:
	f->ops = ops;
	FORGET();
}

/* Does a buffer that is full, and about to be flushed, hold a part of a tree? */
#define FULL(i)                                                                                   \
	if ((i) >= n)                                                                             \
		goto read;                                                                        \
	if (IS_MMUEXT(i))                                                                         \
		end = END_OF(i);                                                                  \
	else if (b->entries[i].op != __HYPERVISOR_update_va_mapping)                              \
		return;

static __always_inline void flushed__full(const struct mc_buffer *b, struct xp_flushed *f)
{
	__u64 args = flushed__args(b, f), n = b->mcidx, end = args;

	f->whole = false;
	EACH_ENTRY(FULL)
read:
	f->whole = true;
	f->bytes = end - args;
	FORGET();
	flushed__count(b, f);
}

/*
 * A tree's pins, one an entry, end with that of its user half, the second L4: @l4
 * were pinned by batches before this one.
 */
#define PIN(k)                                                                                    \
	add_op(&ops, COMMAND(k));                                                                 \
	if (COMMAND(k) == MMUEXT_PIN_L4_TABLE && ++l4 == 2)                                       \
		goto counted;

static __always_inline void flushed__pinned(const struct mc_buffer *b, __u64 l4,
					    struct xp_flushed *f)
{
	__u64 ops = 0;

	f->whole = false;
	EACH_OP(PIN)
	return;
counted:
	f->whole = true;
	f->ops = ops;
	FORGET();
}

/* A tree's unpins end with its own page, at @pgd, which becomes writable. */
#define UNPIN(i)                                                                                  \
	if (IS_MMUEXT(i)) {                                                                       \
		end = END_OF(i);                                                                  \
	} else if (IS_PROT_OF(i, pgd)) {                                                          \
		goto found;                                                                       \
	}

static __always_inline void flushed__unpinned(const struct mc_buffer *b, __u64 pgd,
					      struct xp_flushed *f)
{
	__u64 args = flushed__args(b, f), end = args;

	f->whole = false;
	EACH_ENTRY(UNPIN)
	return;
found:
	f->whole = true;
	f->bytes = end - args;
	FORGET();
	flushed__count(b, f);
}

#endif
