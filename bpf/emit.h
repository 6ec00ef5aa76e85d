/* SPDX-License-Identifier: GPL-2.0-only */
/* Making a record: its head, the task, the stack. */
#ifndef XENPIN_BPF_EMIT_H
#define XENPIN_BPF_EMIT_H

#include "filter.h"
#include "kaddr.h"
#include "task.h"

/* Nothing is recorded before all probes are attached. */
volatile __u32 armed;

/* What the head of a record says, known before there is a record. */
struct xp_event {
	enum xp_kind kind;
	enum xp_probe probe;
	__u8 level;
	__u8 flags;
};

#define STACK_BYTES (OPTION(stack) ? XP_STACK_BYTES : 0)

/* The slots of a record with @bytes behind its head and stack. */
static __always_inline __u32 record__slots(__u32 bytes)
{
	return (sizeof(struct xp_record) + STACK_BYTES + bytes + XP_SLOT - 1) / XP_SLOT;
}

static __always_inline void *record__body(struct xp_record *rec)
{
	return (void *)(rec + 1) + STACK_BYTES;
}

/* Without the @skip innermost frames. */
static __always_inline void record__stack(void *ctx, struct xp_record *rec, __u64 skip)
{
	__u64 *stack = (void *)(rec + 1);
	long n;

	if (!OPTION(stack))
		return;
	n = bpf_get_stack(ctx, stack, XP_STACK_BYTES, bounded(skip, BPF_F_SKIP_FIELD_MASK));
	if (n < 0)
		n = 0;
	if (n < XP_STACK_BYTES)
		stack[masked(n / sizeof(__u64), XP_STACK_MAX)] = 0;
	rec->flags |= XP_F_STACK;
}

/* In this CPU's ring; NULL when there is no room, which is counted. */
static __always_inline struct xp_record *record__begin(struct xp_event ev, __u32 nslots, __u32 *seq)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	struct xp_record *rec;
	struct xp_ring *ring;
	__u32 cpu;

	ring = ring__this_cpu(&cpu);
	rec = ring ? ring__reserve(ring, cpu, nslots, ev.probe, seq) : NULL;
	if (!rec)
		return NULL;
	rec->kind = ev.kind;
	rec->level = ev.level;
	rec->flags = ev.flags;
	rec->where = 0;
	rec->pid = task->tgid;
	task__name(task, rec->comm);
	return rec;
}

static __always_inline void record__end(void *ctx, struct xp_record *rec, __u32 seq)
{
	record__stack(ctx, rec, 0);
	ring__commit(rec, seq);
}

#endif
