/* SPDX-License-Identifier: GPL-2.0-only */
/* The flag in all struct pages, whether a tree reaches them or not. */
#ifndef XENPIN_BPF_AUDIT_SCAN_H
#define XENPIN_BPF_AUDIT_SCAN_H

#include "audit_frames.h"
#include "audit_lent.h"

#define SECTION		32768ULL	/* pages; all or none has a struct page */
#define CHUNK		64ULL		/* pages per step of the scan */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xp_flagged);
} flagged SEC(".maps");

static __always_inline bool is_table_type(__u32 type)
{
	if (bpf_core_enum_value_exists(enum pagetype, PGTY_table))
		return type >> 24 == bpf_core_enum_value(enum pagetype, PGTY_table);
	return (type & (OLD_TYPE_BASE | OLD_TABLE)) == OLD_TYPE_BASE;
}

/*
 * A page with the bit.  On a page that is no page table it is PG_checked,
 * PG_swapcache, PG_foreign or PG_xen_remapped: all of them on pages in use.
 */
static __noinline int note_flagged(__u64 pfn, __u64 flags)
{
	__u64 page = page_of(pfn);
	struct xp_flagged *f;
	__u32 type = 0, index = look_at.flagged, use = 0;
	int count = 1;

	bpf_probe_read_kernel(&type, sizeof(type),
			      (void *)(page + bpf_core_field_offset(struct page, page_type)));
	bpf_probe_read_kernel(&count, sizeof(count),
			      (void *)(page + bpf_core_field_offset(struct page, _refcount)));
	if (is_table_type(type))
		use = XP_USE_TABLE;
	else if (!count)
		use = XP_USE_FREE;
	else if (flags & reserved_bit())
		use = XP_USE_RESERVED;
	if (!use) {
		look_at.aliases++;
		return 0;
	}
	f = bpf_map_lookup_elem(&flagged, &index);
	if (!f) {
		look_at.overflow++;
		return 0;
	}
	look_at.flagged = index + 1;
	f->pfn = pfn;
	f->use = use;
	return 0;
}

static __always_inline bool has_struct_pages(__u64 chunk)
{
	static __u64 absent;
	__u64 pfn = chunk * CHUNK, flags;

	if (pfn % SECTION)
		return pfn / SECTION != absent;
	absent = ~0ULL;
	if (read8(&flags, page_of(pfn)))
		return true;
	absent = pfn / SECTION;
	return false;
}

/* Which page of a chunk has our flag?  A step with each way to load a page's flags. */
static __always_inline long note_step(__u64 pfn, __u64 flags)
{
	if (flags & flag_bit())
		note_flagged(pfn, flags);
	return 0;
}

/* Any of these flags is somewhere in the chunk. */
static __always_inline void chunk_end(__u64 pfn, __u64 any, void *note)
{
	look_at.pages += CHUNK;
	if (any & flag_bit())
		bpf_loop(CHUNK, note, &pfn, 0);
}

static __always_inline int scan(void *step)
{
	look_at.flagged = look_at.aliases = 0;
	look_at.pages = 0;
	look_at.walked = bpf_ktime_get_ns();
	/* Of more than 2 TiB the kernel runs no such loop. */
	if (bpf_loop((places.max_pfn + CHUNK - 1) / CHUNK, step, NULL, 0) < 0)
		look_at.overflow++;
	look_at.scanned = bpf_ktime_get_ns();
	return 0;
}

/*
 * Any kernel: with struct pages of the usual 64 bytes one call reads a chunk of
 * them into a table's buffer, otherwise each page is a call.
 */
static __always_inline __u64 read_chunk(__u64 page)
{
	const __u64 size = bpf_core_type_size(struct page);
	__u64 any = 0, flags;

	if (size * CHUNK == sizeof(entries)) {
		if (!bpf_probe_read_kernel(entries, sizeof(entries), (void *)page))
			for (int k = 0; k < CHUNK; k++)
				any |= entries[k * (ENTRIES / CHUNK)];
		return any;
	}
#pragma clang loop unroll(disable)
	for (int k = 0; k < CHUNK; k++, page += size)
		if (read8(&flags, page))
			any |= flags;
	return any;
}

static long note_read_step(__u64 i, __u64 *first)
{
	__u64 flags;

	return read8(&flags, page_of(*first + i)) ? note_step(*first + i, flags) : 0;
}

static long scan_read_step(__u64 i, void *ctx)
{
	if (has_struct_pages(i))
		chunk_end(i * CHUNK, read_chunk(page_of(i * CHUNK)), note_read_step);
	return 0;
}

/*
 * Loads at any address, without a call: since 6.2, a35b9af4ec2c "bpf: Add a kfunc for generic
 * type cast".
 */
#ifndef WITHOUT_CAST
extern __ksym __weak void *bpf_rdonly_cast(const void *, __u32);

static __always_inline __u64 cast__load(__u64 page)
{
	return *(__u64 *)bpf_rdonly_cast((void *)page, bpf_core_type_id_kernel(struct page));
}
#else
#define cast__load(page) 0	/* of a program that is never loaded then */
#endif

static long note_cast_step(__u64 i, __u64 *first)
{
	return note_step(*first + i, cast__load(page_of(*first + i)));
}

/*
 * Unrolled, since a step of a loop costs as much as a page.  Without the
 * barriers addresses and flags are gathered first, and do not fit on the stack.
 */
#define ADD_FLAGS(load)			\
	any |= load;			\
	page += size;			\
	barrier_var(any);		\
	barrier_var(page);
#define EIGHT_TIMES(what) what what what what what what what what

static long scan_cast_step(__u64 i, void *ctx)
{
	const __u64 size = bpf_core_type_size(struct page);
	__u64 page = page_of(i * CHUNK), any = 0;

	if (!has_struct_pages(i))
		return 0;
	EIGHT_TIMES(EIGHT_TIMES(ADD_FLAGS(cast__load(page))))
	chunk_end(i * CHUNK, any, note_cast_step);
	return 0;
}

/* Without it: audit_lent.h. */
static long note_lent_step(__u64 i, __u64 *first)
{
	return note_step(*first + i, lent__load(lent__head(), page_of(*first + i)));
}

static long scan_lent_step(__u64 i, void *ctx)
{
	const struct robust_list_head *head = lent__head();
	const __u64 size = bpf_core_type_size(struct page);
	__u64 page = page_of(i * CHUNK), any = 0;

	if (!has_struct_pages(i))
		return 0;
	EIGHT_TIMES(EIGHT_TIMES(ADD_FLAGS(lent__load(head, page))))
	chunk_end(i * CHUNK, any, note_lent_step);
	return 0;
}

#endif
