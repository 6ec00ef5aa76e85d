/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loads from any kernel address without a call, where there is no
 * bpf_rdonly_cast(): through a pointer that user space lends.
 *
 * The verifier believes the kernel's types: current->robust_list refers to a
 * list, and what stands there to another, of which one may load a word, with an
 * exception table should nothing be there.  User space chooses that pointer with
 * set_robust_list(), and the kernel looks at it only when the thread dies (then it
 * finds that it is not the user's memory, and lets it be).  User space sets it to the
 * address of @lent, so that a program can write an address to lent.next and load from it.
 *
 * Where the kernel's types mark it as a user's pointer the verifier refuses this.
 */
#ifndef XENPIN_BPF_AUDIT_LENT_H
#define XENPIN_BPF_AUDIT_LENT_H

#include "audit_frames.h"

struct xp_lent lent;

static __always_inline const struct robust_list_head *lent__head(void)
{
	return bpf_get_current_task_btf()->robust_list;
}

/* Did user space put it there?  Elsewhere all words would be 0. */
static __always_inline bool lent__is_here(void)
{
	WRITE_ONCE(lent.word, (__u64)lent__head());
	return READ_ONCE(lent.word) == lent.at;
}

/* The word at @address.  It goes through memory once more: only then it is a number. */
static __always_inline __u64 lent__load(const struct robust_list_head *head, __u64 address)
{
	WRITE_ONCE(lent.next, address);
	WRITE_ONCE(lent.word, (__u64)head->list.next->next);
	return READ_ONCE(lent.word);
}

#endif
