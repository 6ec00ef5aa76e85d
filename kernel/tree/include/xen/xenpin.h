/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Xen PV knows of the guest's page tables, and what the guest remembers
 * of it.
 *
 * "Pinned" is said of page tables and of nothing else: a PV page table that
 * is known to Xen, is read-only to the guest and is changed only through
 * hypercalls.  PagePinned in a struct page is the guest's memo of that.  The
 * two can come apart, which is what these hooks make visible.
 *
 * Each hook is one static branch, xenpin_watched, and all of them are off
 * unless somebody watches: the boot log, the table that finds lost memos, or
 * a tracer of the group "xenpin".
 */
#ifndef _XEN_XENPIN_H
#define _XEN_XENPIN_H

#include <linux/init.h>
#include <linux/instruction_pointer.h>
#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include <xen/xenpin/boot_log.h>
#include <xen/xenpin/record.h>
#include <xen/xenpin_compat.h>

struct multicall_entry;
struct xenpin_batch;

#ifdef CONFIG_XENPIN

/* Whoever watches holds a reference; the boot log, which begins first, from the start. */
DECLARE_STATIC_KEY_MAYBE(CONFIG_XENPIN_BOOT_LOG, xenpin_key);
#define xenpin_watched() static_branch_unlikely(&xenpin_key)

/* A tracer comes, and goes. */
int xenpin_watch(void);
void xenpin_unwatch(void);

/* The multicall buffer of this CPU has pins or unpins. */
DECLARE_PER_CPU(bool, xenpin_pins_queued);
#define __xenpin_pin_queued() __this_cpu_write(xenpin_pins_queued, true)

struct xenpin_batch *__xenpin_batch_begin(const struct multicall_entry *mc, unsigned int n);
void __xenpin_batch_end(struct xenpin_batch *batch, const struct multicall_entry *mc,
			unsigned int refused);
void __xenpin_direct(unsigned int cmd, unsigned long mfn, unsigned long pfn, long result);
void __xenpin_flag(const struct mm_struct *mm, unsigned long pfn, unsigned int level,
		   bool set, bool old, unsigned long ip);
void __xenpin_table(enum xp_kind kind, const struct mm_struct *mm, unsigned long pfn,
		    unsigned int level, bool pinned, unsigned long ip);
void __xenpin_mm(enum xp_kind kind, const struct mm_struct *mm, const void *pgd);
void __xenpin_page_init(unsigned long pfn, int nid);
void __init __xenpin_memmap_begin(int nid, unsigned long pfn);
void __init __xenpin_memmap_end(int nid, unsigned long pfn, unsigned long end);
void __init __xenpin_handover_begin(void);
void __init __xenpin_reserved_done(void);
void __init __xenpin_hook_begin(void);
void __init __xenpin_hook_end(void);
void __init __xenpin_deferred_begin(int nid, unsigned long pfn);
void __init __xenpin_deferred_end(int nid);

/* Boot memory can be had: @mark sets PagePinned of all page tables that Xen knows by now. */
void __init xenpin_begin(void (*mark)(void));

/* Is it the after-bootmem hook that calls that, as it should? */
#ifdef CONFIG_XENPIN_MARKING_POINT
bool __init xenpin_hook_marks(void);
#else
static inline bool xenpin_hook_marks(void) { return true; }
#endif

#ifdef CONFIG_XENPIN_EARLY_BPF
void __init xenpin_early_load(void);
#else
static inline void xenpin_early_load(void) { }
#endif

#else /* !CONFIG_XENPIN */

#define xenpin_watched() false

static inline void __xenpin_pin_queued(void) { }
static inline struct xenpin_batch *
__xenpin_batch_begin(const struct multicall_entry *mc, unsigned int n) { return NULL; }
static inline void __xenpin_batch_end(struct xenpin_batch *batch,
				      const struct multicall_entry *mc, unsigned int refused) { }
static inline void __xenpin_direct(unsigned int cmd, unsigned long mfn, unsigned long pfn,
				   long result) { }
static inline void __xenpin_flag(const struct mm_struct *mm, unsigned long pfn,
				 unsigned int level, bool set, bool old, unsigned long ip) { }
static inline void __xenpin_table(enum xp_kind kind, const struct mm_struct *mm,
				  unsigned long pfn, unsigned int level, bool pinned,
				  unsigned long ip) { }
static inline void __xenpin_mm(enum xp_kind kind, const struct mm_struct *mm,
			       const void *pgd) { }
static inline void __xenpin_page_init(unsigned long pfn, int nid) { }
static inline void __xenpin_memmap_begin(int nid, unsigned long pfn) { }
static inline void __xenpin_memmap_end(int nid, unsigned long pfn, unsigned long end) { }
static inline void __xenpin_handover_begin(void) { }
static inline void __xenpin_reserved_done(void) { }
static inline void __xenpin_hook_begin(void) { }
static inline void __xenpin_hook_end(void) { }
static inline void __xenpin_deferred_begin(int nid, unsigned long pfn) { }
static inline void __xenpin_deferred_end(int nid) { }

static inline void xenpin_begin(void (*mark)(void)) { }
static inline bool xenpin_hook_marks(void) { return true; }
static inline void xenpin_early_load(void) { }

#endif /* CONFIG_XENPIN */

/* A pin or unpin stands in this CPU's multicall buffer now; interrupts are off. */
static inline void xenpin_pin_queued(void)
{
	if (xenpin_watched())
		__xenpin_pin_queued();
}

/*
 * Around the hypercalls of a multicall buffer, interrupts off.  Begin notes what
 * is asked for, because Xen may change the arguments of an entry that it resumes
 * after preemption, or wipe them out; end adds the results.
 */
static inline struct xenpin_batch *
xenpin_batch_begin(const struct multicall_entry *mc, unsigned int n)
{
	return xenpin_watched() ? __xenpin_batch_begin(mc, n) : NULL;
}

static inline void xenpin_batch_end(struct xenpin_batch *batch,
				    const struct multicall_entry *mc, unsigned int refused)
{
	if (batch)
		__xenpin_batch_end(batch, mc, refused);
}

/* A pin or unpin that is a hypercall of its own. */
static inline void xenpin_direct(unsigned int cmd, unsigned long mfn, unsigned long pfn,
				 long result)
{
	if (xenpin_watched())
		__xenpin_direct(cmd, mfn, pfn, result);
}

/* A page becomes a page table, or is about to stop being one. */
static __always_inline void xenpin_table_alloc(const struct mm_struct *mm, unsigned long pfn,
					       unsigned int level, bool pinned)
{
	if (xenpin_watched())
		__xenpin_table(XP_TABLE_ALLOC, mm, pfn, level, pinned, _THIS_IP_);
}

static __always_inline void xenpin_table_release(unsigned long pfn, unsigned int level,
						 bool pinned)
{
	if (xenpin_watched())
		__xenpin_table(XP_TABLE_RELEASE, NULL, pfn, level, pinned, _THIS_IP_);
}

/* A whole tree is about to be pinned, or unpinned. */
static inline void xenpin_mm_pin(const struct mm_struct *mm, const void *pgd)
{
	if (xenpin_watched())
		__xenpin_mm(XP_MM_PIN, mm, pgd);
}

static inline void xenpin_mm_unpin(const struct mm_struct *mm, const void *pgd)
{
	if (xenpin_watched())
		__xenpin_mm(XP_MM_UNPIN, mm, pgd);
}

/* All writes to PagePinned.  Levels are Xen's: L1 holds PTEs, L4 is the PGD. */
static __always_inline bool xenpin_test_set_flag(const struct mm_struct *mm, struct page *page,
						 unsigned int level)
{
	bool old = TestSetPagePinned(page);

	if (xenpin_watched())
		__xenpin_flag(mm, page_to_pfn(page), level, true, old, _THIS_IP_);
	return old;
}

static __always_inline bool xenpin_test_clear_flag(const struct mm_struct *mm, struct page *page,
						   unsigned int level)
{
	bool old = TestClearPagePinned(page);

	if (xenpin_watched())
		__xenpin_flag(mm, page_to_pfn(page), level, false, old, _THIS_IP_);
	return old;
}

static __always_inline void xenpin_set_flag(const struct mm_struct *mm, struct page *page,
					    unsigned int level)
{
	if (xenpin_watched())
		__xenpin_flag(mm, page_to_pfn(page), level, true, TestSetPagePinned(page),
			      _THIS_IP_);
	else
		SetPagePinned(page);
}

static __always_inline void xenpin_clear_flag(const struct mm_struct *mm, struct page *page,
					      unsigned int level)
{
	if (xenpin_watched())
		__xenpin_flag(mm, page_to_pfn(page), level, false, TestClearPagePinned(page),
			      _THIS_IP_);
	else
		ClearPagePinned(page);
}

/*
 * Before a struct page is initialised.  Until then its flags are whatever the
 * memory held, so a set bit proves nothing: only pages that were marked on
 * purpose count, and __xenpin_page_init() knows them.
 */
static __always_inline void xenpin_page_init(const struct page *page, unsigned long pfn,
					     int nid)
{
	if (xenpin_watched() && xenpin_page_flag(page))
		__xenpin_page_init(pfn, nid);
}

/*
 * The stages of boot during which a memo can be lost: struct pages before the
 * hand-over of boot memory, of a range; the hand-over, first of reserved memory;
 * the after-bootmem hook, which comes next; and what was deferred, of a node.
 */
static inline void xenpin_memmap_begin(int nid, unsigned long pfn)
{
	if (xenpin_watched())
		__xenpin_memmap_begin(nid, pfn);
}

static inline void xenpin_memmap_end(int nid, unsigned long pfn, unsigned long end)
{
	if (xenpin_watched())
		__xenpin_memmap_end(nid, pfn, end);
}

static inline void xenpin_handover_begin(void)
{
	if (xenpin_watched())
		__xenpin_handover_begin();
}

static inline void xenpin_reserved_done(void)
{
	if (xenpin_watched())
		__xenpin_reserved_done();
}

static inline void xenpin_hook_begin(void)
{
	if (xenpin_watched())
		__xenpin_hook_begin();
}

static inline void xenpin_hook_end(void)
{
	if (xenpin_watched())
		__xenpin_hook_end();
}

static inline void xenpin_deferred_begin(int nid, unsigned long pfn)
{
	if (xenpin_watched())
		__xenpin_deferred_begin(nid, pfn);
}

static inline void xenpin_deferred_end(int nid)
{
	if (xenpin_watched())
		__xenpin_deferred_end(nid);
}

#endif /* _XEN_XENPIN_H */
