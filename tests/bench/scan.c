// SPDX-License-Identifier: GPL-2.0-only
/*
 * `scan [RUNS]`: the audit's scan of all struct pages, on this machine, PV guest or not: how many
 * pages a second, in each of its ways (bpf/audit_scan.h), best of RUNS.  And what they are held
 * against, as a page is a cache line: how many lines a second this machine's memory gives to one
 * CPU, one after the other and at random.
 *
 * The same programs as in `xenpin audit`, in the kernel through BPF_PROG_TEST_RUN.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/types.h>

#include "../../include/audit_maps.h"
#include "base/clock.h"
#include "load/programs.h"
#include "audit.skel.h"

#define RUNS 5
#define LIST_SIZE sizeof(struct robust_list_head)
#define ROOM 65536	/* frames with the flag, by their bit: here it means something else */

/* One more than the last frame of memory. */
static uint64_t last_frame(void)
{
	unsigned long long from, to, last = 0;
	FILE *f = fopen("/proc/iomem", "r");
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx-%llx : System RAM", &from, &to) == 2 &&
		    strstr(line, "System RAM"))
			last = (to + 1) >> 12;
	if (f)
		fclose(f);
	return last;
}

/*
 * A kernel without CONFIG_KALLSYMS_ALL names no variables.  Without KASLR the
 * struct pages are where its documentation says, and elsewhere there are none.
 */
static void guess(struct xp_places *p)
{
	if (!p->vmemmap)
		p->vmemmap = 0xffffea0000000000ULL;
	if (!p->max_pfn)
		p->max_pfn = last_frame();
}

static bool saw_all(const struct xp_look *look)
{
	struct sysinfo info;

	return !sysinfo(&info) && look->pages >= (uint64_t)info.totalram * info.mem_unit >> 12;
}

/* Pages a second, or -errno. */
static double measure(const char *name, int runs)
{
	struct audit_bpf *skel = audit_bpf__open();
	struct bpf_program *prog, *scan;
	struct xp_look *look;
	double best = 0;
	int err;

	if (!skel)
		return -errno;
	scan = bpf_object__find_program_by_name(skel->obj, name);
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, prog == scan || prog == skel->progs.locate);
	bpf_map__set_max_entries(skel->maps.flagged, ROOM);
	err = audit_bpf__load(skel) ?: program__run(skel->progs.locate);
	if (!err)
		guess(&skel->bss->places);
	/* Of scan_lent; this program ends without ever having had a use for its list. */
	if (!err && syscall(SYS_set_robust_list, (void *)skel->bss->lent.at, LIST_SIZE))
		err = -errno;
	look = &skel->bss->look_at;
	for (int i = 0; !err && i < runs; i++) {
		err = program__run(scan) ?: saw_all(look) ? 0 : -ENXIO;
		if (!err && best < look->pages * 1e9 / (look->scanned - look->walked))
			best = look->pages * 1e9 / (look->scanned - look->walked);
	}
	audit_bpf__destroy(skel);
	return err ?: best;
}

#define LINE	64
#define HUGE_PAGE (2UL << 20)
#define LINES	(8UL << 20)	/* 512 MiB: more than any cache */

/* So that nothing is left out. */
static volatile uint64_t sink;

static uint64_t in_a_row(const uint64_t *memory)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < LINES; i++)
		sum |= memory[i * LINE / 8];
	return sum;
}

/* Each number below LINES has another, far away: an odd factor, and high bits to the low ones. */
static size_t scrambled(size_t i)
{
	i = i * 0x9e3779b1UL % LINES;
	return i ^ i >> 12;
}

/* Each line says which is next. */
static uint64_t at_random(const uint64_t *memory)
{
	uint64_t at = 0;

	for (size_t i = 0; i < LINES / 8; i++)
		at = memory[at * LINE / 8];
	return at;
}

static double lines_per_s(uint64_t (*walk)(const uint64_t *), const uint64_t *memory, size_t lines,
			  int runs)
{
	double best = 0;

	for (int i = 0; i < runs; i++) {
		uint64_t begin = now_ns();
		double rate;

		sink = walk(memory);
		rate = lines * 1e9 / (now_ns() - begin);
		best = rate > best ? rate : best;
	}
	return best;
}

static int measure_memory(int runs)
{
	uint64_t *memory = aligned_alloc(HUGE_PAGE, LINES * LINE);

	if (!memory)
		return -ENOMEM;
	/* As the kernel maps its struct pages. */
	madvise(memory, LINES * LINE, MADV_HUGEPAGE);
	for (size_t i = 0; i < LINES; i++)
		memory[scrambled(i) * LINE / 8] = scrambled((i + 1) % LINES);
	printf("lines_in_a_row %.0f\n", lines_per_s(in_a_row, memory, LINES, runs));
	printf("lines_at_random %.0f\n", lines_per_s(at_random, memory, LINES / 8, runs));
	free(memory);
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "scan_cast", "scan_lent", "scan_read" };
	int runs = argc > 1 ? atoi(argv[1]) : RUNS, status = 0;

	libbpf_set_print(NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		double rate = measure(names[i], runs);

		if (rate < 0)
			fprintf(stderr, "scan: %s: %s\n", names[i], strerror(-rate));
		else
			printf("%s %.0f\n", names[i], rate);
		status |= rate < 0;
	}
	if (measure_memory(runs)) {
		fprintf(stderr, "scan: no memory to measure it\n");
		status = 1;
	}
	return status;
}
