/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading and attaching programs with what kernel_types knows.
 *
 * The programs' sections are libbpf's (tp_btf, raw_tp, fentry, fexit), but their
 * targets, and the variable mc_buffer, are found by kernel_types.
 */
#ifndef XENPIN_PROGRAMS_H
#define XENPIN_PROGRAMS_H

#include <stdbool.h>

#include "kernel_types.h"

struct bpf_link;
struct bpf_program;

/*
 * Before the first object is opened: its sections are ours from here on, in all
 * objects of this process.  Returns 0 or -errno; *@types is to be closed.
 */
int programs__begin(struct kernel_types **types);

/* Find what @obj's programs want, unless that was done; then it can be loaded. */
int programs__find(struct kernel_types *t, struct bpf_object *obj);

/* What @prog wants and this kernel does not have; NULL: nothing. */
const char *program__lacks(const struct kernel_types *t, const struct bpf_program *prog);

/*
 * Kernels whose tracepoints can be preempted have this type, a guard for them.
 * A program of tp_btf or raw_tp that was preempted is skipped for all other tasks
 * of its CPU until it goes on; perf's callbacks, which cost more, forbid it.
 */
#define PREEMPTIBLE_TRACEPOINTS "class_srcu_fast_notrace_t"

/* Run a program of SEC("syscall") once.  Returns 0 or -errno; -EFAULT when it says so itself. */
int program__run(const struct bpf_program *prog);

/* Like bpf_program__attach(). */
struct bpf_link *program__attach(const struct bpf_program *prog);

/* Why libbpf did not load programs, as the end of a sentence; @err is its negative error. */
const char *load_error(int err);

#endif
