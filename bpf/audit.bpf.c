// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit: every page table of the guest, looked at where it is.
 *
 * Four programs, run from user space one after the other: locate, once; roots,
 * which finds every PGD; walk, which goes down from there; scan, which looks
 * for the flag in all struct pages; and look, which looks at a few tables
 * again.  Nothing is locked: what is read may change meanwhile, and user space
 * believes nothing that it saw only once.
 */
#include "vmlinux.h"
#include "../include/record.h"
#include "../include/audit.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

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
#define SECTION		32768ULL	/* pages; all or none has a struct page */
#define CHUNK		64ULL		/* pages per step of the scan */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct page___a {
	unsigned long flags;
	struct list_head {
		struct list_head *next;
	} lru;
	struct mm_struct *pt_mm;	/* until 6.5 */
	unsigned long private;
	void *mapping;
	unsigned int page_type;
	struct {
		int counter;
	} _refcount;
};

/* 6.6: "mm: add PAGE_TYPE_OP folio functions", "pgtable: create struct ptdesc". */
struct ptdesc {
	struct mm_struct *pt_mm;
};

struct mm_struct___a {
	void *pgd;
	struct {
		int counter;
	} mm_users;
};

struct task_struct___a {
	struct mm_struct___a *mm;
	struct task_struct___a *group_leader;
	int tgid;
	char comm[16];
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct___a *task;
};

#pragma clang attribute pop

enum pageflags___a { PG_lru, PG_reserved };

/* 6.12: "mm: support only one page_type per page"; before, a bit that is clear. */
enum pagetype { PGTY_table };

#define OLD_TYPE_BASE	0xf0000000U
#define OLD_TABLE	0x00000400U

struct xp_places places;
struct xp_look look_at;		/* what the current look found */
__u32 again;			/* input of look: this many entries of again_list */

/* Sized by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xp_seen);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xp_flagged);
} flagged SEC(".maps");

/* Indices of seen[] to look at again. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} again_list SEC(".maps");

/* The entries of the table that is being walked. */
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
	if (!read8(&l4, places.init_mm + bpf_core_field_offset(struct mm_struct___a, pgd)))
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
	return flags & flag_bit() ? state | XP_S_FLAG : state;
}

static __always_inline bool is_exiting(__u64 mm)
{
	__u64 at = mm + bpf_core_field_offset(struct mm_struct___a, mm_users);
	int users;

	return mm && !bpf_probe_read_kernel(&users, sizeof(users), (void *)at) && !users;
}

static __always_inline void add(__u64 pfn, __u64 mfn, __u64 mm, __u32 level, __u32 parent,
				__u32 slot)
{
	__u32 index = look_at.seen;
	struct xp_seen *s = bpf_map_lookup_elem(&seen, &index);

	if (!s) {
		look_at.overflow++;
		return;
	}
	look_at.seen = index + 1;
	s->pfn = pfn;
	s->mfn = mfn;
	s->mm = mm;
	s->parent = parent;
	s->slot = slot;
	s->level = level;
	s->state = page_state(pfn);
}

/* The page's mm, which pgd_ctor() left there. */
static __always_inline __u64 mm_of_page(__u64 page)
{
	__u64 offset, mm;

	if (bpf_core_field_exists(((struct page___a *)0)->pt_mm))
		offset = bpf_core_field_offset(struct page___a, pt_mm);
	else
		offset = bpf_core_field_offset(struct ptdesc, pt_mm);
	return read8(&mm, page + offset) ? mm : 0;
}

/* A PGD and, for the user's half, its twin.  False: it is not its mm's, or not yet. */
static __noinline bool add_pgd(__u64 page)
{
	__u64 pfn = (page - places.vmemmap) / bpf_core_type_size(struct page), twin;
	__u64 mm = mm_of_page(page), pgd;
	__u32 parent = look_at.seen;

	if (pfn >= places.max_pfn || !mm ||
	    !read8(&pgd, mm + bpf_core_field_offset(struct mm_struct___a, pgd)) ||
	    pgd != virt(pfn))
		return false;
	add(pfn, mfn_of(pfn), mm, XP_L4, XP_NO_PARENT, 0);
	if (read8(&twin, page + bpf_core_field_offset(struct page___a, private)) &&
	    twin > places.page_offset && pfn_of(twin) < places.max_pfn)
		add(pfn_of(twin), mfn_of(pfn_of(twin)), mm, XP_L4, parent, ENTRIES);
	return true;
}

/* More of them than can be in the making at a time: we are on another list. */
#define STRANGE_MAX 64

/*
 * The list may change under us; then the neighbours do not agree, and it is read
 * again.  The count stands in a map: on the stack the verifier would follow it
 * from 0 to its limit.
 */
static long pgd_step(__u64 i, __u64 *next)
{
	__u64 at = *next, back;

	if (at == places.pgd_list)
		return 1;
	if (!add_pgd(at - bpf_core_field_offset(struct page___a, lru)))
		look_at.strange++;
	if (look_at.strange > STRANGE_MAX || !read8(next, at) || !read8(&back, *next + 8) ||
	    back != at) {
		look_at.torn = 1;
		return 1;
	}
	return 0;
}

/* A table of the kernel's own that is pinned by itself, whether a tree refers to it or not. */
static __noinline int add_kept(__u64 address, __u32 level)
{
	__u64 pfn = pfn_of(address);

	if (address && pfn < places.max_pfn)
		add(pfn, mfn_of(pfn), 0, level, XP_NO_PARENT, 0);
	return 0;
}

SEC("syscall") int roots(void *ctx)
{
	__u64 pgd, next;

	direct.l2 = 0;
	look_at.seen = look_at.overflow = look_at.torn = look_at.unread = 0;
	look_at.strange = 0;
	look_at.begin = bpf_ktime_get_ns();
	if (!read8(&pgd, places.init_mm + bpf_core_field_offset(struct mm_struct___a, pgd)) ||
	    !read8(&next, places.pgd_list))
		return 1;
	add(pfn_of(pgd), mfn_of(pfn_of(pgd)), places.init_mm, XP_L4, XP_NO_PARENT, 0);
	add_kept(places.user_vsyscall, XP_L3);
	add_kept(places.p2m_missing, XP_L1);
	add_kept(places.p2m_identity, XP_L1);
	/* One per PGD; the list is shorter than the map. */
	bpf_loop(1 << 23, pgd_step, &next, 0);
	return 0;
}

struct walk {
	__u64 mm;
	__u64 last;	/* entry: holes of the p2m are many entries with one table */
	__u32 parent;
	__u8 level;	/* of the children */
};

#define EIGHT 8

/* Most entries are empty: eight at a time. */
static long entries_step(__u64 i, struct walk *w)
{
	__u64 any = 0;

	i = i * EIGHT & (ENTRIES - EIGHT);
	for (int k = 0; k < EIGHT; k++)
		any |= entries[i + k];
	if (!(any & ENTRY_PRESENT))
		return 0;
	for (int k = 0; k < EIGHT; k++) {
		__u64 entry = entries[i + k], pfn;

		if (!(entry & ENTRY_PRESENT) || entry & ENTRY_HUGE || entry == w->last)
			continue;
		w->last = entry;
		pfn = pfn_of_entry(entry);
		if (pfn == XP_NO_PFN)
			look_at.unread++;
		else
			add(pfn, ENTRY_MFN(entry), w->mm, w->level, w->parent, i + k);
	}
	return 0;
}

/*
 * Go down from what is pinned.  The direct map says so before the flag does:
 * where the two differ user space has something to say.
 */
static long walk_step(__u64 i, void *ctx)
{
	__u32 index = i, steps = ENTRIES / EIGHT;
	struct xp_seen *s;
	struct walk w;

	if (i >= look_at.seen)
		return 1;
	s = bpf_map_lookup_elem(&seen, &index);
	if (!s)
		return 1;
	/* A user's L4 refers to what its kernel's L4 refers to. */
	if (s->level == XP_L1 || s->slot == ENTRIES || !(s->state & (XP_S_READONLY | XP_S_NO_MAP)))
		return 0;
	w = (struct walk){ s->mm, 0, index, s->level - 1 };
	if (bpf_probe_read_kernel(entries, sizeof(entries), (void *)virt(s->pfn))) {
		look_at.unread++;
		return 0;
	}
	/* init_mm's half is the same in all, and looked at once; Xen's hole is Xen's. */
	if (s->level == XP_L4 && s->mm != places.init_mm)
		steps = USER_ENTRIES / EIGHT;
	if (s->level == XP_L4 && s->mm == places.init_mm)
		for (int k = USER_ENTRIES; k < HOLE_END; k++)
			entries[k] = 0;
	bpf_loop(steps, entries_step, &w, 0);
	return 0;
}

SEC("syscall") int walk(void *ctx)
{
	bpf_loop(1 << 23, walk_step, NULL, 0);
	return 0;
}

/* Is it still its mm's PGD?  level3_user_vsyscall has no mm, and stays. */
static __always_inline bool root_is_there(const struct xp_seen *s)
{
	__u64 pgd;

	if (!s->mm)
		return true;
	return read8(&pgd, s->mm + bpf_core_field_offset(struct mm_struct___a, pgd)) &&
	       pfn_of(pgd) == s->pfn;
}

/* A user's L4 by the PGD's page, any other table by its entry. */
static __always_inline bool refers_to(const struct xp_seen *parent, __u32 slot, __u64 pfn)
{
	__u64 twin;

	if (slot < ENTRIES)
		return child(parent->pfn, slot) == pfn;
	return read8(&twin, page_of(parent->pfn) + bpf_core_field_offset(struct page___a, private)) &&
	       pfn_of(twin) == pfn;
}

/* Does the table's parent, and each above, still refer to what it did? */
static __noinline bool is_there(struct xp_seen *s)
{
	for (int depth = 0; s && depth < XP_L4; depth++) {
		__u32 index = s->parent, slot = s->slot;
		__u64 pfn = s->pfn;

		if (index == XP_NO_PARENT)
			return root_is_there(s);
		s = bpf_map_lookup_elem(&seen, &index);
		if (!s || !refers_to(s, slot, pfn))
			return false;
	}
	return false;
}

static long look_step(__u64 i, void *ctx)
{
	__u32 n = i, index, state;
	__u64 *listed = bpf_map_lookup_elem(&again_list, &n);
	struct xp_seen *s;

	if (!listed)
		return 1;
	index = *listed;
	s = bpf_map_lookup_elem(&seen, &index);

	if (!s)
		return 1;
	if (s->mfn == XP_NO_PFN)
		s->mfn = mfn_of(s->pfn);
	state = page_state(s->pfn);
	if (!is_there(s))
		state |= XP_S_NOT_THERE;
	if (is_exiting(s->mm))
		state |= XP_S_EXITING;
	s->state = state;
	return 0;
}

SEC("syscall") int look(void *ctx)
{
	direct.l2 = 0;
	bpf_loop(again, look_step, NULL, 0);
	look_at.end = bpf_ktime_get_ns();
	return 0;
}

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
			      (void *)(page + bpf_core_field_offset(struct page___a, page_type)));
	bpf_probe_read_kernel(&count, sizeof(count),
			      (void *)(page + bpf_core_field_offset(struct page___a, _refcount)));
	if (is_table_type(type))
		use = XP_USE_TABLE;
	else if (!count)
		use = XP_USE_FREE;
	else if (flags & 1ULL << bpf_core_enum_value(enum pageflags___a, PG_reserved))
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

static long note_step(__u64 i, __u64 *first)
{
	__u64 flags;

	if (read8(&flags, page_of(*first + i)) && flags & flag_bit())
		note_flagged(*first + i, flags);
	return 0;
}

/* Any of these flags is somewhere in the chunk; which page has ours? */
static __always_inline void chunk_end(__u64 pfn, __u64 any)
{
	look_at.pages += CHUNK;
	if (any & flag_bit())
		bpf_loop(CHUNK, note_step, &pfn, 0);
}

static __always_inline int scan(void *step)
{
	look_at.flagged = look_at.aliases = 0;
	look_at.pages = 0;
	look_at.walked = bpf_ktime_get_ns();
	bpf_loop(places.max_pfn / CHUNK, step, NULL, 0);
	look_at.end = bpf_ktime_get_ns();
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

static long scan_read_step(__u64 i, void *ctx)
{
	if (has_struct_pages(i))
		chunk_end(i * CHUNK, read_chunk(page_of(i * CHUNK)));
	return 0;
}

SEC("syscall") int scan_read(void *ctx)
{
	return scan(scan_read_step);
}

/* 6.2: "bpf: Add kfunc bpf_rdonly_cast": loads at any address, without a call. */
extern void *bpf_rdonly_cast(const void *, __u32) __ksym __weak;

/*
 * Unrolled, since a step of a loop costs as much as a page.  Without the
 * barriers addresses and flags are gathered first, and do not fit on the stack.
 */
#define LOAD_FLAGS						\
	any |= *(__u64 *)bpf_rdonly_cast((void *)page, type);	\
	page += size;						\
	barrier_var(any);					\
	barrier_var(page);
#define EIGHT_TIMES(what) what what what what what what what what

static long scan_cast_step(__u64 i, void *ctx)
{
	const __u32 type = bpf_core_type_id_kernel(struct page);
	const __u64 size = bpf_core_type_size(struct page);
	__u64 page = page_of(i * CHUNK), any = 0;

	if (!has_struct_pages(i))
		return 0;
	EIGHT_TIMES(EIGHT_TIMES(LOAD_FLAGS))
	chunk_end(i * CHUNK, any);
	return 0;
}

SEC("syscall") int scan_cast(void *ctx)
{
	return scan(scan_cast_step);
}

/* Whose mm is it?  Asked only when there is something to say of one. */
SEC("iter/task") int owners(struct bpf_iter__task *ctx)
{
	struct task_struct___a *task = ctx->task;
	struct xp_owner owner = {};

	if (!task || task != task->group_leader || !task->mm)
		return 0;
	owner.mm = (__u64)task->mm;
	owner.pid = task->tgid;
	__builtin_memcpy(owner.comm, task->comm, sizeof(owner.comm));
	bpf_seq_write(ctx->meta->seq, &owner, sizeof(owner));
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
	places.vmemmap = VALUE_OF("vmemmap_base");
	places.page_size = bpf_core_type_size(struct page);
	places.page_offset = VALUE_OF("page_offset_base");
	places.phys_base = VALUE_OF("phys_base");
	places.m2p = VALUE_OF("machine_to_phys_mapping");
	places.m2p_nr = VALUE_OF("machine_to_phys_nr");
	places.p2m = VALUE_OF("xen_p2m_addr");
	places.max_pfn = VALUE_OF("max_pfn");
	places.pgd_list = ADDRESS_OF("pgd_list");
	places.init_mm = ADDRESS_OF("init_mm");
	places.user_vsyscall = ADDRESS_OF("level3_user_vsyscall");
	places.p2m_missing = VALUE_OF("p2m_missing_pte");
	places.p2m_identity = VALUE_OF("p2m_identity_pte");
	return 0;
}
