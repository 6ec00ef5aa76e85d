// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters instead of records: pins, unpins, how long trees take, by CPU and by
 * process.
 *
 * A fork makes some 30 flushes, of which two have pins: to look at each flush
 * costs more, before anything is counted, than all that is done here.  So of a
 * tree what was flushed last is read when the function that pins it returns
 * (flushed.h), and what had to be flushed before at the kernel's event for a
 * full buffer.  A table that comes to or goes from a pinned tree has an event of
 * its own, and of calls that Xen refuses the kernel speaks.
 */
#include "bound.h"
#include "flushed.h"
#include "direct_map.h"
#include "counters_tasks.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* By CPU number and not a per-CPU map, whose lookup is a call before 6.10. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);		/* the number of CPUs, set by the loader */
	__type(key, __u32);
	__type(value, struct xp_counts);
} counts SEC(".maps");

static __always_inline struct xp_counts *counts__this_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&counts, &cpu);
}

/* The number of bits of @ns, which is the bucket it belongs to. */
static __always_inline __u32 bucket_of(__u64 ns)
{
	__u32 bits = 0;

	if (ns >> (XP_COUNT_TIMES - 1))
		return XP_COUNT_TIMES - 1;
	for (int step = 16; step; step /= 2) {
		if (ns >> step) {
			bits += step;
			ns >>= step;
		}
	}
	return bits + ns;
}

static __always_inline void count_ops(struct xp_counts *c, __u64 ops)
{
	for (int level = 0; level < 4; level++)
		c->pins[level] += OPS_OF(ops, level);
	c->unpins += OPS_UNPINS(ops);
}

/* What is counted of a process happens on several CPUs. */
static __always_inline void task__add(struct xp_task_counts *task, __u64 pins, __u64 unpins)
{
	__sync_fetch_and_add(&task->pins, pins);
	__sync_fetch_and_add(&task->unpins, unpins);
}

/* Its last batch was flushed; @cmd is what cannot be read any more. */
static __always_inline int tree__end(struct xp_counts *c, __u64 ns, __u32 cmd)
{
	struct xp_flushed *f = &c->last;
	struct xp_task_counts *task = task__this(c);
	__u64 ops = 0;

	if (f->whole)
		ops = ops__ours(f->ops, cmd);
	else
		c->unseen++;
	count_ops(c, ops);
	if (task) {
		__sync_fetch_and_add(&task->trees, !!ns);
		__sync_fetch_and_add(&task->tree_ns, ns);
		task__add(task, c->so_far_pins + OPS_PINS(ops), c->so_far_unpins + OPS_UNPINS(ops));
	}
	c->so_far_pins = c->so_far_unpins = c->so_far_l4 = 0;
	return 0;
}

/* The buffer is full: of a tree there is more to come. */
SEC("tp_btf/xen_mc_flush_reason") int BPF_PROG(count_full)
{
	struct xp_counts *c = counts__this_cpu();
	struct xp_flushed *f;

	if (!c)
		return 0;
	f = &c->last;
	flushed__full(mc_buffer__this_cpu(), f);
	if (!f->whole || !(OPS_PINS(f->ops) + OPS_UNPINS(f->ops)))
		return 0;
	count_ops(c, f->ops);
	c->so_far_pins += OPS_PINS(f->ops);
	c->so_far_unpins += OPS_UNPINS(f->ops);
	c->so_far_l4 += OPS_OF(f->ops, MMUEXT_PIN_L4_TABLE);
	return 0;
}

SEC("tp_btf/xen_mmu_pgd_pin") int BPF_PROG(count_pin_begin)
{
	struct xp_counts *c = counts__this_cpu();

	if (c)
		c->begin = bpf_ktime_get_ns();
	return 0;
}

SEC("fexit/__xen_pgd_pin") int BPF_PROG(count_pin_end)
{
	struct xp_counts *c = counts__this_cpu();
	__u64 ns;

	if (!c)
		return 0;
	if (!c->begin) {	/* it began before we did */
		c->so_far_pins = c->so_far_l4 = 0;
		return 0;
	}
	ns = bpf_ktime_get_ns() - c->begin;
	c->begin = 0;
	c->trees++;
	c->tree_ns += ns;
	c->tree_times[masked(bucket_of(ns), XP_COUNT_TIMES)]++;
	flushed__pinned(mc_buffer__this_cpu(), c->so_far_l4, &c->last);
	return tree__end(c, ns, MMUEXT_PIN_L1_TABLE);
}

SEC("fexit/__xen_pgd_unpin") int BPF_PROG(count_unpin_end, void *mm, __u64 pgd)
{
	struct xp_counts *c = counts__this_cpu();

	if (!c)
		return 0;
	flushed__unpinned(mc_buffer__this_cpu(), pgd, &c->last);
	return tree__end(c, 0, MMUEXT_UNPIN_TABLE);
}

static __always_inline int count_single(__u64 pins, __u64 unpins)
{
	struct xp_counts *c = counts__this_cpu();
	struct xp_task_counts *task;

	if (!c)
		return 0;
	/* Trees are not preempted; here a kernel may be. */
	__sync_fetch_and_add(&c->pins[0], pins);
	__sync_fetch_and_add(&c->unpins, unpins);
	task = task__this(c);
	if (task)
		task__add(task, pins, unpins);
	return 0;
}

/* A table of a pinned tree is pinned, unless mremap() moves it and it is already. */
SEC("tp_btf/xen_mmu_alloc_ptpage")
int BPF_PROG(count_alloc, void *mm, __u64 pfn, unsigned int level, bool pinned)
{
	bool flag;

	if (!pinned || level != PT_PTE || !page__flag(pfn, &flag) || flag)
		return 0;
	return count_single(1, 0);
}

static __always_inline int on_release(unsigned int level, bool pinned)
{
	return pinned && level == PT_PTE ? count_single(0, 1) : 0;
}

SEC("tp_btf/xen_mmu_release_ptpage")
int BPF_PROG(count_release_btf, __u64 pfn, unsigned int level, bool pinned)
{
	return on_release(level, pinned);
}

/* Where tracepoints can be preempted: see bpf/trace.bpf.c. */
SEC("tp/xen/xen_mmu_release_ptpage")
int count_release_tp(struct trace_event_raw_xen_mmu_release_ptpage *ctx)
{
	return on_release(ctx->level, ctx->pinned);
}

/*
 * Is this call of a batch one of pins or unpins, and was it refused?  Counted in the
 * map: of a count on the stack the verifier would follow each value.
 */
static long look_at_result(__u64 i, struct xp_counts **context)
{
	const struct mc_buffer *b = mc_buffer__this_cpu();
	struct xp_counts *c = *context;
	struct multicall_entry mc;
	__u32 cmd;

	if (i >= MC_BATCH)
		return 1;
	i = masked(i, MC_BATCH);
	if (bpf_probe_read_kernel(&mc, sizeof(mc), (void *)&b->entries + i * sizeof(mc)))
		return 1;
	if (mc.op == __HYPERVISOR_mmuext_op && mc.result < 0 &&
	    !bpf_probe_read_kernel(&cmd, sizeof(cmd), (void *)mc.args[0]))
		c->failed += cmd <= MMUEXT_UNPIN_TABLE;
	return 0;
}

/* xen_mc_flush() says so at once, with its batch still in the buffer and interrupts off. */
SEC("fentry/vprintk") int BPF_PROG(count_refused, const char *format)
{
	static const char words[] = "%d of %d multicall(s) failed";
	char text[2 + sizeof(words)];	/* behind the message's level */
	struct xp_task_counts *task;
	struct xp_counts *c;
	__u64 before;

	if (bpf_probe_read_kernel_str(text, sizeof(text), format) < 0 ||
	    bpf_strncmp(text + 2, sizeof(words) - 1, words))
		return 0;
	c = counts__this_cpu();
	if (!c)
		return 0;
	before = c->failed;
	bpf_loop(mc_buffer__this_cpu()->mcidx, look_at_result, &c, 0);
	task = c->failed != before ? task__this(c) : NULL;
	if (task)
		__sync_fetch_and_add(&task->failed, c->failed - before);
	return 0;
}

/* Run when somebody reads: page tables of all processes, without a probe. */
SEC("iter/task") int each_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct xp_task_tables line = {};
	struct mm_struct *mm;

	if (!task || task->pid != task->tgid)
		return 0;
	mm = task->mm;
	if (!mm)
		return 0;
	line.pid = task->tgid;
	line.bytes = mm->pgtables_bytes.counter;
	bpf_probe_read_kernel_str(line.comm, sizeof(line.comm), task->comm);
	bpf_seq_write(ctx->meta->seq, &line, sizeof(line));
	return 0;
}

/* Run once, before anything is attached. */
SEC("syscall") int locate(void *ctx)
{
	direct_map__locate();
	return 0;
}
