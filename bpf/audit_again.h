/* SPDX-License-Identifier: GPL-2.0-only */
/* A few tables looked at once more: are they still there, and as they were? */
#ifndef XENPIN_BPF_AUDIT_AGAIN_H
#define XENPIN_BPF_AUDIT_AGAIN_H

#include "audit_frames.h"

__u32 again;			/* input of look: this many entries of again_list */

/* Indices of seen[] to look at again. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} again_list SEC(".maps");

/* Is it still its mm's PGD?  level3_user_vsyscall has no mm, and stays. */
static __always_inline bool root_is_there(const struct xp_seen *s)
{
	__u64 pgd;

	if (!s->mm)
		return true;
	return read8(&pgd, s->mm + bpf_core_field_offset(struct mm_struct, pgd)) &&
	       pfn_of(pgd) == s->pfn;
}

/* A user's L4 by the PGD's page, any other table by its entry. */
static __always_inline bool refers_to(const struct xp_seen *parent, __u32 slot, __u64 pfn)
{
	__u64 at = bpf_core_field_offset(struct page, private), twin;

	if (slot < ENTRIES)
		return child(parent->pfn, slot) == pfn;
	return read8(&twin, page_of(parent->pfn) + at) && pfn_of(twin) == pfn;
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
	s->state = state;
	return 0;
}

#endif
