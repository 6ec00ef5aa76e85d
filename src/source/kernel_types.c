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

#include "../read_file.h"
#include "kernel_types.h"

#define BTF_PATH	"/sys/kernel/btf/vmlinux"
#define BTF_MAX		(64UL << 20)

/* To find any type takes so many steps at most; to note where each is takes pages. */
#define STRIDE		32

#define WANTED_MAX	128
#define FIELDS_MAX	64

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

	/* During the pass. */
	char *data;			/* the kernel's BTF */
	const char *strings;
	uint32_t strings_len;
	uint32_t *at;			/* offset in .data of every STRIDE-th type */
	uint32_t nr_types;
	struct btf *few;		/* what goes into the file */
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

/* Flavours of a struct, NAME___WHICH, are views of one and the same: its length without. */
static int essential(const char *name)
{
	const char *flavour = strstr(name, "___");

	return flavour ? flavour - name : (int)strlen(name);
}

static bool is_view_of(const struct btf *btf, const struct btf_type *local, const char *name)
{
	const char *view = btf__name_by_offset(btf, local->name_off);
	int len = essential(view);

	return !strncmp(view, name, len) && !name[len];
}

/* Of the object's types those that can be the kernel's. */
static int want_types(struct kernel_types *t, const struct btf *local)
{
	int err = 0;

	for (uint32_t i = 1; !err && i < btf__type_cnt(local); i++) {
		const struct btf_type *type = btf__type_by_id(local, i);
		const char *name = btf__name_by_offset(local, type->name_off);
		char bare[64];

		if ((!btf_is_struct(type) && !btf_is_enum(type)) || essential(name) < 4)
			continue;
		snprintf(bare, sizeof(bare), "%.*s", essential(name), name);
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
			if (err)
				free(*data);
		}
		close(fd);
	}
	return err;
}

static int read_btf(struct kernel_types *t)
{
	const struct btf_header *header;
	size_t size;
	int err;

	if (get_from_bpf(&t->data, &size)) {
		err = read_file(BTF_PATH, BTF_MAX, &t->data, &size);
		if (err)
			return err;
		/* Whoever looks at the first four bytes of the last name stays inside. */
		char *padded = realloc(t->data, size + sizeof(uint32_t));

		if (!padded)
			return -ENOMEM;
		t->data = padded;
	}
	header = (void *)t->data;
	if (size < sizeof(*header) || header->magic != BTF_MAGIC ||
	    (uint64_t)header->hdr_len + header->type_off + header->type_len > size ||
	    (uint64_t)header->hdr_len + header->str_off + header->str_len > size ||
	    !header->str_len || t->data[header->hdr_len + header->str_off + header->str_len - 1])
		return -EBADMSG;
	t->strings = t->data + header->hdr_len + header->str_off;
	t->strings_len = header->str_len;
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

static const struct btf_type *type_of(const struct kernel_types *t, uint32_t id)
{
	const struct btf_type *type;

	if (!id || id >= t->nr_types)
		return NULL;
	type = (void *)(t->data + t->at[id / STRIDE]);
	for (uint32_t i = id < STRIDE; i < id % STRIDE; i++)
		type = (void *)type + size_of(type);
	return type;
}

static const char *name_of(const struct kernel_types *t, uint32_t offset)
{
	return offset < t->strings_len ? t->strings + offset : "";
}

/* The first of a name counts, as for libbpf. */
static void note(struct kernel_types *t, const struct btf_type *type, uint32_t id)
{
	struct wanted *w = find_wanted(t, name_of(t, type->name_off), btf_kind(type));

	if (w && !w->id)
		w->id = id;
}

static int pass(struct kernel_types *t)
{
	const struct btf_header *header = (void *)t->data;
	const char *at = t->data + header->hdr_len + header->type_off;
	const char *end = at + header->type_len;
	uint32_t id;

	t->at = malloc((header->type_len / sizeof(struct btf_type) / STRIDE + 1) * sizeof(*t->at));
	if (!t->at)
		return -ENOMEM;
	/* Numbers begin with 1: the first stride is one type short. */
	t->at[0] = at - t->data;
	for (id = 1; at + sizeof(struct btf_type) <= end; id++) {
		const struct btf_type *type = (void *)at;
		uint32_t size = size_of(type);

		if (!size)
			return -EOPNOTSUPP;
		if (id % STRIDE == 0)
			t->at[id / STRIDE] = at - t->data;
		at += size;
		if (at > end)
			return -EBADMSG;
		if (type->name_off && t->sieve[sieve(name_of(t, type->name_off))])
			note(t, type, id);
	}
	t->nr_types = id;
	return 0;
}

/* Through what does not change where its bits are. */
static uint32_t bare_type(const struct kernel_types *t, uint32_t id)
{
	const struct btf_type *type = type_of(t, id);

	while (type && (btf_is_mod(type) || btf_is_typedef(type))) {
		id = type->type;
		type = type_of(t, id);
	}
	return id;
}

struct field {
	const char *name;
	int type;		/* in .few */
	uint32_t bit, bits;
};

static int copy(struct kernel_types *t, uint32_t id);

static struct field field_of(const struct kernel_types *t, const struct btf_type *type, int i)
{
	return (struct field){
		.name = name_of(t, btf_members(type)[i].name_off),
		.bit = btf_member_bit_offset(type, i),
		.bits = btf_member_bitfield_size(type, i),
	};
}

static int put_struct(struct kernel_types *t, const struct btf_type *type, const struct field *f,
		      int nr)
{
	const char *name = name_of(t, type->name_off);
	int id = btf_is_union(type) ? btf__add_union(t->few, name, type->size) :
				      btf__add_struct(t->few, name, type->size);

	for (int i = 0; id >= 0 && i < nr; i++) {
		int err = btf__add_field(t->few, f[i].name, f[i].type, f[i].bit, f[i].bits);

		if (err)
			return err;
	}
	return id;
}

/* A struct that another holds by value: all of it. */
static int copy_struct(struct kernel_types *t, const struct btf_type *type)
{
	struct field f[FIELDS_MAX];
	int nr = btf_vlen(type);

	if (nr > FIELDS_MAX)
		nr = 0;		/* opaque: nobody here looks into it */
	for (int i = 0; i < nr; i++) {
		f[i] = field_of(t, type, i);
		f[i].type = copy(t, btf_members(type)[i].type);
		if (f[i].type < 0)
			return f[i].type;
	}
	return put_struct(t, type, f, nr);
}

static int copy_array(struct kernel_types *t, const struct btf_array *array)
{
	int element = copy(t, array->type), index = copy(t, array->index_type);

	if (element < 0 || index < 0)
		return element < 0 ? element : index;
	return btf__add_array(t->few, index, element, array->nelems);
}

/* Returns the type's number in .few, 0 being void, or -errno. */
static int copy(struct kernel_types *t, uint32_t id)
{
	const struct btf_type *type = type_of(t, bare_type(t, id));

	switch (type ? btf_kind(type) : BTF_KIND_UNKN) {
	case BTF_KIND_INT:
		return btf__add_int(t->few, name_of(t, type->name_off), type->size,
				    btf_int_encoding(type));
	case BTF_KIND_PTR:
		return btf__add_ptr(t->few, 0);
	case BTF_KIND_ARRAY:
		return copy_array(t, btf_array(type));
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return copy_struct(t, type);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return btf__add_enum(t->few, name_of(t, type->name_off), type->size);
	default:
		return 0;
	}
}

/* Does one of the object's views of this struct or enum have such a member? */
static bool is_asked_for(const struct btf *local, const char *type, const char *member)
{
	for (uint32_t id = 1; id < btf__type_cnt(local); id++) {
		const struct btf_type *view = btf__type_by_id(local, id);

		if ((!btf_is_struct(view) && !btf_is_enum(view)) || !is_view_of(local, view, type))
			continue;
		for (int i = 0; i < btf_vlen(view); i++) {
			uint32_t name = btf_is_enum(view) ? btf_enum(view)[i].name_off :
							    btf_members(view)[i].name_off;

			if (!strcmp(btf__name_by_offset(local, name), member))
				return true;
		}
	}
	return false;
}

/* Members of @type, and those of the unnamed structs in it, @bit from the outermost's begin. */
static int gather(struct kernel_types *t, const struct btf *local, const char *outer,
		  const struct btf_type *type, uint32_t bit, struct field *f, int nr)
{
	for (int i = 0; nr >= 0 && i < btf_vlen(type); i++) {
		uint32_t id = btf_members(type)[i].type;
		const struct btf_type *inner = type_of(t, bare_type(t, id));
		struct field one = field_of(t, type, i);

		one.bit += bit;
		if (!*one.name && inner && btf_is_composite(inner)) {
			nr = gather(t, local, outer, inner, one.bit, f, nr);
			continue;
		}
		if (!is_asked_for(local, outer, one.name))
			continue;
		one.type = copy(t, id);
		if (one.type < 0 || nr == FIELDS_MAX)
			return one.type < 0 ? one.type : -E2BIG;
		f[nr++] = one;
	}
	return nr;
}

static int add_struct(struct kernel_types *t, const struct btf *local, const struct wanted *w)
{
	const struct btf_type *type = type_of(t, w->id);
	struct field f[FIELDS_MAX];
	int nr = gather(t, local, w->name, type, 0, f, 0);

	return nr < 0 ? nr : put_struct(t, type, f, nr);
}

static int add_enum(struct kernel_types *t, const struct btf *local, const struct wanted *w)
{
	const struct btf_type *type = type_of(t, w->id);
	int err = btf__add_enum(t->few, w->name, type->size);

	for (int i = 0; err >= 0 && i < btf_vlen(type); i++) {
		const struct btf_enum *value = &btf_enum(type)[i];
		const char *name = name_of(t, value->name_off);

		if (is_asked_for(local, w->name, name))
			err = btf__add_enum_value(t->few, name, value->val);
	}
	return err;
}

static int write_file(struct kernel_types *t, const struct btf *local)
{
	const void *raw;
	uint32_t size;
	int err = 0;

	t->few = btf__new_empty();
	if (!t->few)
		return -errno;
	for (struct wanted *w = t->wanted; err >= 0 && w < t->wanted + t->nr_wanted; w++) {
		if (!w->id)
			continue;
		if (w->kind == BTF_KIND_STRUCT)
			err = add_struct(t, local, w);
		else if (w->kind == BTF_KIND_ENUM)
			err = add_enum(t, local, w);
	}
	raw = err < 0 ? NULL : btf__raw_data(t->few, &size);
	if (raw && (ftruncate(t->file, 0) || pwrite(t->file, raw, size, 0) != (ssize_t)size))
		err = -EIO;
	btf__free(t->few);
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
		err = read_btf(t);
	if (!err)
		err = pass(t);
	if (!err)
		err = write_file(t, local);
	free(t->data);
	free(t->at);
	t->data = NULL;
	t->at = NULL;
	t->done = !err;
	return err;
}
