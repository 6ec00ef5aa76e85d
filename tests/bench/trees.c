// SPDX-License-Identifier: GPL-2.0-only
/*
 * `trees [GIB [RUNS]]`: the audit's walk over the page tables of a direct map of GIB, on this
 * machine, PV guest or not: how many tables a second, best of RUNS.
 *
 * The same programs as in `xenpin audit`, in the kernel through BPF_PROG_TEST_RUN.  What they
 * walk is made for them, in memory of the kernel's: page tables that map, from where that memory
 * begins, GIB of frames, with the frames' struct pages and Xen's translation.  Tables of PTEs are
 * never read by a walk, but for those that map page tables; so only these are really there.
 * Either the tables' frames follow one another, as those of a boot do, or they lie about.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/types.h>

#include "../../include/audit_maps.h"
#include "arena.skel.h"
#include "audit.skel.h"
#include "base/clock.h"
#include "load/programs.h"

#define GIB		1024
#define RUNS		5
#define ENTRIES		512UL
#define PAGE		4096UL
#define STRUCT_PAGE	64UL
#define MM_BYTES	8192UL	/* of a struct mm_struct, at most: each word says the pgd */
#define PRESENT		1UL
#define ROOT		1UL	/* frame 0 is none */

struct machine {
	uint64_t gib, address;	/* of frame 0's page */
	uint64_t slots;		/* L1 tables: of 2 MiB each */
	uint64_t first_slot, there;	/* those that map page tables, and are there themselves */
	uint64_t frames;	/* of page tables, frame 0 included */
	uint64_t l3, l2, l1;	/* the first frame of each level */
	uint64_t tables;	/* that a walk must find */
	bool scattered;
	uint8_t *memory;
	uint64_t vmemmap, m2p, mm, list, bytes;	/* offsets */
	struct arena_bpf *arena;
};

/* Where what is mapped begins: whole tables of PMDs. */
static uint64_t base(const struct machine *m)
{
	return m->address >> 30 << 30;
}

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* The frame of the L1 table for @slot.  Those that are there come first. */
static uint64_t l1_of(const struct machine *m, uint64_t slot)
{
	uint64_t n = (slot + m->slots - m->first_slot) % m->slots, rest = m->slots - m->there;

	/* A prime, so that each has its own. */
	if (m->scattered && n >= m->there)
		n = m->there + (n - m->there) * 0x9e3779b1UL % rest;
	return m->l1 + n;
}

static uint64_t *table(const struct machine *m, uint64_t frame)
{
	return (uint64_t *)(m->memory + frame * PAGE);
}

/* How much of what is where; the addresses decide which L1 tables map page tables. */
static void plan(struct machine *m)
{
	uint64_t at;

	m->slots = (m->gib + 1) * ENTRIES;
	m->l3 = ROOT + 1;
	m->l2 = m->l3 + m->gib / ENTRIES + 2;
	m->l1 = m->l2 + m->gib + 1;
	m->frames = m->l1 + m->slots;
	m->there = m->frames / ENTRIES + 2;
	at = (m->l1 + m->there) * PAGE;
	m->vmemmap = at;
	m->m2p = at += m->frames * STRUCT_PAGE;
	m->mm = at += round_up(m->frames * 8, PAGE);
	m->list = at += MM_BYTES;
	m->bytes = at + PAGE;
}

static int make_arena(struct machine *m)
{
	int err;

	m->arena = arena_bpf__open();
	if (!m->arena)
		return -errno;
	bpf_map__set_max_entries(m->arena->maps.arena, m->bytes / 8);
	err = arena_bpf__load(m->arena) ?: program__run(m->arena->progs.locate);
	if (err)
		return err;
	m->address = m->arena->bss->address;
	m->memory = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			 bpf_map__fd(m->arena->maps.arena), 0);
	return m->memory == MAP_FAILED ? -errno : 0;
}

static void fill(struct machine *m)
{
	uint64_t first = base(m), *list = (void *)(m->memory + m->list);

	memset(m->memory, 0, m->bytes);
	m->first_slot = (m->address - first) >> 21;
	for (uint64_t slot = 0; slot < m->slots; slot++) {
		uint64_t address = first + (slot << 21), gib = slot / ENTRIES;
		uint64_t l3 = m->l3 + (address >> 39) - (first >> 39), l2 = m->l2 + gib;

		table(m, ROOT)[address >> 39 & (ENTRIES - 1)] = l3 * PAGE | PRESENT;
		table(m, l3)[address >> 30 & (ENTRIES - 1)] = l2 * PAGE | PRESENT;
		table(m, l2)[slot % ENTRIES] = l1_of(m, slot) * PAGE | PRESENT;
		m->tables = 1 + (l3 - m->l3 + 1) + (m->gib + 1) + m->slots;
	}
	for (uint64_t frame = ROOT; frame < m->frames; frame++) {
		uint64_t address = m->address + frame * PAGE, slot = (address - first) >> 21;

		table(m, l1_of(m, slot))[address >> 12 & (ENTRIES - 1)] = frame * PAGE | PRESENT;
		((uint64_t *)(m->memory + m->m2p))[frame] = frame;
	}
	for (uint64_t i = 0; i < MM_BYTES / 8; i++)
		((uint64_t *)(m->memory + m->mm))[i] = m->address + ROOT * PAGE;
	list[0] = list[1] = m->address + m->list;
}

static int load(struct audit_bpf *skel, const struct machine *m)
{
	struct bpf_program *prog;
	int err;

	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, prog == skel->progs.roots ||
					  prog == skel->progs.walk);
	bpf_map__set_max_entries(skel->maps.seen, m->frames);
	bpf_map__set_max_entries(skel->maps.flagged, 1);
	err = audit_bpf__load(skel);
	if (err)
		return err;
	skel->bss->places = (struct xp_places){
		.vmemmap = m->address + m->vmemmap,
		.page_size = STRUCT_PAGE,
		.page_offset = m->address,
		.m2p = m->address + m->m2p,
		.m2p_nr = m->frames,
		.p2m = m->address + m->m2p,
		.max_pfn = m->frames,
		.pgd_list = m->address + m->list,
		.init_mm = m->address + m->mm,
	};
	return 0;
}

/* Each table, read-only in the direct map that the tables themselves make; 0 or -errno. */
static int check(const struct machine *m, const struct audit_bpf *skel)
{
	const struct xp_look *look = &skel->bss->look_at;
	uint64_t bytes = round_up(look->seen * sizeof(struct xp_seen), PAGE), wrong = 0;
	struct xp_seen *seen;

	if (look->seen != m->tables || look->unread || look->overflow || look->torn)
		return -ENXIO;
	seen = mmap(NULL, bytes, PROT_READ, MAP_SHARED, bpf_map__fd(skel->maps.seen), 0);
	if (seen == MAP_FAILED)
		return -errno;
	for (uint32_t i = 0; i < look->seen; i++)
		wrong += seen[i].state != XP_S_READONLY;
	munmap(seen, bytes);
	return wrong ? -ENXIO : 0;
}

/* Tables a second, or -errno. */
static double measure(const struct machine *m, int runs)
{
	struct audit_bpf *skel = audit_bpf__open();
	double best = 0;
	int err;

	if (!skel)
		return -errno;
	err = load(skel, m);
	for (int i = 0; !err && i < runs; i++) {
		uint64_t begin = now_ns();
		double rate;

		err = program__run(skel->progs.roots) ?: program__run(skel->progs.walk);
		rate = m->tables * 1e9 / (now_ns() - begin);
		if (!err)
			err = check(m, skel);
		best = rate > best ? rate : best;
	}
	audit_bpf__destroy(skel);
	return err ?: best;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "trees_in_a_row", "trees_scattered" };
	struct machine m = { .gib = argc > 1 ? atoi(argv[1]) : GIB };
	int runs = argc > 2 ? atoi(argv[2]) : RUNS, err;

	libbpf_set_print(NULL);
	plan(&m);
	err = make_arena(&m);
	for (int i = 0; !err && i < 2; i++) {
		double rate;

		m.scattered = i;
		fill(&m);
		rate = measure(&m, runs);
		if (rate < 0)
			err = rate;
		else
			printf("%s %.0f\n", names[i], rate);
	}
	if (err)
		fprintf(stderr, "trees: %s\n", strerror(-err));
	arena_bpf__destroy(m.arena);
	return !!err;
}
