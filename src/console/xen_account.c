// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addresses.h"
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

#define NOBODY	(-1)

/* Lines from what led to a domain's end to the one that names it. */
#define ENDING	64

/* The domain that a line itself names, or NOBODY. */
static int named_by(const struct fact *f)
{
	struct match found;
	const char *at;

	if (f->kind == FACT_X_DOM0)
		return 0;
	if (f->kind == FACT_X_CONTEXT) {
		at = strstr(f->text, "(d");
		return at && match(at, true, "(d%d", &found) == MATCH_YES && found.v[0] < INT16_MAX ?
		       (int)found.v[0] : NOBODY;
	}
	return f->domain;
}

static bool is_xens(const struct fact *f)
{
	return f->kind > FACT_X_VERSION && !f->cut;
}

/* What led to the end of a domain stands above the line that names it, and nothing else between. */
static int named_below(const struct scan *scan, size_t at)
{
	for (size_t i = at + 1; i < scan->nr; i++) {
		const struct fact *f = &scan->facts[i];

		if (f->kind == FACT_GAP || f->line > scan->facts[at].line + ENDING)
			return NOBODY;
		if (is_xens(f) && named_by(f) != NOBODY)
			return f->kind == FACT_X_CRASHED || f->kind == FACT_X_DOM0 ||
			       f->kind == FACT_X_CONTEXT ? named_by(f) : NOBODY;
	}
	return NOBODY;
}

/* Whom a line is about: whom it names; else whose registers or walk it goes on with. */
static int subject(const struct scan *scan, size_t at, int before)
{
	const struct fact *f = &scan->facts[at];
	int named = named_by(f);

	if (named != NOBODY)
		return named;
	if (before != NOBODY && (f->kind == FACT_X_WALK || f->kind == FACT_X_WALK_ENTRY ||
				 f->kind == FACT_X_RIP || f->kind == FACT_X_CONTEXT))
		return before;
	return named_below(scan, at);
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
		&xen->verdict, VERDICT_OTHER, panic ? VERDICT_IS_SHOWN : VERDICT_IS_LIKELY,
		"The hypervisor itself died%s%s%s%s, and every guest with it: it is no "
		"guest's flag",
		rip && *rip->name ? " in " : "", rip ? rip->name : "",
		panic && *panic->text ? ": " : "", panic ? panic->text : "");
	verdict__rests_on(&xen->verdict, panic);
	verdict__rests_on(&xen->verdict, context);
	verdict__rests_on(&xen->verdict, rip);
}

void xen_account__read(struct xen_account *xen, const struct scan *scan)
{
	int domain = NOBODY;
	bool registers;

	*xen = (struct xen_account){};
	judge_hypervisor(xen, scan);
	for (size_t i = 0; i < scan->nr; i++) {
		const struct fact *f = &scan->facts[i];

		if (f->kind == FACT_GAP || f->kind == FACT_RESTART)
			domain = NOBODY;
		if (f->kind == FACT_X_VERSION && !f->cut)
			xen->version = xen->version ?: f;
		if (f->kind <= FACT_X_VERSION || f->cut || f->kind >= FACT_X_PANIC)
			continue;
		domain = subject(scan, i, domain);
		registers = f->kind == FACT_X_CONTEXT || f->kind == FACT_X_RIP;
		/* When the hypervisor is what died, its registers and its walk say nothing of a
		 * domain. */
		if (xen->died ? registers || domain < 0 : registers && domain < 0)
			continue;
		add(xen, f, domain);
	}
	for (unsigned int i = 0; i < xen->nr; i++)
		judge__xen_domain(&xen->domains[i]);
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

			if (f->kind != FACT_X_BAD_TYPE || f->v[3] != pfn ||
			    xen_domain__maps_foreign(&xen->domains[n], f->v[2]))
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
