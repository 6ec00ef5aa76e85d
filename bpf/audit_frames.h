/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an audit compares: the struct page of a frame, its entry in the direct
 * map, and what refers to it.
 */
#ifndef XENPIN_BPF_AUDIT_FRAMES_H
#define XENPIN_BPF_AUDIT_FRAMES_H

#include "layouts.h"
#include "bound.h"
#include "../include/record.h"
#include "../include/audit_maps.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

#define ENTRIES		512
#define PAGE_BITS	12
#define ENTRY_PRESENT	1
#define ENTRY_WRITE	2
#define ENTRY_HUGE	0x80
#define ENTRY_MFN(e)	(((e) & 0x000ffffffffff000ULL) >> PAGE_BITS)
#define USER_ENTRIES	256
#define HOLE_END	272		/* entries 256 to 271 of an L4 are Xen's own */
#define KERNEL_IMAGE	0xffffffff80000000ULL
#define FRAME_BIT	(1ULL << 63)	/* p2m: not a frame, foreign, or identity */
#define P2M_BITS	(3ULL << 62)

struct xp_places places;
struct xp_look look_at;		/* what the current look found */

/* Sized by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xp_seen);
} seen SEC(".maps");

/* So many are for what trees reach; the rest is for what user space adds. */
const volatile __u32 seen_room = ~0U;

/* A copy of what is looked at: the entries of a table, or a page full of struct pages. */
static __u64 entries[ENTRIES];

/*
 * The direct map's L2 table of the last gigabyte that was asked for.  Global:
 * clang splits a static struct in two, and the kernel refuses its type then.
 */
struct xp_direct direct;

static __always_inline bool read8(__u64 *value, __u64 address)
{
	return !bpf_probe_read_kernel(value, sizeof(*value), (void *)address);
}

static __always_inline __u64 virt(__u64 pfn)
{
	return places.page_offset + (pfn << PAGE_BITS);
}

/* Of an address in the direct map or in the kernel's image. */
static __always_inline __u64 pfn_of(__u64 address)
{
	if (address >= KERNEL_IMAGE)
		return (address - KERNEL_IMAGE + places.phys_base) >> PAGE_BITS;
	return (address - places.page_offset) >> PAGE_BITS;
}

static __always_inline __u64 page_of(__u64 pfn)
{
	return places.vmemmap + pfn * bpf_core_type_size(struct page);
}

static __always_inline __u64 flag_bit(void)
{
	return 1ULL << bpf_core_enum_value(enum pageflags, PG_pinned);
}

static __always_inline __u64 reserved_bit(void)
{
	return 1ULL << bpf_core_enum_value(enum pageflags, PG_reserved);
}

/* The frame that an entry refers to, or XP_NO_PFN. */
static __always_inline __u64 pfn_of_entry(__u64 entry)
{
	__u64 mfn = ENTRY_MFN(entry), pfn;

	if (mfn >= places.m2p_nr || !read8(&pfn, places.m2p + mfn * 8) || pfn >= places.max_pfn)
		return XP_NO_PFN;
	return pfn;
}

static __always_inline __u64 mfn_of(__u64 pfn)
{
	__u64 mfn;

	return read8(&mfn, places.p2m + pfn * 8) && !(mfn & FRAME_BIT) ? mfn & ~P2M_BITS :
									 XP_NO_PFN;
}

/* The entry @index of the table @pfn, and what it refers to; XP_NO_PFN: nothing. */
static __always_inline __u64 child(__u64 pfn, __u32 index)
{
	__u64 entry;

	if (!read8(&entry, virt(pfn) + index * 8) || !(entry & ENTRY_PRESENT))
		return XP_NO_PFN;
	return pfn_of_entry(entry);
}

/* The L2 table of the direct map for the gigabyte of @address; 0: none. */
static __noinline __u64 direct_l2(__u64 address)
{
	__u64 l4 = 0, l3, l2;

	if (direct.l2 && direct.gib == address >> 30)
		return direct.l2;
	if (!read8(&l4, places.init_mm + bpf_core_field_offset(struct mm_struct, pgd)))
		return 0;
	l3 = child(pfn_of(l4), address >> 39 & (ENTRIES - 1));
	l2 = l3 == XP_NO_PFN ? XP_NO_PFN : child(l3, address >> 30 & (ENTRIES - 1));
	if (l2 == XP_NO_PFN)
		return 0;
	direct.gib = address >> 30;
	direct.l2 = l2;
	return l2;
}

/* XP_S_READONLY, XP_S_NO_MAP or 0. */
static __noinline __u32 map_state(__u64 pfn)
{
	__u64 address = virt(pfn), l2 = direct_l2(address), l1, pte;

	l1 = l2 ? child(l2, address >> 21 & (ENTRIES - 1)) : XP_NO_PFN;
	if (l1 == XP_NO_PFN || !read8(&pte, virt(l1) + (address >> 12 & (ENTRIES - 1)) * 8) ||
	    !(pte & ENTRY_PRESENT))
		return XP_S_NO_MAP;
	return pte & ENTRY_WRITE ? 0 : XP_S_READONLY;
}

static __noinline __u32 page_state(__u64 pfn)
{
	__u64 flags;
	__u32 state = map_state(pfn);

	if (!read8(&flags, page_of(pfn)))
		return state | XP_S_NO_FLAG;
	if (flags & reserved_bit())
		state |= XP_S_RESERVED;
	return flags & flag_bit() ? state | XP_S_FLAG : state;
}

#endif
