// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
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

static const struct call mmuext_commands[] = {
#define MMUEXT(command, name, arguments) [command] = { #name, arguments },
#include "hypercalls.def"
};

/* Each has the entry's place and its value. */
static const struct call mmu_commands[] = {
#define MMU(command, name) [command] = { #name, 2 },
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

static bool has_commands(const struct xp_refused *r)
{
	return r->hypercall == HYPERCALL_mmuext_op || r->hypercall == HYPERCALL_mmu_update;
}

/* What was asked for: the command, where the hypercall has some. */
static const struct call *call_of(const struct xp_refused *r)
{
	if (r->hypercall == HYPERCALL_mmuext_op)
		return ROW_OF(mmuext_commands, r->command);
	if (r->hypercall == HYPERCALL_mmu_update)
		return ROW_OF(mmu_commands, r->command);
	return ROW_OF(hypercalls, r->hypercall);
}

const char *refused__command(const struct xp_refused *r)
{
	const struct call *call = has_commands(r) ? call_of(r) : NULL;

	return call ? call->name : NULL;
}

unsigned int refused__arguments(const struct xp_refused *r)
{
	const struct call *call = call_of(r);

	return !call ? 0 : call->arguments < 2 ? call->arguments : 2;
}

/* "pin_l1_table", "command 14", "unknown", or "" where there are no commands. */
static int command_in_words(const struct xp_refused *r, char *buffer, size_t size)
{
	const char *name = refused__command(r);

	*buffer = 0;
	if (!has_commands(r))
		return 0;
	if (!name && r->command != XP_NO_COMMAND)
		return snprintf(buffer, size, "command %u", r->command);
	return snprintf(buffer, size, "%s", name ?: "unknown");
}

/* "mmuext_op(pin_l1_table, 0x84e9f)". */
static int call_in_words(const struct xp_refused *r, char *buffer, size_t size)
{
	const char *name = hypercall__name(r->hypercall);
	char words[80];
	int n;

	if (r->hypercall == XP_NO_HYPERCALL)
		return snprintf(buffer, size, "an operation that Xen has overwritten");
	if (!name)
		return snprintf(buffer, size, "unknown hypercall %u", r->hypercall);
	n = command_in_words(r, words, sizeof(words));
	for (unsigned int i = 0; i < refused__arguments(r); i++)
		n += snprintf(words + n, sizeof(words) - n, "%s0x%" PRIx64, n ? ", " : "",
			      (uint64_t)r->args[i]);
	return snprintf(buffer, size, "%s(%s)", name, words);
}

const char *refused__in_words(const struct xp_refused *r, char buffer[REFUSED_WORDS])
{
	int n = call_in_words(r, buffer, REFUSED_WORDS);
	char error[24];

	if (has_commands(r) && r->count > 1)
		n += snprintf(buffer + n, REFUSED_WORDS - n, ", the first of %u", r->count);
	snprintf(buffer + n, REFUSED_WORDS - n, ": %s", error__name(r->result, error, sizeof(error)));
	return buffer;
}
