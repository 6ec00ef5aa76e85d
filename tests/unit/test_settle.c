// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit's verdict of a kernel that pins, unpins, releases and reuses page tables while it is
 * looked at: a small one, behind the interface of a guest to read from, that takes some of its steps
 * at each call.  Whatever it does is legal; what is broken in it was broken on purpose, and rests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/audit.h"
#include "guest/snapshot.h"
#include "random.h"

enum {
	PROCESSES = 4, TABLES = 5, BATCH = 4,
	/* Pages: the broken ones first, then a tree that rests, then those of processes. */
	STALE = 1, STRANDED, MODULE, RESTING_ROOT, RESTING, FIRST_FREE = RESTING + TABLES,
	PAGES = FIRST_FREE + PROCESSES * (TABLES + 1),
	ROOM = 1024,
};

#define RESTING_MM	0x1000ULL
#define MM_OF(p)	(0x2000ULL + (uint64_t)((p) - processes))

static struct page {
	bool flag, readonly, table;
	uint8_t type;
} pages[PAGES];

/* Each on a CPU of its own, step by step. */
static struct process {
	enum step {
		BEGIN, ALLOC, PIN, MARK, LIVE, ADD, ADDED, DROP, DROPPED, UNPIN, CLEAR, FREE
	} step;
	int done;		/* of the tables, by this step */
	int flushed;
	int nr;			/* tables */
	int root, tables[TABLES];
	bool irq_off;
	bool preempted;
} processes[PROCESSES];

static int unused[PAGES], nr_unused;
static uint32_t seed;
static bool dom0, missed;
static struct xp_moves moves;
static struct xp_look look;
static struct xp_places places;
static struct xp_seen seen[ROOM];
static struct xp_flagged flagged[PAGES];
static struct xp_readonly readonly[PAGES];

static uint32_t below(uint32_t n)
{
	return (uint64_t)next_random(&seed) * n >> 32;
}

/* Some moves are not counted: then the kernel says so. */
static void page_moves(int pfn)
{
	if (below(2000))
		moves.of_page[xp_page_slot(pfn)]++;
	else
		missed = true;
}

static void tree_moves(const struct process *p)
{
	page_moves(p->root);
}

/* The page that was freed last is taken first. */
static int take_page(void)
{
	int pfn = unused[--nr_unused];

	pages[pfn] = (struct page){ .table = true };
	return pfn;
}

static void give_page(int pfn)
{
	pages[pfn] = (struct page){};
	unused[nr_unused++] = pfn;
}

static void become(struct process *p, enum step step)
{
	p->step = step;
	p->done = p->flushed = 0;
}

/* Hypercalls are gathered, and done together. */
static void flush(struct process *p, bool pin)
{
	for (; p->flushed < p->done; p->flushed++) {
		struct page *page = &pages[p->tables[p->flushed]];

		page->readonly = pin;
		page->type = pin ? XEN_T_L1 | XEN_T_PINNED : XEN_T_NONE;
	}
}

static void mark_next(struct process *p, bool pin)
{
	/* Hypercalls take their time. */
	if (below(4))
		return;
	if (p->done < p->nr) {
		pages[p->tables[p->done++]].flag = pin;
		if (p->done % BATCH == 0)
			flush(p, pin);
		return;
	}
	flush(p, pin);
	pages[p->root].flag = pages[p->root].readonly = pin;
	pages[p->root].type = pin ? XEN_T_L4 | XEN_T_PINNED : XEN_T_NONE;
	p->irq_off = false;
	become(p, pin ? LIVE : FREE);
}

static void live(struct process *p)
{
	switch (below(20)) {
	case 0:
		if (p->nr < TABLES)
			become(p, ADD);
		break;
	case 1:
		if (p->nr)
			become(p, DROP);
		break;
	case 2:
		become(p, UNPIN);
		break;
	}
}

/* A task that may be preempted here goes on when it pleases. */
static bool is_preempted(struct process *p)
{
	p->preempted = p->preempted ? below(30) : !below(20);
	return p->preempted;
}

static void step(struct process *p)
{
	struct page *last = p->nr ? &pages[p->tables[p->nr - 1]] : NULL;

	switch (p->step) {
	case BEGIN:
		p->root = take_page();
		p->nr = 0;
		become(p, ALLOC);
		break;
	case ALLOC:
		p->tables[p->nr] = take_page();
		page_moves(p->tables[p->nr++]);
		if (p->nr == TABLES || !below(3))
			become(p, PIN);
		break;
	case PIN:
		tree_moves(p);
		p->irq_off = true;
		become(p, MARK);
		break;
	case MARK:
		mark_next(p, true);
		break;
	case LIVE:
		live(p);
		break;
	case ADD:
		p->tables[p->nr] = take_page();
		page_moves(p->tables[p->nr]);
		pages[p->tables[p->nr++]].flag = true;
		become(p, ADDED);
		break;
	case ADDED:
		if (is_preempted(p))
			break;
		last->readonly = true;
		last->type = XEN_T_L1 | XEN_T_PINNED;
		become(p, LIVE);
		break;
	case DROP:
		page_moves(p->tables[p->nr - 1]);
		last->readonly = false;
		last->type = XEN_T_NONE;
		become(p, DROPPED);
		break;
	case DROPPED:
		if (is_preempted(p))
			break;
		give_page(p->tables[--p->nr]);
		become(p, LIVE);
		break;
	case UNPIN:
		tree_moves(p);
		p->irq_off = true;
		pages[p->root].type = XEN_T_NONE;
		become(p, CLEAR);
		break;
	case CLEAR:
		mark_next(p, false);
		break;
	case FREE:
		if (p->nr) {
			page_moves(p->tables[--p->nr]);
			give_page(p->tables[p->nr]);
			break;
		}
		give_page(p->root);
		p->root = 0;
		become(p, BEGIN);
		break;
	}
}

/* Any number of steps, of one process or of all. */
static void pass(uint32_t most)
{
	for (uint32_t n = below(most + 1); n; n--)
		step(&processes[below(PROCESSES)]);
}

int usleep(useconds_t us)
{
	pass(us / 100);
	return 0;
}

static uint8_t state_of(int pfn)
{
	uint8_t state = pages[pfn].readonly ? XP_S_READONLY : 0;

	pass(8);
	return state | (pages[pfn].flag ? XP_S_FLAG : 0);
}

static uint32_t add(int pfn, uint64_t mm, uint8_t level, uint32_t parent)
{
	seen[look.seen] = (struct xp_seen){ pfn, pfn, mm, parent, 0, level, state_of(pfn) };
	return look.seen++;
}

static void walk(uint64_t mm, int root, const int *tables, const int *nr)
{
	uint32_t parent = add(root, mm, XP_L4, XP_NO_PARENT);

	for (int i = 0; seen[parent].state & XP_S_READONLY && i < *nr; i++)
		add(tables[i], mm, XP_L1, parent);
}

static int kernel__look(struct guest *guest)
{
	int resting[TABLES], nr = TABLES;

	for (int i = 0; i < TABLES; i++)
		resting[i] = RESTING + i;
	look = (struct xp_look){};
	walk(RESTING_MM, RESTING_ROOT, resting, &nr);
	for (struct process *p = processes; p < processes + PROCESSES; p++)
		if (p->root)
			walk(MM_OF(p), p->root, p->tables, &p->nr);
	for (int i = 1; i < PAGES; i++) {
		pass(1);
		if (pages[i].flag)
			flagged[look.flagged++] = (struct xp_flagged){ .pfn = i };
	}
	for (int i = 1; i < PAGES; i++) {
		pass(1);
		if (pages[i].readonly && !pages[i].flag)
			readonly[look.readonly++] = (struct xp_readonly){ i, i };
	}
	return 0;
}

static bool is_there(const struct xp_seen *s)
{
	const struct process *p;

	if (!s->mm)
		return false;
	if (s->mm == RESTING_MM)
		return true;
	p = &processes[s->mm - MM_OF(processes)];
	if (s->level == XP_L4)
		return p->root == (int)s->pfn;
	/* A table is linked after it is made, and unlinked before it is given back. */
	for (int i = 0; i < p->nr - (p->step == ADDED || p->step == DROPPED); i++)
		if (p->tables[i] == (int)s->pfn)
			return p->root == (int)seen[s->parent].pfn;
	return false;
}

static int kernel__again(struct guest *guest, const uint32_t *indices, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct xp_seen *t = &seen[indices[i]];
		uint8_t state;

		pass(8);
		state = state_of(t->pfn);
		t->mfn = t->pfn;
		t->state = state | (is_there(t) ? 0 : XP_S_NOT_THERE);
	}
	return 0;
}

/* Nobody is in the middle of anything then, but for those who were preempted. */
static int kernel__visit_cpus(struct guest *guest)
{
	for (struct process *p = processes; p < processes + PROCESSES; p++)
		while (p->irq_off)
			step(p);
	return 1;
}

static int kernel__halfway(struct guest *guest)
{
	int n = 0;

	for (struct process *p = processes; p < processes + PROCESSES; p++)
		n += p->step == ADDED || p->step == DROPPED;
	return n;
}

static int kernel__explain(struct guest *guest, const uint32_t *indices, size_t n)
{
	look.readonly = 1;
	readonly[0] = (struct xp_readonly){ MODULE, MODULE };
	return 0;
}

static int kernel__types(struct guest *guest, const uint64_t *mfns, uint8_t *types, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		pass(4);
		types[i] = pages[mfns[i]].type;
	}
	return 0;
}

static int kernel__owners(struct guest *guest, struct xp_owner **owners)
{
	*owners = NULL;
	return 0;
}

static bool kernel__missed_moves(struct guest *guest)
{
	bool some = missed;

	missed = false;
	return some;
}

static int kernel__follow(struct guest *guest) { return 0; }
static void kernel__ignore(struct guest *guest) {}

static const struct guest_moves_ops moves_ops = {
	.follow = kernel__follow, .ignore = kernel__ignore, .visit_cpus = kernel__visit_cpus,
	.missed = kernel__missed_moves, .halfway = kernel__halfway,
};

static const struct guest_ops ops = {
	.look = kernel__look, .again = kernel__again, .explain = kernel__explain,
	.types = kernel__types, .owners = kernel__owners, .moves = &moves_ops,
};

static struct guest guest = {
	.ops = &ops, .rules = &snapshot_rules, .room = ROOM, .look = &look, .tables = seen,
	.flagged = flagged, .readonly = readonly, .places = &places, .moves = &moves,
};

static void boot(uint32_t with)
{
	seed = with;
	dom0 = below(2);
	guest.witnesses = WITNESS_FLAG | WITNESS_TREE | WITNESS_DIRECT_MAP |
			  (dom0 ? WITNESS_XEN : 0);
	memset(pages, 0, sizeof(pages));
	memset(processes, 0, sizeof(processes));
	nr_unused = 0;
	for (int i = PAGES - 1; i >= FIRST_FREE; i--)
		unused[nr_unused++] = i;
	places = (struct xp_places){ .max_pfn = PAGES, .init_mm = 0xffff };
	pages[RESTING_ROOT] = (struct page){ true, true, true, XEN_T_L4 | XEN_T_PINNED };
	for (int i = 0; i < TABLES; i++)
		pages[RESTING + i] = (struct page){ true, true, true, XEN_T_L1 | XEN_T_PINNED };
	pages[MODULE].readonly = true;
	pass(500);
}

static void break_some(void)
{
	for (int i = 0; i < TABLES; i++)
		pages[RESTING + i].flag &= below(6) > 0;
	if (!below(4))
		pages[STALE].flag = true;
	if (!below(4))
		pages[STRANDED] = (struct page){ .readonly = true, .type = XEN_T_L1 | XEN_T_PINNED };
}

/* By pfn: the class that it must be found with, or FINDING_CLASSES. */
static void note_truth(int truth[PAGES])
{
	for (int i = 0; i < PAGES; i++)
		truth[i] = FINDING_CLASSES;
	for (int i = RESTING; i < RESTING + TABLES; i++)
		if (!pages[i].flag)
			truth[i] = FINDING_LOST;
	if (pages[STALE].flag)
		truth[STALE] = FINDING_STALE;
	if (pages[STRANDED].readonly)
		truth[STRANDED] = FINDING_STRANDED;
}

/* What is found is broken; and what is broken is found, or the audit says that it is not whole. */
static uint32_t judge(const struct audit *a, int truth[PAGES])
{
	for (size_t i = 0; i < a->nr_findings; i++) {
		const struct finding *f = &a->findings[i];

		assert_int_equal(f->class, truth[f->pfn]);
		assert_int_equal(f->grade,
				 f->class == FINDING_STRANDED && !dom0 ? GRADE_SUSPECTED : GRADE_PROVEN);
		truth[f->pfn] = FINDING_CLASSES;
	}
	for (int i = 0; i < PAGES; i++)
		assert_true(truth[i] == FINDING_CLASSES || a->unknown);
	return a->unknown;
}

static void histories(void **state)
{
	enum { HISTORIES = 4000, AUDITS = 3 };
	int truth[PAGES], unwhole = 0;
	struct audit audit;

	for (uint32_t i = 1; i <= HISTORIES; i++) {
		boot(i * 7919);
		for (int n = 0; n < AUDITS; n++) {
			break_some();
			note_truth(truth);
			assert_int_equal(audit__take(&audit, &guest), 0);
			unwhole += judge(&audit, truth) > 0;
			audit__free(&audit);
		}
	}
	print_message("%d of %d audits could not judge all\n", unwhole, HISTORIES * AUDITS);
	assert_true(unwhole < HISTORIES * AUDITS / 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(histories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
