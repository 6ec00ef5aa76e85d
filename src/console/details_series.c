// SPDX-License-Identifier: GPL-2.0-only
/* What a format alone does not take out of a line of the series. */
#include <stdio.h>
#include <string.h>

#include "record/records.h"
#include "fact.h"

static bool where_of(const char *word, uint64_t *where)
{
	for (uint16_t w = XP_WHERE_NONE; w <= XP_WHERE_GROW; w++) {
		if (!strcmp(word, record__where_name(w))) {
			*where = w;
			return true;
		}
	}
	return false;
}

static bool erased_details(struct fact *f, bool whole)
{
	return f->v[1] <= XP_L4 && where_of(f->text, &f->v[2]);
}

static bool fault_details(struct fact *f, bool whole)
{
	if (f->extra) {
		f->v[1] = XP_NO_PFN;
		return !strcmp(f->text, "-");
	}
	if (f->v[2] > XP_L4 || f->v[3] > 1 || f->v[4] > 1)
		return false;
	return f->v[4] ? where_of(f->text, &f->v[5]) : !strcmp(f->text, "-");
}

void fact__read_damaged_fault(struct fact *f, const char *text)
{
	static const struct { const char *format; uint64_t max; } fields[] = {
		{ " addr=%a", UINT64_MAX }, { " pfn=%x", UINT64_MAX }, { " level=%d", XP_L4 },
		{ " flag=%d", 1 }, { " erased=%d", 1 },
	};
	struct match found;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const char *format = fields[i].format, *at;
		char key[16];

		match__copy(key, sizeof(key), format, strcspn(format, "%"));
		at = strstr(text, key);
		f->v[i] = at && match(at, false, format, &found) == MATCH_YES &&
			  found.v[0] <= fields[i].max ? found.v[0] : FIELD_UNREAD;
	}
}

/* "KIND pfn=… level=… where=… ip=PLACE", or "… op=OP mfn=… result=…". */
static bool last_details(struct fact *f, bool whole)
{
	const char *ip = strstr(f->text, " ip="), *op = strstr(f->text, " op=");
	char kind[16], place[MATCH_TEXT];
	size_t len = strcspn(f->text, " ");
	const char *result = op ? strstr(op, " result=") : NULL;

	match__copy(kind, sizeof(kind), f->text, len);
	if (!whole || (!ip && !result) || !strstr(f->text, " pfn="))
		return false;
	if (ip)
		match__copy(place, sizeof(place), ip + 4, strcspn(ip + 4, " "));
	else
		snprintf(place, sizeof(place), "%.*s, result %.20s", (int)strcspn(op + 4, " "),
			 op + 4, result + 8);
	strcpy(f->name, kind);
	strcpy(f->text, place);
	return true;
}

static bool whole_details(struct fact *f, bool whole)
{
	return whole;
}

bool fact__series_details(struct fact *f, bool whole)
{
	static bool (*const details[])(struct fact *f, bool whole) = {
		[FACT_S_ERASED_TOTAL] = whole_details, [FACT_S_LOG] = whole_details,
		[FACT_S_ERASED] = erased_details,      [FACT_S_FAULT] = fault_details,
		[FACT_S_LAST] = last_details,	       [FACT_S_REPAIRED] = NULL,
	};

	return details[f->kind] ? details[f->kind](f, whole) : true;
}
