// SPDX-License-Identifier: GPL-2.0-only
/* Findings in words. */
#include <stdarg.h>
#include <stdio.h>

#include "record/comm.h"
#include "record/hypercalls.h"
#include "record/records.h"
#include "pins.h"

const struct finding_words finding_classes[FINDING_CLASSES] = {
#define FINDING(name, finding, alert, ...) [FINDING_##name] = { .word = finding, __VA_ARGS__ },
#include "../../include/findings.def"
};

const struct finding_words finding_grades[GRADES] = {
#define GRADE(name, grade, ...) [GRADE_##name] = { .word = grade, __VA_ARGS__ },
#include "../../include/findings.def"
};

static const char *const witnesses[] = { "flag", "tree", "direct-map", "xen", "history" };

_Static_assert(sizeof(witnesses) / sizeof(*witnesses) == WITNESSES, "one name per bit");

const char *finding__class(const struct finding *f)
{
	return finding_classes[f->class].word;
}

const char *finding__grade(const struct finding *f)
{
	return finding_grades[f->grade].word;
}

const char *finding__effect(const struct finding *f)
{
	const char *const *effects = finding_classes[f->class].effects;

	return f->level <= XP_L4 && effects[f->level] ? effects[f->level] : effects[0];
}

const char *witness__name(enum witness witness)
{
	return witnesses[__builtin_ctz(witness)];
}

struct text {
	char *at;
	size_t left, len;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->at, t->left, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= t->left)
		n = t->left ? t->left - 1 : 0;
	t->at += n;
	t->left -= n;
	t->len += n;
}

static void add_table(struct text *t, const struct finding *f)
{
	if (f->level)
		add(t, "L%u ", f->level);
	if (f->pfn == XP_NO_PFN)
		add(t, "page of unknown pfn");
	else
		add(t, "page 0x%llx", (unsigned long long)f->pfn);
	if (f->mfn != XP_NO_PFN)
		add(t, " (mfn 0x%llx)", (unsigned long long)f->mfn);
	if (f->mm)
		add(t, " of mm 0x%llx", (unsigned long long)f->mm);
}

/* Who did it, where the record says; an audit's task is the owner. */
static void add_task(struct text *t, const struct finding *f, const char *before)
{
	char name[XP_COMM_LEN + 1];

	if (comm__printable(name, f->comm) || f->pid)
		add(t, "%s%s (pid %u)", before, name, f->pid);
}

/* The model keeps times to about a second. */
static void add_past(struct text *t, const struct finding *f)
{
	const char *past = record_kinds[f->last].past;
	unsigned long long seconds = (f->t > f->since ? f->t - f->since : 0) / 1000000000;

	if (seconds < 2)
		add(t, "; %s less than 2 s before", past);
	else
		add(t, "; %s about %llu s before", past, seconds);
}

static void add_evidence(struct text *t, const struct finding *f)
{
	bool is_table = finding_classes[f->class].is_table;

	if (f->witnesses & WITNESS_DIRECT_MAP)
		add(t, is_table ? ", read-only in the direct map" : ", writable in the direct map");
	if (f->witnesses & WITNESS_XEN && !f->op)
		add(t, is_table ? ", a page table to Xen" : ", no page table to Xen");
	if (f->witnesses & WITNESS_HISTORY && record_kinds[f->last].past)
		add_past(t, f);
}

size_t finding__text(const struct finding *f, char *buffer, size_t size)
{
	const struct finding_words *words = &finding_classes[f->class];
	const struct said *said = f->witnesses & WITNESS_HISTORY && words->by_history.what ?
					  &words->by_history : &words->said;
	char call[REFUSED_WORDS];
	struct text t = { buffer, size };

	if (f->refused.result) {
		add(&t, "Xen refused %s", refused__in_words(&f->refused, call));
		add_task(&t, f, said->task);
		return t.len;
	}
	add_table(&t, f);
	add(&t, "%s", said->what);
	if (words->names_op)
		add(&t, "%s", f->op == XP_OP_UNPIN ? "unpinned" : "pinned");
	if (said->task)
		add_task(&t, f, said->task);
	if (f->result)
		add(&t, ", Xen says %lld", (long long)f->result);
	add_evidence(&t, f);
	return t.len;
}
