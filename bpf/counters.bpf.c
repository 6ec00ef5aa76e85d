// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters instead of records: pins, unpins, how long trees take, by CPU and by
 * process.
 *
 * A fork makes some 30 flushes, of which two have pins: to look at each flush
 * costs more, before anything is counted, than all that is done here.  So what
 * is hooked are the four functions that pin, and what they flushed is read when
 * they return (flushed.h).  A tree that needs more than one batch is seen at the
 * kernel's event for a full buffer, before it is flushed.
 */
#include "flushed.h"
#include "counters_tasks.h"
#include <bpf/bpf_core_read.h>
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
static __always_inline void task__add(struct xp_task_counts *task, __u64 pins, __u64 unpins,
				      __u64 failed)
{
	__sync_fetch_and_add(&task->pins, pins);
	__sync_fetch_and_add(&task->unpins, unpins);
	__sync_fetch_and_add(&task->failed, failed);
}

/* Its last batch was flushed; @cmd is what cannot be read any more. */
static __always_inline int tree__end(struct xp_counts *c, __u64 ns, __u32 cmd)
{
	struct xp_flushed *f = &c->last;
	struct xp_task_counts *task = task__this(c);
	__u64 ops = 0, failed = 0;

	if (f->whole)
		ops = ops__ours(f->ops, cmd);
	if (!f->whole || OPS_FOREIGN(f->ops))
		c->unseen++;
	else if (f->refused)
		failed = flushed__refused(f);
	count_ops(c, ops);
	c->failed += failed;
	if (task) {
		__sync_fetch_and_add(&task->trees, !!ns);
		__sync_fetch_and_add(&task->tree_ns, ns);
		task__add(task, c->so_far_pins + OPS_PINS(ops), c->so_far_unpins + OPS_UNPINS(ops),
			  failed);
	}
	c->so_far_pins = c->so_far_unpins = c->so_far_l4 = 0;
	c->pinned = 0;
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
	c->unseen++;
	count_ops(c, f->ops);
	c->so_far_pins += OPS_PINS(f->ops);
	c->so_far_unpins += OPS_UNPINS(f->ops);
	c->so_far_l4 += OPS_OF(f->ops, MMUEXT_PIN_L4_TABLE);
	return 0;
}

/* Of an address in the direct map, the bits that do not depend on where it begins. */
#define SAME_PAGE	0x3ffff000
#define MFN_OF(pte)	(((pte) & 0x000ffffffffff000ULL) >> 12)
#define FIRST_MFN	(*(__u64 *)&b->args[8])

/*
 * One table of a pinned tree, @pfn: entry @call is about it, and @prot about its
 * page, whose new entry in the direct map says its frame.  A table that is moved
 * has no call, and finds an older one.
 */
#define IS_SINGLE(call, prot, pfn)                                                                \
	(b->entries[prot].op == __HYPERVISOR_update_va_mapping &&                                 \
	 !((b->entries[prot].args[0] ^ (pfn) << 12) & SAME_PAGE) && IS_MMUEXT(call) &&             \
	 FIRST_MFN == MFN_OF(b->entries[prot].args[1]) && !b->mcidx)

static __always_inline int count_single(struct xp_counts *c, __u64 pins, __u64 unpins, bool failed)
{
	struct xp_task_counts *task = task__this(c);

	/* Trees are not preempted; here a kernel may be. */
	__sync_fetch_and_add(&c->pins[0], pins);
	__sync_fetch_and_add(&c->unpins, unpins);
	__sync_fetch_and_add(&c->failed, failed);
	if (task)
		task__add(task, pins, unpins, failed);
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
	c->tree_times[bucket_of(ns) & (XP_COUNT_TIMES - 1)]++;
	flushed__pinned(mc_buffer__this_cpu(), c->so_far_l4, &c->last);
	return tree__end(c, ns, MMUEXT_PIN_L1_TABLE);
}

SEC("fexit/__xen_pgd_unpin") int BPF_PROG(count_unpin_end, void *mm, __u64 pgd)
{
	const struct mc_buffer *b = mc_buffer__this_cpu();
	struct xp_counts *c = counts__this_cpu();

	if (!c)
		return 0;
	flushed__unpinned(b, pgd, &c->last);
	c->unpinned = c->so_far_unpins ? b->entries[1].args[0] : 0;
	return tree__end(c, 0, MMUEXT_UNPIN_TABLE);
}

/* Its page becomes read-only, then it is pinned. */
SEC("fexit/xen_alloc_pte") int BPF_PROG(count_alloc_pte, void *mm, __u64 pfn)
{
	const struct mc_buffer *b = mc_buffer__this_cpu();
	struct xp_counts *c;

	if (!IS_SINGLE(1, 0, pfn))
		return 0;
	c = counts__this_cpu();
	if (!c || c->pinned == FIRST_MFN)
		return 0;
	c->pinned = FIRST_MFN;
	c->unpinned = 0;
	return count_single(c, 1, 0, b->entries[1].result);
}

/*
 * It is unpinned, then its page becomes writable.  So begins a tree's last batch,
 * too, when it is not its first: that table is released later, with nothing to do.
 */
SEC("fexit/xen_release_pte") int BPF_PROG(count_release_pte, __u64 pfn)
{
	const struct mc_buffer *b = mc_buffer__this_cpu();
	struct xp_counts *c;

	if (!IS_SINGLE(0, 1, pfn))
		return 0;
	c = counts__this_cpu();
	if (!c || b->entries[1].args[0] == c->unpinned)
		return 0;
	c->pinned = c->unpinned = 0;
	return count_single(c, 0, 1, b->entries[0].result);
}

/* Of these types only what the iterator reads; see vmlinux.h. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct mm_struct___tables {
	struct {
		long counter;
	} pgtables_bytes;
};

struct task_struct___iter {
	int pid, tgid;
	struct mm_struct___tables *mm;
	char comm[16];
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct___iter *task;
};

#pragma clang attribute pop

/* Run when somebody reads: page tables of all processes, without a hook. */
SEC("iter/task") int each_task(struct bpf_iter__task *ctx)
{
	struct task_struct___iter *task = ctx->task;
	struct xp_task_tables line = {};
	struct mm_struct___tables *mm;

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
