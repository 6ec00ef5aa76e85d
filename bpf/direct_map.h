/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The direct map: where it and its neighbours are when the kernel's symbols are
 * hidden, and whether a page is read-only there.
 */
#ifndef XENPIN_BPF_DIRECT_MAP_H
#define XENPIN_BPF_DIRECT_MAP_H

#include "kaddr.h"

#define MAP_PRESENT	1
#define MAP_WRITE	2
#define MAP_MFN(entry)	(((entry) & 0x000ffffffffff000ULL) >> 12)
#define L4_SHIFT	39
#define L3_SHIFT	30
#define L2_SHIFT	21
#define L1_SHIFT	12

/* The top-level table of the process that loaded this, which outlives the programs. */
__u64 direct_root;

/* The entry of the table @pfn that translates @address.  False: it could not be read. */
static __always_inline bool map__entry(__u64 pfn, __u64 address, __u32 shift, __u64 *entry)
{
	__u64 at = kaddr.page_offset + (pfn << 12) + (address >> shift & 511) * 8;

	return !bpf_probe_read_kernel(entry, sizeof(*entry), (void *)at);
}

/* The frame that an entry refers to, or XP_NO_PFN. */
static __always_inline __u64 map__frame(__u64 entry)
{
	__u64 pfn, at = kaddr.m2p + MAP_MFN(entry) * 8;

	if (!(entry & MAP_PRESENT) || bpf_probe_read_kernel(&pfn, sizeof(pfn), (void *)at))
		return XP_NO_PFN;
	return pfn;
}

static __always_inline __u64 map__below(__u64 pfn, __u64 address, __u32 shift)
{
	__u64 entry;

	if (pfn == XP_NO_PFN || !map__entry(pfn, address, shift, &entry))
		return XP_NO_PFN;
	return map__frame(entry);
}

/*
 * The last L2 table that was found, and in the low bits the number of its gigabyte + 1:
 * one word, since any CPU may write it. Tables of the direct map stay where they are.
 */
__u64 direct_l2;

#define GIB_BITS	24

static __always_inline __u64 direct_map__l2(__u64 address)
{
	__u64 gib = ((address - kaddr.page_offset) >> L3_SHIFT) + 1, table;
	__u64 last = *(volatile __u64 *)&direct_l2;

	if ((last & ((1 << GIB_BITS) - 1)) == gib)
		return last >> GIB_BITS;
	table = map__below(direct_root, address, L4_SHIFT);
	table = map__below(table, address, L3_SHIFT);
	if (table != XP_NO_PFN && gib < 1 << GIB_BITS)
		*(volatile __u64 *)&direct_l2 = table << GIB_BITS | gib;
	return table;
}

/* The L1 entry of @pfn in the direct map.  0: it could not be read. */
static __always_inline __u64 direct_map__entry(__u64 pfn)
{
	__u64 address = kaddr.page_offset + (pfn << 12), entry, table;

	table = map__below(direct_map__l2(address), address, L2_SHIFT);
	if (table == XP_NO_PFN || !map__entry(table, address, L1_SHIFT, &entry))
		return 0;
	return entry;
}

/* Known to be: false also when nobody can tell. */
static __always_inline bool direct_map__is_readonly(__u64 pfn)
{
	return (direct_map__entry(pfn) & (MAP_PRESENT | MAP_WRITE)) == MAP_PRESENT;
}

/*
 * Where 64-bit PV kernels have what is looked for: Xen's ABI fixes the M2P table
 * (MACH2PHYS_VIRT_START), and a PV kernel has four levels of page tables and does not
 * move its regions about (Documentation/arch/x86/x86_64/mm.rst).
 */
#define PV_PAGE_OFFSET	0xffff888000000000ULL
#define PV_VMEMMAP	0xffffea0000000000ULL
#define PV_M2P		0xffff800000000000ULL

/* This process's tables are page tables of a pinned tree, and those are in the direct map. */
static __always_inline bool direct_map__is_sound(void)
{
	__u64 entry = direct_map__entry(direct_root);
	bool set = false;

	return entry & MAP_PRESENT && !(entry & MAP_WRITE) && map__frame(entry) == direct_root &&
	       page__flag(direct_root, &set) && set;
}

static __always_inline void direct_map__find_root(void)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	__u64 pgd = (__u64)BPF_CORE_READ(task, mm, pgd);

	direct_root = (pgd - kaddr.page_offset) >> 12;
}

/*
 * By the kernel's symbols, which kernel.kptr_restrict=2 hides from everybody; or else by
 * the layout above, if a walk from this process's own PGD to that same page's entry in
 * the direct map, through the M2P table, ends where it began.
 */
static __always_inline void direct_map__locate(void)
{
	kaddr__locate();
	direct_map__find_root();
	if (kaddr.vmemmap && kaddr.page_offset && kaddr.m2p)
		return;
	kaddr = (struct xp_kaddr){ PV_VMEMMAP, PV_PAGE_OFFSET, PV_M2P };
	direct_l2 = 0;
	direct_map__find_root();
	if (!direct_map__is_sound())
		kaddr = (struct xp_kaddr){};
}

#endif
