// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two text formats differ little: OpenMetrics names a counter's family
 * without its "_total", and ends with "# EOF".
 */
#include <inttypes.h>

#include "metrics.h"

const char *const metrics_content_types[] = {
	[METRICS_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
	[METRICS_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
};

struct page {
	FILE *out;
	enum metrics_format format;
	const char *name;		/* of the family at hand */
	const char *suffix;
};

static void family(struct page *p, const char *name, const char *type, const char *help)
{
	bool total = *type == 'c';

	p->name = name;
	p->suffix = total ? "_total" : "";
	name = p->format == METRICS_TEXT ? p->suffix : "";
	fprintf(p->out, "# HELP xenpin_%s%s %s\n# TYPE xenpin_%s%s %s\n", p->name, name, help,
		p->name, name, type);
}

static void sample(struct page *p, const char *labels, uint64_t value)
{
	fprintf(p->out, "xenpin_%s%s%s %" PRIu64 "\n", p->name, p->suffix, labels, value);
}

static void sample_seconds(struct page *p, double value)
{
	fprintf(p->out, "xenpin_%s %.15g\n", p->name, value);
}

static void counter(struct page *p, const char *name, uint64_t value, const char *help)
{
	family(p, name, "counter", help);
	sample(p, "", value);
}

static void gauge(struct page *p, const char *name, uint64_t value, const char *help)
{
	family(p, name, "gauge", help);
	sample(p, "", value);
}

static void put_levels(struct page *p, const uint64_t *of_l1)
{
	char labels[24];

	for (int l = 1; l <= 4; l++) {
		snprintf(labels, sizeof(labels), "{level=\"L%d\"}", l);
		sample(p, labels, of_l1[l - 1]);
	}
}

static const struct {
	const char *name, *help;
} times_of[] = {
	[METRICS_TREES] = { "pin_seconds",
			    "How long it took to pin a process's page tables, hypercalls included." },
	[METRICS_FLUSHES] = { "flush_seconds", "How long flushes of the multicall buffer took that "
			      "held pins or unpins." },
};

static void put_times(struct page *p, const struct metrics *m)
{
	const struct xp_counts *c = &m->counts;
	const char *name = times_of[m->times].name;
	uint64_t sum = 0, below = 0;

	family(p, name, "histogram", times_of[m->times].help);
	for (int i = 0; i < XP_COUNT_TIMES; i++)
		sum += c->tree_times[i];
	/* From 1 us to 1 s; what is shorter or longer is in the first and in +Inf. */
	for (int i = 0; i <= 30; i++) {
		below += c->tree_times[i];
		if (i >= 10)
			fprintf(p->out, "xenpin_%s_bucket{le=\"%.9g\"} %" PRIu64 "\n", name,
				(1ULL << i) / 1e9, below);
	}
	fprintf(p->out, "xenpin_%s_bucket{le=\"+Inf\"} %" PRIu64 "\nxenpin_%s_count %" PRIu64 "\n"
		"xenpin_%s_sum %.9g\n", name, sum, name, sum, name, c->tree_ns / 1e9);
}

uint64_t metrics__findings(const struct metrics *m)
{
	uint64_t n = 0;

	for (int c = 0; c < FINDING_CLASSES; c++)
		for (int g = 0; g < GRADES; g++)
			n += m->findings[c][g];
	return n;
}

const char *metrics__audit_flaw(const struct metrics *m)
{
	const struct metrics_audit *a = &m->audit;

	if (!a->live)
		return "no audit";
	if (a->failed)
		return "the last audit failed";
	if (!a->complete)
		return "the last audit did not see all page tables";
	return a->unknown ? "the last audit could not judge all page tables" : NULL;
}

void metrics__take_boot(struct metrics *m, const struct boot_report *r)
{
	m->boot = (struct metrics_boot){
		.has_log = r->log,
		.complete = !r->nr_gaps,
		.deferred_pages = r->sum.deferred_pages,
		.erased = r->boot->nr_erased,
		.unrepaired = r->sum.open,
		.has_saved = r->sum.has_saved,
		.saved_ns = r->sum.saved_ns,
		.has_deferred = r->log ? r->sum.has_deferred : kmsg__has_deferred(r->kmsg),
		.deferred_ns = r->log ? r->sum.deferred_ns : kmsg__deferred_ns(r->kmsg),
	};
}

static void put_boot(struct page *p, const struct metrics_boot *b)
{
	if (b->has_deferred) {
		family(p, "boot_deferred_seconds", "gauge",
		       "How long deferred struct-page init took at this boot.");
		sample_seconds(p, b->deferred_ns / 1e9);
	}
	if (b->has_log) {
		gauge(p, "boot_complete", b->complete, "Whether its account has no gap.");
		if (b->has_deferred)
			gauge(p, "boot_deferred_pages", b->deferred_pages,
			      "Pages that were deferred.");
		gauge(p, "boot_erased_flags", b->erased,
		      "Flags of page tables that struct-page init erased at boot.");
		gauge(p, "boot_unrepaired_flags", b->unrepaired,
		      "Of these, the ones that nobody set again.");
	}
	if (b->has_saved) {
		family(p, "boot_deferred_saved_seconds", "gauge",
		       "What deferral saved, by the price of the pages that were not deferred.");
		sample_seconds(p, b->saved_ns / 1e9);
	}
}

static void put_findings(struct page *p, const struct metrics *m)
{
	char labels[80];

	family(p, "findings", "gauge",
	       "Disagreements of PagePinned and Xen that the last audit found.");
	for (int c = 0; c < FINDING_CLASSES; c++) {
		for (int g = 0; g < GRADES; g++) {
			snprintf(labels, sizeof(labels), "{class=\"%s\",grade=\"%s\"}",
				 finding_classes[c].word, finding_grades[g].word);
			sample(p, labels, m->findings[c][g]);
		}
	}
	family(p, "audit_duration_seconds", "gauge", "How long it took.");
	sample_seconds(p, m->look_seconds);
}

static void put_audit(struct page *p, const struct metrics *m)
{
	const struct metrics_audit *a = &m->audit;

	if (m->has_findings)
		put_findings(p, m);
	if (m->has_findings || a->live) {
		family(p, "audit_timestamp_seconds", "gauge",
		       "When the last audit was that did not fail; 0: there was none.");
		sample_seconds(p, m->looked_at);
	}
	if (a->live) {
		gauge(p, "audit_complete", a->complete && !a->failed,
		      "Whether the last audit did not fail, and saw every page table.");
		gauge(p, "audit_unknown_tables", a->unknown,
		      "Page tables that the last audit could not judge.");
	}
}

static void put_counts(struct page *p, const struct metrics *m)
{
	const struct xp_counts *c = &m->counts;

	family(p, "pins", "counter", "Page tables that were pinned explicitly.");
	put_levels(p, (const uint64_t *)c->pins);
	counter(p, "unpins", c->unpins, "Page tables that were unpinned.");
	counter(p, "failed_operations", c->failed, "Of these calls, the ones that Xen refused.");
	put_times(p, m);
	counter(p, "flushes_unseen", c->unseen, "Batches with pins or unpins that were not seen whole.");
	counter(p, "missed_events", m->missed, "Runs of probes that the kernel skipped.");
	counter(p, "dropped_records", m->dropped, "Records that found no room.");
}

void metrics__write(const struct metrics *m, enum metrics_format format, FILE *out)
{
	struct page p = { .out = out, .format = format };

	family(&p, "build_info", "gauge", "The version of xenpin and where its figures come from.");
	fprintf(out, "xenpin_build_info{version=\"%s\",source=\"%s\"} 1\n", XENPIN_VERSION, m->source);
	gauge(&p, "up", m->up, "Whether there are figures.");
	if (m->up) {
		put_counts(&p, m);
		gauge(&p, "complete", m->complete, "Whether every event was seen.");
		if (m->has_tables) {
			family(&p, "page_tables", "gauge", "Page tables at the last audit.");
			put_levels(&p, m->tables + 1);
		}
		if (m->table_bytes)
			gauge(&p, "page_table_bytes", m->table_bytes,
			      "Page tables of all processes, as the kernel counts them.");
		put_audit(&p, m);
		put_boot(&p, &m->boot);
	}
	if (format == METRICS_OPENMETRICS)
		fputs("# EOF\n", out);
}
