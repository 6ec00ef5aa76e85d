// SPDX-License-Identifier: GPL-2.0-only
/* Rules for one oops, the most certain ones first: the first that knows an answer gives it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "record/records.h"
#include "addresses.h"
#include "bugs.h"
#include "judge.h"

static const struct fact *erased_line(const struct boot_facts *b, uint64_t pfn)
{
	for (unsigned int i = 0; i < b->nr_erased; i++)
		if (b->erased[i]->v[0] == pfn)
			return b->erased[i];
	return NULL;
}

static uint64_t left_erased(const struct boot_facts *b)
{
	uint64_t total = b->erased_total ? b->erased_total->v[0] : b->nr_erased;
	uint64_t repaired = b->repaired ? b->repaired->v[0] : 0;

	return total > repaired ? total - repaired : 0;
}

/* The series' list of erased pages outweighs what its line about the fault still knows. */
static bool died_of_erased_page(const struct oops_view *v, struct verdict *verdict)
{
	const struct fact *fault = v->oops->fault;
	const struct fact *line = v->pfn == XP_NO_PFN ? NULL : erased_line(v->boot, v->pfn);
	/* Unless it was set again since. */
	bool clear = !v->oops->stray && !(fault && fault->v[3]);
	bool by_fault = clear && fault && fault->v[1] != XP_NO_PFN && fault->v[4];
	bool by_list = clear && line && left_erased(v->boot);

	if ((!by_fault && !by_list) || (v->has_code && !oops_view__is_protected_write(v)) ||
	    (v->oops->of[FACT_ACCESS] && !v->writes && !v->oops->torn))
		return false;
	verdict__set(verdict, VERDICT_ERASED, VERDICT_IS_SHOWN,
		     "%s died of an erased flag: it wrote to 0x%" PRIx64
		     ", which is in pfn 0x%" PRIx64
		     ", an L%u page table that Xen keeps read-only, and whose PagePinned "
		     "struct-page init had wiped out (%s)%s",
		     oops_view__victim(v, true),
		     fault ? fault->v[0] : v->address, v->pfn,
		     (unsigned int)(line ? line->v[1] : fault->v[2]),
		     record__where_name(line ? line->v[2] : fault->v[5]),
		     fault ? ""
			   : "; the pfn is concluded from the address, the kernel's own line about "
			     "it is not there");
	verdict__rests_on(verdict, fault);
	verdict__rests_on(verdict, line);
	verdict->bug = known_bug__find(EVENT_ERASED, v->release, v->function, NULL);
	return true;
}

static bool is_torn(const struct oops_view *v, struct verdict *verdict)
{
	if (!v->oops->torn && !v->console->boots.torn)
		return false;
	verdict__set(verdict, VERDICT_UNKNOWN, VERDICT_IS_UNKNOWN,
		     "Lines of an oops are here, but they contradict each other, or are out of "
		     "order, or of more than one guest: what one says cannot be joined with what "
		     "another says");
	oops_view__support(verdict, v);
	return true;
}

static bool is_not_pv(const struct oops_view *v, struct verdict *verdict)
{
	bool native = segment__is_native(v->segment), pv;
	char words[160];

	if (v->segment ? !native : !boot__platform(v->boot, &pv) || pv)
		return false;
	oops_view__in_words(v, words, sizeof(words));
	verdict__set(verdict, VERDICT_NOT_PV, VERDICT_IS_SHOWN,
		     "This is no PV guest%s%s: it died of %s, and PagePinned plays no part in it",
		     native ? ", its kernel runs in code segment " : "; it says it runs on ",
		     native ? (v->segment == 0x10 ? "0010" : "0060") : v->boot->platform->text,
		     v->page_fault ? words : "something else");
	oops_view__support(verdict, v);
	if (!native)
		verdict__rests_on(verdict, v->boot->platform);
	return true;
}

static bool is_known_pv(const struct oops_view *v)
{
	bool pv;

	if (v->segment)
		return segment__is_pv(v->segment);
	return boot__platform(v->boot, &pv) && pv;
}

/* The flag at the moment of the fault, as the series read it. */
/*
 * Xen emulates what is written to L1 page tables, by whatever function: there such a write faults
 * only where Xen refuses the value, be the flag as it may.
 */
static bool xen_emulates(const struct oops_view *v, unsigned int level)
{
	const struct table_writer *writer = table_writer__find(v->function);

	return writer && writer->level == XP_L1 && level == XP_L1;
}

static bool flag_is_known(const struct oops_view *v, struct verdict *verdict)
{
	const struct fact *fault = v->oops->fault;
	bool write = oops_view__is_protected_write(v) || (!v->has_code && !v->oops->of[FACT_ACCESS]);
	char what[40] = "page";

	if (!fault || fault->v[1] == XP_NO_PFN || !write || (!fault->v[3] && !fault->v[2]) ||
	    (fault->v[3] && xen_emulates(v, fault->v[2])))
		return false;
	if (v->level)
		snprintf(what, sizeof(what), "L%u page table", v->level);
	if (fault->v[3])
		verdict__set(verdict, VERDICT_PAST, VERDICT_IS_SHOWN,
			     "%s died of a write past the pv ops: to 0x%" PRIx64
			     " in pfn 0x%" PRIx64 ", a read-only %s whose PagePinned is set%s%s. "
						  "Whoever asks the flag lets Xen write there",
			     oops_view__victim(v, true), fault->v[0], v->pfn, what,
			     *v->function ? ", in " : "", v->function);
	else
		verdict__set(verdict, VERDICT_LOST, VERDICT_IS_SHOWN,
			     "%s died of a lost flag: it wrote to 0x%" PRIx64
			     " in pfn 0x%" PRIx64 ", an L%u page table that Xen keeps read-only "
						  "and whose PagePinned is clear; struct-page init "
						  "is not known to have cleared it",
			     oops_view__victim(v, true), fault->v[0], v->pfn, v->level);
	verdict__rests_on(verdict, fault);
	oops_view__support(verdict, v);
	verdict->bug = known_bug__find(fault->v[3] ? EVENT_PAST : EVENT_LOST, v->release,
				       v->function, &v->oops->trace);
	return true;
}

static bool others_were_erased(const struct oops_view *v, struct verdict *verdict)
{
	uint64_t left = v->oops->stray ? 0 : left_erased(v->boot);
	char words[160];

	if (!left)
		return false;
	if (v->page_fault && v->has_address)
		verdict__set(verdict, VERDICT_ERASED, VERDICT_IS_LIKELY,
			     "%" PRIu64
			     " flag%s erased, and %s died of a fault at 0x%" PRIx64
			     " that is in none of the erased pages that the console names",
			     left, left == 1 ? " was" : "s were", oops_view__victim(v, false), v->address);
	else
		verdict__set(verdict, VERDICT_ERASED, VERDICT_IS_LIKELY,
			     "%" PRIu64 " flag%s erased, and %s died of %s", left,
			     left == 1 ? " was" : "s were", oops_view__victim(v, false),
			     v->page_fault ? oops_view__in_words(v, words, sizeof(words))
					   : "something else");
	verdict__rests_on(verdict, v->boot->erased_total ?: v->boot->erased[0]);
	return true;
}

static bool is_no_page_fault(const struct oops_view *v, struct verdict *verdict)
{
	const struct fact *bug = v->oops->of[FACT_BUG], *trap = v->exception;
	char page[200] = "";

	if (v->page_fault || (!bug && !trap))
		return false;
	/* Where it is may be where Linux stops itself when Xen refuses a pin. */
	if (!*v->function && (bug ? !strncmp(bug->text, "arch/x86/xen/", 13) :
				    oops_view__is_invalid_opcode(v)))
		return false;
	if (v->oops->page)
		snprintf(page, sizeof(page), "; it looked at pfn 0x%" PRIx64 "%s%s",
			 v->oops->page->v[0], v->oops->reason ? ": " : "",
			 v->oops->reason ? v->oops->reason->text : "");
	verdict__set(verdict, VERDICT_OTHER, VERDICT_IS_SHOWN,
		     "%s died, but not of a page fault: %s%s%s%s%s. No lost flag does that",
		     oops_view__victim(v, true),
		     bug ? "its kernel stopped itself with BUG at " : "of another exception, ",
		     bug ? bug->text : trap->text, *v->function ? ", in " : "", v->function, page);
	verdict__rests_on(verdict, bug ?: trap);
	verdict__rests_on(verdict, v->oops->page);
	verdict__rests_on(verdict, v->oops->of[FACT_RIP]);
	verdict->bug = known_bug__find(EVENT_BUG, v->release, v->function, &v->oops->trace);
	return true;
}

/* Nobody dies of a lost flag by reading, or in a range where no page table is. */
static bool cannot_be_a_flag(const struct oops_view *v, struct verdict *verdict)
{
	enum region region = address__region(v->address, v->digits);
	bool tables =
		region == REGION_DIRECT || region == REGION_OLD_DIRECT || region == REGION_IMAGE;
	char words[160], more[160] = "";

	if (!v->page_fault ||
	    !((v->has_address && !tables) || (v->has_code && !oops_view__is_protected_write(v))))
		return false;
	if (v->has_address && region == REGION_VMEMMAP)
		snprintf(more, sizeof(more), ": there should be the struct page of pfn 0x%" PRIx64,
			 address__vmemmap_pfn(v->address));
	verdict__set(verdict, VERDICT_OTHER, VERDICT_IS_SHOWN,
		     "%s died of %s%s%s%s. That cannot be a lost flag, which shows as a "
		     "write to a read-only page table",
		     oops_view__victim(v, true), oops_view__in_words(v, words, sizeof(words)),
		     v->has_address ? ", " : "", v->has_address ? region__name(region) : "", more);
	oops_view__support(verdict, v);
	verdict->bug = known_bug__find(EVENT_FAULT, v->release, v->function, &v->oops->trace);
	return true;
}

static bool xen_calls_it_a_table(const struct oops_view *v, struct verdict *verdict)
{
	const struct table_writer *writer = table_writer__find(v->function);
	const struct fact *f = NULL;
	unsigned int level;
	bool pinned, lost;

	if (!oops_view__is_protected_write(v) || v->pfn == XP_NO_PFN)
		return false;
	f = xen_account__table(&v->console->xen, console__domain(v->console, v->boot), v->pfn,
			       &level, &pinned);
	if (!f || xen_emulates(v, level))
		return false;
	lost = writer && writer->asks;
	/* What dom0 asks for may be of a guest that has a page of the same number. */
	verdict__set(verdict, lost ? VERDICT_LOST : VERDICT_PAST,
		     f->domain ? VERDICT_IS_SHOWN : VERDICT_IS_LIKELY,
		     "%s died of a write to 0x%" PRIx64 " in pfn 0x%" PRIx64
		     ", which is %s L%u page table to Xen%s%s: %s. Xen had refused to make it "
		     "writable",
		     oops_view__victim(v, true), v->address, v->pfn, pinned ? "a pinned" : "an", level,
		     *v->function ? ", in " : "", v->function,
		     lost ? "it found the flag clear there"
			  : "the guest takes it for memory of its own, or writes past the pv ops");
	verdict__rests_on(verdict, f);
	oops_view__support(verdict, v);
	verdict->bug = known_bug__find(lost ? EVENT_LOST : EVENT_PAST, v->release, v->function,
				       &v->oops->trace);
	return true;
}

/* The series follows page tables, and does not know this page as one. */
static bool is_no_table_to_series(const struct oops_view *v)
{
	const struct fact *f = v->oops->fault ?: v->oops->damaged;

	return f && f->v[1] != XP_NO_PFN && !f->v[2];
}

/* Page tables of the image lie in its data, which nobody may execute. */
static bool may_be_code(const struct oops_view *v)
{
	return v->executable || (address__may_be_text(v->address) && !v->no_code);
}

static bool writes_a_table(const struct oops_view *v, struct verdict *verdict)
{
	const struct table_writer *writer = table_writer__find(v->function);
	char pfn[40] = "";

	if (!oops_view__is_protected_write(v) || !v->has_address || !writer ||
	    is_no_table_to_series(v) || may_be_code(v))
		return false;
	/* Such a function writes page tables on any machine. */
	if (strncmp(v->function, "xen_", 4) && !is_known_pv(v))
		return false;
	if (v->pfn != XP_NO_PFN)
		snprintf(pfn, sizeof(pfn), " (pfn 0x%" PRIx64 ")", v->pfn);
	if (writer->asks)
		verdict__set(verdict, VERDICT_LOST, VERDICT_IS_LIKELY,
			     "%s died, most likely of a lost flag: %s wrote to an L%u page "
			     "table that is "
			     "read-only, at 0x%" PRIx64
			     "%s, which it does only when it finds PagePinned clear; who cleared "
			     "it is not on this console",
			     oops_view__victim(v, true), v->function, writer->level, v->address, pfn);
	else if (xen_emulates(v, writer->level))
		verdict__set(verdict, VERDICT_REFUSED, VERDICT_IS_LIKELY,
			     "%s died of an entry that Xen refused: %s wrote to an L1 page "
			     "table at 0x%" PRIx64 "%s, as it may, and Xen did not take the value",
			     oops_view__victim(v, true), v->function, v->address, pfn);
	else
		verdict__set(verdict, VERDICT_PAST, VERDICT_IS_LIKELY,
			     "%s died, most likely of a write past the pv ops: %s wrote to "
			     "an L%u page "
			     "table that is read-only, at 0x%" PRIx64
			     "%s, and never asks PagePinned",
			     oops_view__victim(v, true), v->function, writer->level, v->address, pfn);
	oops_view__support(verdict, v);
	verdict->bug = known_bug__find(writer->asks ? EVENT_LOST : EVENT_PAST, v->release,
				       v->function, &v->oops->trace);
	return true;
}

static bool nothing_decides(const struct oops_view *v, struct verdict *verdict)
{
	char words[160];

	verdict__set(verdict, VERDICT_UNKNOWN, VERDICT_IS_UNKNOWN, "%s died of %s; %s",
		     oops_view__victim(v, true),
		     v->page_fault  ? oops_view__in_words(v, words, sizeof(words))
		     : v->exception ? v->exception->text
				    : "something that this console does not name",
		     v->executable && oops_view__is_protected_write(v)
			     ? "its mapping is that of code, and not of a page table: so does a "
			       "wild pointer look"
		     : oops_view__is_protected_write(v)
			     ? "a lost flag looks like that, and so does any other write to a "
			       "read-only page: nothing here tells whether the page is a page table"
		     : v->oops->cut ? "the line that would tell more is cut"
				    : "too few lines of the oops are here to tell more");
	oops_view__support(verdict, v);
	return true;
}

void judge__oops(struct oops *oops, const struct boot_facts *boot, const struct console *console)
{
	static bool (*const rules[])(const struct oops_view *v, struct verdict *verdict) = {
		died_of_erased_page, is_torn,
		is_not_pv,	     others_were_erased,
		flag_is_known,	     xen_calls_it_a_table,
		judge__was_refused,	     judge__stopped_for_refusal,
		is_no_page_fault,    cannot_be_a_flag,
		writes_a_table,	     nothing_decides,
	};
	struct oops_view view;

	oops_view__read(&view, oops, boot, console);
	for (size_t i = 0; !rules[i](&view, &oops->verdict); i++)
		;
}
