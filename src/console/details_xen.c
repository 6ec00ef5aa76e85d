// SPDX-License-Identifier: GPL-2.0-only
/* What a format alone does not take out of a line of Xen's. */
#include <stdint.h>
#include <string.h>

#include "addresses.h"
#include "fact.h"

static bool xen_context_details(struct fact *f, bool whole)
{
	const char *at = strstr(f->text, "CONTEXT: ");
	char text[MATCH_TEXT];

	if (!at) {
		f->kind = FACT_NONE;
		return false;
	}
	strcpy(text, at + 9);
	strcpy(f->text, text);
	return whole || strchr(text, ')');
}

/* "invalid opcode fault/trap [#6] on VCPU 0 [ec=0000]", "… [#6, ec=ffffffff]". */
static bool other_trap(struct fact *f, bool whole)
{
	const char *vector = strstr(f->text, "[#");
	struct match found;

	if (!vector || match(vector, whole, "[#%d", &found) != MATCH_YES)
		return false;
	f->v[0] = found.v[0];
	return f->v[0] != VECTOR_PAGE_FAULT;
}

/* To vector and error code. */
static bool xen_unhandled_details(struct fact *f, bool whole)
{
	if (f->extra == 1)
		f->v[1] = f->v[0];
	if (f->extra == 2 || f->extra == 3) {
		const uint64_t *v = f->v + f->extra - 2;

		f->domain = v[0] < INT16_MAX ? (int16_t)v[0] : -1;
		f->vcpu = v[1] < INT16_MAX ? (int16_t)v[1] : -1;
		f->v[1] = v[2];
	}
	if (f->extra == 4)
		f->v[1] = f->v[2];
	if (f->extra == 5)
		return other_trap(f, whole);
	if (f->extra == 6)
		return f->v[0] != VECTOR_PAGE_FAULT;
	if (f->extra)
		f->v[0] = VECTOR_PAGE_FAULT;
	return true;
}

static bool xen_crashed_details(struct fact *f, bool whole)
{
	if (*f->text)
		return true;
	f->domain = f->v[0] < INT16_MAX ? (int16_t)f->v[0] : -1;
	f->vcpu = f->v[1] < INT16_MAX ? (int16_t)f->v[1] : -1;
	return true;
}

static bool owner_details(struct fact *f, bool whole)
{
	f->extra = f->v[0] != f->v[1];
	return true;
}

static bool io_details(struct fact *f, bool whole)
{
	f->v[0] = f->v[f->extra];
	return true;
}

/* Who maps the page may be another domain than the one that owns it: a toolstack, a backend. */
static bool xen_entry_details(struct fact *f, bool whole)
{
	struct match owners;

	bool one = !f->extra && match(f->text, whole, "dom%d", &owners) == MATCH_YES;
	bool two = match(f->text, whole, "l1e_owner=%d, pg_owner=%d", &owners) == MATCH_YES ||
		   match(f->text, whole, "l1e_owner d%d, pg_owner d%d", &owners) == MATCH_YES;

	f->v[1] = xen__pfn(f->v[1]);
	/* Where the end of the line is not there nobody knows whose the page is. */
	f->extra = !one && (!two || owners.v[0] != owners.v[1]);
	return true;
}

static bool xen_type_details(struct fact *f, bool whole)
{
	f->v[3] = xen__pfn(f->v[3]);
	return true;
}

/* Only one of its formats has a pfn. */
static bool xen_validate_details(struct fact *f, bool whole)
{
	if (!f->extra)
		f->v[1] = xen__pfn(f->v[1]);
	return true;
}

static bool xen_pin_details(struct fact *f, bool whole)
{
	if (f->extra) {
		uint64_t error = f->v[0];

		f->v[0] = f->v[1];
		f->v[1] = error;
	}
	return true;
}

static bool (*const details[FACT_KINDS])(struct fact *f, bool whole) = {
	[FACT_X_CONTEXT] = xen_context_details,
	[FACT_X_UNHANDLED] = xen_unhandled_details,
	[FACT_X_CRASHED] = xen_crashed_details,
	[FACT_X_BAD_TYPE] = xen_type_details,
	[FACT_X_VALIDATE] = xen_validate_details,
	[FACT_X_ENTRY] = xen_entry_details,
	[FACT_X_OWNER] = owner_details,
	[FACT_X_IO] = io_details,
	[FACT_X_PIN] = xen_pin_details,
	[FACT_X_BASE] = xen_pin_details,
};

bool fact__xen_details(struct fact *f, bool whole)
{
	return details[f->kind] ? details[f->kind](f, whole) : true;
}
