// SPDX-License-Identifier: GPL-2.0-only
/* What an oops says twice has to be the same: else its lines are of several. */
#include <string.h>

#include "record/records.h"
#include "addresses.h"
#include "boots.h"

/* Bits of an error code that "#PF: …" and entries of page tables have something to say about. */
#define CODE_PRESENT	1
#define CODE_WRITE	2
#define CODE_IN_WORDS	(CODE_WRITE | 4 | 16)
#define CODE_NOT_RW	(4 | 8 | 16)	/* another reason than that the page is read-only */

bool boot__platform(const struct boot_facts *boot, bool *pv)
{
	/* "Xen" was the name of PV in one line, and of both in the other. */
	static const struct { const char *name; bool pv; } platforms[] = {
		{ "Xen PV", true }, { "Xen HVM", false }, { "Xen PVH", false }, { "KVM", false },
		{ "VMware", false }, { "VMware hypervisor", false }, { "bare hardware", false },
		{ "Microsoft HyperV", false }, { "Microsoft Hyper-V", false }, { "ARM", false },
		{ "Jailhouse", false }, { "ACRN", false },
	};
	const char *text = boot->platform ? boot->platform->text : "";

	*pv = boot->platform && boot->platform->extra && !strcmp(text, "Xen");
	for (size_t i = 0; i < sizeof(platforms) / sizeof(*platforms); i++) {
		if (!strcmp(text, platforms[i].name)) {
			*pv = platforms[i].pv;
			return true;
		}
	}
	return *pv;
}

static const struct fact *code_of(const struct oops *o)
{
	return o->of[FACT_OOPS] ?: o->of[FACT_CODE] ?: o->of[FACT_EARLY];
}

static uint64_t segment_of(const struct oops *o)
{
	const struct fact *rip = o->of[FACT_RIP], *early = o->of[FACT_EARLY];

	return rip && !rip->extra ? rip->v[0] : early ? early->v[1] : 0;
}

/* The address, or 0 when it is not there. */
static uint64_t address_of(const struct oops *o)
{
	const struct fact *address = o->of[FACT_ADDRESS], *early = o->of[FACT_EARLY];
	const struct fact *cr2 = o->of[FACT_CR2];

	return address ? address->v[0] : early && early->v[4] ? early->v[3] : cr2 ? cr2->v[0] : 0;
}

/* Of what is known to be something else, CR2 is what the last page fault has left there. */
static bool may_be_page_fault(const struct oops *o)
{
	const struct fact *early = o->of[FACT_EARLY];
	uint32_t others = 1U << FACT_BUG | 1U << FACT_TRAP;

	return o->of[FACT_ADDRESS] || !(o->of[FACT_BUG] || o->of[FACT_TRAP] || (o->cut & others) ||
					(early && early->v[2] != VECTOR_PAGE_FAULT));
}

static bool codes_differ(const struct oops *o)
{
	const struct fact *code = o->of[FACT_CODE], *oops = o->of[FACT_OOPS];
	const struct fact *access = o->of[FACT_ACCESS];

	return (code && oops && code->v[0] != oops->v[0]) ||
	       (code && access && (code->v[0] & CODE_IN_WORDS) != access->extra) ||
	       (oops && access && (oops->v[0] & CODE_IN_WORDS) != access->extra);
}

static bool addresses_differ(const struct oops *o)
{
	const struct fact *cr2 = o->of[FACT_CR2];

	return cr2 && !o->of[FACT_TRAP] && address_of(o) != cr2->v[0];
}

static bool segments_differ(const struct oops *o)
{
	const struct fact *early = o->of[FACT_EARLY];

	return early && early->v[1] != segment_of(o);
}

/* A write was refused for a page that is there and read-only, and its entry says otherwise. */
static bool entry_allows_it(const struct oops *o)
{
	const struct fact *walk = o->of[FACT_WALK], *code = code_of(o);
	uint64_t refused = CODE_PRESENT | CODE_WRITE;

	if (!walk || walk->v[1] != 1 || !code || o->of[FACT_TRAP] ||
	    (code->v[0] & (refused | CODE_NOT_RW)) != refused)
		return false;
	return !(walk->v[0] & ENTRY_PRESENT) || (walk->v[0] & ENTRY_WRITABLE);
}

/* A PV guest has its direct map where everybody has it; other kernels may move theirs. */
static bool entry_is_of_another_page(const struct oops *o)
{
	const struct fact *walk = o->of[FACT_WALK];
	uint64_t pfn = address__pfn(address_of(o), 16);

	return walk && walk->v[1] == 1 && (walk->v[0] & ENTRY_PRESENT) && pfn != XP_NO_PFN &&
	       !segment__is_native(segment_of(o)) && ENTRY_PFN(walk->v[0]) != pfn;
}

/* Who writes entries of page tables writes whole ones; an entry of PAE has two halves. */
static bool writes_part_of_an_entry(const struct oops *o)
{
	const struct fact *name = o->symbol ?: o->of[FACT_RIP];
	uint64_t address = address_of(o);

	return name && table_writer__find(name->name) && may_be_page_fault(o) &&
	       !segment__is_native(segment_of(o)) && address % (address >> 32 ? 8 : 4);
}

/* The series' line about a fault against what it says itself, and what its oops and boot say. */
static bool fault_differs(const struct oops *o, const struct boot_facts *b)
{
	const struct fact *f = o->fault ?: o->damaged, *name = o->symbol ?: o->of[FACT_RIP];
	const struct table_writer *writer = name ? table_writer__find(name->name) : NULL;
	uint64_t address = address_of(o), pfn;

	if (!f)
		return false;
	pfn = f->v[0] == FIELD_UNREAD ? XP_NO_PFN : address__pfn(f->v[0], 16);
	if ((address && f->v[0] != FIELD_UNREAD && address != f->v[0]) ||
	    (pfn != XP_NO_PFN && f->v[1] != XP_NO_PFN && pfn != f->v[1]) ||
	    (f->v[4] == 1 && b->erased_total && !b->erased_total->v[0]))
		return true;
	/*
	 * Who asks the flag does not write to a page that has it: a line that is whole is believed
	 * all the same, for the series looked at the page itself.
	 */
	return writer && ((o->damaged && writer->asks && f->v[3] == 1) ||
			  (f->v[2] && f->v[2] <= XP_L4 && f->v[2] != writer->level));
}

void oops__check(struct oops *o, const struct boot_facts *b)
{
	static bool (*const differ[])(const struct oops *o) = {
		codes_differ, addresses_differ, segments_differ, entry_allows_it,
		entry_is_of_another_page, writes_part_of_an_entry,
	};
	const struct fact *cpu = o->of[FACT_CPU];
	bool pv;

	for (size_t i = 0; i < sizeof(differ) / sizeof(*differ); i++)
		o->torn |= differ[i](o);
	if (fault_differs(o, b)) {
		o->stray = o->fault ?: o->damaged;
		o->fault = o->damaged = NULL;
		o->torn = true;
	}
	if (boot__platform(b, &pv) &&
	    (pv ? segment__is_native(segment_of(o)) : segment__is_pv(segment_of(o))))
		o->torn = o->foreign = true;
	o->foreign |= cpu && b->kernel && strcmp(cpu->text, b->kernel->text);
}
