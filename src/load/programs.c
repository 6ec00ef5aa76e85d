// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "../../include/config.h"
#include "programs.h"

#define MC_BUFFER "mc_buffer"

static const struct section {
	const char *prefix;
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	const char *before;	/* of the target's name in BTF; NULL: it needs none */
	uint32_t kind;
} sections[] = {
	{ "tp_btf/", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "btf_trace_", BTF_KIND_TYPEDEF },
	{ "fentry/", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "", BTF_KIND_FUNC },
	{ "fexit/", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, "", BTF_KIND_FUNC },
	{ "raw_tp/", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, NULL },
};

#define SECTIONS (sizeof(sections) / sizeof(*sections))

/* libbpf's callback gets a number and no pointer: the types of the object that is being loaded. */
static const struct kernel_types *types;

static const struct section *section_of(const struct bpf_program *prog)
{
	const char *name = bpf_program__section_name(prog);

	for (const struct section *s = sections; s < sections + SECTIONS; s++)
		if (!strncmp(name, s->prefix, strlen(s->prefix)))
			return s;
	return NULL;
}

static const char *target_of(const struct section *s, const struct bpf_program *prog)
{
	return bpf_program__section_name(prog) + strlen(s->prefix);
}

static void name_in_btf(const struct section *s, const struct bpf_program *prog, char name[128])
{
	snprintf(name, 128, "%s%s", s->before, target_of(s, prog));
}

int programs__find(struct kernel_types *t, struct bpf_object *obj)
{
	int err = kernel_types__want(t, MC_BUFFER, BTF_KIND_VAR);
	struct bpf_program *prog;
	char name[128];

	bpf_object__for_each_program(prog, obj) {
		const struct section *s = section_of(prog);

		if (err || !s || !s->before)
			continue;
		name_in_btf(s, prog, name);
		err = kernel_types__want(t, name, s->kind);
	}
	types = t;
	return err ?: kernel_types__find(t, obj);
}

const char *program__lacks(const struct kernel_types *t, const struct bpf_program *prog)
{
	const struct section *s = section_of(prog);
	char name[128];

	if (!s || !s->before)
		return NULL;
	name_in_btf(s, prog, name);
	return kernel_types__id(t, name, s->kind) ? NULL : target_of(s, prog);
}

static bool is_mc_buffer(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW) && !insn->src_reg &&
	       insn[0].imm == (int)XP_MC_BUFFER && insn[1].imm == XP_MC_BUFFER >> 32;
}

static int link_mc_buffer(struct bpf_program *prog)
{
	size_t nr = bpf_program__insn_cnt(prog), size = nr * sizeof(struct bpf_insn);
	struct bpf_insn *insns = malloc(size);
	int err;

	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(prog), size);
	for (size_t i = 0; i + 1 < nr; i++) {
		if (!is_mc_buffer(&insns[i]))
			continue;
		insns[i].src_reg = BPF_PSEUDO_BTF_ID;
		insns[i].imm = kernel_types__id(types, MC_BUFFER, BTF_KIND_VAR);
		insns[i + 1].imm = 0;
	}
	err = bpf_program__set_insns(prog, insns, nr);
	free(insns);
	return err;
}

static int prepare(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long nr)
{
	const struct section *s = &sections[nr];
	char name[128];

	if (s->before) {
		name_in_btf(s, prog, name);
		opts->attach_btf_id = kernel_types__id(types, name, s->kind);
		opts->expected_attach_type = s->attach;
		bpf_program__set_expected_attach_type(prog, s->attach);
		bpf_program__set_type(prog, s->type);
	}
	return link_mc_buffer(prog);
}

/* A program that is BPF_PROG_TYPE_TRACING from the begin makes libbpf read the kernel's types. */
static int take_sections(void)
{
	static bool done;

	for (size_t i = 0; !done && i < SECTIONS; i++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .cookie = i,
			    .prog_prepare_load_fn = prepare);
		char name[16];
		int id;

		snprintf(name, sizeof(name), "%.*s+", (int)strlen(sections[i].prefix) - 1,
			 sections[i].prefix);
		id = libbpf_register_prog_handler(name, BPF_PROG_TYPE_RAW_TRACEPOINT, 0, &opts);
		if (id < 0)
			return id;
	}
	done = true;
	return 0;
}

int programs__begin(struct kernel_types **t)
{
	return take_sections() ?: kernel_types__open(t);
}

int program__run(const struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &run);

	return err ?: run.retval ? -EFAULT : 0;
}

struct bpf_link *program__attach(const struct bpf_program *prog)
{
	const struct section *s = section_of(prog);

	if (!s)
		return bpf_program__attach(prog);
	if (s->before)
		return bpf_program__attach_trace(prog);
	return bpf_program__attach_raw_tracepoint(prog, target_of(s, prog));
}

const char *load_error(int err)
{
	/* What libbpf makes of any failure to read the types, and of a symbol that it misses. */
	if (err == -ESRCH)
		return "libbpf cannot read this kernel's types, or misses a symbol; too little "
		       "memory (ulimit -v) is one reason";
	return strerror(-err);
}
