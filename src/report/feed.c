// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "trace/hooks.h"
#include "feed.h"

/*
 * Between the end of the boot and the stream's begin anything may have happened;
 * that casts no doubt on what was found before, when nothing is missing there.
 */
static void tell_gap(struct feed *f)
{
	const struct recording_info *info = recording__info(f->recording);

	if (f->gap || !info->has_boot)
		return;
	f->gap = true;
	if (!info->boot.nr_gaps && !info->boot.lost)
		pins__confirm(f->pins);
	for (int h = 0; h < HOOKS; h++)
		pins__lost(f->pins, hooks[h].id);
}

bool feed__of_boot(const struct feed *f)
{
	return recording__seq(f->recording) <= recording__info(f->recording)->boot_records;
}

static int hook_named(const char *name)
{
	int h = 0;

	while (h < HOOKS && strcmp(hooks[h].name, name))
		h++;
	return h;
}

/* Before the first record: what is known of hooks, of the whole recording. */
static void begin(struct feed *f)
{
	const struct session *s = &recording__info(f->recording)->session;

	for (int i = 0; !f->begun && i < s->nr_hooks; i++) {
		int h = hook_named(s->hooks[i].name);

		f->missed |= s->hooks[i].missed > 0;
		if (h < HOOKS && !strcmp(s->hooks[i].via, "none"))
			pins__without(f->pins, hooks[h].id);
	}
	f->begun = true;
}

int feed__apply(struct feed *f, struct xp_record *rec)
{
	begin(f);
	if (!feed__of_boot(f))
		tell_gap(f);
	/* A skipped run may be anywhere: then nothing is certain before the end. */
	if (!f->missed && pins__begins_gap(f->pins, rec))
		pins__confirm(f->pins);
	pins__complete(f->pins, rec);
	return pins__apply(f->pins, rec);
}

/* The hooks of which the kernel skipped runs: their records are missing somewhere. */
static uint64_t tell_missed(struct feed *f)
{
	const struct session *s = &recording__info(f->recording)->session;
	uint64_t missed = 0;

	for (int i = 0; i < s->nr_hooks; i++) {
		int h = hook_named(s->hooks[i].name);

		missed += s->hooks[i].missed;
		if (s->hooks[i].missed && h < HOOKS)
			pins__lost(f->pins, hooks[h].id);
	}
	return missed;
}

uint64_t feed__end(struct feed *f)
{
	/* The stream may be empty. */
	tell_gap(f);
	return tell_missed(f);
}

bool feed__partial(const struct recording_info *info)
{
	for (int i = 0; i < info->session.nr_hooks; i++)
		if (!strcmp(info->session.hooks[i].via, "none"))
			return true;
	return false;
}
