// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads every BPF program that this kernel can have, with every combination of options that
 * changes what the verifier sees, and prints for each program how many instructions the verifier
 * looked at: with the default options, and at most.
 *
 * The options are constants to the verifier, so each combination is another program.  What
 * compiler made the programs is decided by the build: the tests run this program as made by each.
 * The verifier's own words about a refused program go to stderr.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "../../include/audit_maps.h"
#include "../../include/boot_log.h"
#include "../../include/config.h"
#include "../../include/counter_maps.h"
#include "../../include/watch_record.h"
#include "../../src/trace/probes.h"
#include "../../src/load/programs.h"
#include "trace.skel.h"
#include "audit.skel.h"
#include "audit_old.skel.h"
#include "boot.skel.h"
#include "counters.skel.h"
#include "watch.skel.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

struct count {
	char object[16], program[32];
	uint32_t by_default, at_most;
};

static struct count counts[128];
static size_t nr_counts;
static unsigned int loads;

static struct count *count_of(const char *object, const char *program)
{
	size_t i = 0;

	while (i < nr_counts && (strcmp(counts[i].object, object) || strcmp(counts[i].program, program)))
		i++;
	if (i == sizeof(counts) / sizeof(*counts))
		exit(1);
	if (i == nr_counts) {
		nr_counts++;
		snprintf(counts[i].object, sizeof(counts[i].object), "%s", object);
		snprintf(counts[i].program, sizeof(counts[i].program), "%s", program);
	}
	return &counts[i];
}

static void count(const char *object, const struct bpf_program *prog)
{
	struct count *c = count_of(object, bpf_program__name(prog));
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size)) {
		perror("bpf_obj_get_info_by_fd");
		exit(1);
	}
	if (!c->by_default)
		c->by_default = info.verified_insns;
	if (info.verified_insns > c->at_most)
		c->at_most = info.verified_insns;
}

/* Load @obj and count its programs; @with says with which options. */
static int load(struct bpf_object *obj, const char *object, const char *with)
{
	struct bpf_program *prog;
	int err = bpf_object__load(obj);

	if (err) {
		fprintf(stderr, "verify: %s does not load with %s: %s\n", object, with, strerror(-err));
		return err;
	}
	loads++;
	bpf_object__for_each_program(prog, obj)
		if (bpf_program__autoload(prog))
			count(object, prog);
	return 0;
}

/* Of the programs that this kernel can have, those whose names begin with @prefix. */
static void choose(const struct kernel_types *types, struct bpf_object *obj, const char *prefix)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog, !program__lacks(types, prog) &&
					  !strncmp(bpf_program__name(prog), prefix, strlen(prefix)));
}

/* The loader's own way with the tracer's types, options and maps. */
static int load_trace(const struct trace_request *request, const char *with)
{
	struct kernel_types *types = NULL;
	struct trace_bpf *skel = NULL;
	int err = programs__begin(&types);

	if (!err)
		err = probes__skeleton(&skel, types, request);
	if (!err) {
		const char *name = bpf_object__name(skel->obj);

		probes__configure(skel, request);
		choose(types, skel->obj, request->what == XP_W_ALL ? "" : "flush_");
		err = load(skel->obj, !strcmp(name, "trace_all_bpf") ? "trace_all" : "trace", with);
	}
	trace_bpf__destroy(skel);
	kernel_types__close(types);
	return err;
}

static void set_pid(struct trace_request *request) { request->pid = 77; }
static void set_comm(struct trace_request *request) { request->comm = "a-name"; }
static void set_mm(struct trace_request *request) { request->mm = 0xffff888004c62880; }
static void set_pfn(struct trace_request *request) { request->pfn = (struct range){ 0x1000, 0x1fff }; }
static void set_level(struct trace_request *request) { request->levels = 1 << XP_L1; }
static void set_stack(struct trace_request *request) { request->stack = true; }

/* Every subset of these is tried: bit i of a subset is the i-th. */
static const struct {
	const char *name;
	void (*set)(struct trace_request *request);
} filters[] = {
	{ "--pid", set_pid },
	{ "--comm", set_comm },
	{ "--mm", set_mm },
	{ "--pfn", set_pfn },
	{ "--level", set_level },
	{ "--stack", set_stack },
};

enum { FILTERS = sizeof(filters) / sizeof(*filters), SUBSETS = 1 << FILTERS };

static int load_trace_with(unsigned int subset, uint32_t what, uint32_t ring_pages)
{
	struct trace_request request = {
		.pfn.to = UINT64_MAX,
		.what = what,
		.ring_pages = ring_pages,
	};
	char with[128];
	int n = snprintf(with, sizeof(with), "--op 0x%x --ring-pages %u", what, ring_pages);

	for (int i = 0; i < FILTERS; i++) {
		if (!(subset >> i & 1))
			continue;
		filters[i].set(&request);
		n += snprintf(with + n, sizeof(with) - n, " %s", filters[i].name);
	}
	return load_trace(&request, with);
}

/*
 * --op says which programs are attached; only that of a flush makes more of it, since a batch can
 * hold pins and unpins.  The size of the rings is a mask: its extremes are tried with no filter
 * and with all.
 */
static int verify_trace(void)
{
	static const uint32_t whats[] = { XP_W_ALL, XP_W_ALL & ~XP_W_UNPIN, XP_W_ALL & ~XP_W_PIN };
	static const uint32_t extremes[] = { 1, 512 };
	int err = 0;

	for (unsigned int subset = 0; subset < SUBSETS; subset++)
		for (size_t i = 0; !err && i < sizeof(whats) / sizeof(*whats); i++)
			err = load_trace_with(subset, whats[i], 64);
	for (unsigned int subset = 0; subset < SUBSETS; subset += SUBSETS - 1)
		for (size_t i = 0; !err && i < sizeof(extremes) / sizeof(*extremes); i++)
			err = load_trace_with(subset, XP_W_ALL, extremes[i]);
	return err;
}

/* Programs with targets in the kernel that are looked up by the loader, and no options. */
static int verify_with_types(struct bpf_object *(*open)(const struct bpf_object_open_opts *),
			     const char *object)
{
	struct kernel_types *types = NULL;
	struct bpf_object *obj = NULL;
	int err = programs__begin(&types);

	if (!err) {
		LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = kernel_types__path(types));

		obj = open(&opts);
		err = obj ? programs__find(types, obj) : -errno;
	}
	if (!err) {
		choose(types, obj, "");
		err = load(obj, object, "no options");
	}
	bpf_object__close(obj);
	kernel_types__close(types);
	return err;
}

static struct bpf_object *open_counters(const struct bpf_object_open_opts *opts)
{
	struct counters_bpf *skel = counters_bpf__open_opts(opts);

	return skel ? skel->obj : NULL;
}

static struct bpf_object *open_boot(const struct bpf_object_open_opts *opts)
{
	struct boot_bpf *skel = boot_bpf__open_opts(opts);

	return skel ? skel->obj : NULL;
}

static bool kernel_has_cast(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has = btf && btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return has;
}

/* All programs of the audit but, of its three scans, only @scan. */
static int load_audit(struct bpf_object *obj, const char *object, const char *scan)
{
	struct bpf_program *prog;
	int err;

	if (!obj)
		return -errno;
	bpf_object__for_each_program(prog, obj) {
		const char *name = bpf_program__name(prog);

		bpf_program__set_autoload(prog, strncmp(name, "scan_", 5) || !strcmp(name, scan));
	}
	err = load(obj, object, scan);
	bpf_object__close(obj);
	return err;
}

/* A kernel without the cast has its pointer lent, or marks that as a user's and reads by calls. */
static int verify_audit(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = KERNEL_BTF);
	bool cast = kernel_has_cast();
	struct audit_old_bpf *old;
	struct audit_bpf *skel;
	int err;

	old = audit_old_bpf__open_opts(&opts);
	err = load_audit(old ? old->obj : NULL, "audit_old", "scan_read");
	if (!err && cast) {
		skel = audit_bpf__open_opts(&opts);
		err = load_audit(skel ? skel->obj : NULL, "audit", "scan_cast");
	} else if (!err) {
		old = audit_old_bpf__open_opts(&opts);
		err = load_audit(old ? old->obj : NULL, "audit_old", "scan_lent");
	}
	return err;
}

static int verify_watch(void)
{
	struct watch_bpf *skel = watch_bpf__open();
	int err = skel ? load(skel->obj, "watch", "no options") : -errno;

	watch_bpf__destroy(skel);
	return err;
}

static int on_message(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

int main(void)
{
	int err = 0;

	libbpf_set_print(on_message);
	/* Each is tried, whatever became of those before. */
	err |= verify_trace();
	err |= verify_with_types(open_counters, "counters");
	err |= verify_with_types(open_boot, "boot");
	err |= verify_audit();
	err |= verify_watch();
	for (size_t i = 0; i < nr_counts; i++)
		printf("%s\t%s\t%u\t%u\n", counts[i].object, counts[i].program, counts[i].by_default,
		       counts[i].at_most);
	fprintf(stderr, "verify: %u loads\n", loads);
	return err ? 1 : 0;
}
