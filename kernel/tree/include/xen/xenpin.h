/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Xen PV knows of the guest's page tables, and what the guest remembers
 * of it.
 *
 * "Pinned" is said of page tables and of nothing else: a PV page table that
 * is known to Xen, is read-only to the guest and is changed only through
 * hypercalls.  PagePinned in a struct page is the guest's memo of that.  The
 * two can come apart, which is what these hooks make visible.
 */
#ifndef _XEN_XENPIN_H
#define _XEN_XENPIN_H

#include <linux/init.h>
#include <linux/instruction_pointer.h>
#include <linux/jump_label.h>
#include <linux/page-flags.h>
#include <linux/tracepoint-defs.h>
#include <linux/types.h>

#include <xen/xenpin/boot_log.h>
#include <xen/xenpin/record.h>
#include <xen/xenpin_compat.h>

struct kobject;
struct mm_struct;
struct multicall_entry;
struct xenpin_batch;

#ifdef CONFIG_XENPIN

DECLARE_TRACEPOINT(xenpin_batch);
DECLARE_TRACEPOINT(xenpin_op);
DECLARE_TRACEPOINT(xenpin_flag_set);
DECLARE_TRACEPOINT(xenpin_flag_clear);
DECLARE_TRACEPOINT(xenpin_repaired);
DECLARE_TRACEPOINT(xenpin_handover_begin);
DECLARE_TRACEPOINT(xenpin_handover_end);
DECLARE_TRACEPOINT(xenpin_hook_begin);
DECLARE_TRACEPOINT(xenpin_hook_end);
DECLARE_TRACEPOINT(xenpin_deferred_begin);
DECLARE_TRACEPOINT(xenpin_deferred_end);
DECLARE_TRACEPOINT(xenpin_deferred_range);

/* Flag writes are remembered until all struct pages are initialised. */
DECLARE_STATIC_KEY_FALSE(xenpin_tracking);

#ifdef CONFIG_XENPIN_BOOT_LOG
DECLARE_STATIC_KEY_TRUE(xenpin_logging);
DECLARE_TRACEPOINT(xenpin_record);
#define xenpin_logged() \
	(static_branch_unlikely(&xenpin_logging) || tracepoint_enabled(xenpin_record))

void xenpin_log_table(enum xp_kind kind, const struct mm_struct *mm, unsigned long pfn,
		      unsigned int level, bool pinned);
void xenpin_log_mm(enum xp_kind kind, const struct mm_struct *mm, const void *pgd);
void xenpin_log_flag(enum xp_kind kind, const struct mm_struct *mm, unsigned long pfn,
		     unsigned int level, bool old, enum xp_where where, unsigned long ip);
void xenpin_log_boot(enum xp_kind kind, unsigned int node, unsigned long pfn,
		     unsigned long pages, unsigned int threads, enum xp_where where);
void xenpin_log_ops(unsigned int entries, unsigned int nops, const struct xp_op *ops,
		    u64 latency, bool direct);
void xenpin_note_erased(unsigned long pfn, unsigned int level, enum xp_where where);
void __init xenpin_note_deferred(void);
void __init xenpin_note_marked(unsigned long marked, unsigned long deferred);
void __init xenpin_note_mode(enum xp_log_mode mode);
void xenpin_note_repaired(void);
void xenpin_note_untracked(void);
bool __init xenpin_log_active(void);
bool __init xenpin_clock_ready(void);
void __init xenpin_log_init(void);
u64 xenpin_log_stop(enum xp_log_end end);
u64 xenpin_clock(void);
#else
#define xenpin_logged() false

static inline void xenpin_log_table(enum xp_kind kind, const struct mm_struct *mm,
				    unsigned long pfn, unsigned int level, bool pinned) { }
static inline void xenpin_log_mm(enum xp_kind kind, const struct mm_struct *mm,
				 const void *pgd) { }
static inline void xenpin_log_flag(enum xp_kind kind, const struct mm_struct *mm,
				   unsigned long pfn, unsigned int level, bool old,
				   enum xp_where where, unsigned long ip) { }
static inline void xenpin_log_boot(enum xp_kind kind, unsigned int node, unsigned long pfn,
				   unsigned long pages, unsigned int threads,
				   enum xp_where where) { }
static inline void xenpin_log_ops(unsigned int entries, unsigned int nops,
				  const struct xp_op *ops, u64 latency, bool direct) { }
static inline void xenpin_note_erased(unsigned long pfn, unsigned int level,
				      enum xp_where where) { }
static inline void xenpin_note_deferred(void) { }
static inline void xenpin_note_marked(unsigned long marked, unsigned long deferred) { }
static inline void xenpin_note_mode(enum xp_log_mode mode) { }
static inline void xenpin_note_repaired(void) { }
static inline void xenpin_note_untracked(void) { }
static inline bool xenpin_log_active(void) { return false; }
static inline void xenpin_log_init(void) { }
#endif

#define xenpin_on(event) (xenpin_logged() || tracepoint_enabled(event))

/* In mmu_pv.c: sets the flags before the hand-over, where the command line asks for it. */
#ifdef CONFIG_XENPIN_MARKING_POINT
void __init xen_mark_early(void);
#else
static inline void xen_mark_early(void) { }
#endif

bool xenpin_was_erased(unsigned long pfn, unsigned int *level, enum xp_where *where);

struct xenpin_batch *__xenpin_batch_begin(const struct multicall_entry *mc, unsigned int n);
void __xenpin_batch_end(struct xenpin_batch *batch, const struct multicall_entry *mc);
void __xenpin_direct(unsigned int cmd, unsigned long mfn, unsigned long pfn, long result);
void __xenpin_flag(const struct mm_struct *mm, unsigned long pfn, unsigned int level,
		   bool set, bool old, unsigned long ip);
void __xenpin_repaired(const struct mm_struct *mm, unsigned long pfn, unsigned int level);
void __xenpin_page_init(unsigned long pfn, int nid);
void __xenpin_boot(enum xp_kind kind, unsigned int node, unsigned long pfn,
		   unsigned long pages, unsigned int threads);
void __xenpin_deferred_range(unsigned int node, unsigned long pfn, unsigned long pages,
			     unsigned int threads, enum xp_where where);

void __init xenpin_track_request(void);
void __init xenpin_track_begin(void);
void __init xenpin_track_end(void);
void __init xenpin_repair_erased(void (*mark)(unsigned long pfn, unsigned int level));

/*
 * Around the hypercalls of a multicall buffer, interrupts off: begin notes the
 * pins and unpins, because Xen may change the arguments of an entry that it
 * resumes after preemption; end adds the results.
 */
static inline struct xenpin_batch *
xenpin_batch_begin(const struct multicall_entry *mc, unsigned int n)
{
	if (xenpin_on(xenpin_batch) || tracepoint_enabled(xenpin_op))
		return __xenpin_batch_begin(mc, n);
	return NULL;
}

static inline void xenpin_batch_end(struct xenpin_batch *batch, const struct multicall_entry *mc)
{
	if (batch)
		__xenpin_batch_end(batch, mc);
}

/* A pin or unpin that is a hypercall of its own. */
static inline void xenpin_direct(unsigned int cmd, unsigned long mfn, unsigned long pfn,
				 long result)
{
	if (xenpin_on(xenpin_batch) || tracepoint_enabled(xenpin_op))
		__xenpin_direct(cmd, mfn, pfn, result);
}

/* For the log; Xen has tracepoints of its own for these. */
static __always_inline void xenpin_table_alloc(const struct mm_struct *mm, unsigned long pfn,
					       unsigned int level, bool pinned)
{
	if (xenpin_logged())
		xenpin_log_table(XP_TABLE_ALLOC, mm, pfn, level, pinned);
}

static __always_inline void xenpin_table_release(unsigned long pfn, unsigned int level,
						 bool pinned)
{
	if (xenpin_logged())
		xenpin_log_table(XP_TABLE_RELEASE, NULL, pfn, level, pinned);
}

static inline void xenpin_mm_pin(const struct mm_struct *mm, const void *pgd)
{
	if (xenpin_logged())
		xenpin_log_mm(XP_MM_PIN, mm, pgd);
}

static inline void xenpin_mm_unpin(const struct mm_struct *mm, const void *pgd)
{
	if (xenpin_logged())
		xenpin_log_mm(XP_MM_UNPIN, mm, pgd);
}

/* Does anybody want to know of writes to PagePinned? */
static __always_inline bool xenpin_flag_watched(void)
{
	return xenpin_on(xenpin_flag_set) || tracepoint_enabled(xenpin_flag_clear) ||
	       static_branch_unlikely(&xenpin_tracking);
}

static __always_inline void xenpin_flag_set(const struct mm_struct *mm, unsigned long pfn,
					    unsigned int level, bool old)
{
	if (xenpin_flag_watched())
		__xenpin_flag(mm, pfn, level, true, old, _THIS_IP_);
}

static __always_inline void xenpin_flag_clear(const struct mm_struct *mm, unsigned long pfn,
					      unsigned int level, bool old)
{
	if (xenpin_flag_watched())
		__xenpin_flag(mm, pfn, level, false, old, _THIS_IP_);
}

/* In struct-page init's wake, the hook found the flag of a page table clear. */
static inline void xenpin_repaired(const struct mm_struct *mm, unsigned long pfn,
				   unsigned int level)
{
	if (xenpin_on(xenpin_repaired))
		__xenpin_repaired(mm, pfn, level);
}

/*
 * Before a struct page is initialised.  Until then its flags are whatever the
 * memory held, so a set bit proves nothing: only pages that were marked on
 * purpose count, and __xenpin_page_init() knows them.
 */
static __always_inline void xenpin_page_init(const struct page *page, unsigned long pfn,
					     int nid)
{
	if (static_branch_unlikely(&xenpin_tracking) && xenpin_page_flag(page))
		__xenpin_page_init(pfn, nid);
}

#define XENPIN_BOOT_HOOK(name, kind)							\
static inline void name(unsigned int node, unsigned long pfn, unsigned long pages,	\
			unsigned int threads)						\
{											\
	if (xenpin_on(name) || static_branch_unlikely(&xenpin_tracking))		\
		__xenpin_boot(kind, node, pfn, pages, threads);				\
}

static inline void xenpin_deferred_range(unsigned int node, unsigned long pfn,
					 unsigned long pages, unsigned int threads,
					 enum xp_where where)
{
	if (xenpin_on(xenpin_deferred_range))
		__xenpin_deferred_range(node, pfn, pages, threads, where);
}

#else /* !CONFIG_XENPIN */

static inline struct xenpin_batch *
xenpin_batch_begin(const struct multicall_entry *mc, unsigned int n) { return NULL; }
static inline void xenpin_batch_end(struct xenpin_batch *batch,
				    const struct multicall_entry *mc) { }
static inline void xenpin_direct(unsigned int cmd, unsigned long mfn, unsigned long pfn,
				 long result) { }
static inline void xenpin_table_alloc(const struct mm_struct *mm, unsigned long pfn,
				      unsigned int level, bool pinned) { }
static inline void xenpin_table_release(unsigned long pfn, unsigned int level,
					bool pinned) { }
static inline void xenpin_mm_pin(const struct mm_struct *mm, const void *pgd) { }
static inline void xenpin_mm_unpin(const struct mm_struct *mm, const void *pgd) { }
static inline bool xenpin_flag_watched(void) { return false; }
static inline void xenpin_flag_set(const struct mm_struct *mm, unsigned long pfn,
				   unsigned int level, bool old) { }
static inline void xenpin_flag_clear(const struct mm_struct *mm, unsigned long pfn,
				     unsigned int level, bool old) { }
static inline void xenpin_repaired(const struct mm_struct *mm, unsigned long pfn,
				   unsigned int level) { }
static inline void xenpin_page_init(const struct page *page, unsigned long pfn, int nid) { }
static inline void xenpin_deferred_range(unsigned int node, unsigned long pfn,
					 unsigned long pages, unsigned int threads,
					 enum xp_where where) { }
static inline void xenpin_track_begin(void) { }
static inline void xenpin_track_end(void) { }
static inline void
xenpin_repair_erased(void (*mark)(unsigned long pfn, unsigned int level)) { }

#define XENPIN_BOOT_HOOK(name, kind)							\
static inline void name(unsigned int node, unsigned long pfn, unsigned long pages,	\
			unsigned int threads) { }

#endif /* CONFIG_XENPIN */

#ifdef CONFIG_XENPIN_EARLY_BPF
void __init xenpin_early_load(void);
int __init xenpin_early_publish(struct kobject *dir);
#else
static inline void xenpin_early_load(void) { }
static inline int xenpin_early_publish(struct kobject *dir) { return 0; }
#endif

XENPIN_BOOT_HOOK(xenpin_handover_begin, XP_HANDOVER_BEGIN)
XENPIN_BOOT_HOOK(xenpin_handover_end, XP_HANDOVER_END)
XENPIN_BOOT_HOOK(xenpin_hook_begin, XP_HOOK_BEGIN)
XENPIN_BOOT_HOOK(xenpin_hook_end, XP_HOOK_END)
XENPIN_BOOT_HOOK(xenpin_deferred_begin, XP_DEFERRED_BEGIN)
XENPIN_BOOT_HOOK(xenpin_deferred_end, XP_DEFERRED_END)

#endif /* _XEN_XENPIN_H */
