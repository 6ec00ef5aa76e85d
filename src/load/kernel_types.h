/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What loading BPF programs wants to know of the kernel's types, found in one
 * pass over its BTF.
 *
 * libbpf reads that a page a call, parses all of it and then searches it once
 * for each program, variable and type: half of the time until a trace was ready.
 */
#ifndef XENPIN_KERNEL_TYPES_H
#define XENPIN_KERNEL_TYPES_H

#include <stdint.h>

struct bpf_object;
struct kernel_types;

/* Returns 0 or -errno; *@out is the caller's. */
int kernel_types__open(struct kernel_types **out);
void kernel_types__close(struct kernel_types *t);

/*
 * A file for libbpf, .btf_custom_path of the options an object is opened with:
 * of the kernel's types those that the object has, with the members that it has.
 */
const char *kernel_types__path(const struct kernel_types *t);

/* Also look for a type of this name and BTF_KIND_*.  Before kernel_types__find(). */
int kernel_types__want(struct kernel_types *t, const char *name, uint32_t kind);

/* The pass, once.  Of @obj, just opened, the types are looked for, too.  Returns 0 or -errno. */
int kernel_types__find(struct kernel_types *t, const struct bpf_object *obj);

/* A type's number in the kernel's BTF; 0 when it has none such, or it was not wanted. */
uint32_t kernel_types__id(const struct kernel_types *t, const char *name, uint32_t kind);

#endif
