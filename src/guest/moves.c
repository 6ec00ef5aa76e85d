// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/types.h>

#include "../../include/audit_maps.h"
#include "load/programs.h"
#include "moves.h"
#include "audit.skel.h"

static void programs(const struct audit_bpf *skel, const struct bpf_program *all[MOVES_PROGRAMS])
{
	all[0] = skel->progs.moves_alloc;
	all[1] = skel->progs.moves_release;
	all[2] = skel->progs.moves_pin;
	all[3] = skel->progs.moves_unpin;
}

static uint64_t missed(const struct audit_bpf *skel)
{
	const struct bpf_program *all[MOVES_PROGRAMS];
	uint64_t sum = 0;

	programs(skel, all);
	for (int i = 0; i < MOVES_PROGRAMS; i++) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (!bpf_obj_get_info_by_fd(bpf_program__fd(all[i]), &info, &size))
			sum += info.recursion_misses;
	}
	return sum;
}

int moves__begin(struct moves *moves, struct audit_bpf *skel)
{
	const struct bpf_program *all[MOVES_PROGRAMS];

	programs(skel, all);
	for (int i = 0; i < MOVES_PROGRAMS; i++) {
		moves->links[i] = program__attach(all[i]);
		if (!moves->links[i])
			return -errno;
	}
	moves->missed = missed(skel);
	return 0;
}

void moves__end(struct moves *moves)
{
	for (int i = 0; i < MOVES_PROGRAMS; i++) {
		bpf_link__destroy(moves->links[i]);
		moves->links[i] = NULL;
	}
}

int moves__visit_cpus(struct audit_bpf *skel)
{
	uint32_t before = skel->bss->moves.waiting;
	int nr = libbpf_num_possible_cpus();

	for (int cpu = 0; cpu < nr; cpu++) {
		LIBBPF_OPTS(bpf_test_run_opts, run, .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = cpu);
		int err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.visit), &run);

		/* It is offline, and in the middle of nothing. */
		if (err && err != -ENXIO)
			return err;
	}
	return nr < 0 ? nr : skel->bss->moves.waiting == before;
}

bool moves__missed_some(struct moves *moves, const struct audit_bpf *skel)
{
	uint64_t before = moves->missed;

	moves->missed = missed(skel);
	return moves->missed != before;
}
