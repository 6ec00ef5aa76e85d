/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's BTF as it is while kernel_types.c goes through it, and a copy of a few types of it. */
#ifndef XENPIN_KERNEL_BTF_H
#define XENPIN_KERNEL_BTF_H

#include <stdint.h>

#include <bpf/btf.h>

struct kernel_btf {
	char *data;			/* all of it */
	const char *strings;
	uint32_t strings_len;
	uint32_t *at;			/* offset in .data of some types: kernel_types.c */
	uint32_t nr_types;
};

/* NULL when there is no such type. */
const struct btf_type *kernel_btf__type(const struct kernel_btf *b, uint32_t id);

static inline const char *kernel_btf__name(const struct kernel_btf *b, uint32_t offset)
{
	return offset < b->strings_len ? b->strings + offset : "";
}

/* The length of a type's name without its flavour. */
int kernel_btf__essential(const char *name);

struct few_types {
	const struct kernel_btf *from;
	const struct btf *local;	/* the object's: its views of a type have the members it wants */
	struct btf *to;
};

/* A struct or an enum, with the members that are wanted.  Returns its number there or -errno. */
int few_types__add(struct few_types *few, uint32_t id);

#endif
