// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters instead of records: pins, unpins and how long their flushes take,
 * by CPU and by process.
 *
 * As in batch.h a batch is looked at on its way in, at the tracepoint, and
 * judged on its way out; but the ways out are the returns of the four
 * functions that issue batches with pins, and nothing is decoded that is not
 * counted.  A fork makes some 28 flushes, of which two have pins, so what
 * counts is how soon the other 26 are let go.
 */
#include "mc_buffer.h"
#include "../include/counters.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define OPS_MAX (512 / sizeof(struct mmuext_op))

/* By CPU number and not a per-CPU map, whose lookup is a call before 6.10. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);		/* the number of CPUs, set by the loader */
	__type(key, __u32);
	__type(value, struct xp_counts);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, XP_COUNT_TASKS);
	__type(key, __u32);		/* thread group */
	__type(value, struct xp_task_counts);
} tasks SEC(".maps");

static __always_inline struct xp_counts *counts__this_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&counts, &cpu);
}

static __always_inline struct xp_task_counts *task__this(struct xp_counts *c)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct xp_task_counts *task = bpf_map_lookup_elem(&tasks, &tgid), none = {};

	if (task)
		return task;
	bpf_map_update_elem(&tasks, &tgid, &none, BPF_NOEXIST);
	task = bpf_map_lookup_elem(&tasks, &tgid);
	if (!task)
		c->untold++;
	return task;
}

/* What a batch holds; pins by level, from L1. */
struct sum {
	__u64 pins[4], unpins;
};

/* The operations of one entry, to be added to a sum. */
struct entry_ops {
	struct sum sum;
	__u64 args;
};

struct batch {
	struct sum sum;
	__u64 mask;
};

static long look_at_op(__u64 i, struct entry_ops *ops)
{
	struct mmuext_op op;

	if (bpf_probe_read_kernel(&op, sizeof(op), (void *)(ops->args + i * sizeof(op))))
		return 1;
	if (op.cmd <= MMUEXT_PIN_L4_TABLE)
		ops->sum.pins[op.cmd & 3]++;
	else if (op.cmd == MMUEXT_UNPIN_TABLE)
		ops->sum.unpins++;
	return 0;
}

static __always_inline __u64 sum__pins(const struct sum *s)
{
	return s->pins[0] + s->pins[1] + s->pins[2] + s->pins[3];
}

static long look_at_entry(__u64 i, struct batch *batch)
{
	const struct mc_buffer *b = mc_buffer__this_cpu();
	struct entry_ops ops = {};
	struct multicall_entry mc;

	if (i >= MC_BATCH ||
	    bpf_probe_read_kernel(&mc, sizeof(mc), (void *)&b->entries + i * sizeof(mc)))
		return 1;
	if (mc.op != __HYPERVISOR_mmuext_op)
		return 0;
	ops.args = mc.args[0];
	bpf_loop(mc.args[1] < OPS_MAX ? mc.args[1] : OPS_MAX, look_at_op, &ops, 0);
	if (!sum__pins(&ops.sum) && !ops.sum.unpins)
		return 0;
	batch->mask |= 1ULL << i;
	for (int l = 0; l < 4; l++)
		batch->sum.pins[l] += ops.sum.pins[l];
	batch->sum.unpins += ops.sum.unpins;
	return 0;
}

static __noinline int count_batch(__u32 entries)
{
	struct xp_counts *c = counts__this_cpu();
	struct xp_task_counts *task;
	struct batch batch = {};

	bpf_loop(entries, look_at_entry, &batch, 0);
	if (!c || !batch.mask)
		return 0;
	if (c->begin)
		c->unseen++;
	for (int i = 0; i < 4; i++)
		c->pins[i] += batch.sum.pins[i];
	c->unpins += batch.sum.unpins;
	c->flushes++;
	c->entries = entries;
	c->mask = batch.mask;
	task = task__this(c);
	if (task) {
		__sync_fetch_and_add(&task->pins, sum__pins(&batch.sum));
		__sync_fetch_and_add(&task->unpins, batch.sum.unpins);
		__sync_fetch_and_add(&task->flushes, 1);
		bpf_get_current_comm(task->comm, sizeof(task->comm));
	}
	c->begin = bpf_ktime_get_ns();
	return 0;
}

/* Of one entry, or none, most batches are: these are decided by direct loads. */
static __always_inline bool is_plain(const struct mc_buffer *b, unsigned int entries)
{
	__u32 cmd;

	if (entries != 1)
		return !entries;
	if (b->entries[0].op != __HYPERVISOR_mmuext_op)
		return true;
	if (b->entries[0].args[0] != (__u64)&b->args || b->entries[0].args[1] != 1)
		return false;
	cmd = *(__u32 *)&b->args[0];
	return cmd > MMUEXT_UNPIN_TABLE;
}

static __always_inline int on_flush(unsigned int entries)
{
	return is_plain(mc_buffer__this_cpu(), entries) ? 0 : count_batch(entries);
}

SEC("tp_btf/xen_mc_flush") int BPF_PROG(count_flush_btf, unsigned int entries)
{
	return on_flush(entries);
}

SEC("raw_tp/xen_mc_flush") int BPF_PROG(count_flush_raw, unsigned int entries)
{
	return on_flush(entries);
}

struct results {
	__u64 mask, failed;
};

static long look_at_result(__u64 i, struct results *r)
{
	const struct mc_buffer *b = mc_buffer__this_cpu();
	long result;

	if (i >= MC_BATCH)
		return 1;
	if (r->mask >> i & 1 &&
	    !bpf_probe_read_kernel(&result, sizeof(result), (void *)&b->entries +
				   i * sizeof(struct multicall_entry) + 8) && result)
		r->failed++;
	return 0;
}

static __noinline int count_end(void)
{
	const struct mc_buffer *b = mc_buffer__this_cpu();
	struct xp_counts *c = counts__this_cpu();
	struct xp_task_counts *task;
	struct results r = {};
	__u64 ns;

	if (!c || !c->begin)
		return 0;
	ns = bpf_ktime_get_ns() - c->begin;
	c->begin = 0;
	/* With an entry of the next batch, the results are overwritten. */
	if (b->mcidx) {
		c->unseen++;
		return 0;
	}
	r.mask = c->mask;
	bpf_loop(c->entries, look_at_result, &r, 0);
	c->failed += r.failed;
	c->latency_sum += ns;
	for (int i = 0; i < XP_COUNT_LATENCIES; i++) {
		if (ns < 1ULL << i || i == XP_COUNT_LATENCIES - 1) {
			c->latency[i]++;
			break;
		}
	}
	task = task__this(c);
	if (task) {
		__sync_fetch_and_add(&task->latency_sum, ns);
		__sync_fetch_and_add(&task->failed, r.failed);
	}
	return 0;
}

#define WAY_OUT(function)                                                                         \
	SEC("fexit/" #function) int count_##function(void *ctx)                                    \
	{                                                                                          \
		return count_end();                                                                \
	}

WAY_OUT(__xen_pgd_pin)
WAY_OUT(__xen_pgd_unpin)
WAY_OUT(xen_alloc_pte)
WAY_OUT(xen_release_pte)

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
