// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "hypercalls.h"

struct call {
	const char *name;
	uint8_t arguments;
};

static const struct call hypercalls[] = {
#define HYPERCALL(number, name, arguments) [number] = { #name, arguments },
#include "hypercalls.def"
};

#define ROW_OF(table, i) ((i) < sizeof(table) / sizeof(*(table)) && (table)[i].name ? &(table)[i] : NULL)

const char *hypercall__name(uint64_t op)
{
	const struct call *call = ROW_OF(hypercalls, op);

	return call ? call->name : NULL;
}

bool xen__is_clobber(uint64_t value)
{
	return value == 0xaaaaaaaaaaaaaaaaULL || value == 0xaaaaaaaaULL;
}

const char *error__name(int64_t result, char *buffer, size_t size)
{
	const char *name = result < 0 && result > -4096 ? strerrorname_np(-result) : NULL;

	if (name)
		snprintf(buffer, size, "%s", name);
	else
		snprintf(buffer, size, "result %lld", (long long)result);
	return buffer;
}
