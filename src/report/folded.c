// SPDX-License-Identifier: GPL-2.0-only
/*
 * A report as folded stacks, which every program that draws flame graphs reads: a stack a
 * line, "program;outermost;...;innermost", a space, and its weight.
 */
#include <inttypes.h>
#include <string.h>

#include "record/comm.h"
#include "report.h"

static uint64_t weight_of(const struct report *r, const struct stack_weight *w)
{
	return r->weighing == WEIGH_LATENCY ? w->waited_ns : w->operations;
}

/* The first frame; a task may have any name, or none. */
static void put_program(const char *comm, FILE *out)
{
	char name[XP_COMM_LEN + 1];

	comm__printable(name, comm);
	for (char *c = name; *c; c++)
		if (*c == ' ' || *c == ';')
			*c = *c == ' ' ? '_' : ':';
	fputs(*name ? name : "[no_name]", out);
}

int report__folded(struct report *r, FILE *out)
{
	uint64_t beyond = weight_of(r, &r->stacks.beyond);

	for (size_t i = 0; i < r->nr_folded; i++) {
		const struct folded *f = &r->folded[i];
		uint64_t weight = weight_of(r, &f->weight);

		if (!weight)
			continue;
		put_program(f->comm, out);
		fprintf(out, ";%s %" PRIu64 "\n", *f->frames ? f->frames : "[no_stack]", weight);
	}
	if (beyond)
		fprintf(out, "[other_stacks] %" PRIu64 "\n", beyond);
	return 0;
}
