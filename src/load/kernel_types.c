// SPDX-License-Identifier: GPL-2.0-only
/* One pass over the kernel's BTF. */
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

#include "base/read_file.h"
#include "kernel_btf.h"
#include "kernel_types.h"

#define BTF_PATH	"/sys/kernel/btf/vmlinux"
#define BTF_MAX		(64UL << 20)

/* One type of so many is in the index: a look-up walks over that many at most, and the index stays small. */
#define STRIDE		32

#define WANTED_MAX	128

/* A name is compared only if its first four bytes are those of a wanted one, or hash alike. */
#define SIEVE_BITS	12

struct wanted {
	char *name;
	uint32_t kind;
	uint32_t id;
};

struct kernel_types {
	int file;
	char path[32];
	bool done;
	struct wanted wanted[WANTED_MAX];
	uint32_t nr_wanted;
	uint8_t sieve[1 << SIEVE_BITS];

	struct kernel_btf btf;		/* during the pass */
};

int kernel_types__open(struct kernel_types **out)
{
	struct kernel_types *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->file = memfd_create("xenpin-types", MFD_CLOEXEC);
	if (t->file < 0) {
		free(t);
		return -errno;
	}
	snprintf(t->path, sizeof(t->path), "/proc/self/fd/%d", t->file);
	*out = t;
	return 0;
}

void kernel_types__close(struct kernel_types *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->nr_wanted; i++)
		free(t->wanted[i].name);
	close(t->file);
	free(t);
}

const char *kernel_types__path(const struct kernel_types *t)
{
	return t->path;
}

/* A short name stands before another one, or before the padding: see read_btf(). */
static uint32_t sieve(const char *name)
{
	uint32_t begin;

	memcpy(&begin, name, sizeof(begin));
	return begin * 2654435761U >> (32 - SIEVE_BITS);
}

static struct wanted *find_wanted(struct kernel_types *t, const char *name, uint32_t kind)
{
	for (struct wanted *w = t->wanted; w < t->wanted + t->nr_wanted; w++)
		if (w->kind == kind && !strcmp(w->name, name))
			return w;
	return NULL;
}

int kernel_types__want(struct kernel_types *t, const char *name, uint32_t kind)
{
	struct wanted *w = &t->wanted[t->nr_wanted];

	if (strlen(name) < 4)
		return -EINVAL;
	if (find_wanted(t, name, kind))
		return 0;
	if (t->nr_wanted == WANTED_MAX)
		return -E2BIG;
	*w = (struct wanted){ strdup(name), kind };
	if (!w->name)
		return -ENOMEM;
	t->sieve[sieve(name)] = 1;
	t->nr_wanted++;
	return 0;
}

uint32_t kernel_types__id(const struct kernel_types *t, const char *name, uint32_t kind)
{
	const struct wanted *w = find_wanted((struct kernel_types *)t, name, kind);

	return w ? w->id : 0;
}

/* Flavours of a struct, NAME___WHICH, are views of one and the same. */
int kernel_btf__essential(const char *name)
{
	const char *flavour = strstr(name, "___");

	return flavour ? flavour - name : (int)strlen(name);
}

/* Of the object's types those that can be the kernel's. */
static int want_types(struct kernel_types *t, const struct btf *local)
{
	int err = 0;

	for (uint32_t i = 1; !err && i < btf__type_cnt(local); i++) {
		const struct btf_type *type = btf__type_by_id(local, i);
		const char *name = btf__name_by_offset(local, type->name_off);
		char bare[64];

		if ((!btf_is_struct(type) && !btf_is_enum(type)) || kernel_btf__essential(name) < 4)
			continue;
		snprintf(bare, sizeof(bare), "%.*s", kernel_btf__essential(name), name);
		err = kernel_types__want(t, bare, btf_kind(type));
	}
	return err;
}

/* The whole of it in one call, which sysfs does not give. */
static int get_from_bpf(char **data, size_t *size)
{
	int err = -ENOENT;

	for (uint32_t id = 0; err == -ENOENT && !bpf_btf_get_next_id(id, &id);) {
		char name[16] = "";
		struct bpf_btf_info info = { .name = (uintptr_t)name, .name_len = sizeof(name) };
		uint32_t len = sizeof(info);
		int fd = bpf_btf_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.kernel_btf &&
		    !strcmp(name, "vmlinux")) {
			*size = info.btf_size;
			*data = malloc(*size + sizeof(uint32_t));
			info = (struct bpf_btf_info){ .btf = (uintptr_t)*data, .btf_size = *size };
			err = !*data ? -ENOMEM : bpf_obj_get_info_by_fd(fd, &info, &len);
			if (err) {
				free(*data);
				*data = NULL;
			}
		}
		close(fd);
	}
	return err;
}

static int read_btf(struct kernel_btf *b)
{
	const struct btf_header *header;
	size_t size;
	int err;

	if (get_from_bpf(&b->data, &size)) {
		err = read_file(BTF_PATH, BTF_MAX, &b->data, &size);
		if (err)
			return err;
		/* Whoever looks at the first four bytes of the last name stays inside. */
		char *padded = realloc(b->data, size + sizeof(uint32_t));

		if (!padded)
			return -ENOMEM;
		b->data = padded;
	}
	header = (void *)b->data;
	if (size < sizeof(*header) || header->magic != BTF_MAGIC ||
	    (uint64_t)header->hdr_len + header->type_off + header->type_len > size ||
	    (uint64_t)header->hdr_len + header->str_off + header->str_len > size ||
	    !header->str_len || b->data[header->hdr_len + header->str_off + header->str_len - 1])
		return -EBADMSG;
	b->strings = b->data + header->hdr_len + header->str_off;
	b->strings_len = header->str_len;
	return 0;
}

/* Bytes behind a type's head, by kind: a fixed part and one for each of its vlen. */
static const struct {
	bool known;
	uint8_t once, each;
} tails[] = {
	[BTF_KIND_INT]		= { true, sizeof(uint32_t) },
	[BTF_KIND_PTR]		= { true },
	[BTF_KIND_ARRAY]	= { true, sizeof(struct btf_array) },
	[BTF_KIND_STRUCT]	= { true, 0, sizeof(struct btf_member) },
	[BTF_KIND_UNION]	= { true, 0, sizeof(struct btf_member) },
	[BTF_KIND_ENUM]		= { true, 0, sizeof(struct btf_enum) },
	[BTF_KIND_FWD]		= { true },
	[BTF_KIND_TYPEDEF]	= { true },
	[BTF_KIND_VOLATILE]	= { true },
	[BTF_KIND_CONST]	= { true },
	[BTF_KIND_RESTRICT]	= { true },
	[BTF_KIND_FUNC]		= { true },
	[BTF_KIND_FUNC_PROTO]	= { true, 0, sizeof(struct btf_param) },
	[BTF_KIND_VAR]		= { true, sizeof(struct btf_var) },
	[BTF_KIND_DATASEC]	= { true, 0, sizeof(struct btf_var_secinfo) },
	[BTF_KIND_FLOAT]	= { true },
	[BTF_KIND_DECL_TAG]	= { true, sizeof(struct btf_decl_tag) },
	[BTF_KIND_TYPE_TAG]	= { true },
	[BTF_KIND_ENUM64]	= { true, 0, sizeof(struct btf_enum64) },
};

#define KINDS (sizeof(tails) / sizeof(*tails))

/* The size of a type, or 0: nobody here knows its kind. */
static inline uint32_t size_of(const struct btf_type *type)
{
	uint32_t kind = btf_kind(type);

	if (kind >= KINDS || !tails[kind].known)
		return 0;
	return sizeof(*type) + tails[kind].once + btf_vlen(type) * tails[kind].each;
}

const struct btf_type *kernel_btf__type(const struct kernel_btf *b, uint32_t id)
{
	const struct btf_type *type;

	if (!id || id >= b->nr_types)
		return NULL;
	type = (void *)(b->data + b->at[id / STRIDE]);
	for (uint32_t i = id < STRIDE; i < id % STRIDE; i++)
		type = (void *)type + size_of(type);
	return type;
}

/* The first of a name counts, as for libbpf. */
static void note(struct kernel_types *t, const struct btf_type *type, uint32_t id)
{
	struct wanted *w = find_wanted(t, kernel_btf__name(&t->btf, type->name_off),
				       btf_kind(type));

	if (w && !w->id)
		w->id = id;
}

static int pass(struct kernel_types *t)
{
	struct kernel_btf *b = &t->btf;
	const struct btf_header *header = (void *)b->data;
	const char *at = b->data + header->hdr_len + header->type_off;
	const char *end = at + header->type_len;
	uint32_t id;

	b->at = malloc((header->type_len / sizeof(struct btf_type) / STRIDE + 1) * sizeof(*b->at));
	if (!b->at)
		return -ENOMEM;
	/* Numbers begin with 1: the first stride is one type short. */
	b->at[0] = at - b->data;
	for (id = 1; at + sizeof(struct btf_type) <= end; id++) {
		const struct btf_type *type = (void *)at;
		uint32_t size = size_of(type);

		if (!size)
			return -EOPNOTSUPP;
		if (id % STRIDE == 0)
			b->at[id / STRIDE] = at - b->data;
		at += size;
		if (at > end)
			return -EBADMSG;
		if (type->name_off && t->sieve[sieve(kernel_btf__name(b, type->name_off))])
			note(t, type, id);
	}
	b->nr_types = id;
	return 0;
}

static int write_file(struct kernel_types *t, const struct btf *local)
{
	struct few_types few = { .from = &t->btf, .local = local, .to = btf__new_empty() };
	const void *raw;
	uint32_t size;
	int err = 0;

	if (!few.to)
		return -errno;
	for (struct wanted *w = t->wanted; err >= 0 && w < t->wanted + t->nr_wanted; w++)
		if (w->id && (w->kind == BTF_KIND_STRUCT || w->kind == BTF_KIND_ENUM))
			err = few_types__add(&few, w->id);
	raw = err < 0 ? NULL : btf__raw_data(few.to, &size);
	if (raw && (ftruncate(t->file, 0) || pwrite(t->file, raw, size, 0) != (ssize_t)size))
		err = -EIO;
	btf__free(few.to);
	return err < 0 ? err : raw ? 0 : -ENOMEM;
}

int kernel_types__find(struct kernel_types *t, const struct bpf_object *obj)
{
	const struct btf *local = bpf_object__btf(obj);
	int err;

	if (t->done)
		return 0;
	err = want_types(t, local);
	if (!err)
		err = read_btf(&t->btf);
	if (!err)
		err = pass(t);
	if (!err)
		err = write_file(t, local);
	free(t->btf.data);
	free(t->btf.at);
	t->btf = (struct kernel_btf){};
	t->done = !err;
	return err;
}
