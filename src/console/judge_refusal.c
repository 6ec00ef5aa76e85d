// SPDX-License-Identifier: GPL-2.0-only
/* Rules for hypercalls that were refused, and for an oops that follows from one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "record/hypercalls.h"
#include "addresses.h"
#include "bugs.h"
#include "judge.h"

const char *refusal__for(const struct refusal *r)
{
	static const char own[] =
		"xen_*|__xen_*|pin_pagetable_pfn|dump_stack*|show_*|__warn*|warn_*|report_bug|"
		"handle_bug|exc_*|asm_exc_*|invalid_op|do_*trap*|do_invalid_op|__raw_callee_save_*|"
		"set_pte*|__set_pte*|pte_*|arch_*|paravirt_*|ret_from_*|vprintk*|_printk|printk";

	for (unsigned int i = 0; i < r->trace.nr; i++)
		if (!r->trace.frames[i]->extra && !known_bug__names(own, r->trace.frames[i]->name))
			return r->trace.frames[i]->name;
	return "";
}

bool refusal__is_pin(const struct refusal *r)
{
	static const char pinners[] =
		"xen_alloc_pt*|xen_release_pt*|xen_alloc_p?d*|xen_pgd_pin|"
		"xen_pgd_unpin|__xen_pgd_pin|__xen_pgd_unpin|xen_mm_*|xen_alloc_pmd*|xen_alloc_pud*"
		"|xen_enter_mmap|xen_exit_mmap|xen_activate_mm|xen_dup_mmap|xen_do_pin|pin_pagetable_pfn";
	const struct fact *call = r->nr_calls ? r->calls[0] : NULL;

	/* The debug format has the command: MMUEXT_PIN_L1_TABLE ... MMUEXT_UNPIN_TABLE. */
	if (call && call->v[1] == HYPERCALL_mmuext_op && call->extra == 2)
		return mmuext__is_pin((uint32_t)call->v[6]);
	/* Who pins asks for other operations, too: a known one says itself what was refused. */
	if (!call || (call->v[1] != HYPERCALL_mmuext_op && !xen__is_clobber(call->v[1])))
		return false;
	/* Who asked for it, where the line itself says so. */
	if (known_bug__names(pinners, call->name))
		return true;
	for (unsigned int i = 0; i < r->trace.nr; i++)
		if (!r->trace.frames[i]->extra &&
		    known_bug__names(pinners, r->trace.frames[i]->name))
			return true;
	return false;
}

static uint64_t times(const struct boot_facts *b)
{
	uint64_t n = b->more_refusals;

	for (unsigned int i = 0; i < b->nr_refusals; i++)
		n += b->refusals[i].failed ? b->refusals[i].failed->count : 1;
	return n;
}

/* "mmu_update (EPERM)", as far as it is known. */
static void call_in_words(const struct refusal *r, char *buffer, size_t size)
{
	const struct fact *call = r->nr_calls ? r->calls[0] : NULL;
	char error[24];

	if (!call)
		snprintf(buffer, size, "%s", "which ones, the console does not say");
	else if (xen__is_clobber(call->v[1]) || !hypercall__name(call->v[1]))
		snprintf(buffer, size, "%s, %s", error__name(call->v[3], error, sizeof(error)),
			 xen__is_clobber(call->v[1])
				 ? "and Xen has overwritten which operation it was"
				 : "of an operation that does not exist");
	else
		snprintf(buffer, size, "%s, %s", hypercall__name(call->v[1]),
			 error__name(call->v[3], error, sizeof(error)));
}

/* An entry of mmu_update that refers to no memory, as its debug format shows. */
static const char *entry_in_words(const struct refusal *r)
{
	const struct fact *call = r->nr_calls ? r->calls[0] : NULL;
	uint64_t address;

	if (!call || call->extra != 2 || call->v[1] != HYPERCALL_mmu_update)
		return "";
	address = call->v[7] & 0x000ffffffffff000ULL;
	return address >= 0xfee00000 && address < 0xfef00000
		       ? ". The entry refers to the range of MSIs, which is no memory: no flag is "
			 "involved"
		       : "";
}

static const struct fact *xens_word(const struct console *c, const struct boot_facts *b)
{
	const struct xen_domain *d = c->guests == 1 && c->boots.nr == 1 ?
				     xen_account__only(&c->xen) : NULL;

	return d ? xen_domain__first(d, FACT_X_PINNED) : NULL;
}

void judge__refusals(struct verdict *v, const struct boot_facts *b, const struct console *c)
{
	const struct refusal *r = &b->refusals[0];
	const struct fact *pinned = xens_word(c, b);
	const char *who = refusal__for(r);
	bool pin = refusal__is_pin(r) || pinned;
	char call[80];

	call_in_words(r, call, sizeof(call));
	verdict__set(
		v, pin ? VERDICT_PIN_REFUSED : VERDICT_REFUSED, pinned ? VERDICT_IS_SHOWN : VERDICT_IS_LIKELY,
		"Xen refused %s%s%s, %" PRIu64 " time%s (%s)%s",
		pinned ? "to pin page tables that are pinned already, pinned twice by the guest"
		: pin  ? "a pin or unpin"
		       : "hypercalls of the guest",
		*who ? ", for " : "", who, times(b), times(b) == 1 ? "" : "s", call,
		entry_in_words(r));
	if (!pin)
		v->grade = VERDICT_IS_SHOWN;
	verdict__rests_on(v, pinned);
	verdict__rests_on(v, r->failed);
	for (unsigned int i = 0; i < r->nr_calls; i++)
		verdict__rests_on(v, r->calls[i]);
	verdict__rests_on(v, r->trace.warning);
	v->bug = known_bug__find(pin ? EVENT_PIN : EVENT_REFUSED, b->kernel ? b->kernel->text :
				 r->trace.cpu ? r->trace.cpu->text : NULL, NULL, &r->trace);
}

/* The refused update_va_mapping of the page that faults, or NULL. */
static const struct fact *call_for_page(const struct refusal *r, const struct oops_view *v)
{
	for (unsigned int i = 0; i < r->nr_calls; i++)
		if (r->calls[i]->v[1] == HYPERCALL_update_va_mapping && v->has_address &&
		    !((r->calls[i]->v[2] ^ v->address) >> 12))
			return r->calls[i];
	return NULL;
}

/* Within ten seconds, as far as there are times. */
static bool soon_after(const struct oops *o, const struct refusal *r)
{
	return r->first < o->first &&
	       (o->t == NO_TIME || r->t == NO_TIME || o->t - r->t < 10000000);
}

/* A call that Xen refused just before, best for the page that then faults. */
bool judge__was_refused(const struct oops_view *v, struct verdict *verdict)
{
	for (unsigned int i = 0; i < v->boot->nr_refusals; i++) {
		const struct refusal *r = &v->boot->refusals[i];
		const struct fact *of_page = call_for_page(r, v), *call = of_page ?: r->calls[0];
		bool pin = refusal__is_pin(r);
		char words[160], error[24];

		/* A write to a table that was to be unpinned just then follows from it, too. */
		if (!r->nr_calls || !soon_after(v->oops, r) ||
		    (oops_view__is_protected_write(v) && !of_page && !pin))
			continue;
		oops_view__in_words(v, words, sizeof(words));
		verdict__set(verdict, pin ? VERDICT_PIN_REFUSED : VERDICT_REFUSED,
			     of_page && !pin ? VERDICT_IS_SHOWN : VERDICT_IS_LIKELY,
			     "Xen refused %s (%s)%s%s%s, and %s then %s%s",
			     hypercall__name(call->v[1]) ?: "a hypercall",
			     error__name(call->v[3], error, sizeof(error)),
			     *refusal__for(r) ? " for " : "", refusal__for(r),
			     of_page ? ", for this very page" : "", oops_view__victim(v, false),
			     v->page_fault ? "died of " : "stopped itself",
			     v->page_fault ? words : "");
		verdict__rests_on(verdict, r->failed);
		verdict__rests_on(verdict, call);
		oops_view__support(verdict, v);
		verdict->bug = known_bug__find(pin ? EVENT_PIN : EVENT_REFUSED, v->release, NULL,
					       &r->trace);
		return true;
	}
	return false;
}

/* Where Linux stops itself because a hypercall was refused, and which one that was. */
bool judge__stopped_for_refusal(const struct oops_view *v, struct verdict *verdict)
{
	static const struct {
		const char *functions;
		const char *file;	/* that its BUG names; NULL: any, or none */
		enum verdict_class class;
		const char *what;
	} stops[] = {
		{ "pin_pagetable_pfn", NULL, VERDICT_PIN_REFUSED, "a pin or unpin" },
		/* XenLinux 2.6.18, where nothing else in them is asserted. */
		{ "xen_pgd_pin|xen_pgd_unpin", "/mm/hypervisor.c:", VERDICT_PIN_REFUSED,
		  "a pin or unpin" },
		{ "xen_mc_flush", NULL, VERDICT_REFUSED, "hypercalls of a batch" },
		{ "set_page_prot*|set_aliased_prot|make_lowmem_page_*|xen_set_fixmap", NULL,
		  VERDICT_REFUSED, "to change the protection of a page" },
	};
	const struct fact *bug = v->oops->of[FACT_BUG], *trap = v->exception;

	if (!bug && !oops_view__is_invalid_opcode(v))
		return false;
	for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++) {
		if (!known_bug__names(stops[i].functions, v->function) ||
		    (stops[i].file && !(bug && strstr(bug->text, stops[i].file))))
			continue;
		verdict__set(
			verdict, stops[i].class, VERDICT_IS_LIKELY,
			"Xen refused %s, and %s stopped itself for that with BUG%s%s, in %s",
			stops[i].what, oops_view__victim(v, false), bug ? " at " : "",
			bug ? bug->text : "", v->function);
		verdict__rests_on(verdict, bug ?: trap);
		verdict__rests_on(verdict, v->oops->of[FACT_RIP]);
		verdict->bug = known_bug__find(EVENT_PIN, v->release, NULL, &v->oops->trace);
		return true;
	}
	return false;
}
