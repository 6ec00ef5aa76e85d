// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "record/records.h"
#include "addresses.h"
#include "judge.h"

static bool is_of_32_bits(const struct oops_view *v)
{
	const struct fact *rip = v->oops->of[FACT_RIP];

	/* "EIP: function", "EIP is at function": there is no other line of that name. */
	return v->segment == 0x60 || v->segment == 0x61 || v->segment == 0x69 || v->oops->symbol ||
	       (rip && rip->extra == 2);
}

static void read_address(struct oops_view *v)
{
	const struct fact *address = v->oops->of[FACT_ADDRESS], *cr2 = v->oops->of[FACT_CR2];
	const struct fact *fault = v->oops->fault, *early = v->oops->of[FACT_EARLY];
	/* Every oops prints CR2; it is this one's address if a page fault was its cause. */
	bool by_cr2 = v->page_fault && (v->oops->of[FACT_OOPS] || v->oops->of[FACT_CODE] || early);

	if (address) {
		v->address = address->v[0];
		v->digits = address->v[1];
	} else if (early && early->v[4]) {
		v->address = early->v[3];
		v->digits = early->v[4];
	} else if (cr2 && by_cr2) {
		v->address = cr2->v[0];
		v->digits = cr2->v[1];
	} else if (fault) {
		v->address = fault->v[0];
		v->digits = 16;
	}
	v->has_address = v->digits || address;
	/* Half an address of 64 bits looks like one of 32. */
	if (v->digits == 8 && !is_of_32_bits(v))
		v->has_address = false;
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
	const struct fact *code = v->oops->of[FACT_CODE] ?: v->oops->of[FACT_OOPS] ?:
				  v->oops->of[FACT_EARLY];
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
		v->no_code = walk->v[0] & ENTRY_NX;
		v->executable = !v->no_code;
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
	const struct fact *rip = o->of[FACT_RIP], *early = o->of[FACT_EARLY],
			  *name = o->symbol ?: rip ?: early;
	uint32_t faults =
		1U << FACT_ADDRESS | 1U << FACT_OOPS | 1U << FACT_CODE | 1U << FACT_ACCESS;
	bool early_fault = early && early->v[2] == VECTOR_PAGE_FAULT;

	*v = (struct oops_view){ .oops = o, .boot = boot, .console = console, .pfn = XP_NO_PFN,
				 .function = "", .where = "" };
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
	v->where = name && name != early && *name->text ? name->text : v->function;
	v->segment = rip && !rip->extra ? rip->v[0] : early ? early->v[1] : 0;
	v->exception = o->of[FACT_TRAP] ? o->of[FACT_TRAP] : early && !early_fault ? early : NULL;
	v->page_fault = (o->of[FACT_ADDRESS] || o->of[FACT_OOPS] || o->of[FACT_CODE] ||
			 o->of[FACT_ACCESS] || o->fault || early_fault || (o->cut & faults)) &&
			!v->exception && !o->of[FACT_BUG];
	read_address(v);
	read_code(v);
	read_page(v);
	read_level(v);
}

/* Error codes: the kernel wrote to a page that is there, and nothing else; an entry was wrong. */
#define PROTECTED_WRITE	3
#define RESERVED_BITS	8

bool oops_view__is_protected_write(const struct oops_view *v)
{
	return v->page_fault && v->has_code && v->code == PROTECTED_WRITE;
}

bool oops_view__is_invalid_opcode(const struct oops_view *v)
{
	const struct fact *e = v->exception;

	return e && (e->kind == FACT_EARLY ? e->v[2] == VECTOR_INVALID_OPCODE :
					     !strcmp(e->text, "invalid opcode"));
}

const char *oops_view__in_words(const struct oops_view *v, char *buffer, size_t size)
{
	const char *what = !v->has_code && !v->writes ? "a page fault" :
			   v->writes ? "a write" : v->code & 16 ? "an instruction fetch" : "a read";
	const char *page = !v->has_code	 ? ""
			   : v->code & 1 ? (v->writes ? " to a read-only page"
						      : " that the page does not allow")
			   : v->writes	 ? " to a page that is not there"
					 : " of a page that is not there";
	char at[32] = "";

	if (v->code & RESERVED_BITS)
		page = ", by bits of an entry that nobody may set,";
	if (v->has_address)
		snprintf(at, sizeof(at), " at 0x%" PRIx64, v->address);
	snprintf(buffer, size, "%s%s%s%s%s", what, page, at, *v->function ? ", in " : "",
		 v->function);
	return buffer;
}

void oops_view__support(struct verdict *verdict, const struct oops_view *v)
{
	static const enum fact_kind kinds[] = {
		FACT_ADDRESS, FACT_CODE, FACT_WALK, FACT_OOPS, FACT_EARLY, FACT_RIP, FACT_CR2,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		verdict__rests_on(verdict, v->oops->of[kinds[i]]);
	verdict__rests_on(verdict, v->oops->symbol);
}

const char *oops_view__victim(const struct oops_view *v, bool first)
{
	if (v->oops->unfinished)
		return first ? "The guest, or a task of it," : "the guest, or a task of it,";
	if (v->oops->survived)
		return first ? "A task of the guest" : "a task of the guest";
	return first ? "The guest" : "the guest";
}
