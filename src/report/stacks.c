// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "guest/symbols.h"
#include "stacks.h"

#define PLACES	(2 * STACKS_MAX)	/* of the index, a power of two */
#define HASH	0x9e3779b97f4a7c15ULL
#define FRAMES	(XP_STACK_MAX * SYMBOL_LEN)

struct stack {
	char comm[XP_COMM_LEN];
	uint64_t addresses[XP_STACK_MAX];	/* the innermost first; 0: no more */
	struct stack_weight weight;
};

int stacks__begin(struct stacks *s)
{
	*s = (struct stacks){ .index = calloc(PLACES, sizeof(*s->index)) };
	return s->index ? 0 : -ENOMEM;
}

void stacks__end(struct stacks *s)
{
	free(s->list);
	free(s->index);
	*s = (struct stacks){};
}

bool stacks__any(const struct stacks *s)
{
	return s->without.batches < s->all.batches;
}

static void add_weight(struct stack_weight *to, const struct stack_weight *more)
{
	to->operations += more->operations;
	to->batches += more->batches;
	to->waited_ns += more->waited_ns;
	to->unweighed += more->unweighed;
}

/* As the account has it: what is no flush was not waited for in one. */
static struct stack_weight weight_of(const struct xp_record *rec)
{
	bool known = rec->kind == XP_BATCH && rec->u.batch.latency_ns != XP_NO_TIME;

	return (struct stack_weight){
		.operations = rec->u.batch.nops, .batches = 1,
		.waited_ns = known ? rec->u.batch.latency_ns : 0, .unweighed = !known,
	};
}

static struct stack key_of(const struct xp_record *rec)
{
	const __u64 *stack = record__stack(rec);
	struct stack key = {};

	memcpy(key.comm, rec->comm, XP_COMM_LEN);
	for (int i = 0; stack && i < XP_STACK_MAX && stack[i]; i++)
		key.addresses[i] = stack[i];
	return key;
}

static bool are_equal(const struct stack *x, const struct stack *y)
{
	return !memcmp(x, y, offsetof(struct stack, weight));
}

static uint32_t *place_of(const struct stacks *s, const struct stack *key)
{
	uint64_t comm[2], hash;
	size_t at;

	memcpy(comm, key->comm, sizeof(comm));
	hash = (comm[0] ^ comm[1] * 31) * HASH;
	for (int i = 0; i < XP_STACK_MAX && key->addresses[i]; i++)
		hash = (hash ^ hash >> 32 ^ key->addresses[i]) * HASH;
	at = hash >> 32 & (PLACES - 1);
	while (s->index[at] && !are_equal(&s->list[s->index[at] - 1], key))
		at = (at + 1) & (PLACES - 1);
	return &s->index[at];
}

int stacks__apply(struct stacks *s, const struct xp_record *rec)
{
	struct stack_weight weight;
	struct stack key;
	uint32_t *place;

	if (rec->kind != XP_BATCH && rec->kind != XP_UNBATCHED)
		return 0;
	weight = weight_of(rec);
	key = key_of(rec);
	add_weight(&s->all, &weight);
	if (!key.addresses[0])
		add_weight(&s->without, &weight);
	place = place_of(s, &key);
	if (!*place && s->nr == STACKS_MAX) {
		add_weight(&s->beyond, &weight);
		return 0;
	}
	if (!*place) {
		if (GROW(s->list, s->nr, s->max, 64))
			return -ENOMEM;
		s->list[s->nr++] = key;
		*place = s->nr;
	}
	add_weight(&s->list[*place - 1].weight, &weight);
	return 0;
}

/* Names come from a file; a line holds them, with ";" between and a number behind a space. */
static char harmless(char c)
{
	return c == ' ' ? '_' : c == ';' ? ':' : c > ' ' && c <= '~' ? c : '?';
}

/*
 * "name+0x1a [module] (file:line)" as "name_[module]", behind the @len bytes that @frames
 * holds: what all calls of a function have in common.  Returns the new length.
 */
static size_t put_frame(char frames[FRAMES], size_t len, const char *symbol)
{
	size_t name = strcspn(symbol, "+ "), more = 0;
	const char *module = symbol + strcspn(symbol, " ");

	if (!name)
		return put_frame(frames, len, "?");
	if (!strncmp(module, " [", 2))
		more = strcspn(module, "]") + 1;
	if (len && len < FRAMES - 1)
		frames[len++] = ';';
	for (size_t i = 0; i < name && len < FRAMES - 1; i++)
		frames[len++] = harmless(symbol[i]);
	for (size_t i = 0; i < more && module[i] && len < FRAMES - 1; i++)
		frames[len++] = harmless(module[i]);
	return len;
}

static char *name_frames(const struct stack *stack, stack_name_fn *name, void *context)
{
	char frames[FRAMES];
	size_t len = 0;

	for (int i = XP_STACK_MAX - 1; i >= 0; i--) {
		uint64_t address = stack->addresses[i];
		const char *symbol = address ? name(context, address) : NULL;

		if (symbol)
			len = put_frame(frames, len, symbol);
	}
	frames[len] = 0;
	return strdup(len || !stack->addresses[0] ? frames : "[no_names]");
}

static int by_name(const void *a, const void *b)
{
	const struct folded *x = a, *y = b;

	return memcmp(x->comm, y->comm, XP_COMM_LEN) ?: strcmp(x->frames, y->frames);
}

static int by_operations(const void *a, const void *b)
{
	const struct stack_weight *x = &((const struct folded *)a)->weight;
	const struct stack_weight *y = &((const struct folded *)b)->weight;

	if (x->operations != y->operations)
		return x->operations < y->operations ? 1 : -1;
	if (x->waited_ns != y->waited_ns)
		return x->waited_ns < y->waited_ns ? 1 : -1;
	return by_name(a, b);
}

/* @list, in order by name, with equal ones made one.  Returns how many there are. */
static size_t merge(struct folded *list, size_t nr)
{
	size_t last = 0;

	for (size_t i = 1; i < nr; i++) {
		if (by_name(&list[last], &list[i])) {
			list[++last] = list[i];
			continue;
		}
		add_weight(&list[last].weight, &list[i].weight);
		free(list[i].frames);
	}
	return last + 1;
}

int stacks__fold(const struct stacks *s, stack_name_fn *name, void *context,
		 struct folded **folded, size_t *nr)
{
	struct folded *list = calloc(s->nr + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr; i++) {
		memcpy(list[i].comm, s->list[i].comm, XP_COMM_LEN);
		list[i].weight = s->list[i].weight;
		list[i].frames = name_frames(&s->list[i], name, context);
		if (!list[i].frames) {
			folded__free(list, i);
			return -ENOMEM;
		}
	}
	if (s->nr) {
		qsort(list, s->nr, sizeof(*list), by_name);
		*nr = merge(list, s->nr);
		qsort(list, *nr, sizeof(*list), by_operations);
	}
	*folded = list;
	return 0;
}

void folded__free(struct folded *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(list[i].frames);
	free(list);
}
