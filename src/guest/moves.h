/* SPDX-License-Identifier: GPL-2.0-only */
/* What moves page tables while an audit settles its suspects: bpf/audit_moves.h, from here. */
#ifndef XENPIN_MOVES_H
#define XENPIN_MOVES_H

#include <stdbool.h>
#include <stdint.h>

struct audit_bpf;
struct bpf_link;

enum { MOVES_PROGRAMS = 4 };

struct moves {
	struct bpf_link *links[MOVES_PROGRAMS];
	uint64_t missed;	/* runs that the kernel skipped, as of the last question */
};

/* Attach the programs that count.  0 or -errno; moves__end() in any case. */
int moves__begin(struct moves *moves, struct audit_bpf *skel);
void moves__end(struct moves *moves);

/*
 * Interrupt each CPU once.  What the CPUs were in the middle of is over then.  Returns 1;
 * 0: some had hypercalls waiting, so it may not be over; or -errno.
 */
int moves__visit_cpus(struct audit_bpf *skel);

/* Did the kernel skip a program since the last question?  Then anything may have moved. */
bool moves__missed_some(struct moves *moves, const struct audit_bpf *skel);

#endif
