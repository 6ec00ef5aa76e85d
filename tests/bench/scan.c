// SPDX-License-Identifier: GPL-2.0-only
/*
 * `scan [RUNS]`: the audit's scan of all struct pages, on this machine, PV guest or not: how many
 * pages a second, by direct loads and by copies, best of RUNS.
 *
 * The same programs as in `xenpin audit`, in the kernel through BPF_PROG_TEST_RUN.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/types.h>

#include "../../include/audit.h"
#include "audit.skel.h"

#define RUNS 5
#define ROOM 65536	/* frames with the flag, by their bit: here it means something else */

static int run(const struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	return err ?: opts.retval ? -EFAULT : 0;
}

/* Pages a second, or -errno. */
static double measure(bool cast, int runs)
{
	struct audit_bpf *skel = audit_bpf__open();
	struct bpf_program *prog, *scan;
	struct xp_look *look;
	double best = 0;
	int err;

	if (!skel)
		return -errno;
	scan = cast ? skel->progs.scan_cast : skel->progs.scan_read;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, prog == scan || prog == skel->progs.locate);
	bpf_map__set_max_entries(skel->maps.flagged, ROOM);
	err = audit_bpf__load(skel) ?: run(skel->progs.locate);
	if (!err && !skel->bss->places.vmemmap)
		err = -ENOENT;
	look = err ? NULL : &skel->bss->look_at;
	for (int i = 0; !err && i < runs; i++) {
		double rate;

		err = run(scan);
		rate = look->pages * 1e9 / (look->end - look->walked);
		if (rate > best)
			best = rate;
	}
	audit_bpf__destroy(skel);
	return err ?: best;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "copy", "cast" };
	int runs = argc > 1 ? atoi(argv[1]) : RUNS, status = 0;

	libbpf_set_print(NULL);
	for (int cast = 0; cast < 2; cast++) {
		double rate = measure(cast, runs);

		if (rate < 0)
			fprintf(stderr, "scan: %s: %s\n", names[cast], strerror(-rate));
		else
			printf("%s %.0f\n", names[cast], rate);
		status |= rate < 0;
	}
	return status;
}
