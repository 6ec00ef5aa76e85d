// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "record/records.h"
#include "addresses.h"
#include "judge.h"

/* Entries as Linux prints them hold a pfn: a PV guest's are translated back. */
#define ENTRY_PRESENT	1
#define ENTRY_WRITABLE	2
#define ENTRY_LARGE	0x80
#define ENTRY_PFN(e)	(((e) & 0x000ffffffffff000ULL) >> 12)

static void read_address(struct oops_view *v)
{
	const struct fact *address = v->oops->of[FACT_ADDRESS], *cr2 = v->oops->of[FACT_CR2];
	const struct fact *fault = v->oops->fault;
	/* Every oops prints CR2; it is this one's address if a page fault was its cause. */
	bool by_cr2 = v->page_fault && (v->oops->of[FACT_OOPS] || v->oops->of[FACT_CODE]);

	if (address) {
		v->address = address->v[0];
		v->digits = address->v[1];
	} else if (cr2 && by_cr2) {
		v->address = cr2->v[0];
		v->digits = cr2->v[1];
	} else if (fault) {
		v->address = fault->v[0];
		v->digits = 16;
	}
	v->has_address = address || (cr2 && by_cr2) || fault;
	/* Kernels of 32 bits print CR2 with 16 digits, too. */
	if (!address && !fault && v->address >> 16 && !(v->address >> 32)) {
		v->has_address = v->segment;
		v->digits = v->segment == 0x61 || v->segment == 0x60 ? 8 : 16;
	}
	/* "(null)" is the word of some kernels for address 0. */
	if (address && !v->digits)
		v->digits = 16;
}

static void read_code(struct oops_view *v)
{
	const struct fact *code = v->oops->of[FACT_CODE] ?: v->oops->of[FACT_OOPS];
	const struct fact *access = v->oops->of[FACT_ACCESS];

	v->has_code = code && v->page_fault;
	v->code = v->has_code ? code->v[0] : access ? access->extra : 0;
	v->writes = (v->has_code || access) && (v->code & 2);
}

static void read_page(struct oops_view *v)
{
	const struct fact *walk = v->oops->of[FACT_WALK], *fault = v->oops->fault;

	v->pfn = XP_NO_PFN;
	if (walk && walk->v[1] == 1 && (walk->v[0] & ENTRY_PRESENT)) {
		v->pfn = ENTRY_PFN(walk->v[0]);
		v->read_only = !(walk->v[0] & ENTRY_WRITABLE);
	} else if (v->has_address) {
		v->pfn = address__pfn(v->address, v->digits);
	}
	if (fault && fault->v[1] != XP_NO_PFN)
		v->pfn = fault->v[1];
}

static void read_level(struct oops_view *v)
{
	const struct table_writer *writer = table_writer__find(v->function);
	const struct fact *fault = v->oops->fault;
	unsigned int level;
	bool pinned;

	if (fault && fault->v[2])
		v->level = fault->v[2];
	else if (v->pfn != XP_NO_PFN &&
		 xen_account__table(&v->console->xen, console__domain(v->console, v->boot), v->pfn,
				    &level, &pinned))
		v->level = level;
	else if (writer)
		v->level = writer->level;
}

void oops_view__read(struct oops_view *v, const struct oops *o, const struct boot_facts *boot,
		     const struct console *console)
{
	const struct fact *rip = o->of[FACT_RIP], *name = o->symbol ?: rip;
	uint32_t faults =
		1U << FACT_ADDRESS | 1U << FACT_OOPS | 1U << FACT_CODE | 1U << FACT_ACCESS;

	*v = (struct oops_view){ .oops = o, .boot = boot, .console = console, .pfn = XP_NO_PFN,
				 .function = "" };
	if ((o->torn || console->boots.torn) && o->fault) {
		v->page_fault = v->has_address = true;
		v->address = o->fault->v[0];
		v->digits = 16;
		v->pfn = o->fault->v[1];
		v->level = o->fault->v[2];
	}
	if (o->torn || console->boots.torn)
		return;
	v->release = o->of[FACT_CPU] ? o->of[FACT_CPU]->text
		     : boot->kernel  ? boot->kernel->text
				     : NULL;
	v->function = name ? name->name : "";
	v->segment = rip && !rip->extra ? rip->v[0] : 0;
	v->page_fault = (o->of[FACT_ADDRESS] || o->of[FACT_OOPS] || o->of[FACT_CODE] ||
			 o->of[FACT_ACCESS] || o->fault || (o->cut & faults)) &&
			!o->of[FACT_TRAP] && !o->of[FACT_BUG];
	read_address(v);
	read_code(v);
	read_page(v);
	read_level(v);
}
