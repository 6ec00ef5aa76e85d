// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages whose PagePinned is set, while not all struct pages are valid: an
 * open hash of pfns with their levels.  Allocated when boot memory can be, and
 * freed after deferred init.  Sized for a table for every 2 MiB of memory, as
 * the direct map of a PV guest has it, at a load of at most a quarter.
 */
#define pr_fmt(fmt) "xenpin: " fmt

#include <linux/hash.h>
#include <linux/kmemleak.h>
#include <linux/memblock.h>
#include <linux/mmzone.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "xenpin_internal.h"

struct tracked {
	unsigned long pfn;
	u8 used;
	u8 set;
	u8 level;
	u8 erased;
	u8 where;
};

static struct tracked *table;
static unsigned int table_bits;
static DEFINE_RAW_SPINLOCK(table_lock);

#define for_each_tracked(t) \
	for ((t) = table; (t) && (t) < table + (1UL << table_bits); (t)++)

/* The entry of @pfn, or the empty one where it belongs; NULL: neither is there. */
static struct tracked *slot_of(struct tracked *in, unsigned long pfn)
{
	unsigned int size = 1U << table_bits, i, n;

	if (!in)
		return NULL;
	i = hash_long(pfn, table_bits);
	for (n = 0; n < size; n++, i = (i + 1) & (size - 1))
		if (!in[i].used || in[i].pfn == pfn)
			return &in[i];
	return NULL;
}

/* The flag is written.  Was it erased before, and not set since? */
bool xenpin_track(unsigned long pfn, unsigned int level, bool set)
{
	struct tracked *t;
	unsigned long flags;
	bool erased = false;

	if (!READ_ONCE(table))
		return false;
	raw_spin_lock_irqsave(&table_lock, flags);
	t = slot_of(table, pfn);
	if (t && (t->used || set)) {
		erased = t->used && t->erased;
		*t = (struct tracked){ .pfn = pfn, .used = true, .set = set, .level = level };
	} else if (set && table) {
		xenpin_header.untracked++;
	}
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return erased;
}

/*
 * A struct page is about to be initialised that seems to carry the flag.  Does
 * it?  Memory that was filled with ones makes every page ask, so it is looked
 * up without the lock first.
 */
bool xenpin_track_erase(unsigned long pfn, enum xp_where where, unsigned int *level)
{
	struct tracked *t;
	unsigned long flags;
	bool erased;

	rcu_read_lock();
	t = slot_of(READ_ONCE(table), pfn);
	erased = t && t->used && t->set;
	rcu_read_unlock();
	if (!erased)
		return false;

	raw_spin_lock_irqsave(&table_lock, flags);
	t = slot_of(table, pfn);
	erased = t && t->used && t->set;
	if (erased) {
		t->set = false;
		t->erased = true;
		t->where = where;
		*level = t->level;
	}
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return erased;
}

/*
 * For the console of a dying guest, interrupts off: no lock that its death may
 * have left held, and a table that may be in the middle of a change.
 */
bool xenpin_was_erased(unsigned long pfn, unsigned int *level, enum xp_where *where)
{
	struct tracked *t = slot_of(READ_ONCE(table), pfn);

	if (!t || !t->used)
		return false;
	*level = t->level;
	*where = t->where;
	return t->erased;
}

/* How many pages carry the flag, and how many of them could have lost it. */
void __init xenpin_track_count(unsigned long *marked, unsigned long *deferred)
{
	struct tracked *t;

	*marked = *deferred = 0;
	for_each_tracked(t) {
		if (!t->set)
			continue;
		++*marked;
#ifdef CONFIG_DEFERRED_STRUCT_PAGE_INIT
		if (t->pfn >= NODE_DATA(early_pfn_to_nid(t->pfn))->first_deferred_pfn)
			++*deferred;
#endif
	}
}

/* Set the flags that are still erased: of boot page tables that no walk of init_mm finds. */
void __init xenpin_track_repair(void)
{
	struct tracked *t;

	for_each_tracked(t)
		if (t->erased)
			xenpin_set_flag(NULL, pfn_to_page(t->pfn), t->level);
}

bool __init xenpin_track_begin(bool wanted)
{
	unsigned long tables = max_pfn / PTRS_PER_PTE + 1024;

	if (!wanted)
		return false;
	table_bits = order_base_2(4 * tables);
	table = memblock_alloc(sizeof(*table) << table_bits, PAGE_SIZE);
	if (!table) {
		pr_warn("no memory to track flags; erased ones go unnoticed\n");
		xenpin_header.untracked++;
		return false;
	}
	static_branch_inc(&xenpin_key);
	return true;
}

/* Struct pages are all initialised before the first of the initcalls that have a level. */
static int __init xenpin_track_end(void)
{
	struct tracked *old = table;

	if (!old)
		return 0;
	xenpin_console_tracked();
	static_branch_dec(&xenpin_key);
	raw_spin_lock_irq(&table_lock);
	WRITE_ONCE(table, NULL);
	raw_spin_unlock_irq(&table_lock);
	/* A CPU that dies just now may still look into it. */
	synchronize_rcu();
	kmemleak_free_part_phys(__pa(old), sizeof(*old) << table_bits);
	free_reserved_area(old, old + (1UL << table_bits), -1, NULL);
	return 0;
}
pure_initcall(xenpin_track_end);
