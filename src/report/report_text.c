// SPDX-License-Identifier: GPL-2.0-only
/* A report for a terminal: the verdict first, then what it rests on. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "record/comm.h"
#include "report.h"

#define PROGRAMS	10
#define EVENTS		6		/* of a finding's page: up to it, */
#define AFTER		2		/* and after it */
#define FINDINGS	10

static double seconds(const struct report *r, int64_t t)
{
	return (t - (int64_t)r->info->session.begin_ns) / 1e9;
}

/* The events that led to @f, and what came after. */
static void put_history(const struct report *r, const struct finding *f, FILE *out)
{
	const struct history *h = report__history(r, f->pfn);
	size_t first, end = 0;
	char text[200], name[XP_COMM_LEN + 1];

	if (!h)
		return;
	while (end < h->nr && (int64_t)h->events[end].rec.t <= (int64_t)f->t)
		end++;
	first = end > EVENTS ? end - EVENTS : 0;
	end = end + AFTER < h->nr ? end + AFTER : h->nr;
	for (size_t i = first; i < end; i++) {
		const struct xp_record *rec = &h->events[i].rec;

		event__text(&h->events[i], text, sizeof(text));
		comm__printable(name, rec->comm);
		fprintf(out, "    %c %11.6f %-15s %7u  %s\n", rec->t == f->t ? '>' : ' ',
			seconds(r, rec->t), name, rec->pid, text);
	}
	fprintf(out, "      (of %zu events of this page)\n", h->total);
}

/* Whoever is named may only have met what another did. */
static void put_interval(const struct report *r, const struct finding *f, FILE *out)
{
	int64_t sign = report__last_sign(r, f);

	if (sign >= 0)
		fprintf(out, "    its flag was lost between %.6f s, when it last showed, and then\n",
			seconds(r, sign));
}

static void put_findings(const struct report *r, FILE *out)
{
	char text[400];

	for (size_t i = 0; i < r->nr_findings && i < FINDINGS; i++) {
		const struct finding *f = &r->findings[i];

		finding__text(f, text, sizeof(text));
		fprintf(out, "\n  %s (%s), noticed at %.6f s\n    %s\n    %s\n", finding__class(f),
			finding__grade(f), seconds(r, f->t), text, finding__effect(f));
		put_interval(r, f, out);
		put_history(r, f, out);
	}
	if (r->nr_findings > FINDINGS)
		fprintf(out, "\n  and %zu more: --format json has them all\n",
			r->nr_findings - FINDINGS);
}

static void put_recording(const struct report *r, FILE *out)
{
	const struct recording_info *info = r->info;
	uint64_t end = *info->end ? info->session.end_ns : r->account.last_t;

	if (*info->platform.kernel)
		fprintf(out, "\n%s: Linux %s, %s with %u vcpus, %.3f s\n", r->path,
			info->platform.kernel, info->platform.dom0 ? "dom0" : "domU",
			info->platform.vcpus, seconds(r, end));
	else
		fprintf(out, "\n%s: of which guest does not stand in it\n", r->path);
	if (info->first_seq > 1)
		fprintf(out, "It goes on where another file ended, after %" PRId64 " records.\n",
			info->first_seq - 1);
	if (!*info->end && !r->running)
		fputs("The recorder did not end it: its last second may be missing.\n", out);
	if (*r->damage)
		fprintf(out, "Only what stands before the damage is reported: %s\n", r->damage);
}

static void put_hooks(const struct report *r, FILE *out)
{
	const struct session *s = &r->info->session;

	fprintf(out, "\n  %-10s %-8s %10s %8s %8s\n", "hook", "via", "delivered", "lost", "missed");
	for (int i = 0; i < s->nr_hooks; i++)
		fprintf(out, "  %-10s %-8s %10" PRIu64 " %8" PRIu64 " %8" PRIu64 "\n",
			s->hooks[i].name, s->hooks[i].via, s->hooks[i].delivered, s->hooks[i].lost,
			s->hooks[i].missed);
}

static void put_counts(const struct report *r, FILE *out)
{
	const struct account *a = &r->account;

	fprintf(out, "\n%" PRIu64 " pins (L1 %" PRIu64 ", L2 %" PRIu64 ", L3 %" PRIu64 ", L4 %" PRIu64
		"), %" PRIu64 " unpins, %" PRIu64 " refused; %" PRIu64 " tables allocated, %" PRIu64
		" released\n", a->pins, a->pins_of[XP_L1], a->pins_of[XP_L2], a->pins_of[XP_L3],
		a->pins_of[XP_L4], a->unpins, a->failed, a->records[XP_TABLE_ALLOC],
		a->records[XP_TABLE_RELEASE]);
}

static void put_latency(const struct report *r, FILE *out)
{
	const struct latencies *l = &r->account.latencies;

	if (l->count)
		fprintf(out, "Flush latency: half within %.1f us, 90 %% within %.1f, 99 %% within "
			"%.1f, the longest %.1f us\n", latency__percentile(l, 500) / 1e3,
			latency__percentile(l, 900) / 1e3, latency__percentile(l, 990) / 1e3,
			l->max / 1e3);
}

static void put_programs(const struct report *r, FILE *out)
{
	char name[XP_COMM_LEN + 1];

	if (!r->account.nr_programs)
		return;
	fprintf(out, "\n  %-15s %9s %9s %9s %9s %9s %9s %10s\n", "program", "processes", "trees",
		"pins", "unpins", "allocs", "releases", "flush ms");
	for (size_t i = 0; i < r->account.nr_programs && i < PROGRAMS; i++) {
		const struct program *p = &r->account.programs[i];

		comm__printable(name, p->comm);
		fprintf(out, "  %-15s %9u %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64
			" %9" PRIu64 " %10.1f\n", name, p->processes, p->trees, p->pins, p->unpins,
			p->allocs, p->releases, p->flush_ns / 1e6);
	}
	if (r->account.nr_programs > PROGRAMS)
		fprintf(out, "  and %zu more\n", r->account.nr_programs - PROGRAMS);
}

int report__text(struct report *r, FILE *out)
{
	char sentence[600];

	report__sentence(r, sentence, sizeof(sentence));
	fprintf(out, "%s\n", sentence);
	put_findings(r, out);
	put_recording(r, out);
	if (r->info->has_boot) {
		fputs("\nThe boot:\n", out);
		boot_text__print(out, &r->boot_report);
	}
	put_hooks(r, out);
	put_counts(r, out);
	put_latency(r, out);
	put_programs(r, out);
	return 0;
}
