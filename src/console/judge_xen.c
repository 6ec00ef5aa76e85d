// SPDX-License-Identifier: GPL-2.0-only
/* Rules for what Xen says of one domain, the most certain ones first. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "record/hypercalls.h"
#include "record/records.h"
#include "addresses.h"
#include "bugs.h"
#include "xen_account.h"

#define OWNER		64
#define X_BAD_FLAGS	3	/* .extra of "Bad L1 flags" */

/* Whose pages: Xen names the domain that asks, and dom0 asks for the guests that it builds, too. */
static const char *of_owner(const struct xen_domain *d, const char *name, char *buffer)
{
	snprintf(buffer, OWNER, "of %s%s", name, d->domain ? "" : ", or of a guest that it acts for");
	return buffer;
}

/* The line with Xen's types of frame @mfn, or NULL. */
static const struct fact *types_of(const struct xen_domain *d, uint64_t mfn)
{
	for (unsigned int i = 0; i < d->nr; i++)
		if (d->facts[i]->kind == FACT_X_BAD_TYPE && d->facts[i]->v[2] == mfn)
			return d->facts[i];
	return NULL;
}

bool xen_domain__maps_foreign(const struct xen_domain *d, uint64_t mfn)
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
		char page[FRAME_WORDS];

		if (f->kind != FACT_X_BAD_TYPE)
			continue;
		xen_types(f->v[0], f->v[1], &is, &wanted);
		if (!is.level || !wanted.writable || xen_domain__maps_foreign(d, f->v[2]))
			continue;
		verdict__set(
			&d->verdict, VERDICT_PIN_REFUSED, VERDICT_IS_LIKELY,
			"Xen did not let %s map %s writable: "
			"to Xen it is %s L%u page table. The page went back to the allocator, or "
			"was used otherwise, without being unpinned%s",
			name, frame__name(f->v[2], f->v[3], page),
			is.pinned ? "a pinned" : "an", is.level,
			d->domain ? "" : "; or it is one of a guest that dom0 acts for");
		verdict__rests_on(&d->verdict, f);
		return true;
	}
	return false;
}

static bool judge_pinned_twice(struct xen_domain *d, const char *name)
{
	const struct fact *f = xen_domain__first(d, FACT_X_PINNED);
	unsigned int frames = 0;
	char owner[OWNER];

	if (!f)
		return false;
	for (unsigned int i = 0; i < d->nr; i++)
		frames += d->facts[i]->kind == FACT_X_PINNED;
	verdict__set(&d->verdict, VERDICT_PIN_REFUSED, VERDICT_IS_SHOWN,
		     "Xen refused to pin page tables %s that are pinned already: %u frame%s, "
		     "the first "
		     "is mfn 0x%" PRIx64,
		     of_owner(d, name, owner), frames, frames == 1 ? "" : "s", f->v[0]);
	verdict__rests_on(&d->verdict, f);
	return true;
}

static bool judge_not_pinned(struct xen_domain *d, const char *name)
{
	const struct fact *f = xen_domain__first(d, FACT_X_NOT_PINNED);
	char owner[OWNER];

	if (!f)
		return false;
	verdict__set(&d->verdict, VERDICT_PIN_REFUSED, VERDICT_IS_SHOWN,
		     "Xen refused to unpin mfn 0x%" PRIx64 " %s: it is not pinned", f->v[0],
		     of_owner(d, name, owner));
	verdict__rests_on(&d->verdict, f);
	return true;
}

/* Lines of one refusal stand together, the cause first. */
#define CAUSE_LINES	8

/* Why a pin may be refused that no flag and no pin has a part in: what Xen said of an entry. */
static const struct fact *other_cause(const struct xen_domain *d, const struct fact *pin)
{
	for (unsigned int i = 0; i < d->nr; i++) {
		const struct fact *f = d->facts[i];
		bool near = (f->line < pin->line && pin->line - f->line <= CAUSE_LINES) ||
			    (f->last_line < pin->line && pin->line - f->last_line <= CAUSE_LINES);

		if (near && f->vcpu == pin->vcpu &&
		    (f->kind == FACT_X_IO || f->kind == FACT_X_OWNER ||
		     (f->kind == FACT_X_ENTRY && f->extra) ||
		     (f->kind == FACT_X_VALIDATE && f->extra == X_BAD_FLAGS)))
			return f;
	}
	return NULL;
}

static const char *cause_in_words(const struct fact *f, char *buffer, size_t size)
{
	if (f->kind == FACT_X_IO)
		snprintf(buffer, size, "mfn 0x%" PRIx64 " of a device that the domain may not use",
			 f->v[0]);
	else if (f->kind == FACT_X_VALIDATE)
		snprintf(buffer, size, "bits that may not be set in an L%u entry, 0x%" PRIx64,
			 (unsigned int)f->v[0] & 7, f->v[1]);
	else
		snprintf(buffer, size, "a page of another domain");
	return buffer;
}

/* Errors that are not about types of pages: no memory, no time, no permission. */
static bool is_error_of_others(int64_t error)
{
	return error == -ENOMEM || error == -EINTR || error == -EAGAIN || error == -ERESTART ||
	       error == -EPERM || error == -EACCES;
}

/* Of a pin that was refused for what page it was: its type to Xen, and what was asked for. */
static void judge_pin_of_type(struct xen_domain *d, const struct fact *f, const struct fact *types,
			      const char *owner)
{
	struct xen_type is, wanted;
	char page[FRAME_WORDS];

	verdict__rests_on(&d->verdict, types);
	xen_types(types->v[0], types->v[1], &is, &wanted);
	verdict__set(
		&d->verdict, VERDICT_PIN_REFUSED, VERDICT_IS_SHOWN,
		"Xen refused to pin %s %s%s%s: %s%s", frame__name(f->v[0], types->v[3], page),
		owner, wanted.level ? " as an " : "", wanted.level ? wanted.name : "",
		is.writable ? "it is mapped writable somewhere, by another mapping of the same page"
		: is.known  ? "it is in use as "
			    : "Xen's types of it are of an unknown layout",
		is.writable || !is.known ? "" : is.name);
}

static bool judge_pin(struct xen_domain *d, const char *name)
{
	const struct fact *f = xen_domain__first(d, FACT_X_PIN), *cause,
			  *types = f ? types_of(d, f->v[0]) : NULL;
	char owner[OWNER], words[80], error[24] = "";

	if (!f)
		return false;
	verdict__rests_on(&d->verdict, f);
	of_owner(d, name, owner);
	if (types) {
		judge_pin_of_type(d, f, types, owner);
		return true;
	}
	if (f->extra) {
		error[0] = ' ';
		error[1] = '(';
		error__name((int64_t)f->v[1], error + 2, sizeof(error) - 3);
		strcat(error, ")");
	}
	cause = other_cause(d, f);
	if (cause)
		verdict__set(&d->verdict, VERDICT_REFUSED, VERDICT_IS_SHOWN,
			     "Xen refused to pin mfn 0x%" PRIx64
			     " %s%s, for %s: no flag is involved",
			     f->v[0], owner, error, cause_in_words(cause, words, sizeof(words)));
	else if (f->extra && is_error_of_others((int64_t)f->v[1]))
		verdict__set(&d->verdict, VERDICT_REFUSED, VERDICT_IS_LIKELY,
			     "Xen refused to pin mfn 0x%" PRIx64 " %s%s: it had no room or no time "
			     "for it, or an entry of it is of what the domain may not use",
			     f->v[0], owner, error);
	else
		verdict__set(&d->verdict, VERDICT_PIN_REFUSED, VERDICT_IS_SHOWN,
			     "Xen refused to pin mfn 0x%" PRIx64
			     " %s%s; why is not on this console",
			     f->v[0], owner, error);
	verdict__rests_on(&d->verdict, cause);
	return true;
}

static bool judge_base(struct xen_domain *d, const char *name)
{
	const struct fact *f = xen_domain__first(d, FACT_X_BASE);

	if (!f)
		return false;
	verdict__set(&d->verdict, VERDICT_REFUSED, VERDICT_IS_SHOWN,
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
		&d->verdict, VERDICT_REFUSED, VERDICT_IS_SHOWN,
		"Xen %s %s for an L%u entry that the L1TF flaw of CPUs could exploit, 0x%" PRIx64
		": no flag is involved",
		strncmp(f->text, "Crashing", 8) ? "put under shadow paging" : "ended", name,
		(unsigned int)f->v[0] & 7, f->v[1]);
	verdict__rests_on(&d->verdict, f);
	verdict__rests_on(&d->verdict, xen_domain__first(d, FACT_X_CRASHED));
	d->verdict.bug = known_bug__find(EVENT_L1TF, NULL, NULL, NULL);
	return true;
}

/* "mfn 0x1 (pfn 0x2)" of a line that has them; false: it has not. */
static bool page_in_words(const struct fact *f, char buffer[FRAME_WORDS])
{
	bool mfn_first = f->kind == FACT_X_ENTRY || (f->kind == FACT_X_VALIDATE && !f->extra);

	if (f->kind == FACT_X_IO)
		frame__name(f->v[0], XP_NO_PFN, buffer);
	else if (mfn_first || f->kind == FACT_X_BAD_TYPE)
		frame__name(f->v[mfn_first ? 0 : 2], f->v[mfn_first ? 1 : 3], buffer);
	else
		return false;
	return true;
}

/* What Xen refused otherwise. */
static bool judge_entry(struct xen_domain *d, const char *name)
{
	static const enum fact_kind kinds[] = {
		FACT_X_ENTRY, FACT_X_LINEAR, FACT_X_IO, FACT_X_VALIDATE, FACT_X_GET_TYPE,
		FACT_X_BAD_TYPE, FACT_X_OWNER,
	};
	char page[FRAME_WORDS] = "a page that is not on this console";
	const struct fact *f = NULL;

	for (size_t i = 0; !f && i < sizeof(kinds) / sizeof(*kinds); i++)
		f = xen_domain__first(d, kinds[i]);
	if (!f)
		return false;
	for (unsigned int i = 0; i < d->nr && !page_in_words(d->facts[i], page); i++)
		;
	if (f->kind == FACT_X_ENTRY)
		verdict__set(&d->verdict, VERDICT_REFUSED, VERDICT_IS_SHOWN,
			     "Xen refused an L%u entry of %s, 0x%" PRIx64 ", that refers to %s%s",
			     (unsigned int)f->v[2] & 7, name, f->v[3],
			     frame__name(f->v[0], f->v[1], page),
			     f->extra ? ", a page of another domain" : "");
	else if (f->kind == FACT_X_VALIDATE && f->extra == X_BAD_FLAGS)
		verdict__set(&d->verdict, VERDICT_REFUSED, VERDICT_IS_SHOWN,
			     "Xen refused an L%u entry of %s for bits that may not be set in it, "
			     "0x%" PRIx64 ": no flag is involved",
			     (unsigned int)f->v[0] & 7, name, f->v[1]);
	else
		verdict__set(&d->verdict, VERDICT_REFUSED, VERDICT_IS_SHOWN,
			     "Xen refused a change of page tables that %s asked for, about %s", name,
			     page);
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
		verdict__set(&d->verdict, VERDICT_OTHER, VERDICT_IS_LIKELY,
			     "A trap that is no page fault, and that it could not take, ended %s",
			     name);
	else if ((f->v[1] & 3) != 3)
		verdict__set(&d->verdict, VERDICT_OTHER, VERDICT_IS_SHOWN,
			     "A %s a page that is %s%s ended %s before it could say so itself: "
			     "that is no lost flag",
			     f->v[1] & 2    ? "write to"
			     : f->v[1] & 16 ? "fetch from"
					    : "read of",
			     f->v[1] & 1 ? "there but not for it" : "not there", at, name);
	else
		verdict__set(&d->verdict, VERDICT_UNKNOWN, VERDICT_IS_UNKNOWN,
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
	verdict__set(&d->verdict, VERDICT_NOT_PV, VERDICT_IS_SHOWN,
		     "%c%s is no PV guest, and PagePinned plays no part in how it died",
		     toupper(*name), name + 1);
	verdict__rests_on(&d->verdict, f);
	return true;
}

void judge__xen_domain(struct xen_domain *d)
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
		verdict__set(&d->verdict, VERDICT_UNKNOWN, VERDICT_IS_UNKNOWN,
			     "Xen says that %s crashed%s, and not in what way", name, address);
	else
		verdict__set(&d->verdict, VERDICT_UNKNOWN, VERDICT_IS_UNKNOWN,
			     "Xen speaks of %s, and of nothing that it died of", name);
	verdict__rests_on(&d->verdict, crash ? walk : NULL);
	verdict__rests_on(&d->verdict, crash);
}

