// SPDX-License-Identifier: GPL-2.0-only
/*
 * The early programs: what the patched kernel's tracepoints tell between the
 * end of its boot log and the time that user space takes over, in one ring.
 *
 * Compiled to a light skeleton and linked into the kernel, which attaches it
 * just before deferred struct-page init; so tp_btf only, no user memory, and no
 * relocation that needs more than the kernel's own BTF.  See XP_EARLY_RING in
 * boot_log.h for what user space finds.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "record.h"
#include "boot_log.h"

char LICENSE[] SEC("license") = "GPL";

struct early_ring {
	struct xp_ring ring;
	__u8 slots[(XP_EARLY_SLOTS + XP_RECORD_SLOTS_MAX) * XP_SLOT];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct early_ring);
} xenpin_early SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xp_early_ctl);
} xenpin_earlyctl SEC(".maps");

/* The boot log's clock, and __pa() in pages; both from the series. */
extern __u64 xenpin_clock(void) __ksym;
extern __u64 xenpin_virt_to_pfn(__u64 addr) __ksym;

/* Xen's number of the kernel's enum pt_level, where PGD is 0 and PTE is 4. */
static __always_inline __u8 xen_level(__u64 pt_level)
{
	return pt_level ? 5 - pt_level : XP_L4;
}

static __always_inline struct early_ring *the_ring(void)
{
	__u32 zero = 0;
	struct xp_early_ctl *ctl = bpf_map_lookup_elem(&xenpin_earlyctl, &zero);

	if (!ctl || !ctl->on)
		return NULL;
	return bpf_map_lookup_elem(&xenpin_early, &zero);
}

/* CPUs meet here only for the length of a cmpxchg, so a few tries always do. */
#define TRIES 16

static __always_inline struct xp_record *reserve(struct early_ring *r, enum xp_hook hook,
						 __u32 nslots, __u32 *seq)
{
	__u64 head, seen = *(volatile __u64 *)&r->ring.head;
	int i;

	for (i = 0; i < TRIES; i++) {
		head = seen;
		if (head + nslots - *(volatile __u64 *)&r->ring.tail > XP_EARLY_SLOTS)
			break;
		seen = __sync_val_compare_and_swap(&r->ring.head, head, head + nslots);
		if (seen == head) {
			*seq = head + 1;
			return (void *)&r->slots[(head & (XP_EARLY_SLOTS - 1)) * XP_SLOT];
		}
	}
	__sync_fetch_and_add(&r->ring.lost[hook], 1);
	return NULL;
}

static __always_inline void begin(struct xp_record *rec, enum xp_kind kind, __u8 nslots)
{
	rec->kind = kind;
	rec->nslots = nslots;
	rec->cpu = bpf_get_smp_processor_id();
	rec->t = xenpin_clock();
	rec->pid = bpf_get_current_pid_tgid() >> 32;
	rec->level = 0;
	rec->flags = 0;
	rec->where = 0;
	bpf_get_current_comm(rec->comm, sizeof(rec->comm));
}

/* The record becomes visible; the exchange orders it after all the rest. */
static __always_inline void commit(struct xp_record *rec, __u32 seq)
{
	__sync_lock_test_and_set(&rec->seq, seq);
}

static __always_inline int table(enum xp_kind kind, enum xp_hook hook, __u64 mm, __u64 pfn,
				 __u64 pt_level, __u8 flags)
{
	struct early_ring *r = the_ring();
	struct xp_record *rec;
	__u32 seq;

	if (!r)
		return 0;
	rec = reserve(r, hook, 1, &seq);
	if (!rec)
		return 0;
	begin(rec, kind, 1);
	rec->level = xen_level(pt_level);
	rec->flags = flags;
	rec->u.table.pfn = pfn;
	rec->u.table.mm = mm;
	rec->u.table.ip = 0;
	commit(rec, seq);
	return 0;
}

SEC("tp_btf/xen_mmu_alloc_ptpage")
int BPF_PROG(early_alloc, void *mm, unsigned long pfn, unsigned int level, bool pinned)
{
	return table(XP_TABLE_ALLOC, XP_HOOK_ALLOC, (__u64)mm, pfn, level,
		     pinned ? XP_F_PINNED : 0);
}

SEC("tp_btf/xen_mmu_release_ptpage")
int BPF_PROG(early_release, unsigned long pfn, unsigned int level, bool pinned)
{
	return table(XP_TABLE_RELEASE, XP_HOOK_RELEASE, 0, pfn, level, XP_F_FLAG_KNOWN |
		     (pinned ? XP_F_PINNED | XP_F_FLAG : 0));
}

static __always_inline int mm_pin(enum xp_kind kind, enum xp_hook hook, __u64 mm, __u64 pgd)
{
	struct early_ring *r = the_ring();
	struct xp_record *rec;
	__u32 seq;

	if (!r)
		return 0;
	rec = reserve(r, hook, 1, &seq);
	if (!rec)
		return 0;
	begin(rec, kind, 1);
	rec->level = XP_L4;
	rec->u.mm.mm = mm;
	rec->u.mm.pgd = pgd;
	/* Read back, it is a number to the verifier, which the kfunc wants. */
	rec->u.mm.pgd_pfn = xenpin_virt_to_pfn(*(volatile __u64 *)&rec->u.mm.pgd);
	commit(rec, seq);
	return 0;
}

SEC("tp_btf/xen_mmu_pgd_pin")
int BPF_PROG(early_mm_pin, void *mm, void *pgd)
{
	return mm_pin(XP_MM_PIN, XP_HOOK_PGD_PIN, (__u64)mm, (__u64)pgd);
}

SEC("tp_btf/xen_mmu_pgd_unpin")
int BPF_PROG(early_mm_unpin, void *mm, void *pgd)
{
	return mm_pin(XP_MM_UNPIN, XP_HOOK_PGD_UNPIN, (__u64)mm, (__u64)pgd);
}

SEC("tp_btf/xenpin_batch")
int BPF_PROG(early_batch, unsigned int entries, unsigned int nops, const void *ops,
	     __u64 latency, bool direct)
{
	enum xp_hook hook = direct ? XP_HOOK_DIRECT : XP_HOOK_FLUSH;
	struct early_ring *r = the_ring();
	struct xp_record *rec;
	__u32 seq, nslots;
	__u64 n = nops;

	if (!r)
		return 0;
	if (n > XP_OPS_MAX)
		n = XP_OPS_MAX;
	nslots = 1 + (n + 1) / 2;
	rec = reserve(r, hook, nslots, &seq);
	if (!rec)
		return 0;
	begin(rec, direct ? XP_DIRECT : XP_BATCH, nslots);
	rec->flags = XP_F_RESULT;
	rec->u.batch.entries = entries;
	rec->u.batch.nops = n;
	rec->u.batch.latency_ns = latency;
	rec->u.batch.pad = 0;
	bpf_probe_read_kernel(rec + 1, n * sizeof(struct xp_op), ops);
	commit(rec, seq);
	return 0;
}

static __always_inline int flag(enum xp_kind kind, enum xp_hook hook, __u64 mm, __u64 pfn,
				__u32 level, bool old, __u32 where, __u64 ip)
{
	struct early_ring *r = the_ring();
	struct xp_record *rec;
	__u32 seq;

	if (!r)
		return 0;
	rec = reserve(r, hook, 1, &seq);
	if (!rec)
		return 0;
	begin(rec, kind, 1);
	rec->level = level;
	rec->flags = XP_F_FLAG_KNOWN | (old ? XP_F_FLAG : 0);
	rec->where = where;
	rec->u.flag.pfn = pfn;
	rec->u.flag.mm = mm;
	rec->u.flag.ip = ip;
	commit(rec, seq);
	return 0;
}

SEC("tp_btf/xenpin_flag_set")
int BPF_PROG(early_flag_set, void *mm, unsigned long pfn, unsigned int level, bool old,
	     unsigned long ip)
{
	return flag(XP_FLAG_SET, XP_HOOK_SET, (__u64)mm, pfn, level, old, 0, ip);
}

SEC("tp_btf/xenpin_flag_clear")
int BPF_PROG(early_flag_clr, void *mm, unsigned long pfn, unsigned int level, bool old,
	     unsigned long ip)
{
	return flag(XP_FLAG_CLEAR, XP_HOOK_CLEAR, (__u64)mm, pfn, level, old, 0, ip);
}

SEC("tp_btf/xenpin_erased")
int BPF_PROG(early_erased, unsigned long pfn, unsigned int level, unsigned int where)
{
	return flag(XP_ERASED, XP_HOOK_CLEAR, 0, pfn, level, true, where, 0);
}

static __always_inline int boot(enum xp_kind kind, __u32 node, __u64 pfn, __u64 pages,
				__u32 threads, __u32 where)
{
	struct early_ring *r = the_ring();
	struct xp_record *rec;
	__u32 seq;

	if (!r)
		return 0;
	rec = reserve(r, XP_HOOK_BOOT, 1, &seq);
	if (!rec)
		return 0;
	begin(rec, kind, 1);
	rec->where = where;
	rec->u.boot.pfn = pfn;
	rec->u.boot.pages = pages;
	rec->u.boot.node = node;
	rec->u.boot.threads = threads;
	commit(rec, seq);
	return 0;
}

SEC("tp_btf/xenpin_deferred_begin")
int BPF_PROG(early_def_begin, unsigned int node, unsigned long pfn, unsigned long pages,
	     unsigned int threads)
{
	return boot(XP_DEFERRED_BEGIN, node, pfn, pages, threads, 0);
}

SEC("tp_btf/xenpin_deferred_end")
int BPF_PROG(early_def_end, unsigned int node, unsigned long pfn, unsigned long pages,
	     unsigned int threads)
{
	return boot(XP_DEFERRED_END, node, pfn, pages, threads, 0);
}

SEC("tp_btf/xenpin_deferred_range")
int BPF_PROG(early_def_range, unsigned int node, unsigned long pfn, unsigned long pages,
	     unsigned int threads, unsigned int where)
{
	return boot(XP_DEFERRED_RANGE, node, pfn, pages, threads, where);
}
