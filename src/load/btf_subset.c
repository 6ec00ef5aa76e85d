// SPDX-License-Identifier: GPL-2.0-only
/* Of the kernel's types those that an object has, with the members that it has. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "kernel_btf.h"

#define FIELDS_MAX	64

/* A type and its flavours, as the object has them. */
#define VIEWS_MAX	8

struct views {
	const struct btf *local;
	const struct btf_type *view[VIEWS_MAX];
	int nr;
};

struct field {
	const char *name;
	int type;		/* in .to */
	uint32_t bit, bits;
};

static const char *name_of(const struct few_types *few, const struct btf_type *type)
{
	return kernel_btf__name(few->from, type->name_off);
}

/* Through what does not change where its bits are. */
static const struct btf_type *bare_type(const struct few_types *few, uint32_t id)
{
	const struct btf_type *type = kernel_btf__type(few->from, id);

	while (type && (btf_is_mod(type) || btf_is_typedef(type)))
		type = kernel_btf__type(few->from, type->type);
	return type;
}

static struct field field_of(const struct few_types *few, const struct btf_type *type, int i)
{
	return (struct field){
		.name = kernel_btf__name(few->from, btf_members(type)[i].name_off),
		.bit = btf_member_bit_offset(type, i),
		.bits = btf_member_bitfield_size(type, i),
	};
}

static int put_struct(struct few_types *few, const struct btf_type *type, const struct field *f,
		      int nr)
{
	const char *name = name_of(few, type);
	int id = btf_is_union(type) ? btf__add_union(few->to, name, type->size) :
				      btf__add_struct(few->to, name, type->size);

	for (int i = 0; id >= 0 && i < nr; i++) {
		int err = btf__add_field(few->to, f[i].name, f[i].type, f[i].bit, f[i].bits);

		if (err)
			return err;
	}
	return id;
}

static int copy(struct few_types *few, uint32_t id);

/* A struct that another holds by value: all of it. */
static int copy_struct(struct few_types *few, const struct btf_type *type)
{
	struct field f[FIELDS_MAX];
	int nr = btf_vlen(type);

	if (nr > FIELDS_MAX)
		nr = 0;		/* opaque: nobody here looks into it */
	for (int i = 0; i < nr; i++) {
		f[i] = field_of(few, type, i);
		f[i].type = copy(few, btf_members(type)[i].type);
		if (f[i].type < 0)
			return f[i].type;
	}
	return put_struct(few, type, f, nr);
}

static int copy_array(struct few_types *few, const struct btf_array *array)
{
	int element = copy(few, array->type), index = copy(few, array->index_type);

	if (element < 0 || index < 0)
		return element < 0 ? element : index;
	return btf__add_array(few->to, index, element, array->nelems);
}

/* Returns the type's number in .to, 0 being void, or -errno. */
static int copy(struct few_types *few, uint32_t id)
{
	const struct btf_type *type = bare_type(few, id);

	switch (type ? btf_kind(type) : BTF_KIND_UNKN) {
	case BTF_KIND_INT:
		return btf__add_int(few->to, name_of(few, type), type->size,
				    btf_int_encoding(type));
	case BTF_KIND_PTR:
		return btf__add_ptr(few->to, 0);
	case BTF_KIND_ARRAY:
		return copy_array(few, btf_array(type));
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return copy_struct(few, type);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return btf__add_enum(few->to, name_of(few, type), type->size);
	default:
		return 0;
	}
}

static int find_views(struct views *v, const char *name)
{
	for (uint32_t id = 1; id < btf__type_cnt(v->local); id++) {
		const struct btf_type *type = btf__type_by_id(v->local, id);
		const char *view = btf__name_by_offset(v->local, type->name_off);
		int len;

		if (!btf_is_struct(type) && !btf_is_enum(type))
			continue;
		len = kernel_btf__essential(view);
		if (strncmp(view, name, len) || name[len])
			continue;
		if (v->nr == VIEWS_MAX)
			return -E2BIG;
		v->view[v->nr++] = type;
	}
	return 0;
}

/* Does one of them have such a member, or such a value of an enum? */
static bool is_asked_for(const struct views *v, const char *member)
{
	for (const struct btf_type *const *view = v->view; view < v->view + v->nr; view++) {
		for (int i = 0; i < btf_vlen(*view); i++) {
			uint32_t name = btf_is_enum(*view) ? btf_enum(*view)[i].name_off :
							     btf_members(*view)[i].name_off;

			if (!strcmp(btf__name_by_offset(v->local, name), member))
				return true;
		}
	}
	return false;
}

/* Members of @type, and those of the unnamed structs in it, @bit from the outermost's begin. */
static int gather(struct few_types *few, const struct views *views, const struct btf_type *type,
		  uint32_t bit, struct field *f, int nr)
{
	for (int i = 0; nr >= 0 && i < btf_vlen(type); i++) {
		uint32_t id = btf_members(type)[i].type;
		struct field one = field_of(few, type, i);

		one.bit += bit;
		if (!*one.name) {
			const struct btf_type *inner = bare_type(few, id);

			if (inner && btf_is_composite(inner))
				nr = gather(few, views, inner, one.bit, f, nr);
			continue;
		}
		if (!is_asked_for(views, one.name))
			continue;
		one.type = copy(few, id);
		if (one.type < 0 || nr == FIELDS_MAX)
			return one.type < 0 ? one.type : -E2BIG;
		f[nr++] = one;
	}
	return nr;
}

static int add_struct(struct few_types *few, const struct views *views,
		      const struct btf_type *type)
{
	struct field f[FIELDS_MAX];
	int nr = gather(few, views, type, 0, f, 0);

	return nr < 0 ? nr : put_struct(few, type, f, nr);
}

static int add_enum(struct few_types *few, const struct views *views, const struct btf_type *type)
{
	int err = btf__add_enum(few->to, name_of(few, type), type->size);

	for (int i = 0; err >= 0 && i < btf_vlen(type); i++) {
		const struct btf_enum *value = &btf_enum(type)[i];
		const char *name = kernel_btf__name(few->from, value->name_off);

		if (is_asked_for(views, name))
			err = btf__add_enum_value(few->to, name, value->val);
	}
	return err;
}

int few_types__add(struct few_types *few, uint32_t id)
{
	const struct btf_type *type = kernel_btf__type(few->from, id);
	struct views views = { .local = few->local };
	int err = find_views(&views, name_of(few, type));

	if (err)
		return err;
	return btf_is_enum(type) ? add_enum(few, &views, type) : add_struct(few, &views, type);
}
