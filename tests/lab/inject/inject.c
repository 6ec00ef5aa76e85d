// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault injection: clears PagePinned of page tables chosen at random, or sets it
 * on pages that are none, until it is unloaded.
 *
 *	insmod inject.ko NAME=ADDRESS... [clear=N seed=S levels=MASK owners=MASK
 *		pid=PID first=SLOT last=SLOT] [set=N at=ADDRESS] [hold_us=US] [keep=1] [hold=1]
 *		[via=ADDRESS] end=1
 *
 * NAME=ADDRESS are the symbols below, as /proc/kallsyms has them.  owners: 1
 * init_mm (its direct map), 2 process PID (entries first to last of its PGD), 4
 * its user PGD.  hold_us: undo it by itself after that time; keep: never; hold:
 * with a reference, so that a page that is released with a lost flag stays out of
 * the allocator, which could not write to it.  via: the patched kernel's
 * __xenpin_flag(), so that each write is reported as one of the kernel's own.
 * What is done stands in the kernel's messages.
 *
 * Tables are found here without xenpin's code, so that its audit has something to
 * be held against.
 */
#include "module.h"

#define ENTRIES		512
#define USER_ENTRIES	256
#define TABLES_MAX	65536
#define CHOSEN_MAX	256
#define L4_SHIFT	39

enum { OWNER_INIT = 1, OWNER_PID = 2, OWNER_USER_PGD = 4 };

static u64 vmemmap_base, page_offset_base, machine_to_phys_mapping, init_mm, init_task;
static u64 clear, set, seed = 1, levels = 0x1e, owners = 7, pid, first, last = USER_ENTRIES - 1, at, hold_us, keep, hold, via;

/* The first five are addresses of variables. */
static const struct argument arguments[] = {
	{ "vmemmap_base", &vmemmap_base },
	{ "page_offset_base", &page_offset_base },
	{ "machine_to_phys_mapping", &machine_to_phys_mapping },
	{ "init_mm", &init_mm },
	{ "init_task", &init_task },
	{ "clear", &clear }, { "set", &set }, { "seed", &seed }, { "levels", &levels },
	{ "owners", &owners }, { "pid", &pid }, { "first", &first }, { "last", &last }, { "at", &at }, { "hold_us", &hold_us },
	{ "keep", &keep }, { "hold", &hold }, { "via", &via },
};

static struct table {
	u64 pfn, mm;
	u32 level, owner;
} tables[TABLES_MAX], chosen[CHOSEN_MAX];
static u32 nr_tables, nr_chosen;

static u64 virt(u64 pfn)
{
	return page_offset_base + (pfn << 12);
}

/* Of an address in the direct map or in the image, which is not relocated here. */
static u64 pfn_of(u64 address)
{
	return (address >= 0xffffffff80000000UL ? address - 0xffffffff80000000UL :
						  address - page_offset_base) >> 12;
}

static u64 flags_of(u64 pfn)
{
	return vmemmap_base + pfn * PAGE_SIZEOF;
}

static int has_flag(u64 pfn)
{
	return get(flags_of(pfn)) >> PG_PINNED & 1;
}

/* Not inlined, and called last in no function: tests want to see it in a stack. */
__attribute__((noinline)) static void inject_write(const struct table *t, _Bool value)
{
	void (*report)(u64 mm, u64 pfn, u32 level, _Bool set, _Bool old, u64 ip) = (void *)via;
	u64 *flags = (u64 *)flags_of(t->pfn);

	if (value)
		asm volatile("lock btsq %1, %0" : "+m"(*flags) : "r"((u64)PG_PINNED));
	else
		asm volatile("lock btrq %1, %0" : "+m"(*flags) : "r"((u64)PG_PINNED));
	if (via)
		report(t->mm, t->pfn, t->level, value, !value, (u64)inject_write);
	asm volatile("" ::: "memory");
}

static void add(u64 pfn, u64 mm, u32 level, u32 owner)
{
	for (u32 i = 0; i < nr_tables; i++)
		if (tables[i].pfn == pfn)
			return;
	if (nr_tables < TABLES_MAX)
		tables[nr_tables++] = (struct table){ pfn, mm, level, owner };
}

static u64 pfn_of_entry(u64 entry)
{
	return get(machine_to_phys_mapping + (entry << 12 >> 24) * 8);
}

static void walk(u64 pfn, u64 mm, u32 level, u32 owner, u32 from, u32 to)
{
	add(pfn, mm, level, owner);
	for (u32 i = from; level > 1 && i < to; i++) {
		u64 entry = get(virt(pfn) + i * 8);

		if (entry & 1)
			walk(pfn_of_entry(entry), mm, level - 1, owner, 0, ENTRIES);
	}
}

/*
 * Only what nobody changes while it is broken: the direct map.  Not the PGD: a
 * kernel that takes init_mm for unpinned dies with the next page table it adds.
 */
static void walk_init_mm(void)
{
	u64 pgd = pfn_of(get(init_mm + MM_PGD));
	u64 entry = get(virt(pgd) + (page_offset_base >> L4_SHIFT & (ENTRIES - 1)) * 8);

	walk(pfn_of_entry(entry), init_mm, 3, OWNER_INIT, 0, ENTRIES);
}

static u64 find_mm(void)
{
	u64 task = init_task;

	do {
		task = get(task + TASK_TASKS) - TASK_TASKS;
		if (*(volatile u32 *)(task + TASK_TGID) == pid)
			return get(task + TASK_MM);
	} while (task != init_task);
	return 0;
}

static void walk_process(void)
{
	u64 mm = find_mm(), pgd, user;

	if (!mm)
		return;
	pgd = pfn_of(get(mm + MM_PGD));
	user = get(vmemmap_base + pgd * PAGE_SIZEOF + PAGE_PRIVATE);
	if (owners & OWNER_PID)
		walk(pgd, mm, 4, OWNER_PID, first, last + 1);
	if (owners & OWNER_USER_PGD && user)
		add(pfn_of(user), mm, 4, OWNER_USER_PGD);
}

static u64 dice(u64 sides)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % sides;
}

static void put(const struct table *t, int value)
{
	if (hold)
		__atomic_add_fetch((u32 *)(flags_of(t->pfn) + PAGE_REFCOUNT), 1, __ATOMIC_SEQ_CST);
	inject_write(t, value);
	_printk("inject: %s pfn=0x%lx level=%u mm=0x%lx owner=%u\n", value ? "set" : "clear", t->pfn,
		t->level, t->mm, t->owner);
	chosen[nr_chosen++] = *t;
}

/* Owner and level first, then one of those tables: else nearly all would be init_mm's L1. */
static const struct table *pick(void)
{
	u32 owner = 1 << dice(3), level = dice(4) + 1, n = 0, nth;
	const struct table *t;

	if (!(levels >> level & 1))
		return 0;
	for (t = tables; t < tables + nr_tables; t++)
		n += t->owner == owner && t->level == level && has_flag(t->pfn);
	if (!n)
		return 0;
	nth = dice(n);
	for (t = tables;; t++)
		if (t->owner == owner && t->level == level && has_flag(t->pfn) && !nth--)
			return t;
}

static void clear_some(void)
{
	u32 wanted = clear < CHOSEN_MAX ? clear : CHOSEN_MAX;

	for (u32 try = 0; nr_chosen < wanted && try < 10000; try++) {
		const struct table *t = pick();

		if (t)
			put(t, 0);
	}
}

static void set_some(void)
{
	for (u64 i = 0; i < set && nr_chosen < CHOSEN_MAX; i++)
		if (!has_flag(pfn_of(at) + i))
			put(&(struct table){ .pfn = pfn_of(at) + i }, 1);
}

static void undo(void)
{
	while (nr_chosen)
		inject_write(&chosen[--nr_chosen], !!clear);
}

static u64 cycles(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

/* In the machines of the lab the TSC runs at 1 GHz or more. */
static void hold_for_a_while(void)
{
	u64 end = cycles() + hold_us * 1000;

	while (cycles() < end)
		asm volatile("pause");
	undo();
}

int init_module(void)
{
	take_arguments(arguments, sizeof(arguments) / sizeof(*arguments));
	if (!vmemmap_base || !page_offset_base || !machine_to_phys_mapping || !init_mm || !init_task)
		return -22;
	vmemmap_base = get(vmemmap_base);
	page_offset_base = get(page_offset_base);
	machine_to_phys_mapping = get(machine_to_phys_mapping);
	if (owners & OWNER_INIT)
		walk_init_mm();
	if (pid)
		walk_process();
	clear_some();
	set_some();
	_printk("inject: done=%u of %u tables\n", nr_chosen, nr_tables);
	if (hold_us)
		hold_for_a_while();
	return 0;
}

void cleanup_module(void)
{
	if (!keep)
		undo();
}
