// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit: every page table of the guest, looked at where it is.
 *
 * Programs run from user space one after the other: locate, once; roots, which
 * finds every PGD; walk, which goes down from there; scan, which looks for the
 * flag in all struct pages; scan_direct_map; explain; and look, which looks at a few tables
 * again.  Nothing
 * is locked: what is read may change meanwhile, and user space believes nothing
 * that it saw only once.  When it has seen a contradiction it attaches the programs
 * of audit_moves.h, which tell what moved between its looks.
 */
#include "audit_trees.h"
#include "audit_explain.h"
#include "audit_halfway.h"
#include "audit_moves.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

SEC("syscall") int roots(void *ctx)
{
	return trees__roots();
}

SEC("syscall") int walk(void *ctx)
{
	bpf_loop(1 << 23, walk_step, NULL, 0);
	return 0;
}

SEC("syscall") int scan_read(void *ctx)
{
	return scan(scan_read_step);
}

SEC("syscall") int scan_lent(void *ctx)
{
	return lent__is_here() ? scan(scan_lent_step) : 1;
}

SEC("syscall") int scan_cast(void *ctx)
{
	return scan(scan_cast_step);
}

SEC("syscall") int scan_direct_map(void *ctx)
{
	return readonly__scan();
}

SEC("syscall") int look(void *ctx)
{
	direct.l2 = 0;
	bpf_loop(again, look_step, NULL, 0);
	look_at.end = bpf_ktime_get_ns();
	return 0;
}

SEC("syscall") int explain(void *ctx)
{
	look_at.readonly = 0;
	bpf_loop(again, explain_step, NULL, 0);
	return 0;
}

/* Whose mm is it?  Asked only when there is something to say of one. */
SEC("iter/task") int owners(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct xp_owner owner = {};

	if (!task || task != task->group_leader || !task->mm)
		return 0;
	owner.mm = (__u64)task->mm;
	owner.pid = task->tgid;
	__builtin_memcpy(owner.comm, task->comm, sizeof(owner.comm));
	bpf_seq_write(ctx->meta->seq, &owner, sizeof(owner));
	return 0;
}

/* A byte for each task that is halfway. */
SEC("iter/task") int halfway(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u8 one = 1;

	if (task && task_is_halfway(task))
		bpf_seq_write(ctx->meta->seq, &one, sizeof(one));
	return 0;
}

static __always_inline __u64 address_of(const char *name, int size)
{
	__u64 address;

	return bpf_kallsyms_lookup_name(name, size, 0, &address) ? 0 : address;
}

static __always_inline __u64 value_of(const char *name, int size)
{
	__u64 address = address_of(name, size), value;

	return address && read8(&value, address) ? value : 0;
}

#define ADDRESS_OF(name) ({ static const char s[] = name; address_of(s, sizeof(s)); })
#define VALUE_OF(name) ({ static const char s[] = name; value_of(s, sizeof(s)); })

SEC("syscall") int locate(void *ctx)
{
	lent.at = (__u64)&lent;
	places.vmemmap = VALUE_OF("vmemmap_base");
	places.page_size = bpf_core_type_size(struct page);
	places.page_offset = VALUE_OF("page_offset_base");
	places.phys_base = VALUE_OF("phys_base");
	places.m2p = VALUE_OF("machine_to_phys_mapping");
	places.m2p_nr = VALUE_OF("machine_to_phys_nr");
	places.p2m = VALUE_OF("xen_p2m_addr");
	places.max_pfn = VALUE_OF("max_pfn");
	places.max_pfn_at = ADDRESS_OF("max_pfn");
	places.pgd_list = ADDRESS_OF("pgd_list");
	places.init_mm = ADDRESS_OF("init_mm");
	places.user_vsyscall = ADDRESS_OF("level3_user_vsyscall");
	places.per_cpu = ADDRESS_OF("__per_cpu_offset");
	places.mc_buffer = ADDRESS_OF("mc_buffer");
	places.halfway[0] = ADDRESS_OF("xen_alloc_ptpage");
	places.halfway[1] = ADDRESS_OF("xen_alloc_pte");
	places.halfway[2] = ADDRESS_OF("xen_alloc_pmd");
	places.halfway[3] = ADDRESS_OF("xen_alloc_pud");
	places.halfway[4] = ADDRESS_OF("xen_release_ptpage");
	places.halfway[5] = ADDRESS_OF("xen_release_pte");
	places.halfway[6] = ADDRESS_OF("xen_release_pmd");
	places.halfway[7] = ADDRESS_OF("xen_release_pud");
	places.p2m_missing = VALUE_OF("p2m_missing_pte");
	places.p2m_identity = VALUE_OF("p2m_identity_pte");
	return 0;
}
