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
#define STACKS		5
#define WIDTH		100

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

static void put_meanwhile(const struct report *r, const struct finding *f, FILE *out)
{
	const struct meanwhile *m = report__meanwhile(r, f);
	char name[XP_COMM_LEN + 1];

	for (int i = 0; m && i < m->nr; i++) {
		const struct meanwhile_task *task = &m->tasks[i];

		comm__printable(name, task->comm);
		fprintf(out, "%s%s (pid %u, %u record%s)", i ? ", " : "    meanwhile on its mm: ", name,
			task->pid, task->records, task->records == 1 ? "" : "s");
	}
	if (m && m->nr)
		fprintf(out, "%s\n", m->others ? " and others" : "");
}

/* The stack of what showed it, the innermost frame first. */
static void put_stack(const struct report *r, const struct finding *f, FILE *out)
{
	char symbol[SYMBOL_LEN];

	for (int i = 0; i < XP_STACK_MAX && f->stack[i]; i++)
		if (report__symbol(r, f->stack[i], symbol))
			fprintf(out, "        %s\n", symbol);
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
		put_meanwhile(r, f, out);
		put_stack(r, f, out);
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

static void put_probes(const struct report *r, FILE *out)
{
	const struct session *s = &r->info->session;

	fprintf(out, "\n  %-10s %-8s %10s %8s %8s\n", "probe", "via", "delivered", "dropped", "missed");
	for (int i = 0; i < s->nr_probes; i++)
		fprintf(out, "  %-10s %-8s %10" PRIu64 " %8" PRIu64 " %8" PRIu64 "\n",
			s->probes[i].name, s->probes[i].via, s->probes[i].delivered, s->probes[i].dropped,
			s->probes[i].missed);
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

/* "innermost < ... < outermost", in lines. */
static void put_frames(const char *frames, FILE *out)
{
	size_t column = 0, end = strlen(frames);

	while (end) {
		const char *before = memrchr(frames, ';', end);
		size_t begin = before ? before + 1 - frames : 0, len = end - begin;

		if (column && column + len + 3 > WIDTH) {
			fputs(" <\n", out);
			column = 0;
		}
		column += fprintf(out, "%s%.*s", column ? " < " : "               ", (int)len,
				  frames + begin);
		end = before ? begin - 1 : 0;
	}
	fputc('\n', out);
}

static double percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * part / all : 0;
}

/* Of what has no line of its own. */
static void put_rest(const struct report *r, size_t more, FILE *out)
{
	const struct stack_weight *all = &r->stacks.all, *without = &r->stacks.without;

	if (more)
		fprintf(out, "  and %zu more: --format folded has them all\n", more);
	if (without->operations)
		fprintf(out, "  %5.1f %5.1f  recorded without a stack\n",
			percent(without->operations, all->operations),
			percent(without->waited_ns, all->waited_ns));
	if (r->stacks.beyond.operations)
		fprintf(out, "  %5.1f %5.1f  in stacks beyond the first %d\n",
			percent(r->stacks.beyond.operations, all->operations),
			percent(r->stacks.beyond.waited_ns, all->waited_ns), STACKS_MAX);
	if (all->unweighed)
		fprintf(out, "  How long %" PRIu64 " of %" PRIu64 " batches waited was not seen.\n",
			all->unweighed, all->batches);
}

static void put_stacks(const struct report *r, FILE *out)
{
	const struct stack_weight *all = &r->stacks.all;
	char name[XP_COMM_LEN + 1];
	size_t nr = 0;

	if (!stacks__any(&r->stacks))
		return;
	fprintf(out, "\nBy kernel stack, the innermost function first: %% of %" PRIu64 " operations, "
		"and of %.3f s waited for Xen\n", all->operations, all->waited_ns / 1e9);
	for (size_t i = 0; i < r->nr_folded; i++) {
		const struct folded *f = &r->folded[i];

		if (!*f->frames || nr++ >= STACKS)
			continue;
		comm__printable(name, f->comm);
		fprintf(out, "  %5.1f %5.1f  %s\n", percent(f->weight.operations, all->operations),
			percent(f->weight.waited_ns, all->waited_ns), name);
		put_frames(f->frames, out);
	}
	put_rest(r, nr > STACKS ? nr - STACKS : 0, out);
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
	put_probes(r, out);
	put_counts(r, out);
	put_latency(r, out);
	put_programs(r, out);
	put_stacks(r, out);
	return 0;
}
