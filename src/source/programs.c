// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "../../include/linked.h"
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

static const struct kfunc {
	int call;
	const char *name;
} kfuncs[] = {
	{ XP_LINK_PREEMPT_DISABLE, "bpf_preempt_disable" },
	{ XP_LINK_PREEMPT_ENABLE, "bpf_preempt_enable" },
};

#define KFUNCS (sizeof(kfuncs) / sizeof(*kfuncs))

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

	for (size_t i = 0; !err && i < KFUNCS; i++)
		err = kernel_types__want(t, kfuncs[i].name, BTF_KIND_FUNC);
	bpf_object__for_each_program(prog, obj) {
		const struct section *s = section_of(prog);

		if (err || !s || !s->before || !bpf_program__autoload(prog))
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

/* A call of a kfunc that is not there becomes "r0 = 0". */
static void link_call(struct bpf_insn *insn, const char *name)
{
	uint32_t id = kernel_types__id(types, name, BTF_KIND_FUNC);

	if (id)
		*insn = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL,
					   .src_reg = BPF_PSEUDO_KFUNC_CALL, .imm = id };
	else
		*insn = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K };
}

static void link_one(struct bpf_insn *insn)
{
	if (insn->code == (BPF_LD | BPF_IMM | BPF_DW) && !insn->src_reg &&
	    insn[0].imm == (int)XP_LINK_MC_BUFFER && insn[1].imm == XP_LINK_MC_BUFFER >> 32) {
		insn->src_reg = BPF_PSEUDO_BTF_ID;
		insn[0].imm = kernel_types__id(types, MC_BUFFER, BTF_KIND_VAR);
		insn[1].imm = 0;
	}
	for (const struct kfunc *k = kfuncs; k < kfuncs + KFUNCS; k++)
		if (insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg && insn->imm == k->call)
			link_call(insn, k->name);
}

static int link_insns(struct bpf_program *prog)
{
	size_t nr = bpf_program__insn_cnt(prog), size = nr * sizeof(struct bpf_insn);
	struct bpf_insn *insns = malloc(size);
	int err;

	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(prog), size);
	for (size_t i = 0; i < nr; i++)
		link_one(&insns[i]);
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
	return link_insns(prog);
}

/* A program that is BPF_PROG_TYPE_TRACING from the begin makes libbpf read the kernel's types. */
int programs__init(void)
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

struct bpf_link *program__attach(const struct bpf_program *prog)
{
	const struct section *s = section_of(prog);

	if (s->before)
		return bpf_program__attach_trace(prog);
	return bpf_program__attach_raw_tracepoint(prog, target_of(s, prog));
}
