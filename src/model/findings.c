// SPDX-License-Identifier: GPL-2.0-only
/* Findings in words. */
#include <stdarg.h>
#include <stdio.h>

#include "record/comm.h"
#include "record/records.h"
#include "pins.h"

const struct explanation finding_classes[FINDING_CLASSES] = {
#define FINDING(name, word, alert, ...) [FINDING_##name] = { word, __VA_ARGS__ },
#include "../../include/findings.def"
};

const struct explanation finding_grades[GRADES] = {
#define GRADE(name, ...) [GRADE_##name] = { __VA_ARGS__ },
#include "../../include/findings.def"
};

static const char *const witnesses[] = { "flag", "tree", "direct-map", "xen", "history" };

_Static_assert(sizeof(witnesses) / sizeof(*witnesses) == WITNESSES, "one name per bit");

#define CLEAR_L1 "its page stays pinned and read-only when its tree is unpinned, and goes back " \
	"to the allocator like that"
#define CLEAR(set) "the next " set " through this table will oops (supervisor write, permissions " \
	"violation)"
#define CLEAR_L4 CLEAR("set_p4d") ", and what is added to this tree is not pinned"
#define STALE_L1 "the next pin of its tree leaves this table writable and unpinned, so Xen " \
	"refuses the tree"
#define STALE "the next pin of its tree leaves this table writable, so Xen refuses the tree"
#define RELEASED "a read-only page went back to the allocator: the first write of its next user " \
	"will oops"
#define RELEASED_L1 RELEASED ", and Xen refuses to make it writable while the pin is left"
#define STRANDED "the page is read-only: the first write of whoever gets it next will oops"
#define STRANDED_L1 STRANDED ", and Xen refuses to make it writable while the pin is left"
#define TWICE "Xen keeps its one pin and the flag is set again, so this does no more harm; the " \
	"flag had been lost before"
#define FAILED "the kernel goes on as if Xen had done it: flag and Xen disagree from here on"

/* By enum xp_level, 0 where it is not known. */
static const char *const effects[FINDING_CLASSES][XP_L4 + 1] = {
	[FINDING_LOST] = { "flag and Xen disagree", CLEAR_L1, CLEAR("set_pmd"), CLEAR("set_pud"),
			   CLEAR_L4 },
	[FINDING_STALE] = { "a page that becomes a page table with this flag is not pinned",
			    STALE_L1, STALE, STALE, "this tree is never pinned: Xen refuses it" },
	[FINDING_ERASED_BY_INIT] = { "flag and Xen disagree unless the hook marks it again",
				     CLEAR_L1, CLEAR("set_pmd"), CLEAR("set_pud"), CLEAR_L4 },
	[FINDING_RELEASED_PINNED] = { RELEASED, RELEASED_L1, RELEASED, RELEASED, RELEASED },
	[FINDING_DOUBLE_PIN] = { TWICE, TWICE, TWICE, TWICE, TWICE },
	[FINDING_HYPERCALL_FAILED] = { FAILED, FAILED, FAILED, FAILED, FAILED },
	[FINDING_STRANDED] = { STRANDED, STRANDED_L1, STRANDED, STRANDED, STRANDED },
};

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
	return effects[f->class][f->level <= XP_L4 ? f->level : 0];
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
	if (f->witnesses & WITNESS_DIRECT_MAP)
		add(t, f->class == FINDING_STALE ? ", writable in the direct map" :
						   ", read-only in the direct map");
	if (f->witnesses & WITNESS_XEN && !f->op)
		add(t, f->class == FINDING_STALE ? ", no page table to Xen" :
						   ", a page table to Xen");
	if (f->witnesses & WITNESS_HISTORY && record_kinds[f->last].past)
		add_past(t, f);
}

size_t finding__text(const struct finding *f, char *buffer, size_t size)
{
	struct text t = { buffer, size };

	add_table(&t, f);
	switch ((enum finding_class)f->class) {
	case FINDING_LOST:
		add(&t, f->witnesses & WITNESS_HISTORY ? " lost its flag while its tree is pinned" :
							 " in a pinned tree has no flag");
		add_task(&t, f, f->witnesses & WITNESS_HISTORY ? ", seen in " : ", of ");
		break;
	case FINDING_STALE:
		add(&t, " has the flag and is no page table of a pinned tree");
		add_task(&t, f, f->witnesses & WITNESS_HISTORY ? ", seen in " : ", of ");
		break;
	case FINDING_ERASED_BY_INIT:
		add(&t, " had the flag when its struct page was initialised");
		break;
	case FINDING_RELEASED_PINNED:
		add(&t, " was released with a clear flag while Xen has it");
		add_task(&t, f, ", by ");
		break;
	case FINDING_DOUBLE_PIN:
		add(&t, " was pinned a second time");
		add_task(&t, f, ", by ");
		break;
	case FINDING_HYPERCALL_FAILED:
		add(&t, " could not be %s", f->op == XP_OP_UNPIN ? "unpinned" : "pinned");
		add_task(&t, f, ", by ");
		break;
	case FINDING_STRANDED:
		add(&t, " has no flag, and no pinned tree refers to it");
		break;
	case FINDING_CLASSES:
		break;
	}
	if (f->result)
		add(&t, ", Xen says %lld", (long long)f->result);
	add_evidence(&t, f);
	return t.len;
}
