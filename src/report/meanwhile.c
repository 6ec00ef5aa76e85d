// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who was at work on a page's mm between the last sign of its flag and the finding: whoever lost
 * the flag did it in that time, and often it was one of these.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/records.h"
#include "report.h"

/* The mm that @rec is about, or 0. */
static uint64_t mm_of(const struct xp_record *rec)
{
	switch (record__shape(rec)) {
	case SHAPE_table:
		return rec->u.table.mm;
	case SHAPE_mm:
		return rec->u.mm.mm;
	case SHAPE_flag:
		return rec->u.flag.mm;
	case SHAPE_batch:
	case SHAPE_dropped:
	case SHAPE_boot:
	case SHAPE_refused:
	case SHAPES:
		break;
	}
	return 0;
}

static bool is_task(const struct meanwhile_task *task, const struct xp_record *rec)
{
	return task->pid == rec->pid && !memcmp(task->comm, rec->comm, XP_COMM_LEN);
}

static void count(struct meanwhile *m, const struct xp_record *rec)
{
	struct meanwhile_task *task = m->tasks;

	while (task < m->tasks + m->nr && !is_task(task, rec))
		task++;
	if (task == m->tasks + MEANWHILE_TASKS) {
		m->others++;
		return;
	}
	if (task == m->tasks + m->nr) {
		m->nr++;
		task->pid = rec->pid;
		memcpy(task->comm, rec->comm, XP_COMM_LEN);
	}
	task->records++;
}

static void on_record(void *context, struct xp_record *rec)
{
	struct report *r = context;
	uint64_t mm = mm_of(rec);

	for (size_t i = 0; mm && i < r->nr_meanwhiles; i++) {
		struct meanwhile *m = &r->meanwhiles[i];

		if (m->finding->mm == mm && (int64_t)rec->t > m->since && rec->t < m->finding->t)
			count(m, rec);
	}
}

/* Those of which it is known since when. */
static void choose(struct report *r)
{
	for (size_t i = 0; i < r->nr_findings && r->nr_meanwhiles < MEANWHILES; i++) {
		const struct finding *f = &r->findings[i];
		int64_t since = f->mm ? report__last_sign(r, f) : -1;

		if (since >= 0)
			r->meanwhiles[r->nr_meanwhiles++] = (struct meanwhile){ .finding = f, .since = since };
	}
}

static int by_records(const void *a, const void *b)
{
	const struct meanwhile_task *x = a, *y = b;

	return x->records != y->records ? (x->records < y->records) - (x->records > y->records) :
					  (x->pid > y->pid) - (x->pid < y->pid);
}

int report__read_meanwhile(struct report *r)
{
	char why[RECORDING_WHY];
	struct recording *again;
	int err;

	choose(r);
	if (!r->nr_meanwhiles)
		return 0;
	err = recording__open(&again, r->path, why);
	if (err)
		return err;
	/* What damage there is, was met by the first reading. */
	err = recording__read(again, on_record, r, why);
	recording__close(again);
	for (size_t i = 0; i < r->nr_meanwhiles; i++)
		qsort(r->meanwhiles[i].tasks, r->meanwhiles[i].nr, sizeof(struct meanwhile_task), by_records);
	return err == -EINTR ? err : 0;
}

const struct meanwhile *report__meanwhile(const struct report *r, const struct finding *f)
{
	for (size_t i = 0; i < r->nr_meanwhiles; i++)
		if (r->meanwhiles[i].finding == f)
			return &r->meanwhiles[i];
	return NULL;
}
