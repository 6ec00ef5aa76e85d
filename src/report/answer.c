// SPDX-License-Identifier: GPL-2.0-only
/* What a report says at its top: a headline, and the answer in a sentence. */
#include <inttypes.h>
#include <string.h>

#include "report.h"

enum finding_class report__gravest(const struct report *r)
{
	enum finding_class class = 0;

	while (class < FINDING_CLASSES && !r->by_class[class])
		class++;
	return class;
}

/* "3 page tables lost PagePinned while Xen has them" */
static size_t put_class(enum finding_class class, size_t n, char *text, size_t size)
{
	if (n == 1)
		return snprintf(text, size, "%s", finding_classes[class].one);
	return snprintf(text, size, finding_classes[class].many, n);
}

void report__headline(const struct report *r, char text[REPORT_HEADLINE])
{
	enum finding_class gravest = report__gravest(r);
	size_t erased = r->boot.nr_erased, others, len;

	switch (r->verdict) {
	case VERDICT_FINDING:
		others = r->nr_findings - r->by_class[gravest];
		len = put_class(gravest, r->by_class[gravest], text, REPORT_HEADLINE);
		if (others && len < REPORT_HEADLINE)
			snprintf(text + len, REPORT_HEADLINE - len, ", and %zu other finding%s", others,
				 others == 1 ? "" : "s");
		break;
	case VERDICT_CLEAN:
		if (!erased) {
			strcpy(text, "Clean");
			break;
		}
		len = put_class(FINDING_ERASED_BY_INIT, erased, text, REPORT_HEADLINE);
		if (len < REPORT_HEADLINE)
			snprintf(text + len, REPORT_HEADLINE - len, "; %s set again",
				 erased == 1 ? "it was" : "all were");
		break;
	case VERDICT_INCOMPLETE:
		strcpy(text, "Incomplete: no finding, but no proof either");
		break;
	}
}

/* The finding to begin with: the strongest, of these the first. */
static const struct finding *worst(const struct report *r)
{
	const struct finding *worst = r->findings;

	for (size_t i = 1; i < r->nr_findings; i++)
		if (r->findings[i].grade > worst->grade)
			worst = &r->findings[i];
	return worst;
}

/* "3 findings (2 lost, 1 stale)" */
static void put_numbers(const struct report *r, char *text, size_t size)
{
	size_t len = snprintf(text, size, "%zu finding%s (", r->nr_findings,
			      r->nr_findings == 1 ? "" : "s");
	const char *comma = "";

	for (int c = 0; c < FINDING_CLASSES; c++) {
		if (!r->by_class[c] || len >= size)
			continue;
		len += snprintf(text + len, size - len, "%s%zu %s", comma, r->by_class[c],
				finding_classes[c].word);
		comma = ", ";
	}
	if (len < size)
		snprintf(text + len, size - len, ")");
}

/* What went wrong at boot and was put right is no finding, and worth a sentence. */
static void put_clean(const struct report *r, char *text, size_t size)
{
	size_t len = snprintf(text, size, "Clean: every record%s was kept, and none contradicts "
			      "another.", r->info->first_seq > 1 ? " of this file" : "");

	if (r->boot.nr_erased && len < size)
		snprintf(text + len, size - len, " At boot struct-page init erased the flag of %"
			 PRIu64 " page tables, and the after-bootmem hook set each again.",
			 r->boot.nr_erased);
}

/* Events that could not be judged, since records before them are missing: no findings, and not clean either. */
static void put_unjudged(const struct report *r, char *text, size_t size)
{
	size_t len = strlen(text);

	if (r->unjudged)
		snprintf(text + len, size - len, " %" PRIu64 " event%s could not be judged, for want "
			 "of records of what came before.", r->unjudged,
			 r->unjudged == 1 ? "" : "s");
}

void report__sentence(const struct report *r, char *text, size_t size)
{
	char numbers[160], what[300];

	switch (r->verdict) {
	case VERDICT_FINDING:
		put_numbers(r, numbers, sizeof(numbers));
		finding__text(worst(r), what, sizeof(what));
		snprintf(text, size, "%s. %s: %s.", numbers,
			 r->nr_findings == 1 ? "It is" : "To begin with", what);
		break;
	case VERDICT_CLEAN:
		put_clean(r, text, size);
		break;
	case VERDICT_INCOMPLETE:
		snprintf(text, size, "Nothing was found, but that proves nothing: %s.",
			 *r->damage ? "the recording is damaged" :
			 r->account.dropped_total ? "records were dropped" :
			 r->missed ? "the kernel skipped probes" :
			 r->unknown ? "records do not say which page they are about, or of what level "
				      "or mm" :
			 r->running ? "it is still being recorded" :
			 !*r->info->end ? "the recorder was killed, or had no room" :
			 r->info->session.filtered ? "a filter left records out" :
			 feed__partial(r->info) ? "a probe was missing" : r->boot_report.gaps[0]);
		break;
	}
	put_unjudged(r, text, size);
}
