// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addresses.h"
#include "bugs.h"
#include "xen_account.h"

const char *xen_domain__name(const struct xen_domain *d, char *buffer, size_t size)
{
	if (!d->domain)
		snprintf(buffer, size, "dom0");
	else if (d->domain > 0)
		snprintf(buffer, size, "domain %d", d->domain);
	else
		snprintf(buffer, size, "a domain");
	return buffer;
}

const struct fact *xen_domain__first(const struct xen_domain *d, enum fact_kind kind)
{
	for (unsigned int i = 0; i < d->nr; i++)
		if (d->facts[i]->kind == kind)
			return d->facts[i];
	return NULL;
}

const struct xen_domain *xen_account__only(const struct xen_account *xen)
{
	return xen->nr == 1 ? &xen->domains[0] : NULL;
}

static struct xen_domain *domain_of(struct xen_account *xen, int domain)
{
	for (unsigned int i = 0; i < xen->nr; i++)
		if (xen->domains[i].domain == domain)
			return &xen->domains[i];
	if (xen->nr == XEN_DOMAINS)
		return NULL;
	xen->domains[xen->nr] = (struct xen_domain){ .domain = domain, .vcpu = -1 };
	return &xen->domains[xen->nr++];
}

/* What stands below a line about a domain without naming one is about the same. */
static int subject(const struct fact *f, int before)
{
	struct match found;
	const char *at;

	if (f->kind == FACT_X_DOM0)
		return 0;
	if (f->kind == FACT_X_CONTEXT) {
		at = strstr(f->text, "(d");
		return at && match(at, true, "(d%d", &found) != MATCH_NO ? (int)found.v[0] : before;
	}
	return f->domain >= 0 ? f->domain : before;
}

static void add(struct xen_account *xen, const struct fact *f, int domain)
{
	struct xen_domain *d = domain_of(xen, domain);

	if (!d)
		return;
	if (d->nr == XEN_OF_DOMAIN) {
		d->more += f->count;
		return;
	}
	d->vcpu = d->vcpu < 0 ? f->vcpu : d->vcpu;
	d->facts[d->nr++] = f;
}

static void judge_hypervisor(struct xen_account *xen, const struct scan *scan)
{
	const struct fact *panic = NULL, *context = NULL, *rip = NULL;
	bool harmless = false;

	for (size_t i = 0; i < scan->nr; i++) {
		const struct fact *f = &scan->facts[i];

		if (f->cut)
			continue;
		if (f->kind == FACT_X_PANIC && (!panic || panic->extra))
			panic = f;
		if (f->kind == FACT_X_CONTEXT && !strncmp(f->text, "hypervisor", 10))
			context = context ?: f;
		if (f->kind == FACT_X_RIP && f->v[0] == 0xe008)
			rip = rip ?: f;
		harmless |= f->kind == FACT_X_HARMLESS;
	}
	/* Registers of the hypervisor are printed of one that lives, too, behind other words. */
	if (!panic && (!context || harmless))
		return;
	xen->died = true;
	verdict__set(
		&xen->verdict, VERDICT_OTHER, panic ? GRADE_SHOWN : GRADE_LIKELY,
		"The hypervisor itself died%s%s%s%s, and every guest with it: it is no "
		"guest's flag",
		rip && *rip->name ? " in " : "", rip ? rip->name : "",
		panic && *panic->text ? ": " : "", panic ? panic->text : "");
	verdict__rests_on(&xen->verdict, panic);
	verdict__rests_on(&xen->verdict, context);
	verdict__rests_on(&xen->verdict, rip);
}

/* The line with Xen's types of frame @mfn, or NULL. */
static const struct fact *types_of(const struct xen_domain *d, uint64_t mfn)
{
	for (unsigned int i = 0; i < d->nr; i++)
		if (d->facts[i]->kind == FACT_X_BAD_TYPE && d->facts[i]->v[2] == mfn)
			return d->facts[i];
	return NULL;
}

/* Whether another domain wants frame @mfn: then it is no guest's own mistake. */
static bool mapped_by_another(const struct xen_domain *d, uint64_t mfn)
{
	for (unsigned int i = 0; i < d->nr; i++)
		if (d->facts[i]->kind == FACT_X_ENTRY && d->facts[i]->v[0] == mfn &&
		    d->facts[i]->extra)
			return true;
	return false;
}

/* The guest wants a page writable that is a page table to Xen. */
static bool judge_handed_out(struct xen_domain *d, const char *name)
{
	for (unsigned int i = 0; i < d->nr; i++) {
		const struct fact *f = d->facts[i];
		struct xen_type is, wanted;

		if (f->kind != FACT_X_BAD_TYPE)
			continue;
		xen_types(f->v[0], f->v[1], &is, &wanted);
		if (!is.level || !wanted.writable || mapped_by_another(d, f->v[2]))
			continue;
		verdict__set(
			&d->verdict, VERDICT_PIN_REFUSED, GRADE_LIKELY,
			"Xen did not let %s map pfn 0x%" PRIx64 " (mfn 0x%" PRIx64 ") writable: "
			"to Xen it is %s L%u page table. The page went back to the allocator, or "
			"was used otherwise, without being unpinned",
			name, f->v[3], f->v[2], is.pinned ? "a pinned" : "an", is.level);
		verdict__rests_on(&d->verdict, f);
		return true;
	}
	return false;
}

static bool judge_pinned_twice(struct xen_domain *d, const char *name)
{
	const struct fact *f = xen_domain__first(d, FACT_X_PINNED);
	unsigned int frames = 0;

	if (!f)
		return false;
	for (unsigned int i = 0; i < d->nr; i++)
		frames += d->facts[i]->kind == FACT_X_PINNED;
	verdict__set(&d->verdict, VERDICT_PIN_REFUSED, GRADE_SHOWN,
		     "Xen refused to pin page tables of %s that are pinned already: %u frame%s, "
		     "the first "
		     "is mfn 0x%" PRIx64,
		     name, frames, frames == 1 ? "" : "s", f->v[0]);
	verdict__rests_on(&d->verdict, f);
	return true;
}

static bool judge_not_pinned(struct xen_domain *d, const char *name)
{
	const struct fact *f = xen_domain__first(d, FACT_X_NOT_PINNED);

	if (!f)
		return false;
	verdict__set(&d->verdict, VERDICT_PIN_REFUSED, GRADE_SHOWN,
		     "Xen refused to unpin mfn 0x%" PRIx64 " of %s: it is not pinned", f->v[0],
		     name);
	verdict__rests_on(&d->verdict, f);
	return true;
}

static bool judge_pin(struct xen_domain *d, const char *name)
{
	const struct fact *f = xen_domain__first(d, FACT_X_PIN),
			  *types = f ? types_of(d, f->v[0]) : NULL;
	struct xen_type is, wanted;

	if (!f)
		return false;
	verdict__rests_on(&d->verdict, f);
	if (!types) {
		verdict__set(&d->verdict, VERDICT_PIN_REFUSED, GRADE_SHOWN,
			     "Xen refused to pin mfn 0x%" PRIx64
			     " of %s; why is not on this console",
			     f->v[0], name);
		return true;
	}
	verdict__rests_on(&d->verdict, types);
	xen_types(types->v[0], types->v[1], &is, &wanted);
	verdict__set(
		&d->verdict, VERDICT_PIN_REFUSED, GRADE_SHOWN,
		"Xen refused to pin mfn 0x%" PRIx64 " (pfn 0x%" PRIx64 ") of %s%s%s: %s%s", f->v[0],
		types->v[3], name, wanted.level ? " as an " : "", wanted.level ? wanted.name : "",
		is.writable ? "it is mapped writable somewhere, by another mapping of the same page"
		: is.known  ? "it is in use as "
			    : "Xen's types of it are of an unknown layout",
		is.writable || !is.known ? "" : is.name);
	return true;
}

static bool judge_base(struct xen_domain *d, const char *name)
{
	const struct fact *f = xen_domain__first(d, FACT_X_BASE);

	if (!f)
		return false;
	verdict__set(&d->verdict, VERDICT_PIN_REFUSED, GRADE_SHOWN,
		     "Xen refused to load mfn 0x%" PRIx64 " of %s as CR3: it is no valid L4",
		     f->v[0], name);
	verdict__rests_on(&d->verdict, f);
	d->verdict.bug = known_bug__find(EVENT_BASE, NULL, NULL, NULL);
	return true;
}

static bool judge_l1tf(struct xen_domain *d, const char *name)
{
	const struct fact *f = xen_domain__first(d, FACT_X_L1TF);

	if (!f)
		return false;
	verdict__set(
		&d->verdict, VERDICT_REFUSED, GRADE_SHOWN,
		"Xen %s %s for an L%u entry that the L1TF flaw of CPUs could exploit, 0x%" PRIx64
		": no flag is involved",
		strncmp(f->text, "Crashing", 8) ? "put under shadow paging" : "ended", name,
		(unsigned int)f->v[0] & 7, f->v[1]);
	verdict__rests_on(&d->verdict, f);
	verdict__rests_on(&d->verdict, xen_domain__first(d, FACT_X_CRASHED));
	d->verdict.bug = known_bug__find(EVENT_L1TF, NULL, NULL, NULL);
	return true;
}

/* What Xen refused otherwise. */
static bool judge_entry(struct xen_domain *d, const char *name)
{
	static const enum fact_kind kinds[] = {
		FACT_X_ENTRY, FACT_X_LINEAR, FACT_X_VALIDATE, FACT_X_GET_TYPE, FACT_X_BAD_TYPE,
	};
	const struct fact *f = NULL;

	for (size_t i = 0; !f && i < sizeof(kinds) / sizeof(*kinds); i++)
		f = xen_domain__first(d, kinds[i]);
	if (!f)
		return false;
	if (f->kind == FACT_X_ENTRY)
		verdict__set(&d->verdict, VERDICT_REFUSED, GRADE_SHOWN,
			     "Xen refused an L%u entry of %s, 0x%" PRIx64
			     ", that refers to mfn 0x%" PRIx64 " (pfn 0x%" PRIx64 ")",
			     (unsigned int)f->v[2] & 7, name, f->v[3], f->v[0], f->v[1]);
	else if (f->kind == FACT_X_VALIDATE && f->extra == 3)
		verdict__set(&d->verdict, VERDICT_REFUSED, GRADE_SHOWN,
			     "Xen refused an L%u entry of %s for bits that may not be set in it, "
			     "0x%" PRIx64 ": no flag is involved",
			     (unsigned int)f->v[0] & 7, name, f->v[1]);
	else
		verdict__set(&d->verdict, VERDICT_REFUSED, GRADE_SHOWN,
			     "Xen refused a change of %s's page tables; which page it was about is "
			     "not on this console",
			     name);
	verdict__rests_on(&d->verdict, f);
	return true;
}

/* A fault that the guest could not take itself, with Xen's walk of its page tables. */
static bool judge_unhandled(struct xen_domain *d, const char *name)
{
	const struct fact *f = xen_domain__first(d, FACT_X_UNHANDLED);
	const struct fact *walk = xen_domain__first(d, FACT_X_WALK);
	char at[40] = "";

	if (!f)
		return false;
	verdict__rests_on(&d->verdict, f);
	verdict__rests_on(&d->verdict, walk);
	if (walk && !walk->cut)
		snprintf(at, sizeof(at), " at 0x%" PRIx64, walk->v[0]);
	if (f->cut || f->v[0] != 14)
		verdict__set(&d->verdict, VERDICT_OTHER, GRADE_LIKELY,
			     "A trap that is no page fault, and that it could not take, ended %s",
			     name);
	else if ((f->v[1] & 3) != 3)
		verdict__set(&d->verdict, VERDICT_OTHER, GRADE_SHOWN,
			     "A %s a page that is %s%s ended %s before it could say so itself: "
			     "that is no lost flag",
			     f->v[1] & 2    ? "write to"
			     : f->v[1] & 16 ? "fetch from"
					    : "read of",
			     f->v[1] & 1 ? "there but not for it" : "not there", at, name);
	else
		verdict__set(&d->verdict, VERDICT_UNKNOWN, GRADE_UNKNOWN,
			     "A write to a read-only page%s ended %s before it could say so "
			     "itself; whether the page is a page table is not on this console",
			     at, name);
	return true;
}

static bool judge_not_pv(struct xen_domain *d, const char *name)
{
	const struct fact *f = xen_domain__first(d, FACT_X_HVM),
			  *c = xen_domain__first(d, FACT_X_CONTEXT);

	if (!f && c && !strncmp(c->text, "hvm guest", 9))
		f = c;
	if (!f)
		return false;
	verdict__set(&d->verdict, VERDICT_NOT_PV, GRADE_SHOWN,
		     "%c%s is no PV guest, and PagePinned plays no part in how it died",
		     toupper(*name), name + 1);
	verdict__rests_on(&d->verdict, f);
	return true;
}

static void judge_domain(struct xen_domain *d)
{
	static bool (*const rules[])(struct xen_domain * d, const char *name) = {
		judge_not_pv, judge_handed_out, judge_pinned_twice,
		judge_pin,    judge_not_pinned, judge_base,
		judge_l1tf,   judge_entry,	judge_unhandled,
	};
	const struct fact *crash = xen_domain__first(d, FACT_X_CRASHED) ?:
				   xen_domain__first(d, FACT_X_DOM0);
	const struct fact *walk = xen_domain__first(d, FACT_X_WALK);
	char name[24], address[32] = "";

	xen_domain__name(d, name, sizeof(name));
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rules[i](d, name))
			return;
	if (crash && walk && !walk->cut)
		snprintf(address, sizeof(address), " at 0x%" PRIx64, walk->v[0]);
	if (crash)
		verdict__set(&d->verdict, VERDICT_UNKNOWN, GRADE_UNKNOWN,
			     "Xen says that %s crashed%s, and not in what way", name, address);
	else
		verdict__set(&d->verdict, VERDICT_UNKNOWN, GRADE_UNKNOWN,
			     "Xen speaks of %s, and of nothing that it died of", name);
	verdict__rests_on(&d->verdict, crash ? walk : NULL);
	verdict__rests_on(&d->verdict, crash);
}

/* What stands above the first line that names a domain is about that one, too. */
static int first_subject(const struct scan *scan)
{
	int domain = -1;

	for (size_t i = 0; i < scan->nr && domain < 0; i++)
		if (scan->facts[i].kind > FACT_X_VERSION && !scan->facts[i].cut)
			domain = subject(&scan->facts[i], -1);
	return domain;
}

void xen_account__read(struct xen_account *xen, const struct scan *scan)
{
	int domain = first_subject(scan);
	bool registers;

	*xen = (struct xen_account){};
	judge_hypervisor(xen, scan);
	for (size_t i = 0; i < scan->nr; i++) {
		const struct fact *f = &scan->facts[i];

		if (f->kind == FACT_X_VERSION && !f->cut)
			xen->version = xen->version ?: f;
		if (f->kind <= FACT_X_VERSION || f->cut || f->kind >= FACT_X_PANIC)
			continue;
		domain = subject(f, domain);
		registers = f->kind == FACT_X_CONTEXT || f->kind == FACT_X_RIP;
		/* When the hypervisor is what died, its registers and its walk say nothing of a
		 * domain. */
		if (xen->died ? registers || domain < 0 : registers && domain < 0)
			continue;
		add(xen, f, domain);
	}
	for (unsigned int i = 0; i < xen->nr; i++)
		judge_domain(&xen->domains[i]);
}

const struct fact *xen_account__table(const struct xen_account *xen, int domain, uint64_t pfn,
				      unsigned int *level, bool *pinned)
{
	const struct fact *found = NULL;

	for (unsigned int n = 0; n < xen->nr; n++) {
		if (domain != XEN_ANY_DOMAIN && domain != xen->domains[n].domain)
			continue;
		for (unsigned int i = 0; i < xen->domains[n].nr; i++) {
			const struct fact *f = xen->domains[n].facts[i];
			struct xen_type is, wanted;

			if (f->kind != FACT_X_BAD_TYPE || f->v[3] != pfn)
				continue;
			xen_types(f->v[0], f->v[1], &is, &wanted);
			if (!is.level)
				continue;
			if (found && found->domain != f->domain)
				return NULL;
			found = f;
			*level = is.level;
			*pinned = is.pinned;
		}
	}
	return found;
}
