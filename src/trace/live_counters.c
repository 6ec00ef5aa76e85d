// SPDX-License-Identifier: GPL-2.0-only
/* The counters' programs, their maps, and the iterator over tasks. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "../../include/config.h"
#include "base/grow.h"
#include "load/programs.h"
#include "live_counters.h"
#include "counters.skel.h"

#define PAGE 4096UL

enum { LINKS = 7 };

/* A slot as it was read last, and in which reading that was. */
struct seen {
	struct xp_task_counts counts;
	uint64_t reading;
};

struct counters {
	struct counters_bpf *skel;
	struct bpf_program *release;		/* the one of two that this kernel wants */
	struct bpf_link *links[LINKS];
	const struct xp_counts *cpus;		/* mapped */
	const struct xp_task_counts *slots;	/* mapped */
	struct seen *seen;			/* by slot */
	uint64_t readings;
	int nr_cpus;
	struct bpf_link *iterator;
};

static size_t size_of(const struct bpf_map *map)
{
	size_t bytes = (size_t)bpf_map__max_entries(map) * bpf_map__value_size(map);

	return (bytes + PAGE - 1) & ~(PAGE - 1);
}

static const void *map_values(const struct bpf_map *map)
{
	void *values = mmap(NULL, size_of(map), PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);

	return values == MAP_FAILED ? NULL : values;
}

static void unmap_values(const void *values, const struct bpf_map *map)
{
	if (values)
		munmap((void *)values, size_of(map));
}

/* The begin comes last: else there are trees without an end. */
static int attach(struct counters *c)
{
	struct bpf_program *const programs[LINKS] = {
		c->skel->progs.count_pin_end,
		c->skel->progs.count_unpin_end,
		c->skel->progs.count_alloc,
		c->release,
		c->skel->progs.count_refused,
		c->skel->progs.count_full,
		c->skel->progs.count_pin_begin,
	};
	int err;

	c->iterator = bpf_program__attach_iter(c->skel->progs.each_task, NULL);
	err = c->iterator ? 0 : -errno;
	for (int i = 0; !err && i < LINKS; i++) {
		c->links[i] = program__attach(programs[i]);
		err = c->links[i] ? 0 : -errno;
	}
	return err;
}

static int find_types(struct counters *c, struct kernel_types *types)
{
	return kernel_types__want(types, PREEMPTIBLE_TRACEPOINTS, BTF_KIND_TYPEDEF) ?:
	       programs__find(types, c->skel->obj);
}

/* What perf wants to be told of is in there; root's, as a rule. */
#define RELEASE_ID "tracing/events/xen/xen_mmu_release_ptpage/id"

static bool has_tracefs(void)
{
	return !access("/sys/kernel/" RELEASE_ID, R_OK) ||
	       !access("/sys/kernel/debug/" RELEASE_ID, R_OK);
}

/* Preempted, one is skipped for others, which is counted: better than nothing. */
static void choose_release(struct counters *c, const struct kernel_types *types)
{
	bool tp = kernel_types__id(types, PREEMPTIBLE_TRACEPOINTS, BTF_KIND_TYPEDEF) &&
		  has_tracefs();

	bpf_program__set_autoload(c->skel->progs.count_release_tp, tp);
	bpf_program__set_autoload(c->skel->progs.count_release_btf, !tp);
	c->release = tp ? c->skel->progs.count_release_tp : c->skel->progs.count_release_btf;
}

static int load_with(struct counters *c, struct kernel_types *types)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = kernel_types__path(types));
	int err;

	c->skel = counters_bpf__open_opts(&opts);
	if (!c->skel)
		return -errno;
	bpf_map__set_max_entries(c->skel->maps.counts, c->nr_cpus);
	err = find_types(c, types);
	if (err)
		return err;
	choose_release(c, types);
	return counters_bpf__load(c->skel) ?: program__run(c->skel->progs.locate) ?: attach(c);
}

static int load(struct counters *c)
{
	struct kernel_types *types = NULL;
	int err = programs__begin(&types) ?: load_with(c, types);

	kernel_types__close(types);
	return err;
}

int counters__open(struct counters **out, char why[COUNTERS_WHY])
{
	struct counters *c = calloc(1, sizeof(*c));
	int err = -ENOMEM;

	if (!c)
		goto fail;
	c->nr_cpus = libbpf_num_possible_cpus();
	err = load(c);
	if (err)
		goto fail;
	err = -ENOMEM;
	c->cpus = map_values(c->skel->maps.counts);
	c->slots = map_values(c->skel->maps.tasks);
	c->seen = calloc(XP_COUNT_TASKS, sizeof(*c->seen));
	if (!c->cpus || !c->slots || !c->seen)
		goto fail;
	*out = c;
	return 0;
fail:
	snprintf(why, COUNTERS_WHY, "%s", load_error(err));
	counters__close(c);
	return err;
}

void counters__close(struct counters *c)
{
	if (!c)
		return;
	if (c->skel) {
		unmap_values(c->cpus, c->skel->maps.counts);
		unmap_values(c->slots, c->skel->maps.tasks);
	}
	for (int i = 0; i < LINKS; i++)
		bpf_link__destroy(c->links[i]);
	bpf_link__destroy(c->iterator);
	counters_bpf__destroy(c->skel);
	free(c->seen);
	free(c);
}

void counters__read(const struct counters *c, struct xp_counts *sum)
{
	*sum = (struct xp_counts){};
	for (int cpu = 0; cpu < c->nr_cpus; cpu++) {
		const struct xp_counts *one = &c->cpus[cpu];

		for (int i = 0; i < 4; i++)
			sum->pins[i] += one->pins[i];
		for (int i = 0; i < XP_COUNT_TIMES; i++)
			sum->tree_times[i] += one->tree_times[i];
		sum->unpins += one->unpins;
		sum->failed += one->failed;
		sum->trees += one->trees;
		sum->unseen += one->unseen;
		sum->untold += one->untold;
		sum->tree_ns += one->tree_ns;
	}
}

struct list {
	struct task_counts *tasks;
	size_t nr, max;
};

static struct task_counts *list__add(struct list *l)
{
	if (GROW(l->tasks, l->nr, l->max, 256))
		return NULL;
	l->tasks[l->nr] = (struct task_counts){};
	return &l->tasks[l->nr++];
}

/* A pid that is used again begins at zero. */
static uint64_t since(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

/* What the slot counted since it was read last; false: nothing. */
static bool take_slot(struct counters *c, uint32_t i, struct xp_task_counts *counts)
{
	static const struct xp_task_counts none;
	const struct xp_task_counts now = c->slots[i];
	const struct xp_task_counts *then = c->seen[i].counts.pid == now.pid ? &c->seen[i].counts : &none;

	*counts = now;
	counts->pins = since(now.pins, then->pins);
	counts->unpins = since(now.unpins, then->unpins);
	counts->failed = since(now.failed, then->failed);
	counts->trees = since(now.trees, then->trees);
	counts->tree_ns = since(now.tree_ns, then->tree_ns);
	c->seen[i] = (struct seen){ now, c->readings };
	return counts->pins || counts->unpins || counts->failed || counts->trees;
}

static void take_living(struct counters *c, uint32_t pid, struct xp_task_counts *counts)
{
	uint32_t first = xp_task_slots(pid);

	for (uint32_t i = first; i < first + XP_COUNT_WAYS; i++)
		if (c->slots[i].pid == pid)
			take_slot(c, i, counts);
}

/* Those that live, through the iterator. */
static int add_living(struct counters *c, struct list *l)
{
	int fd = bpf_iter_create(bpf_link__fd(c->iterator)), err = 0;
	struct xp_task_tables line;
	FILE *lines;

	if (fd < 0)
		return -errno;
	lines = fdopen(fd, "r");
	if (!lines) {
		close(fd);
		return -errno;
	}
	while (!err && fread(&line, sizeof(line), 1, lines) == 1) {
		struct task_counts *task = list__add(l);

		if (!task) {
			err = -ENOMEM;
			break;
		}
		task->pid = line.pid;
		task->bytes = line.bytes;
		memcpy(task->counts.comm, line.comm, sizeof(line.comm));
		take_living(c, line.pid, &task->counts);
	}
	if (ferror(lines))
		err = -EIO;
	fclose(lines);
	return err;
}

/* And those that did something and are gone. */
static int add_dead(struct counters *c, struct list *l)
{
	for (uint32_t i = 0; i < XP_COUNT_TASKS; i++) {
		struct xp_task_counts counts;
		struct task_counts *task;

		if (!c->slots[i].pid || c->seen[i].reading == c->readings || !take_slot(c, i, &counts))
			continue;
		task = list__add(l);
		if (!task)
			return -ENOMEM;
		task->pid = counts.pid;
		task->counts = counts;
	}
	return 0;
}

int counters__tasks(struct counters *c, struct task_counts **tasks)
{
	struct list list = {};
	int err;

	c->readings++;
	err = add_living(c, &list) ?: add_dead(c, &list);
	if (err) {
		free(list.tasks);
		return err;
	}
	*tasks = list.tasks;
	return list.nr;
}

uint64_t counters__missed(const struct counters *c)
{
	struct bpf_program *prog;
	uint64_t missed = 0;

	bpf_object__for_each_program(prog, c->skel->obj) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (bpf_program__fd(prog) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size))
			missed += info.recursion_misses;
	}
	return missed;
}
