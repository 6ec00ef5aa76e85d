// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "record/records.h"
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
	if (!info->boot.nr_gaps && !info->boot.dropped)
		pins__confirm(f->pins);
	for (int probe = 0; probe < XP_PROBE_END; probe++)
		pins__dropped(f->pins, probe);
}

bool feed__of_boot(const struct feed *f)
{
	return recording__seq(f->recording) <= recording__info(f->recording)->boot_records;
}

/* Before the first record: what is known of probes, of the whole recording. */
static void begin(struct feed *f)
{
	const struct session *s = &recording__info(f->recording)->session;

	for (int i = 0; !f->begun && i < s->nr_probes; i++) {
		uint32_t probe = record__probe_named(s->probes[i].name);

		f->missed |= s->probes[i].missed > 0;
		if (probe < XP_PROBE_END && !strcmp(s->probes[i].via, "none"))
			pins__without(f->pins, probe);
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

/* The probes of which the kernel skipped runs: their records are missing somewhere. */
static uint64_t tell_missed(struct feed *f)
{
	const struct session *s = &recording__info(f->recording)->session;
	uint64_t missed = 0;

	for (int i = 0; i < s->nr_probes; i++) {
		uint32_t probe = record__probe_named(s->probes[i].name);

		missed += s->probes[i].missed;
		if (s->probes[i].missed && probe < XP_PROBE_END)
			pins__dropped(f->pins, probe);
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
	for (int i = 0; i < info->session.nr_probes; i++)
		if (!strcmp(info->session.probes[i].via, "none"))
			return true;
	return false;
}
