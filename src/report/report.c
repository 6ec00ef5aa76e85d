// SPDX-License-Identifier: GPL-2.0-only
/* A recording through the model: once for what is found, once more for the history of what is. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "record/records.h"
#include "report.h"

static void add_finding(struct report *r, const struct finding *finding)
{
	if (GROW(r->findings, r->nr_findings, r->max_findings, 64)) {
		r->err = -ENOMEM;
		return;
	}
	r->findings[r->nr_findings++] = *finding;
	r->by_class[finding->class]++;
}

static bool is_boot_whole(const struct report *r)
{
	return !r->info->boot.nr_gaps && !*r->damage;
}

/* What the hook set again is told by the boot's account, as `xenpin boot` does. */
static bool is_repaired(const struct report *r, uint64_t pfn)
{
	return !boot__lost(&r->boot, pfn) ||
	       (!is_boot_whole(r) && !boot_log__unrepaired(&r->info->boot_log));
}

static void on_finding(void *context, const struct finding *finding)
{
	struct report *r = context;

	if (finding->class != FINDING_ERASED_BY_INIT || !is_repaired(r, finding->pfn))
		add_finding(r, finding);
}

static int by_place(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

/* Where findings of the time and page of @noted begin among those that the records tell of. */
static size_t first_at(const struct report *r, const struct finding *noted)
{
	size_t from = 0, to = r->nr_told;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (by_place(&r->findings[middle], noted) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* What the recorder noted, with the stack that only the record has. */
static void take(struct finding *f, const struct finding *noted)
{
	struct finding told = *f;

	*f = *noted;
	memcpy(f->stack, told.stack, sizeof(f->stack));
}

/* The recorder's finding, unless the records told of it, too. */
static void on_noted(void *context, const struct finding *noted)
{
	struct report *r = context;

	for (size_t i = first_at(r, noted); i < r->nr_told; i++) {
		struct finding *f = &r->findings[i];

		if (by_place(f, noted))
			break;
		if (f->class == noted->class)
			return;
		/* Of the same refusal the recorder knew why. */
		if (f->class == FINDING_HYPERCALL_FAILED && noted->class == FINDING_DOUBLE_PIN) {
			r->by_class[f->class]--;
			r->by_class[noted->class]++;
			take(f, noted);
			return;
		}
	}
	add_finding(r, noted);
}

static void sort_findings(struct report *r)
{
	if (r->nr_findings)
		qsort(r->findings, r->nr_findings, sizeof(*r->findings), by_place);
}

/* Damage is told; what stands before it is worth a report, but not what a signal cut off. */
static void was_read(struct report *r, int err)
{
	if (err == -EINTR)
		r->err = err;
}

/*
 * A recorder that rotates its files judges with older ones at hand, and one that audits sees
 * what no record tells: that stands beside the records.
 */
static void add_noted(struct report *r)
{
	if (!(r->info->judged_live || r->info->audited) || r->info->session.filtered)
		return;
	sort_findings(r);
	r->nr_told = r->nr_findings;
	was_read(r, recording__findings(r->recording, on_noted, r, r->damage));
	sort_findings(r);
}

/* The boot's account wants records numbered by slots, as its log has them. */
static int apply_to_boot(struct report *r, const struct xp_record *rec)
{
	uint32_t seq = rec->seq;
	int err;

	((struct xp_record *)rec)->seq = r->boot_slots + 1;
	err = boot__apply(&r->boot, rec);
	((struct xp_record *)rec)->seq = seq;
	r->boot_slots += rec->nslots;
	return err;
}

static void on_record(void *context, struct xp_record *rec)
{
	struct report *r = context;
	int err = feed__of_boot(&r->feed) ? apply_to_boot(r, rec) :
		  account__apply(&r->account, rec) ?: stacks__apply(&r->stacks, rec);

	if (!err)
		err = feed__apply(&r->feed, rec);
	/* A finding may have failed before. */
	r->err = r->err ?: err;
	if (r->err)
		recording__stop(r->recording);
}

static const char *name_of(void *context, uint64_t address)
{
	struct report *r = context;
	char why[RECORDING_WHY];
	const char *name;
	int err = recording__symbol(r->recording, address, &name, why);

	was_read(r, err);
	if (err && !*r->damage)
		snprintf(r->damage, sizeof(r->damage), "%s", why);
	return name;
}

static int fold(struct report *r)
{
	int err = stacks__fold(&r->stacks, name_of, r, &r->folded, &r->nr_folded);

	return err ?: r->err;
}

bool report__symbol(const struct report *r, uint64_t address, char symbol[SYMBOL_LEN])
{
	char why[RECORDING_WHY];
	const char *name;

	if (recording__symbol(r->recording, address, &name, why))
		snprintf(symbol, SYMBOL_LEN, "0x%" PRIx64, address);
	else
		snprintf(symbol, SYMBOL_LEN, "%s", name ?: "");
	for (char *c = symbol; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return *symbol;
}

static void sum_boot(struct report *r)
{
	struct boot_report *b = &r->boot_report;

	*b = r->info->boot;
	b->kernel = r->info->platform.kernel;
	b->dom0 = r->info->platform.dom0;
	b->log = b->counts = &r->info->boot_log;
	b->boot = &r->boot;
	b->whole = is_boot_whole(r);
	boot_report__sum(b, &r->boot);
}

static int by_pfn(const void *a, const void *b)
{
	const struct history *x = a, *y = b;

	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static struct history *find_history(const struct report *r, uint64_t pfn)
{
	const struct history key = { .pfn = pfn };

	return r->nr_histories ? bsearch(&key, r->histories, r->nr_histories,
					 sizeof(key), by_pfn) : NULL;
}

const struct history *report__history(const struct report *r, uint64_t pfn)
{
	return find_history(r, pfn);
}

static void choose(struct report *r, uint64_t pfn, int64_t t)
{
	if (pfn != XP_NO_PFN && r->nr_histories < HISTORIES)
		r->histories[r->nr_histories++] = (struct history){ .pfn = pfn, .t = t };
}

/* In order, each once. */
static void settle(struct report *r)
{
	size_t n = 0;

	if (!r->nr_histories)
		return;
	qsort(r->histories, r->nr_histories, sizeof(*r->histories), by_pfn);
	for (size_t i = 1; i < r->nr_histories; i++)
		if (r->histories[i].pfn != r->histories[n].pfn)
			r->histories[++n] = r->histories[i];
	r->nr_histories = n + 1;
}

/* Erased flags of levels @from to @to whose pages are not chosen yet. */
static void choose_erased(struct report *r, int from, int to)
{
	size_t chosen = r->nr_histories;

	for (uint64_t i = 0; i < r->boot.nr_erased; i++) {
		const struct boot_loss *loss = &r->boot.erased[i];
		const struct history key = { .pfn = loss->pfn };

		if (loss->level >= from && loss->level <= to &&
		    !(chosen && bsearch(&key, r->histories, chosen, sizeof(key), by_pfn)))
			choose(r, loss->pfn, r->boot.hook.end);
	}
	settle(r);
}

static int choose_histories(struct report *r)
{
	r->histories = calloc(HISTORIES, sizeof(*r->histories));
	if (!r->histories)
		return -ENOMEM;
	for (size_t i = 0; i < r->nr_findings; i++)
		choose(r, r->findings[i].pfn, r->findings[i].t);
	settle(r);
	/* Upper levels are few, and what breaks without a repair. */
	choose_erased(r, XP_L2, XP_L4);
	choose_erased(r, XP_L_NONE, XP_L1);
	return 0;
}

/* Into a ring of HISTORY_MAX events. */
static void remember(struct report *r, uint64_t pfn, const struct xp_record *rec,
		     const struct xp_op *op)
{
	struct history *h = find_history(r, pfn);
	struct event *e;

	if (!h)
		return;
	h->total++;
	if ((int64_t)rec->t > h->t && h->after++ >= HISTORY_AFTER)
		return;
	if (h->nr == h->max && h->max < HISTORY_MAX) {
		void *p = reallocarray(h->events, h->max + 20, sizeof(*h->events));

		if (!p) {
			r->err = -ENOMEM;
			return;
		}
		h->events = p;
		h->max += 20;
	}
	e = &h->events[h->kept++ % HISTORY_MAX];
	if (h->nr < HISTORY_MAX)
		h->nr++;
	*e = (struct event){ *rec, op ? *op : (struct xp_op){} };
}

static void on_history(void *context, struct xp_record *rec)
{
	struct report *r = context;
	const struct xp_op *ops = record__has_ops(rec) ? record__ops(rec) : NULL;
	uint64_t pfn;

	for (uint32_t i = 0; record__frame(rec, i, &pfn); i++)
		remember(r, pfn, rec, ops ? &ops[i] : NULL);
}

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return x->rec.seq < y->rec.seq ? -1 : x->rec.seq > y->rec.seq;
}

static int read_histories(struct report *r)
{
	struct recording *again;
	char why[RECORDING_WHY];
	int err = choose_histories(r);

	if (err || !r->nr_histories)
		return err;
	err = recording__open(&again, r->path, why);
	if (err)
		return err;
	/* What damage there is, was met by the first reading. */
	was_read(r, recording__read(again, on_history, r, why));
	recording__close(again);
	for (size_t i = 0; i < r->nr_histories; i++)
		if (r->histories[i].nr)
			qsort(r->histories[i].events, r->histories[i].nr,
			      sizeof(struct event), by_time);
	return r->err;
}

/* What a probe delivered is what stands in the file: a killed recorder could not sum it up. */
static void count_probes(struct report *r)
{
	const struct session *s = &r->info->session;

	for (int i = 0; i < s->nr_probes; i++) {
		uint32_t probe = record__probe_named(s->probes[i].name);

		if (probe == XP_PROBE_END)
			continue;
		s->probes[i].dropped = r->account.dropped[probe];
		s->probes[i].delivered = 0;
		for (int k = 1; k < XP_KIND_END; k++)
			if (record_wanted[k] && record_kinds[k].probe == probe)
				s->probes[i].delivered += r->account.records[k];
	}
}

static void judge(struct report *r)
{
	const struct recording_info *info = r->info;

	r->complete = !r->account.dropped_total && !r->missed && !*r->damage && *info->end &&
		      !r->unknown && !feed__partial(info) && !info->session.filtered && !r->boot_report.nr_gaps;
	r->verdict = r->nr_findings ? VERDICT_FINDING :
		     r->complete ? VERDICT_CLEAN : VERDICT_INCOMPLETE;
}

int report__open(struct report *r, const char *path, char why[RECORDING_WHY])
{
	int err;

	*r = (struct report){ .path = path, .running = recording__is_running(path) };
	err = recording__open(&r->recording, path, why);
	if (err)
		return err;
	r->info = recording__info(r->recording);
	r->running &= !*r->info->end;
	r->pins = pins__new((struct pins_handlers){
		.finding = r->info->session.filtered ? NULL : on_finding,
		.context = r,
	});
	err = account__begin(&r->account) ?: stacks__begin(&r->stacks) ?: boot__begin(&r->boot);
	if (!r->pins)
		err = -ENOMEM;
	if (err)
		goto fail;
	r->feed = (struct feed){ .pins = r->pins, .recording = r->recording };
	if (r->info->has_boot)
		boot__expect(&r->boot, &r->info->boot_log);
	was_read(r, recording__read(r->recording, on_record, r, r->damage));
	count_probes(r);
	r->missed = feed__end(&r->feed);
	pins__confirm(r->pins);
	add_noted(r);
	r->unknown = r->info->session.filtered ? 0 : pins__unknown(r->pins);
	r->unjudged = r->info->session.filtered ? 0 : pins__unjudged(r->pins);
	err = r->err ?: read_histories(r) ?: report__read_meanwhile(r) ?: fold(r);
	if (err)
		goto fail;
	if (r->info->has_boot)
		sum_boot(r);
	account__sort(&r->account);
	judge(r);
	return 0;
fail:
	snprintf(why, RECORDING_WHY, "%s",
		 err == -EINTR ? "it was interrupted" : strerror(-err));
	report__close(r);
	return err;
}

void report__close(struct report *r)
{
	for (size_t i = 0; i < r->nr_histories; i++)
		free(r->histories[i].events);
	free(r->histories);
	free(r->findings);
	folded__free(r->folded, r->nr_folded);
	stacks__end(&r->stacks);
	pins__free(r->pins);
	account__end(&r->account);
	boot__end(&r->boot);
	recording__close(r->recording);
}
