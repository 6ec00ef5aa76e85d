// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "addresses.h"
#include "bugs.h"
#include "judge.h"

static bool stronger(const struct verdict *a, const struct verdict *b)
{
	return a->class < b->class || (a->class == b->class && a->grade > b->grade);
}

/*
 * The oops that a boot is judged by: one that is a finding, the strongest first; or
 * the first of those that ended it.
 */
static const struct oops *decisive(const struct boot_facts *b)
{
	const struct oops *chosen = NULL, *last = NULL;

	for (unsigned int i = 0; i < b->nr_oopses; i++) {
		const struct oops *o = &b->oopses[i];

		if (verdict__is_finding(o->verdict.class) &&
		    (!chosen || stronger(&o->verdict, &chosen->verdict)))
			chosen = o;
	}
	for (unsigned int i = 0; !chosen && i < b->nr_oopses; i++) {
		const struct oops *o = &b->oopses[i];

		if (!last || (last->t != NO_TIME && o->t != NO_TIME && o->t - last->t > GOES_ON))
			last = o;
	}
	return chosen ?: last;
}

/* How reasons of a panic begin that no oops and no page table has led to. */
static bool is_panic_of_others(const struct fact *panic)
{
	static const char *const reasons[] = {
		"Out of memory", "out of memory", "System is deadlocked on memory",
		"VFS: Unable to mount root", "No working init found", "No init found",
		"Requested init ", "Attempted to kill init! exitcode=0x00000100",
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (!strncmp(panic->text, reasons[i], strlen(reasons[i])))
			return true;
	return false;
}

/* Where no oops is: another boot of the console, that was left out perhaps, may have one. */
static const char *where_none_is(const struct boot_facts *b, const struct console *c)
{
	bool elsewhere = c->boots.older, newest = false;

	for (unsigned int i = 0; i < c->boots.nr; i++) {
		elsewhere |= c->boots.boot[i]->nr_oopses;
		if (c->boots.boot[i]->guest == b->guest)
			newest = c->boots.boot[i] == b;
	}
	return !elsewhere ? "on this console" : newest ? "in the newest boot" : "in this boot";
}

/* Nothing is known to have happened: whether that is all is another question. */
static void judge_living(struct boot_facts *b, const struct console *c)
{
	const struct scan *s = &c->scan;
	bool alone = c->guests == 1 && !c->boots.jumps && !b->gaps && !c->xen.nr && !s->reversed;
	uint64_t alarm = b->alarm ? b->alarm->line : s->xen_alarm;
	bool quiet = alone && !alarm && !s->open_end;
	struct verdict *v = &b->verdict;

	char but[80] = "; whether flags were erased, nothing on it tells";

	if (alarm)
		snprintf(but, sizeof(but), "; but line %" PRIu64 " tells of something that went wrong",
			 alarm);
	else if (s->open_end)
		snprintf(but, sizeof(but), "; but it ends in the middle of a %s",
			 s->journal.open_end ? "record" : "line");
	else if (b->repaired && quiet)
		strcpy(but, ", and every flag that was erased has been repaired");
	verdict__set(v, VERDICT_LIVES, b->repaired && quiet ? VERDICT_IS_SHOWN : VERDICT_IS_LIKELY,
		     "No oops is %s: the guest reached user space%s", where_none_is(b, c), but);
	verdict__rests_on(v, b->repaired);
	verdict__rests_on(v, b->lives);
}

static void judge_without_oops(struct boot_facts *b, const struct console *c)
{
	uint64_t total = b->erased_total ? b->erased_total->v[0] : b->nr_erased;
	uint64_t repaired = b->repaired ? b->repaired->v[0] : 0;
	struct verdict *v = &b->verdict;

	if (total > repaired) {
		verdict__set(v, VERDICT_ERASED, VERDICT_IS_LIKELY,
			     "%" PRIu64 " flag%s erased; no page fault "
			     "is on this console",
			     total - repaired, total - repaired == 1 ? " was" : "s were");
		verdict__rests_on(v, b->erased_total ?: b->erased[0]);
	} else if (b->nr_refusals || b->more_refusals) {
		judge__refusals(v, b, c);
	} else if (b->warned) {
		verdict__set(v, VERDICT_REFUSED, VERDICT_IS_LIKELY,
			     "Xen refused hypercalls of a batch: Linux warned of it at %s; which "
			     "ones, the console does not say",
			     b->warned->text);
		verdict__rests_on(v, b->warned);
	} else if (b->tail) {
		verdict__set(v, VERDICT_UNKNOWN, VERDICT_IS_UNKNOWN,
			     "The end of an oops, or of a warning, is on this console%s%s; its "
			     "first lines, which say what it is about, are not%s%s",
			     *b->tail->name ? ", in " : "", b->tail->name,
			     b->panic ? ". The guest then panicked: " : "",
			     b->panic ? b->panic->text : "");
		verdict__rests_on(v, b->tail);
		verdict__rests_on(v, b->panic);
	} else if (b->panic && is_panic_of_others(b->panic)) {
		verdict__set(v, VERDICT_OTHER, VERDICT_IS_LIKELY,
			     "The guest panicked (%s), and not for an oops: no lost flag does that",
			     b->panic->text);
		verdict__rests_on(v, b->panic);
	} else if (b->panic) {
		verdict__set(v, VERDICT_UNKNOWN, VERDICT_IS_UNKNOWN,
			     "The guest died, but not of a page fault that is on this console: it "
			     "panicked (%s), and nothing on it tells of erased flags",
			     b->panic->text);
		verdict__rests_on(v, b->panic);
	} else if (b->lives && b->doubt) {
		verdict__set(v, VERDICT_UNKNOWN, VERDICT_IS_UNKNOWN,
			     "The guest reached user space; whether flags are left erased, nobody "
			     "can tell: line %" PRIu64 " contradicts that %" PRIu64
			     " of them were repaired, or is another guest's",
			     b->doubt->line, repaired);
		verdict__rests_on(v, b->doubt);
		verdict__rests_on(v, b->repaired);
	} else if (b->lives && b->lives->extra == LIVES_SOON && b->init_runs > 1) {
		verdict__set(v, VERDICT_UNKNOWN, VERDICT_IS_UNKNOWN,
			     "No oops is %s; the kernel tried %u programs as init, and "
			     "whether the last one could be run nothing on it tells",
			     where_none_is(b, c), b->init_runs);
		verdict__rests_on(v, b->lives);
	} else if (b->lives) {
		judge_living(b, c);
	} else {
		verdict__set(
			v, VERDICT_UNKNOWN, VERDICT_IS_UNKNOWN,
			"No oops is %s, so nothing tells of erased flags: on a guest that "
			"lives, run `xenpin boot` in it", where_none_is(b, c));
	}
}

static void judge_boot(struct boot_facts *b, const struct console *c)
{
	const struct oops *o;

	for (unsigned int i = 0; i < b->nr_oopses; i++)
		judge__oops(&b->oopses[i], b, c);
	o = decisive(b);
	if (!o)
		judge_without_oops(b, c);
	else if (b->more_oopses && !verdict__is_finding(o->verdict.class))
		verdict__set(&b->verdict, VERDICT_UNKNOWN, VERDICT_IS_UNKNOWN,
			     "%u oopses between the first ones and the last were left out, and any "
			     "of them may be of a lost flag. Of those that are left: %s",
			     b->more_oopses, o->verdict.text);
	else
		b->verdict = o->verdict;
}

static void count_guests(struct console *c)
{
	bool seen[CONSOLE_GUESTS] = {};

	for (unsigned int i = 0; i < c->boots.nr; i++) {
		c->guests += !seen[c->boots.boot[i]->guest];
		seen[c->boots.boot[i]->guest] = true;
	}
}

/* A boot that says nothing but that it was there is no answer while Xen has one. */
static bool says_nothing(const struct boot_facts *b)
{
	return b->verdict.class == VERDICT_UNKNOWN && !b->nr_oopses && !b->panic;
}

/* The newest boot's; of several guests, that of the one with the strongest verdict. */
static const struct boot_facts *newest_boot(const struct console *c)
{
	const struct boot_facts *chosen = NULL;
	bool seen[CONSOLE_GUESTS] = {};

	for (unsigned int i = c->boots.nr; i-- > 0;) {
		const struct boot_facts *b = c->boots.boot[i];

		if (!seen[b->guest] && (!chosen || b->verdict.class < chosen->verdict.class))
			chosen = b;
		seen[b->guest] = true;
	}
	return chosen;
}

/* The newest boot's, unless Xen knows more of it; Xen's own death outweighs all. */
static void choose(struct console *c)
{
	const struct boot_facts *newest = newest_boot(c);
	bool by_boot = newest && !says_nothing(newest) &&
		       !(newest->verdict.class == VERDICT_LIVES && c->xen.nr);

	if (by_boot)
		c->verdict = &newest->verdict;
	for (unsigned int i = 0; i < c->xen.nr; i++) {
		const struct verdict *v = &c->xen.domains[i].verdict;

		c->finding |= verdict__is_finding(v->class);
		if (!by_boot && (!c->verdict || v->class < c->verdict->class))
			c->verdict = v;
	}
	if (c->xen.died && !(newest && newest->nr_oopses))
		c->verdict = &c->xen.verdict;
	if (!c->verdict && newest)
		c->verdict = &newest->verdict;
	if (!c->verdict) {
		verdict__set(&c->nothing, VERDICT_UNKNOWN, VERDICT_IS_UNKNOWN,
			     "Nothing on this console tells of a death, of a guest or of Xen");
		c->verdict = &c->nothing;
	}
}

/* What was left out may have been a finding. */
static void weaken(struct console *c)
{
	if ((!c->boots.older && !c->scan.forgotten) || c->finding)
		return;
	verdict__set(&c->nothing, VERDICT_UNKNOWN, VERDICT_IS_UNKNOWN,
		     "The oldest lines of this console were left out, and may tell of a lost flag. "
		     "Of the others: %s", c->verdict->text);
	c->verdict = &c->nothing;
}

int console__judge(struct console *c)
{
	int err = boots__sort(&c->boots, &c->scan);

	if (err)
		return err;
	count_guests(c);
	xen_account__read(&c->xen, &c->scan);
	c->clean = c->boots.nr && !c->scan.cut && !c->boots.older && !c->scan.forgotten &&
		   !c->scan.mender.others && !c->xen.nr && !c->xen.died;
	for (unsigned int i = 0; i < c->boots.nr; i++) {
		struct boot_facts *b = c->boots.boot[i];

		judge_boot(b, c);
		c->finding |= verdict__is_finding(b->verdict.class);
		c->clean &= b->verdict.class == VERDICT_LIVES && b->verdict.grade == VERDICT_IS_SHOWN;
	}
	choose(c);
	weaken(c);
	return 0;
}

int console__domain(const struct console *c, const struct boot_facts *b)
{
	const char *name = c->scan.mender.guests[b->guest];
	struct match found;

	/* So Xen marks what a guest prints through Xen's own console. */
	if (match(name, true, "d%d", &found) == MATCH_YES && found.v[0] < INT16_MAX)
		return found.v[0];
	return c->guests == 1 ? XEN_ANY_DOMAIN : *name ? XEN_NO_DOMAIN : 0;
}

bool console__is_none(const struct console *c)
{
	return !c->scan.console_lines;
}

void console__free(struct console *c)
{
	boots__free(&c->boots);
	scan__free(&c->scan);
}
