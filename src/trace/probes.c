// SPDX-License-Identifier: GPL-2.0-only
/* The probe table, and finding a way for each probe. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/types.h>

#include "../../include/config.h"
#include "../../include/record.h"
#include "base/platform.h"
#include "load/programs.h"
#include "record/records.h"
#include "probes.h"
#include "trace.skel.h"
#include "trace_all.skel.h"

/* Page tables of one mm, with --mm. */
#define MM_TABLES (1 << 18)	/* of an mm that maps 512 GiB */

#define TRACEPOINT_WAYS(name) \
	{ { "tp_btf", { name "_btf" } }, { "raw_tp", { name "_raw" } } }

#define TABLE_WAYS(name) \
	{ { "tp", { name "_tp" }, PREEMPTIBLE_TRACEPOINTS, "nobody is preempted in a tracepoint here" }, \
	  { "tp_btf", { name "_btf" } }, { "raw_tp", { name "_raw" } } }

#define WAYS_OUT "tree_flushed", "alloc_flushed", "release_flushed"

const struct probe probes[LIVE_PROBES] = {
	[XP_PROBE_FLUSH] = { true, { { "tp_btf", { "flush_btf", WAYS_OUT } },
				     { "raw_tp", { "flush_raw", WAYS_OUT } } } },
	[XP_PROBE_ALLOC] = { true, TABLE_WAYS("alloc") },
	[XP_PROBE_RELEASE] = { true, TABLE_WAYS("release") },
	[XP_PROBE_PGD_PIN] = { false, TRACEPOINT_WAYS("pgd_pin") },
	[XP_PROBE_PGD_UNPIN] = { false, { { "tp_btf", { "upper_btf", "pgd_unpin_btf" } },
					  { "raw_tp", { "upper_raw", "pgd_unpin_raw" } } } },
	[XP_PROBE_REFUSED] = { false, TRACEPOINT_WAYS("refused") },
	[XP_PROBE_FLAG_SET] = { false, TRACEPOINT_WAYS("flag_set") },
	[XP_PROBE_FLAG_CLEAR] = { false, TRACEPOINT_WAYS("flag_clear") },
};

/* Whoever asks learns it without a look at the kernel's types. */
#define SERIES "/sys/kernel/xenpin"
#define ABSENT "this kernel tells of no write of PagePinned (kernel/), so it is inferred"

int probes__here(void)
{
	return access(SERIES, F_OK) ? XP_PROBE_FLAG_SET : LIVE_PROBES;
}

/* The values of --op (enum xp_what) for which it is attached. */
static uint32_t made_by(int probe)
{
	uint32_t what = 0;

	for (int k = 1; k < XP_KIND_END; k++)
		if (record_kinds[k].probe == probe)
			what |= record_wanted[k];
	return what;
}

/*
 * libbpf says only in its log which program was refused.  The callback has no
 * context argument, hence the statics.
 */
static struct {
	bool verbose;
	char prog[64];		/* the first program that was refused */
	char text[REASON_LEN];	/* the first warning */
} refusal;

static int on_libbpf_message(enum libbpf_print_level level, const char *format, va_list args)
{
	char text[512];
	va_list copy;

	/* It has much to say of each program and type: to format that takes milliseconds. */
	if (level != LIBBPF_WARN && !refusal.verbose)
		return 0;
	va_copy(copy, args);
	vsnprintf(text, sizeof(text), format, copy);
	va_end(copy);
	text[strcspn(text, "\n")] = 0;
	if (level == LIBBPF_WARN) {
		if (!refusal.prog[0])
			sscanf(text, "libbpf: prog '%63[^']'", refusal.prog);
		if (!refusal.text[0])
			snprintf(refusal.text, sizeof(refusal.text), "%.*s", REASON_LEN - 1,
				 text + (strncmp(text, "libbpf: ", 8) ? 0 : 8));
	}
	return refusal.verbose ? vfprintf(stderr, format, args) : 0;
}

void probes__verbose(bool on)
{
	refusal.verbose = on;
	libbpf_set_print(on_libbpf_message);
}

static void refusal__clear(void)
{
	refusal.prog[0] = 0;
	refusal.text[0] = 0;
}

/* With --mm, the pages of that mm are learnt from their allocation. */
static uint32_t needed(const struct trace_request *request)
{
	uint32_t what = request->what ?: XP_W_ALL;

	/* Writes that nobody tells of are inferred from everything else. */
	if (what & (XP_W_SET | XP_W_CLEAR) && probes__here() == XP_PROBE_FLAG_SET)
		return what | (XP_W_ALL & ~XP_W_REFUSED);
	return request->mm ? what | XP_W_ALLOC | XP_W_RELEASE : what;
}

static bool has_options(const struct trace_request *request)
{
	return request->pid || request->mm || request->comm || request->levels || request->stack ||
	       request->look || request->pfn.to != UINT64_MAX || needed(request) != XP_W_ALL;
}

void probes__configure(struct trace_bpf *skel, const struct trace_request *request)
{
	struct xp_config *config = (void *)&skel->rodata->config;
	uint32_t slots = request->ring_pages * 4096 / XP_SLOT, cpus = libbpf_num_possible_cpus();

	config->pid = request->pid;
	config->mm = request->mm;
	config->pfn_from = request->pfn.from;
	config->pfn_to = request->pfn.to;
	config->levels = request->levels;
	config->what = needed(request);
	config->stack = request->stack;
	config->look = request->look;
	config->ring_mask = slots - 1;
	config->by_comm = request->comm != NULL;
	if (request->comm)
		memcpy(config->comm, request->comm, strlen(request->comm));
	bpf_map__set_max_entries(skel->maps.rings, cpus);
	bpf_map__set_max_entries(skel->maps.flights, cpus);
	bpf_map__set_max_entries(skel->maps.uppers, cpus);
	bpf_map__set_value_size(skel->maps.rings, sizeof(struct xp_ring) +
				(slots + XP_RECORD_SLOTS_MAX) * XP_SLOT);
	if (request->mm)
		bpf_map__set_max_entries(skel->maps.mm_tables, MM_TABLES);
}

/* The @i-th program of the probe's current way, or NULL. */
static const char *prog_name(const struct attachment *at, int p, int i)
{
	return at->way < 0 || i == PROGS_MAX ? NULL : probes[p].ways[at->way].progs[i];
}

static struct bpf_program *find_prog(const struct trace_bpf *skel, const char *name)
{
	return bpf_object__find_program_by_name(skel->obj, name);
}

/*
 * The ways out of a flush make no record.  A task that is preempted in one keeps the others of
 * its CPU out of it, and their batches then land with no latency, which their records say.
 */
static bool only_times(const char *name)
{
	static const char *const ways_out[] = { WAYS_OUT };

	for (size_t i = 0; i < sizeof(ways_out) / sizeof(*ways_out); i++)
		if (!strcmp(name, ways_out[i]))
			return true;
	return false;
}

/* The look at upper tables is for who is to judge. */
static bool is_wanted(const struct trace_bpf *skel, const char *name)
{
	return skel->rodata->config.look || strncmp(name, "upper_", 6);
}

/* Which of the two programs finds addresses: the second is longer to load. */
static struct bpf_program *locator(const struct trace_bpf *skel)
{
	return skel->rodata->config.look || platform__hides_symbols() ? skel->progs.locate_map :
									skel->progs.locate;
}

static void select_ways(struct trace_bpf *skel, const struct attachment at[LIVE_PROBES])
{
	const struct bpf_program *locate = locator(skel);
	struct bpf_program *prog;
	const char *name;

	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, prog == locate);
	for (int p = 0; p < LIVE_PROBES; p++)
		for (int i = 0; (name = prog_name(&at[p], p, i)); i++)
			bpf_program__set_autoload(find_prog(skel, name), is_wanted(skel, name));
}

static int probe_of_prog(const struct attachment at[LIVE_PROBES], const char *wanted)
{
	const char *name;

	for (int p = 0; p < LIVE_PROBES; p++)
		for (int i = 0; (name = prog_name(&at[p], p, i)); i++)
			if (!strcmp(name, wanted))
				return p;
	return -1;
}

/* Does a probe's way want what this kernel does not have?  Then the refusal says what. */
static bool lacks(const struct kernel_types *types, const struct trace_bpf *skel,
		  const struct attachment *at, int p)
{
	const struct way *way = &probes[p].ways[at->way];
	const char *target = NULL;

	if (way->only && !kernel_types__id(types, way->only, BTF_KIND_TYPEDEF)) {
		snprintf(refusal.text, sizeof(refusal.text), "%s", way->else_why);
		return true;
	}
	for (int i = 0; !target && i < PROGS_MAX && way->progs[i]; i++)
		target = program__lacks(types, find_prog(skel, way->progs[i]));
	if (target)
		snprintf(refusal.text, sizeof(refusal.text), "this kernel has no %s", target);
	return target;
}

/* One source, one layout: the other object has no options. */
_Static_assert(sizeof(struct trace_bpf) == sizeof(struct trace_all_bpf), "one source");

/* The types are found once, whatever is loaded after that. */
int probes__skeleton(struct trace_bpf **skel, struct kernel_types *types,
		     const struct trace_request *request)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = kernel_types__path(types));

	refusal__clear();
	*skel = has_options(request) ? trace_bpf__open_opts(&opts) :
				       (struct trace_bpf *)trace_all_bpf__open_opts(&opts);
	if (!*skel)
		return -errno;
	return programs__find(types, (*skel)->obj);
}

static int open_types(struct kernel_types **types)
{
	int err = programs__begin(types);

	for (int p = 0; !err && p < LIVE_PROBES; p++)
		for (const struct way *way = probes[p].ways; !err && way->via; way++)
			if (way->only)
				err = kernel_types__want(*types, way->only, BTF_KIND_TYPEDEF);
	return err;
}

static int load(struct trace_bpf *skel, const struct attachment at[LIVE_PROBES],
		const struct trace_request *request, int *culprit)
{
	int err;

	probes__configure(skel, request);
	select_ways(skel, at);
	err = trace_bpf__load(skel);
	*culprit = err ? probe_of_prog(at, refusal.prog) : -1;
	return err;
}

static int attach_all(struct trace_bpf *skel, struct attachment at[LIVE_PROBES], int *culprit)
{
	const char *name;

	for (int p = 0; p < LIVE_PROBES; p++) {
		for (int i = 0; (name = prog_name(&at[p], p, i)); i++) {
			if (!is_wanted(skel, name))
				continue;
			at[p].links[i] = program__attach(find_prog(skel, name));
			if (at[p].links[i])
				continue;
			*culprit = p;
			return -errno;
		}
	}
	return 0;
}

/* The probe's way was refused: go to the next.  Returns -errno when it must not do without. */
static int next_way(struct attachment *at, int p, int err, char why[REASON_LEN])
{
	char *reason = at->reason[at->way];

	snprintf(reason, REASON_LEN, "%s", *refusal.text ? refusal.text : strerror(-err));
	if (++at->way < WAYS_MAX && probes[p].ways[at->way].via)
		return 0;
	at->way = WAY_NONE;
	if (!probes[p].required)
		return 0;
	snprintf(why, REASON_LEN, "no way to attach the probe %s: %.100s",
		 record_probes[p].name, reason);
	return err;
}

/* Past the ways that need what this kernel does not have. */
static int skip_lacking(const struct kernel_types *types, const struct trace_bpf *skel,
			struct attachment at[LIVE_PROBES], char why[REASON_LEN])
{
	int err = 0;

	for (int p = 0; p < LIVE_PROBES; p++) {
		while (!err && at[p].way >= 0 && lacks(types, skel, &at[p], p)) {
			err = next_way(&at[p], p, -ENOENT, why);
			refusal__clear();
		}
	}
	return err;
}

/* One try; *@culprit is the probe that was refused, -1: it was none of them. */
static int try_ways(struct trace_bpf *skel, struct attachment at[LIVE_PROBES],
		    const struct trace_request *request, bool attach, int *culprit)
{
	int err = load(skel, at, request, culprit);

	if (!err)
		err = program__run(locator(skel));
	if (!err && attach)
		err = attach_all(skel, at, culprit);
	return err;
}

static int open_with(struct kernel_types *types, struct trace_bpf **skel,
		     struct attachment at[LIVE_PROBES], const struct trace_request *request, bool attach,
		     char why[REASON_LEN])
{
	int err, culprit;

	for (;;) {
		*why = 0;
		culprit = -1;
		err = probes__skeleton(skel, types, request) ?: skip_lacking(types, *skel, at, why);
		if (!err)
			err = try_ways(*skel, at, request, attach, &culprit);
		if (!err)
			return 0;
		probes__close(*skel, at);
		if (culprit < 0) {
			if (!*why)
				snprintf(why, REASON_LEN, "%s",
					 *refusal.text ? refusal.text : strerror(-err));
			return err;
		}
		if (next_way(&at[culprit], culprit, err, why))
			return err;
	}
}

int probes__open(struct trace_bpf **skel, struct attachment at[LIVE_PROBES], const struct trace_request *request,
		bool attach, char why[REASON_LEN])
{
	struct kernel_types *types = NULL;
	int err = open_types(&types), here = probes__here();
	uint32_t what = needed(request);

	for (int p = 0; p < LIVE_PROBES; p++) {
		at[p] = (struct attachment){};
		if (p >= here)
			at[p].way = WAY_ABSENT;
		else if (!(made_by(p) & what))
			at[p].way = WAY_UNWANTED;
		for (int w = 0; request->via && !at[p].way && w < WAYS_MAX && probes[p].ways[w].via; w++)
			if (!strcmp(probes[p].ways[w].via, request->via))
				at[p].way = w;
	}
	if (err)
		snprintf(why, REASON_LEN, "%s", load_error(err));
	else
		err = open_with(types, skel, at, request, attach, why);
	kernel_types__close(types);
	return err;
}

static int probe(struct kernel_types *types, int p, int way, char reason[REASON_LEN])
{
	struct trace_request none = { .pfn.to = UINT64_MAX, .ring_pages = 1 };
	struct attachment at[LIVE_PROBES];
	struct trace_bpf *skel;
	int err, culprit;

	for (int i = 0; i < LIVE_PROBES; i++)
		at[i] = (struct attachment){ .way = i == p ? way : WAY_UNWANTED };
	err = probes__skeleton(&skel, types, &none);
	if (!err)
		err = lacks(types, skel, &at[p], p) ? -ENOENT : load(skel, at, &none, &culprit);
	if (err)
		snprintf(reason, REASON_LEN, "%s", *refusal.text ? refusal.text : strerror(-err));
	trace_bpf__destroy(skel);
	return err;
}

bool probes__try(int p, int way, char reason[REASON_LEN])
{
	struct kernel_types *types = NULL;
	int err;

	if (p >= probes__here()) {
		strcpy(reason, ABSENT);
		return false;
	}
	err = open_types(&types);
	if (err)
		snprintf(reason, REASON_LEN, "%s", strerror(-err));
	else
		err = probe(types, p, way, reason);
	kernel_types__close(types);
	return !err;
}

void probes__detach(struct attachment at[LIVE_PROBES])
{
	for (int p = 0; p < LIVE_PROBES; p++) {
		for (int i = 0; i < PROGS_MAX; i++) {
			bpf_link__destroy(at[p].links[i]);
			at[p].links[i] = NULL;
		}
	}
}

void probes__close(struct trace_bpf *skel, struct attachment at[LIVE_PROBES])
{
	probes__detach(at);
	trace_bpf__destroy(skel);
}

const char *probes__via(const struct attachment at[LIVE_PROBES], int p)
{
	if (at[p].way == WAY_UNWANTED)
		return "off";
	if (at[p].way == WAY_ABSENT)
		return "inferred";
	return at[p].way == WAY_NONE ? "none" : probes[p].ways[at[p].way].via;
}

uint64_t probes__missed(const struct trace_bpf *skel, const struct attachment at[LIVE_PROBES], int p)
{
	uint64_t missed = 0;
	const char *name;

	for (int i = 0; (name = prog_name(&at[p], p, i)); i++) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (!only_times(name) &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(find_prog(skel, name)), &info, &size))
			missed += info.recursion_misses;
	}
	return missed;
}
