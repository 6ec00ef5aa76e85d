/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Xen refuses: the entries of a multicall that came back with an error.
 *
 * Nobody looks for them while all goes well.  Where some failed, xen_mc_flush() prints a line that
 * begins with "1 of 3 multicall(s) failed", with interrupts off and before anybody fills the buffer
 * anew: printk's tracepoint fires on that CPU then, whatever loglevel the console has, and the
 * entries stand in the buffer with Xen's results.
 */
#ifndef XENPIN_BPF_REFUSED_H
#define XENPIN_BPF_REFUSED_H

#include "batch.h"

#define PRINTK_FRAMES	24	/* and more than printk(), what it calls and this program have */
#define PRINTK_BYTES	0x100	/* and more than _printk() has */

/* A call that Xen preempted counts the operations that are left, with a mark. */
#define COUNT_OF(mc)	((mc)->args[1] & ~(1ULL << 31))

/* On its way through a batch. */
struct refusals {
	void *ctx;
	struct flight *flight;	/* knows where the buffer is */
	struct multicall_entry mc;
};

static const char failed[] = " multicall(s) failed";

/*
 * "1 of 3 multicall(s) failed: cpu 0": each number has one digit or two.  Behind a shorter text there
 * may still be an older one.
 */
static __always_inline bool tells_of_refusals(const char *text, __u64 len)
{
	char line[8 + sizeof(failed)];

	if (len < sizeof(line) || bpf_probe_read_kernel(line, sizeof(line), text))
		return false;
	return !bpf_strncmp(line + 6, sizeof(failed) - 1, failed) ||
	       !bpf_strncmp(line + 7, sizeof(failed) - 1, failed) ||
	       !bpf_strncmp(line + 8, sizeof(failed) - 1, failed);
}

static __always_inline void printk__locate(void)
{
	static const char name[] = "_printk";
	__u64 address;

	if (OPTION(stack) && !bpf_kallsyms_lookup_name(name, sizeof(name), 0, &address))
		kaddr.printk = address;
}

/*
 * How many frames of the stack from here are printk()'s: its caller is xen_mc_flush(), where the
 * stacks of other records begin.  They are counted in memory, where the verifier does not follow:
 * else it would look at what comes next once for each count.
 */
static __always_inline __u64 printk__frames(const struct refusals *all)
{
	__u64 stack[PRINTK_FRAMES] = {}, *frames = &all->flight->printk;

	if (!OPTION(stack) || !kaddr.printk)
		return 0;
	bpf_get_stack(all->ctx, stack, sizeof(stack), 0);
	WRITE_ONCE(*frames, 0);
	for (int i = 0; i < PRINTK_FRAMES; i++)
		if (stack[i] - kaddr.printk < PRINTK_BYTES)
			WRITE_ONCE(*frames, i + 1);
	return READ_ONCE(*frames);
}

static __always_inline void refused__operations(struct xp_refused *r,
						const struct multicall_entry *mc)
{
	struct mmu_update update;
	struct mmuext_op op;

	r->count = COUNT_OF(mc);
	if (mc->op == __HYPERVISOR_mmuext_op) {
		if (bpf_probe_read_kernel(&op, sizeof(op), (void *)mc->args[0]))
			return;
		r->command = op.cmd;
		r->args[0] = op.arg1;
		r->args[1] = op.arg2;
	} else {
		if (bpf_probe_read_kernel(&update, sizeof(update), (void *)mc->args[0]))
			return;
		r->command = update.ptr & MMU_COMMAND;
		r->args[0] = update.ptr & ~(unsigned long)MMU_COMMAND;
		r->args[1] = update.val;
	}
}

static __always_inline void refused__describe(struct xp_refused *r, const struct multicall_entry *mc)
{
	*r = (struct xp_refused){ XP_NO_HYPERCALL, mc->result, XP_NO_COMMAND, XP_NO_COUNT,
				  { ~0ULL, ~0ULL } };
	/* A Xen that was built for debugging leaves nothing but the result. */
	if (mc->op >= XP_NO_HYPERCALL)
		return;
	r->hypercall = mc->op;
	if (mc->op == __HYPERVISOR_mmuext_op || mc->op == __HYPERVISOR_mmu_update) {
		refused__operations(r, mc);
		return;
	}
	r->command = 0;
	r->count = 1;
	r->args[0] = mc->args[0];
	r->args[1] = mc->args[1];
}

static long refused_step(__u64 i, struct refusals *all)
{
	struct xp_event ev = { .kind = XP_REFUSED, .probe = XP_PROBE_REFUSED };
	struct multicall_entry *mc = &all->mc;
	struct xp_record *rec;
	__u32 seq;

	if (!flight__entry(all->flight, i, mc))
		return 1;
	if (mc->result >= 0)
		return 0;
	rec = record__begin(ev, record__slots(0), &seq);
	if (!rec)
		return 0;
	refused__describe(&rec->u.refused, mc);
	record__stack(all->ctx, rec, printk__frames(all));
	ring__commit(rec, seq);
	return 0;
}

/* The kernel prints @text. */
static __always_inline int on_printk(void *ctx, const char *text, __u64 len)
{
	const struct mc_buffer *b = mc_buffer__this_cpu();
	struct refusals all = { .ctx = ctx, .flight = flight__this_cpu() };

	if (!armed || !all.flight || !tells_of_refusals(text, len) || !filter__task())
		return 0;
	/* Through memory: the verifier lets nobody calculate with a pointer.  It is always the same. */
	WRITE_ONCE(all.flight->buffer, (__u64)b);
	bpf_loop(bounded(b->mcidx, MC_BATCH), refused_step, &all, 0);
	return 0;
}

#endif
