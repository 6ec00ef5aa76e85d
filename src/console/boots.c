// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boots.h"
#include "place.h"

/* .extra of "Booting paravirtualized kernel on". */
#define PLATFORM_BOOTING	2

/* Facts of a boot that died, at least, if its start is not there. */
#define JUMPS_APART	32

struct sorter {
	struct boots *boots;
	const struct scan *scan;
	struct place places[CONSOLE_STREAMS];
	bool jumped;			/* time went back in the middle of an oops, */
	size_t jump;			/* at this fact the last time */
	int err;
};

/* What comes next in a stream, or in all of them, continues nothing. */
static void forget_places(struct sorter *s, unsigned int stream)
{
	for (unsigned int i = 0; i < CONSOLE_STREAMS; i++)
		if (!stream || stream == i)
			s->places[i] = (struct place){ .t = NO_TIME };
}

static void drop_oldest(struct sorter *s)
{
	struct boots *b = s->boots;

	for (unsigned int i = 0; i < CONSOLE_STREAMS; i++)
		if (s->places[i].boot == b->boot[0])
			s->places[i] = (struct place){ .t = NO_TIME };
	b->older_of[b->boot[0]->guest]++;
	free(b->boot[0]);
	memmove(b->boot, b->boot + 1, (--b->nr) * sizeof(*b->boot));
	b->older++;
}

static struct boot_facts *begin_boot(struct sorter *s, const struct fact *f)
{
	struct boot_facts *boot;

	if (s->boots->nr == BOOTS_MAX)
		drop_oldest(s);
	boot = calloc(1, sizeof(*boot));
	if (!boot) {
		s->err = -ENOMEM;
		return NULL;
	}
	boot->guest = f->guest;
	boot->headless = f->kind != FACT_KERNEL;
	boot->first_line = f->line;
	s->boots->boot[s->boots->nr++] = boot;
	s->places[f->stream] = (struct place){ .boot = boot, .t = NO_TIME };
	return boot;
}

/* Linux warns in xen_mc_flush(), on the CPU that it names then, before it says how many failed. */
static bool is_of_refusal(const struct trace *t, const struct fact *f)
{
	const struct fact *w = t->warning, *in = w ?: t->rip, *cpu = w && w->extra ? w : t->cpu;
	uint64_t failed_on = f->v[f->extra ? 1 : 2];

	/* A line that was broken lacks the name. */
	if (!in || (*in->name ? strcmp(in->name, "xen_mc_flush") :
				strncmp(in->text, "arch/x86/xen/multicalls.c:", 26)))
		return false;
	if (w && (w->caller != f->caller ||
		  (w->t != NO_TIME && f->t != NO_TIME && f->t - w->t > PLACE_GAP_MAX)))
		return false;
	return f->kind != FACT_MC_FAILED || !cpu || cpu->extra == CPU_WITHOUT_NUMBER ||
	       cpu->v[0] == failed_on;
}

static void begin_refusal(struct place *p, const struct fact *f)
{
	bool same = p->block == BLOCK_TRACE && p->style == f->style && is_of_refusal(&p->trace, f);
	struct trace before = same ? p->trace : (struct trace){};

	place__interrupt(p, BLOCK_REFUSAL);
	p->refusal = NULL;
	if (p->boot->nr_refusals == BOOT_REFUSALS) {
		p->boot->more_refusals++;
		return;
	}
	p->refusal = &p->boot->refusals[p->boot->nr_refusals++];
	*p->refusal = (struct refusal){ .trace = before, .first = f->line, .t = f->t };
	if (f->kind == FACT_MC_FAILED)
		p->refusal->failed = f;
}

static void add_call(struct place *p, const struct fact *f)
{
	struct refusal *r;

	if (p->block != BLOCK_REFUSAL)
		begin_refusal(p, f);
	r = p->refusal;
	if (r && (int64_t)f->v[3] < 0 && r->nr_calls < BOOT_CALLS && !f->cut)
		r->calls[r->nr_calls++] = f;
}

/*
 * At its death a guest says how many flags were erased, and names them, even repaired ones; else
 * one that stands behind the repair is of a later time, or of another guest.
 */
static bool is_erased_anew(const struct boot_facts *b)
{
	return b->repaired && !(b->erased_total && b->erased_total->line > b->repaired->line);
}

static void add_to_boot(struct place *p, const struct fact *f)
{
	struct boot_facts *b = p->boot;
	const struct fact **one = NULL;

	if (f->cut)
		return;
	/* "Hypervisor detected: Xen HVM" comes before what kind of HVM guest it is. */
	if (f->kind == FACT_PLATFORM && b->platform && b->platform->extra != f->extra &&
	    f->extra == PLATFORM_BOOTING)
		b->platform = f;
	switch (f->kind) {
	case FACT_KERNEL:
		one = &b->kernel;
		break;
	case FACT_PLATFORM:
		one = &b->platform;
		break;
	case FACT_LIVES:
		b->init_runs += f->extra == LIVES_SOON;
		if (!b->lives || b->lives->extra > f->extra)
			b->lives = f;
		break;
	case FACT_ALARM:
		one = &b->alarm;
		break;
	case FACT_S_ERASED_TOTAL:
		one = &b->erased_total;
		if (*one && f->v[0] >= (*one)->v[0])
			*one = f;
		break;
	case FACT_S_REPAIRED:
		one = &b->repaired;
		if (*one && f->v[0] != (*one)->v[0])
			b->doubt = b->doubt ?: f;
		break;
	case FACT_S_LOG:
		one = &b->log;
		break;
	case FACT_DEFERRED:
		if (b->nr_nodes < BOOT_NODES)
			b->nodes[b->nr_nodes++] = f;
		break;
	case FACT_S_ERASED:
		if (is_erased_anew(b))
			b->doubt = b->doubt ?: f;
		if (b->nr_erased < BOOT_ERASED)
			b->erased[b->nr_erased++] = f;
		break;
	case FACT_S_LAST:
		if (b->nr_last < BOOT_LAST)
			b->last[b->nr_last++] = f;
		break;
	}
	if (one && !*one)
		*one = f;
}

static void add(struct place *p, const struct fact *f)
{
	switch (f->kind) {
	case FACT_CPU:
	case FACT_RIP:
	case FACT_CR2:
		place__add_registers(p, f);
		break;
	case FACT_FRAME:
		place__add_frame(p, f);
		break;
	case FACT_TRACE:
	case FACT_TRACE_END:
	case FACT_IRQ:
		place__add_trace(p, f);
		break;
	case FACT_PAGE:
		p->page = f->cut ? NULL : f;
		break;
	case FACT_REASON:
		p->reason = f->cut ? NULL : f;
		break;
	case FACT_REPORT:
		place__interrupt(p, BLOCK_REPORT);
		break;
	case FACT_WARNING:
		place__interrupt(p, BLOCK_TRACE);
		p->trace.warning = f;
		if (!strcmp(f->name, "xen_mc_flush"))
			p->boot->warned = p->boot->warned ?: f;
		break;
	case FACT_MC_FAILED:
		if (!f->cut)
			begin_refusal(p, f);
		break;
	case FACT_MC_CALL:
		add_call(p, f);
		break;
	case FACT_S_FAULT:
		place__add_fault(p, f);
		break;
	case FACT_PANIC:
		place__add_panic(p, f);
		break;
	default:
		if (fact__rank(f->kind))
			place__add_to_oops(p, f);
		else
			add_to_boot(p, f);
	}
}

/* When time goes back in the middle of an oops, and again at once, lines of two guests alternate.
 */
static void note_jump(struct sorter *s, size_t at)
{
	s->boots->torn |= s->jumped && at - s->jump < JUMPS_APART;
	s->jumped = true;
	s->jump = at;
}

static void sort_fact(struct sorter *s, size_t at)
{
	const struct fact *f = &s->scan->facts[at];
	struct place *p = &s->places[f->stream];
	bool back = f->t != NO_TIME && p->t != NO_TIME && f->t + BACK_MAX < p->t;

	if (back && f->kind != FACT_KERNEL) {
		s->boots->jumps++;
		if (p->block == BLOCK_OOPS && p->oops && !place__finished(p->oops)) {
			p->oops->torn = true;
			note_jump(s, at);
		}
	}
	if (!p->boot || back || (f->kind == FACT_KERNEL && (p->boot->kernel || p->boot->nr_oopses ||
							    p->t > f->t))) {
		if (!begin_boot(s, f))
			return;
	}
	if (f->kind == FACT_KERNEL)
		p->boot->headless = false;
	p->boot->last_line = f->last_line > p->boot->last_line ? f->last_line : p->boot->last_line;
	if (f->line < p->boot->first_line)
		p->boot->first_line = f->line;
	add(p, f);
	p->t = f->t != NO_TIME ? f->t : p->t;
	p->boot->t = p->t;
	p->style = f->style;
}

/*
 * A guest printed something long after an oops, or reached user space; what it prints behind its
 * panic is no sign of life.
 */
static bool goes_on(const struct boot_facts *b, const struct oops *o)
{
	int64_t t = b->panic ? b->panic->t : b->t;
	uint64_t lives = !b->lives ? 0 : b->panic ? b->lives->line : b->lives->last_line;

	if (b->panic && b->panic->line < o->last)
		return false;
	return (o->t != NO_TIME && t != NO_TIME && t - o->t > GOES_ON) ||
	       (lives > o->last && (!b->panic || lives < b->panic->line));
}

/* An oops kills a task, and its guest only when that could not be spared. */
static void find_survivors(struct boot_facts *b)
{
	for (unsigned int i = 0; i < b->nr_oopses; i++) {
		struct oops *o = &b->oopses[i];
		const struct fact *cpu = o->of[FACT_CPU];
		bool spared = !o->panic && !o->interrupt && !(cpu && !cpu->v[1]);

		o->survived = spared && goes_on(b, o);
		o->unfinished = o->survived && !place__finished(o);
	}
}

/* Lines are missing in what one guest says, or nobody knows which. */
static void add_gap(struct sorter *s, const struct fact *f)
{
	for (unsigned int i = 0; i < CONSOLE_STREAMS; i++) {
		if (f->stream && f->stream != i)
			continue;
		place__forget(&s->places[i]);
		if (s->places[i].boot)
			s->places[i].boot->gaps++;
	}
}

int boots__sort(struct boots *boots, const struct scan *scan)
{
	struct sorter *s = calloc(1, sizeof(*s));
	int err;

	*boots = (struct boots){};
	if (!s)
		return -ENOMEM;
	s->boots = boots;
	s->scan = scan;
	forget_places(s, 0);
	for (size_t i = 0; i < scan->nr && !s->err; i++) {
		if (scan->facts[i].kind == FACT_RESTART)
			forget_places(s, scan->facts[i].stream);
		else if (scan->facts[i].kind == FACT_GAP)
			add_gap(s, &scan->facts[i]);
		else if (!fact__is_xen(&scan->facts[i]))
			sort_fact(s, i);
	}
	for (unsigned int i = 0; i < boots->nr; i++) {
		find_survivors(boots->boot[i]);
		for (unsigned int n = 0; n < boots->boot[i]->nr_oopses; n++)
			oops__check(&boots->boot[i]->oopses[n], boots->boot[i]);
	}
	err = s->err;
	free(s);
	return err;
}

void boots__free(struct boots *boots)
{
	for (unsigned int i = 0; i < boots->nr; i++)
		free(boots->boot[i]);
	boots->nr = 0;
}
