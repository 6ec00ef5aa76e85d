// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boots.h"

/* A clock that goes back so far (µs) is another boot's, or another guest's. */
#define BACK_MAX	1000000

/* Between two lines of one oops, even on a serial line of 9600 baud. */
#define GAP_MAX		3000000

/* Facts of a boot that died, at least, if its start is not there. */
#define JUMPS_APART	32

enum block { BLOCK_NONE, BLOCK_OOPS, BLOCK_TRACE, BLOCK_REFUSAL };

/* Where each guest is in what it says. */
struct place {
	struct boot_facts *boot;
	enum block block;		/* whose the next lines of a trace are */
	struct oops *oops;		/* NULL: none, or no room for it */
	struct refusal *refusal;
	struct trace trace;		/* of nobody yet */
	const struct fact *page, *reason;
	int64_t t;
	uint8_t style;			/* of the line before */
};

struct sorter {
	struct boots *boots;
	const struct scan *scan;
	struct place places[CONSOLE_GUESTS];
	size_t jump;			/* the last fact at which time went back */
	int err;
};

static bool same_words(const struct fact *a, const struct fact *b)
{
	return !memcmp(a->v, b->v, sizeof(a->v)) && !strcmp(a->text, b->text) && a->extra == b->extra;
}

static void drop_oldest(struct sorter *s)
{
	struct boots *b = s->boots;

	for (unsigned int i = 0; i < CONSOLE_GUESTS; i++)
		if (s->places[i].boot == b->boot[0])
			s->places[i] = (struct place){ .t = NO_TIME };
	free(b->boot[0]);
	memmove(b->boot, b->boot + 1, (--b->nr) * sizeof(*b->boot));
	b->older++;
}

static struct boot_facts *begin_boot(struct sorter *s, const struct fact *f, size_t at)
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
	boot->begin = at;
	boot->first_line = f->line;
	s->boots->boot[s->boots->nr++] = boot;
	s->places[f->guest] = (struct place){ .boot = boot, .t = NO_TIME };
	return boot;
}

static void touch(struct oops *o, const struct fact *f)
{
	o->first = o->first && o->first < f->line ? o->first : f->line;
	o->last = f->last_line > o->last ? f->last_line : o->last;
	o->t = f->t;
}

static void begin_oops(struct place *p, const struct fact *f)
{
	p->block = BLOCK_OOPS;
	p->oops = NULL;
	p->trace = (struct trace){};
	if (p->boot->nr_oopses == BOOT_OOPSES) {
		p->boot->more_oopses++;
		return;
	}
	p->oops = &p->boot->oopses[p->boot->nr_oopses++];
	p->oops->caller = f->caller;
	p->oops->style = f->style;
	touch(p->oops, f);
	if (p->page && (p->page->t == NO_TIME || f->t - p->page->t < GAP_MAX))
		p->oops->page = p->page;
	if (p->reason && (p->reason->t == NO_TIME || f->t - p->reason->t < GAP_MAX))
		p->oops->reason = p->reason;
	p->page = p->reason = NULL;
}

static void set(struct oops *o, const struct fact *f)
{
	if (!o)
		return;
	touch(o, f);
	if (f->cut)
		o->cut |= 1U << f->kind;
	else
		o->of[f->kind] = f;
}

/* Registers were printed: what comes then is another oops. */
static bool complete(const struct oops *o)
{
	return (o->of[FACT_RIP] && o->of[FACT_RIP]->extra != 1) || o->symbol ||
	       (o->cut & 1U << FACT_RIP);
}

/* Of about the same time, in any order. */
static bool near(const struct oops *o, const struct fact *f)
{
	return o->t == NO_TIME || f->t == NO_TIME || llabs(f->t - o->t) <= GAP_MAX;
}

/* Whether @f may be the next line of @o. */
static bool belongs(const struct oops *o, const struct fact *f)
{
	return near(o, f) && f->t >= o->t && o->style == f->style && o->caller == f->caller;
}

static unsigned int rank_of(const struct oops *o)
{
	unsigned int rank = 0;

	for (enum fact_kind k = 0; k <= FACT_CR2; k++)
		if ((o->of[k] || (o->cut & 1U << k)) && !(k == FACT_RIP && !complete(o)))
			rank = fact__rank(k) > rank ? fact__rank(k) : rank;
	return rank;
}

static bool starts_oops(const struct fact *f)
{
	return f->kind == FACT_ADDRESS || f->kind == FACT_BUG;
}

/* An address, a code, a walk, "Oops:": the next one of the oops that is being printed, or a new one. */
static void add_to_oops(struct place *p, const struct fact *f)
{
	struct oops *o = p->block == BLOCK_OOPS ? p->oops : NULL;
	bool torn;

	if (p->block == BLOCK_OOPS && !o && !starts_oops(f))
		return;
	if (o && belongs(o, f)) {
		if (!complete(o) && fact__rank(f->kind) > rank_of(o)) {
			set(o, f);
			return;
		}
		if (o->of[f->kind] && same_words(o->of[f->kind], f) && !starts_oops(f))
			return;
	}
	/* An oops begins in the middle of another: whose lines follow, nobody knows. */
	torn = o && near(o, f) && (o->torn || !complete(o));
	if (torn)
		o->torn = true;
	begin_oops(p, f);
	if (p->oops)
		p->oops->torn = torn;
	set(p->oops, f);
}

/* Up to three lines have the instruction pointer, each something that the others lack. */
static void add_rip(struct oops *o, const struct fact *f)
{
	const struct fact *before = o->of[FACT_RIP];

	if (f->extra == 2 && !f->cut) {
		o->symbol = o->symbol ?: f;
		touch(o, f);
	} else if (!before || (before->extra == 1 && f->extra == 0 && !f->cut)) {
		if (before && *before->name && *f->name && strcmp(before->name, f->name))
			o->torn = true;
		set(o, f);
	}
}

/*
 * Registers that an oops has already, and others: of another oops, whose lines stand
 * between its own.  In a stack trace there may be those of what was interrupted.
 */
static bool contradicts(const struct oops *o, const struct fact *f)
{
	const struct fact *before = o->of[f->kind];

	if (!before || f->cut)
		return false;
	if (f->kind == FACT_CPU)
		return strcmp(before->text, f->text) != 0;
	if (o->traced)
		return false;
	if (f->kind == FACT_RIP)
		return !before->extra && !f->extra && f->v[0] == before->v[0] &&
		       strcmp(before->text, f->text);
	return f->v[0] != before->v[0];
}

/* Registers follow "Oops:" or what leads to it; those behind an address alone are another's. */
static bool awaits_registers(const struct oops *o)
{
	return o->of[FACT_OOPS] || o->of[FACT_TRAP] || o->of[FACT_CODE] || o->of[FACT_ACCESS] ||
	       o->of[FACT_BUG] || o->fault || o->cut;
}

static void add_registers_to_oops(struct oops *o, const struct fact *f)
{
	if (!o)
		return;
	if (!belongs(o, f) || contradicts(o, f) || (!f->extra && !awaits_registers(o))) {
		o->torn |= near(o, f) && o->caller == f->caller && !o->traced;
		return;
	}
	if (f->kind == FACT_RIP)
		add_rip(o, f);
	else if (!o->of[f->kind])
		set(o, f);
}

/* Of a trace: the oops's, that of a warning or a refusal, or of what nobody knows yet. */
static void add_registers(struct place *p, const struct fact *f)
{
	struct trace *trace = p->block == BLOCK_REFUSAL && p->refusal ? &p->refusal->trace : &p->trace;

	if (p->block == BLOCK_OOPS) {
		add_registers_to_oops(p->oops, f);
		return;
	}
	if (p->block == BLOCK_NONE)
		p->trace = (struct trace){};
	if (p->block == BLOCK_NONE)
		p->block = BLOCK_TRACE;
	if (f->kind == FACT_RIP && !f->cut && f->extra != 1)
		trace->rip = trace->rip ?: f;
	else if (f->kind == FACT_CPU && !f->cut)
		trace->cpu = trace->cpu ?: f;
}

static void add_frame(struct place *p, const struct fact *f)
{
	struct trace *trace = &p->trace;

	if (p->block == BLOCK_NONE)
		p->block = BLOCK_TRACE;
	if (p->block == BLOCK_OOPS) {
		if (!p->oops || !belongs(p->oops, f))
			return;
		trace = &p->oops->trace;
		p->oops->traced = true;
		touch(p->oops, f);
	} else if (p->block == BLOCK_REFUSAL && p->refusal) {
		trace = &p->refusal->trace;
	}
	if (trace->nr < SCAN_FRAMES)
		trace->frames[trace->nr++] = f;
}

static void begin_refusal(struct place *p, const struct fact *f)
{
	struct trace before = p->block == BLOCK_TRACE && p->style == f->style ? p->trace :
			      (struct trace){};

	p->block = BLOCK_REFUSAL;
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
	struct refusal *r = p->block == BLOCK_REFUSAL ? p->refusal : NULL;

	if (p->block != BLOCK_REFUSAL)
		begin_refusal(p, f);
	r = p->refusal;
	if (r && (int64_t)f->v[3] < 0 && r->nr_calls < BOOT_CALLS && !f->cut)
		r->calls[r->nr_calls++] = f;
}

/* The series' line is about an oops, if it names its address; else it stands for one. */
static void add_fault(struct place *p, const struct fact *f)
{
	struct oops *o = p->block == BLOCK_OOPS ? p->oops : NULL;
	const struct fact *address = o ? o->of[FACT_ADDRESS] : NULL;

	if (f->cut)
		return;
	if (!o || o->fault || !near(o, f) || (address ? address->v[0] != f->v[0] : !belongs(o, f)))
		begin_oops(p, f);
	if (p->oops) {
		p->oops->fault = f;
		touch(p->oops, f);
	}
}

static void add_to_boot(struct place *p, const struct fact *f)
{
	struct boot_facts *b = p->boot;
	const struct fact **one = NULL;

	if (f->cut)
		return;
	switch (f->kind) {
	case FACT_KERNEL:
		one = &b->kernel;
		break;
	case FACT_PLATFORM:
		one = &b->platform;
		break;
	case FACT_LIVES:
		one = &b->lives;
		break;
	case FACT_S_ERASED_TOTAL:
		one = &b->erased_total;
		break;
	case FACT_S_REPAIRED:
		one = &b->repaired;
		break;
	case FACT_S_LOG:
		one = &b->log;
		break;
	case FACT_DEFERRED:
		if (b->nr_nodes < BOOT_NODES)
			b->nodes[b->nr_nodes++] = f;
		break;
	case FACT_S_ERASED:
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

static void add_panic(struct place *p, const struct fact *f)
{
	if (f->cut)
		return;
	p->boot->panic = p->boot->panic ?: f;
	if (p->block == BLOCK_OOPS && p->oops && belongs(p->oops, f)) {
		p->oops->panic = f;
		p->oops->ended = true;
	}
}

static void add_trace(struct place *p, const struct fact *f)
{
	if (p->block != BLOCK_OOPS || !p->oops || !belongs(p->oops, f))
		return;
	p->oops->traced = true;
	p->oops->ended |= f->kind == FACT_TRACE_END;
}

static void add(struct place *p, const struct fact *f)
{
	switch (f->kind) {
	case FACT_CPU:
	case FACT_RIP:
	case FACT_CR2:
		add_registers(p, f);
		break;
	case FACT_FRAME:
		add_frame(p, f);
		break;
	case FACT_TRACE:
	case FACT_TRACE_END:
		add_trace(p, f);
		break;
	case FACT_PAGE:
		p->page = f->cut ? NULL : f;
		break;
	case FACT_REASON:
		p->reason = f->cut ? NULL : f;
		break;
	case FACT_WARNING:
		p->block = BLOCK_TRACE;
		p->trace = (struct trace){ .warning = f };
		break;
	case FACT_MC_FAILED:
		if (!f->cut)
			begin_refusal(p, f);
		break;
	case FACT_MC_CALL:
		add_call(p, f);
		break;
	case FACT_S_FAULT:
		add_fault(p, f);
		break;
	case FACT_PANIC:
		add_panic(p, f);
		break;
	default:
		if (fact__rank(f->kind))
			add_to_oops(p, f);
		else
			add_to_boot(p, f);
	}
}

/*
 * Time that goes back where no boot begins may be a boot whose start is lost.  When it
 * does so again at once, lines of two guests alternate.
 */
static void note_jump(struct sorter *s, size_t at)
{
	s->boots->torn |= s->boots->jumps++ && at - s->jump < JUMPS_APART;
	s->jump = at;
}

static void sort_fact(struct sorter *s, size_t at)
{
	const struct fact *f = &s->scan->facts[at];
	struct place *p = &s->places[f->guest];
	bool back = f->t != NO_TIME && p->t != NO_TIME && f->t + BACK_MAX < p->t;

	/* A clock that goes back in the middle of an oops is another guest's. */
	if (back && f->kind != FACT_KERNEL && p->block == BLOCK_OOPS && p->oops && !p->oops->ended)
		p->oops->torn = true;
	if (!p->boot || back || (f->kind == FACT_KERNEL && (p->boot->kernel || p->boot->nr_oopses ||
							    p->t > f->t))) {
		if (back && f->kind != FACT_KERNEL)
			note_jump(s, at);
		if (!begin_boot(s, f, at))
			return;
	}
	if (f->kind == FACT_KERNEL)
		p->boot->headless = false;
	p->boot->end = at + 1;
	p->boot->last_line = f->last_line > p->boot->last_line ? f->last_line : p->boot->last_line;
	if (f->line < p->boot->first_line)
		p->boot->first_line = f->line;
	add(p, f);
	p->t = f->t != NO_TIME ? f->t : p->t;
	p->style = f->style;
}

/* Numbers that an oops says twice must be the same. */
static void check_oops(struct boot_facts *b, struct oops *o)
{
	const struct fact *code = o->of[FACT_CODE], *oops = o->of[FACT_OOPS], *cpu = o->of[FACT_CPU];
	const struct fact *address = o->of[FACT_ADDRESS], *cr2 = o->of[FACT_CR2];
	const struct fact *access = o->of[FACT_ACCESS];

	o->torn |= code && oops && code->v[0] != oops->v[0];
	o->torn |= address && cr2 && address->v[0] != cr2->v[0] && !o->of[FACT_TRAP];
	o->torn |= code && access && (code->v[0] & 22) != access->extra;
	o->torn |= oops && access && (oops->v[0] & 22) != access->extra;
	o->foreign = cpu && b->kernel && strcmp(cpu->text, b->kernel->text);
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
	for (unsigned int i = 0; i < CONSOLE_GUESTS; i++)
		s->places[i].t = NO_TIME;
	for (size_t i = 0; i < scan->nr && !s->err; i++) {
		if (scan->facts[i].kind == FACT_RESTART)
			s->places[0] = (struct place){ .t = NO_TIME };
		else if (fact__is_xen(&scan->facts[i]))
			boots->xen = true;
		else
			sort_fact(s, i);
	}
	for (unsigned int i = 0; i < boots->nr; i++)
		for (unsigned int n = 0; n < boots->boot[i]->nr_oopses; n++)
			check_oops(boots->boot[i], &boots->boot[i]->oopses[n]);
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
