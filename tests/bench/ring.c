// SPDX-License-Identifier: GPL-2.0-only
/*
 * `ring [RUNS]`: what a record costs on this machine, PV guest or not: nanoseconds that an event takes
 * longer when it is recorded, and when a filter ends that at once; best of RUNS.
 *
 * The program is that of `xenpin trace` for the release of a page table, hung on another event
 * with as many arguments that user space can cause: a signal that is ignored.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/types.h>

#include "../../include/config.h"
#include "../../include/record.h"
#include "base/clock.h"
#include "trace.skel.h"

#define RUNS	300
#define SLOTS	1024U		/* of the ring, and events in a run: a record is a slot */
#define BYTES	(sizeof(struct xp_ring) + (SLOTS + XP_RECORD_SLOTS_MAX) * XP_SLOT)

/* Without the program, with it and a filter that ends it, with it. */
struct way {
	const char *name;
	struct trace_bpf *skel;		/* NULL: without */
	struct xp_ring *ring;		/* of the CPU that all runs on */
	double ns;			/* an event, in the best of the runs */
};

/* @pid is the only one that is recorded.  Returns 0 or -errno. */
static int load(struct way *way, uint32_t pid, int cpu)
{
	int cpus = libbpf_num_possible_cpus();
	struct trace_bpf *skel = trace_bpf__open();
	struct bpf_program *prog;
	struct xp_config *config;
	void *rings;

	way->skel = skel;
	if (!skel)
		return -errno;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, prog == skel->progs.release_raw);
	config = (void *)&skel->rodata->config;
	config->pid = pid;
	config->pfn_to = UINT64_MAX;
	config->what = XP_W_ALL;
	config->ring_mask = SLOTS - 1;
	bpf_map__set_max_entries(skel->maps.rings, cpus);
	bpf_map__set_value_size(skel->maps.rings, BYTES);
	if (trace_bpf__load(skel))
		return -errno;
	rings = mmap(NULL, cpus * BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		     bpf_map__fd(skel->maps.rings), 0);
	if (rings == MAP_FAILED)
		return -errno;
	way->ring = rings + cpu * BYTES;
	skel->bss->armed = 1;
	return 0;
}

static void cause_events(struct way *way)
{
	uint64_t begin = now_ns();
	double ns;

	for (unsigned int i = 0; i < SLOTS; i++)
		kill(getpid(), SIGWINCH);
	ns = (double)(now_ns() - begin) / SLOTS;
	if (!way->ns || ns < way->ns)
		way->ns = ns;
}

static int run(struct way *way)
{
	struct bpf_link *link;

	if (!way->skel) {
		cause_events(way);
		return 0;
	}
	link = bpf_program__attach_raw_tracepoint(way->skel->progs.release_raw, "signal_generate");
	if (!link)
		return -errno;
	cause_events(way);
	bpf_link__destroy(link);
	way->ring->tail = way->ring->head;
	return 0;
}

static int stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

int main(int argc, char **argv)
{
	struct way ways[] = { { "without" }, { "filtered" }, { "recorded" } };
	int runs = argc > 1 ? atoi(argv[1]) : RUNS, cpu = sched_getcpu();
	int err;

	libbpf_set_print(NULL);
	err = stay_on(cpu) ?: load(&ways[1], getppid(), cpu) ?: load(&ways[2], getpid(), cpu);
	for (int i = 0; !err && i < 3 * runs; i++)
		err = run(&ways[i % 3]);
	/* Each event was seen, and made a record. */
	if (!err && ways[2].ring->head != (uint64_t)runs * SLOTS)
		err = -ENODATA;
	if (err)
		fprintf(stderr, "ring: %s\n", strerror(-err));
	for (int i = 1; i < 3; i++) {
		if (!err)
			printf("%s %.1f\n", ways[i].name, ways[i].ns - ways[0].ns);
		trace_bpf__destroy(ways[i].skel);
	}
	return !!err;
}
