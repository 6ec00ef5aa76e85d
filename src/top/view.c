// SPDX-License-Identifier: GPL-2.0-only
/* Rows of `top`: no I/O, no clock. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"

const struct word sort_words[] = {
	[SORT_PINS] = { "pins", SORT_PINS },
	[SORT_UNPINS] = { "unpins", SORT_UNPINS },
	[SORT_REFUSED] = { "refused", SORT_REFUSED },
	[SORT_TABLES] = { "tables", SORT_TABLES },
	[SORT_LATENCY] = { "latency", SORT_LATENCY },
	[SORT_PID] = { "pid", SORT_PID },
	[SORT_NAME] = { "name", SORT_NAME },
	{}
};

static void make_row(struct row *row, const struct task_counts *task)
{
	const struct xp_task_counts *counts = &task->counts;

	*row = (struct row){
		.pid = task->pid,
		.processes = 1,
		.pins = counts->pins,
		.unpins = counts->unpins,
		.failed = counts->failed,
		.trees = counts->trees,
		.tree_ns = counts->tree_ns,
		.bytes = task->bytes,
	};
	memcpy(row->comm, counts->comm, sizeof(counts->comm));
}

static void add(struct row *sum, const struct row *row)
{
	sum->processes += row->processes;
	sum->pins += row->pins;
	sum->unpins += row->unpins;
	sum->failed += row->failed;
	sum->trees += row->trees;
	sum->tree_ns += row->tree_ns;
	sum->bytes += row->bytes;
}

int view__update(struct view *v, const struct xp_counts *counts, const struct task_counts *tasks,
		 size_t nr, uint64_t t)
{
	struct row *all = reallocarray(v->all, nr ?: 1, sizeof(*all));
	struct row *rows = reallocarray(v->rows, nr ?: 1, sizeof(*rows));

	v->all = all ?: v->all;
	v->rows = rows ?: v->rows;
	v->nr = v->nr_all = 0;
	if (!all || !rows)
		return -ENOMEM;
	v->total = (struct row){};
	for (size_t i = 0; i < nr; i++) {
		make_row(&v->all[i], &tasks[i]);
		add(&v->total, &v->all[i]);
	}
	v->nr_all = nr;
	v->counts = *counts;
	v->seconds = v->t ? (t - v->t) / 1e9 : 0;
	v->t = t;
	return 0;
}

double row__pin_us(const struct row *row)
{
	return row->trees ? row->tree_ns / 1e3 / row->trees : 0;
}

static double value(const struct row *row, enum sort_key key)
{
	switch (key) {
	case SORT_UNPINS:
		return row->unpins;
	case SORT_REFUSED:
		return row->failed;
	case SORT_TABLES:
		return row->bytes;
	case SORT_LATENCY:
		return row__pin_us(row);
	case SORT_PINS:
		return row->pins;
	default:
		return 0;
	}
}

static int compare(const void *a, const void *b, void *context)
{
	const enum sort_key *key = context;
	const struct row *x = a, *y = b;
	double m = value(x, *key), n = value(y, *key);
	int by_name = *key == SORT_NAME ? strcmp(x->comm, y->comm) : 0;

	if (m != n)
		return m < n ? 1 : -1;
	if (by_name)
		return by_name;
	/* Of equals the ones with more tables first. */
	if (*key != SORT_PID && *key != SORT_NAME && x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static void sort(struct view *v, enum sort_key key)
{
	qsort_r(v->rows, v->nr, sizeof(*v->rows), compare, &key);
}

static void group_names(struct view *v)
{
	size_t n = 0;

	sort(v, SORT_NAME);
	for (size_t i = 1; i < v->nr; i++) {
		if (!strcmp(v->rows[i].comm, v->rows[n].comm))
			add(&v->rows[n], &v->rows[i]);
		else
			v->rows[++n] = v->rows[i];
	}
	v->nr = v->nr ? n + 1 : 0;
}

static void filter(struct view *v, const char *part)
{
	size_t n = 0;

	for (size_t i = 0; i < v->nr; i++)
		if (strstr(v->rows[i].comm, part))
			v->rows[n++] = v->rows[i];
	v->nr = n;
}

void view__show(struct view *v, enum sort_key key, bool group, const char *part)
{
	v->nr = v->nr_all;
	if (v->nr)
		memcpy(v->rows, v->all, v->nr * sizeof(*v->rows));
	filter(v, part);
	if (group)
		group_names(v);
	sort(v, key);
}

void view__free(struct view *v)
{
	free(v->rows);
	free(v->all);
	*v = (struct view){};
}
