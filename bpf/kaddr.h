/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the kernel keeps what is read by address: struct pages, the direct map, Xen's M2P table. */
#ifndef XENPIN_BPF_KADDR_H
#define XENPIN_BPF_KADDR_H

#include "layouts.h"
#include "../include/config.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct xp_kaddr kaddr;

static __always_inline __u64 kaddr__lookup(const char *name, int size)
{
	__u64 address, value;

	if (bpf_kallsyms_lookup_name(name, size, 0, &address) ||
	    bpf_probe_read_kernel(&value, sizeof(value), (void *)address))
		return 0;
	return value;
}

/* The value of a pointer variable of the kernel, or 0. */
#define KADDR(variable)                                                                           \
	({                                                                                         \
		static const char name[] = variable;                                               \
		kaddr__lookup(name, sizeof(name));                                                 \
	})

static __always_inline void kaddr__locate(void)
{
	kaddr.vmemmap = KADDR("vmemmap_base");
	kaddr.page_offset = KADDR("page_offset_base");
	kaddr.m2p = KADDR("machine_to_phys_mapping");
}

/*
 * The flags are the first word of struct page in every kernel, whatever its type
 * (layouts.h).  Asking CO-RE for that type would cost another search through all
 * types of the kernel, 10 ms of the time until the trace is armed.
 */
static __always_inline bool page__flag(__u64 pfn, bool *set)
{
	__u64 page = kaddr.vmemmap + pfn * bpf_core_type_size(struct page);
	unsigned long flags;

	if (!kaddr.vmemmap || bpf_probe_read_kernel(&flags, sizeof(flags), (void *)page))
		return false;
	*set = flags & (1UL << bpf_core_enum_value(enum pageflags, PG_pinned));
	return true;
}

#endif
