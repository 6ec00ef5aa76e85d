// SPDX-License-Identifier: GPL-2.0-only
/* Which oops a line belongs to: lines of several may stand between each other. */
#include <stdlib.h>
#include <string.h>

#include "place.h"

/* Lines from "kernel BUG at" to an early panic, or to the registers where no line names the trap. */
#define BUG_LINES	2

/* Between lines that have no long one, of all modules, between them. */
#define AT_ONCE		1500000

static bool same_words(const struct fact *a, const struct fact *b)
{
	return !memcmp(a->v, b->v, sizeof(a->v)) && !strcmp(a->text, b->text) &&
	       a->extra == b->extra;
}

static void touch(struct oops *o, const struct fact *f)
{
	o->first = o->first && o->first < f->line ? o->first : f->line;
	o->last = f->last_line > o->last ? f->last_line : o->last;
	o->nth = f->nth;
	o->t = f->t != NO_TIME ? f->t : o->t;
}

static void begin_oops(struct place *p, const struct fact *f)
{
	p->block = BLOCK_OOPS;
	p->oops = NULL;
	p->adrift = false;
	p->trace = (struct trace){};
	if (p->boot->nr_oopses == BOOT_OOPSES)
		p->boot->more_oopses++;
	else
		p->boot->nr_oopses++;
	p->oops = &p->boot->oopses[p->boot->nr_oopses - 1];
	*p->oops = (struct oops){ .t = NO_TIME };
	p->oops->caller = f->caller;
	p->oops->style = f->style;
	touch(p->oops, f);
	if (p->page && (p->page->t == NO_TIME || f->t - p->page->t < PLACE_GAP_MAX))
		p->oops->page = p->page;
	if (p->reason && (p->reason->t == NO_TIME || f->t - p->reason->t < PLACE_GAP_MAX))
		p->oops->reason = p->reason;
	p->page = p->reason = NULL;
}

static void set(struct oops *o, const struct fact *f)
{
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

bool place__finished(const struct oops *o)
{
	return o->ended || (complete(o) && o->traced);
}

/* Of about the same time, in any order. */
static bool near(const struct oops *o, const struct fact *f)
{
	return o->t == NO_TIME || f->t == NO_TIME || llabs(f->t - o->t) <= PLACE_GAP_MAX;
}

/* In one oops time never goes back. */
static bool is_older(const struct oops *o, const struct fact *f)
{
	return near(o, f) && f->t < o->t && o->style == f->style && o->caller == f->caller;
}

/* Whether @f may be the next line of @o.  The list of modules stands before the CPU's line. */
static bool belongs(const struct oops *o, const struct fact *f)
{
	int64_t gap = f->kind == FACT_CPU || f->kind == FACT_RIP ? PLACE_GAP_MAX : AT_ONCE;

	return near(o, f) && o->style == f->style && o->caller == f->caller &&
	       (o->t == NO_TIME || (f->t >= o->t && f->t - o->t <= gap));
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
	return f->kind == FACT_ADDRESS || f->kind == FACT_BUG || f->kind == FACT_EARLY;
}

void place__interrupt(struct place *p, enum block block)
{
	if (p->block == BLOCK_OOPS)
		p->adrift = !place__finished(p->oops);
	p->block = block;
	p->trace = (struct trace){};
}

void place__forget(struct place *p)
{
	*p = (struct place){ .boot = p->boot, .t = p->t };
}

/* "Oops:" with a code ends what a page fault says, the name of another trap what a BUG says. */
static bool same_sort(const struct oops *o, const struct fact *f)
{
	const uint32_t fault = 1U << FACT_ADDRESS | 1U << FACT_ACCESS | 1U << FACT_CODE |
			       1U << FACT_WALK | 1U << FACT_EARLY;
	bool has_fault = o->of[FACT_ADDRESS] || o->of[FACT_ACCESS] || o->of[FACT_CODE] ||
			 o->of[FACT_WALK] || o->of[FACT_EARLY] || (o->cut & fault);

	if (f->kind == FACT_TRAP)
		return !has_fault || !strcmp(f->text, "bad page table");
	return !o->of[FACT_BUG] || !(fault & 1U << f->kind || f->kind == FACT_OOPS);
}

/*
 * A BUG is an invalid opcode, which only an early panic says before there are handlers.  Its line
 * goes past printk(), and so without the stamp of the lines around it.
 */
static bool is_panic_of_bug(const struct oops *o, const struct fact *f)
{
	return (o->of[FACT_BUG] || (o->cut & 1U << FACT_BUG)) && !f->cut &&
	       f->v[2] == VECTOR_INVALID_OPCODE && near(o, f) && !(f->style & ~o->style) &&
	       f->nth <= o->nth + BUG_LINES;
}

/* Whether @f goes on with what @o says, and is not the first line of another. */
static bool continues(const struct oops *o, const struct fact *f)
{
	return f->kind == FACT_EARLY ? is_panic_of_bug(o, f) : belongs(o, f) && same_sort(o, f);
}

/* What an oops does not have yet, and has before its registers: those were another's, perhaps. */
static bool comes_too_late(const struct oops *o, const struct fact *f)
{
	return !starts_oops(f) && !o->ended && !o->of[f->kind] && !(o->cut & 1U << f->kind) &&
	       o->style == f->style && o->caller == f->caller;
}

/* An address, a code, a walk, "Oops:": the next of the oops that is being printed, or of a new one.
 */
void place__add_to_oops(struct place *p, const struct fact *f)
{
	struct oops *o = p->block == BLOCK_OOPS || p->adrift ? p->oops : NULL;
	bool torn;

	if (p->adrift && !starts_oops(f) && near(o, f))
		return;
	o = p->adrift && !near(o, f) ? NULL : o;
	if (o && !p->adrift && continues(o, f)) {
		if (!complete(o) && fact__rank(f->kind) > rank_of(o)) {
			set(o, f);
			return;
		}
		if (o->of[f->kind] && same_words(o->of[f->kind], f) && !starts_oops(f))
			return;
	}
	/* An oops begins in the middle of another: whose lines follow, nobody knows. */
	torn = o && near(o, f) && (o->torn || !complete(o) || comes_too_late(o, f));
	if (torn)
		o->torn = true;
	begin_oops(p, f);
	p->oops->torn = torn;
	set(p->oops, f);
}

/* Up to three lines have the instruction pointer, each something that the others lack. */
static void add_rip(struct oops *o, const struct fact *f)
{
	const struct fact *before = o->of[FACT_RIP];

	if (f->extra == 2 && before && !before->extra && *before->name) {
		/* A kernel of 64 bits says it once. */
		o->torn |= strcmp(before->name, f->name) != 0;
	} else if (f->extra == 2 && !f->cut) {
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
		return memcmp(before->v, f->v, sizeof(f->v)) || strcmp(before->text, f->text) ||
		       strcmp(before->name, f->name);
	if (o->traced)
		return false;
	if (f->kind == FACT_RIP)
		return !before->extra && !f->extra && f->v[0] == before->v[0] &&
		       strcmp(before->text, f->text);
	return f->v[0] != before->v[0];
}

/* Registers follow "Oops:" or what leads to it; those behind an address alone are another's. */
static bool awaits_registers(const struct oops *o, const struct fact *f)
{
	bool begun = o->of[FACT_CPU] || o->of[FACT_RIP];

	return o->of[FACT_OOPS] || o->of[FACT_EARLY] || o->of[FACT_TRAP] || o->of[FACT_CODE] ||
	       o->of[FACT_ACCESS] ||
	       (o->of[FACT_BUG] && (begun || f->nth <= o->nth + BUG_LINES)) || o->fault || o->cut;
}

/* An early panic's own line goes past printk(), which stamps those that follow. */
static void adopt_style(struct oops *o, const struct fact *f)
{
	if (o && o->of[FACT_EARLY] && o->first == o->last && f->nth <= o->nth + BUG_LINES) {
		o->style = f->style;
		o->caller = f->caller;
	}
}

static void add_registers_to_oops(struct oops *o, const struct fact *f)
{
	/* Those of user space stand at the end of a trace. */
	if (!o || (f->kind == FACT_RIP && !f->extra && (f->v[0] & 3) == 3))
		return;
	if (!belongs(o, f) || contradicts(o, f) || (!f->extra && !awaits_registers(o, f))) {
		o->torn |= near(o, f) && o->caller == f->caller && (!o->traced || is_older(o, f));
		return;
	}
	/* "IP: " stands before all registers. */
	o->torn |= f->kind == FACT_RIP && f->extra == 1 && complete(o) && !o->ended;
	/* Behind the trace stand registers of the first oops of all, or of what was interrupted. */
	if (f->kind == FACT_RIP && !o->traced)
		add_rip(o, f);
	else if (f->kind != FACT_RIP && !o->of[f->kind])
		set(o, f);
}

/* Of a trace: the oops's, that of a warning or a refusal, or of what nobody knows yet. */
void place__add_registers(struct place *p, const struct fact *f)
{
	struct trace *trace =
		p->block == BLOCK_REFUSAL && p->refusal ? &p->refusal->trace : &p->trace;

	if (p->block == BLOCK_OOPS) {
		adopt_style(p->oops, f);
		add_registers_to_oops(p->oops, f);
		/* Another CPU, or task: what follows is about that one. */
		if (p->oops && f->kind == FACT_CPU && contradicts(p->oops, f))
			place__interrupt(p, BLOCK_REPORT);
		return;
	}
	if (p->block == BLOCK_REPORT)
		return;
	if (p->block == BLOCK_NONE)
		p->trace = (struct trace){};
	if (p->block == BLOCK_NONE)
		p->block = BLOCK_TRACE;
	if (f->kind == FACT_RIP && !f->cut && f->extra != 1)
		trace->rip = trace->rip ?: f;
	else if (f->kind == FACT_CPU && !f->cut)
		trace->cpu = trace->cpu ?: f;
	/* Of an oops that began above, or of a warning: what remains when its first line is gone. */
	if (p->block == BLOCK_TRACE && !trace->warning && (trace->rip || f->kind == FACT_CR2))
		p->boot->tail = p->boot->tail ?: trace->rip ?: f;
}

void place__add_frame(struct place *p, const struct fact *f)
{
	struct trace *trace = &p->trace;

	if (p->block == BLOCK_NONE)
		p->block = BLOCK_TRACE;
	if (p->block == BLOCK_REPORT ||
	    (p->block != BLOCK_OOPS && (f->t < p->t || f->style != p->style)))
		return;
	if (p->block == BLOCK_OOPS) {
		if (p->oops && !belongs(p->oops, f))
			p->oops->torn |= is_older(p->oops, f);
		if (!p->oops || !belongs(p->oops, f))
			return;
		trace = &p->oops->trace;
		/* Up to 2.6.24 the first line has a second one, "[<address>] function". */
		p->oops->traced |= rank_of(p->oops) > fact__rank(FACT_ADDRESS);
		touch(p->oops, f);
	} else if (p->block == BLOCK_REFUSAL && p->refusal) {
		trace = &p->refusal->trace;
	}
	if (trace->nr < SCAN_FRAMES)
		trace->frames[trace->nr++] = f;
}

/* Of a page fault whose address is not there: what follows at once. */
static bool is_next(const struct oops *o, const struct fact *f)
{
	return belongs(o, f) && !o->of[FACT_BUG] && !o->of[FACT_TRAP] && !o->of[FACT_EARLY] &&
	       (o->of[FACT_OOPS] || o->of[FACT_CODE]);
}

/*
 * The series' line is about an oops, if it names its address; else it stands for one, or,
 * when it stands in another, nobody knows for which.
 */
void place__add_fault(struct place *p, const struct fact *f)
{
	struct oops *o = p->block == BLOCK_OOPS ? p->oops : NULL;
	const struct fact *address = o ? o->of[FACT_ADDRESS] : NULL;

	if (address && near(o, f) && !o->fault && f->v[0] != address->v[0] &&
	    f->v[0] != FIELD_UNREAD) {
		o->stray = f;
		o->torn |= !place__finished(o);
		return;
	}
	if (f->cut && o && near(o, f))
		o->damaged = f;
	if (f->cut)
		return;
	if (!o || o->fault || !near(o, f) || (address ? address->v[0] != f->v[0] : !is_next(o, f)))
		begin_oops(p, f);
	p->oops->fault = f;
	touch(p->oops, f);
}

void place__add_panic(struct place *p, const struct fact *f)
{
	if (f->cut)
		return;
	p->boot->panic = p->boot->panic ?: f;
	if (p->block == BLOCK_OOPS && p->oops && belongs(p->oops, f)) {
		p->oops->panic = f;
		p->oops->ended = true;
	}
}

void place__add_trace(struct place *p, const struct fact *f)
{
	if (p->block == BLOCK_NONE && f->kind == FACT_TRACE_END)
		p->boot->tail = p->boot->tail ?: f;
	if (p->block != BLOCK_OOPS || !p->oops || !belongs(p->oops, f))
		return;
	p->oops->traced = true;
	p->oops->interrupt |= f->kind == FACT_IRQ && !p->oops->trace.nr;
	p->oops->ended |= f->kind == FACT_TRACE_END;
}
