// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "alarm.h"
#include "scan.h"

/* So many facts back the same line may have been printed by another console. */
#define TWICE	4

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * 0x100000001b3ULL;
	return hash;
}

/* Of what it says, not of when. */
static uint64_t hash_of(const struct fact *f)
{
	uint64_t hash = mix(0xcbf29ce484222325ULL, &f->kind, offsetof(struct fact, style));

	hash = mix(hash, &f->domain, sizeof(f->domain));
	hash = mix(hash, f->v, sizeof(f->v));
	hash = mix(hash, f->text, strlen(f->text));
	return mix(hash, f->name, strlen(f->name)) | 1;
}

/* What a kernel or Xen may say without end, and means the same each time. */
static bool repeats(enum fact_kind kind)
{
	return kind == FACT_WARNING || kind == FACT_MC_FAILED || kind == FACT_MC_CALL ||
	       kind == FACT_LIVES || (kind >= FACT_X_BAD_TYPE && kind <= FACT_X_L1TF);
}

static bool part_of_trace(enum fact_kind kind)
{
	return kind == FACT_FRAME || kind == FACT_CPU || kind == FACT_RIP || kind == FACT_TRACE ||
	       kind == FACT_TRACE_END || kind == FACT_IRQ || kind == FACT_CR2;
}

/* Counts @f, if it was there before; else it is noted, unless there is no room for it. */
static bool seen_before(struct scan *s, const struct fact *f, bool full)
{
	uint64_t hash = hash_of(f);
	size_t n = hash % SCAN_SEEN;
	struct fact *before;

	if (s->seen[f->kind][n].hash != hash) {
		if (!full) {
			s->seen[f->kind][n].hash = hash;
			s->seen[f->kind][n].at = s->nr;
		}
		return false;
	}
	before = &s->facts[s->seen[f->kind][n].at];
	before->count++;
	before->last_line = f->line;
	return true;
}

/* What comes now is of another boot, perhaps, and there for the first time. */
static void forget_seen(struct scan *s)
{
	memset(s->seen, 0, sizeof(s->seen));
}

/* The older half makes room: the newest boot is the one that somebody asks about. */
static void forget(struct scan *s)
{
	size_t half = s->nr / 2;

	memmove(s->facts, s->facts + half, (s->nr - half) * sizeof(*s->facts));
	s->nr -= half;
	s->forgotten += half;
	forget_seen(s);
}

static void store(struct scan *s, const struct fact *f)
{
	if (s->nr == SCAN_FACTS)
		forget(s);
	if (s->nr == s->room) {
		size_t room = 2 * s->room ?: 256;
		struct fact *facts = realloc(s->facts, room * sizeof(*facts));

		if (!facts) {
			s->err = -ENOMEM;
			return;
		}
		s->facts = facts;
		s->room = room;
	}
	s->facts[s->nr++] = *f;
}

static void begin_stream(struct scan *s, unsigned int stream)
{
	s->streams[stream] = (struct scan_stream){ .t = NO_TIME, .oops = NO_TIME, .run = NO_TIME };
}

/* What follows another text, as of another boot, repeats nothing of this one. */
static void restart(struct scan *s, unsigned int stream)
{
	for (unsigned int i = 0; i < CONSOLE_STREAMS; i++)
		if (!stream || stream == i)
			begin_stream(s, i);
	forget_seen(s);
}

static bool wanted(struct scan *s, const struct fact *f)
{
	struct scan_stream *stream = &s->streams[f->stream];
	bool full, back = f->t != NO_TIME && f->t + BACK_MAX < stream->t;

	stream->t = f->t != NO_TIME ? f->t : stream->t;
	if (part_of_trace(f->kind)) {
		if (f->kind != FACT_FRAME)
			stream->frames = 0;
		return !stream->mute && !(f->kind == FACT_FRAME && stream->frames++ >= SCAN_FRAMES);
	}
	stream->mute = false;
	stream->frames = 0;
	if (f->kind == FACT_KERNEL) {
		stream->alarmed = false;
		memset(s->of_kind, 0, sizeof(s->of_kind));
	}
	if (f->kind == FACT_KERNEL || back)
		forget_seen(s);
	if (f->kind == FACT_RESTART)
		restart(s, f->stream);
	/* What keeps facts apart is never left out, and needs to be there once. */
	if (f->kind == FACT_GAP || f->kind == FACT_REPORT) {
		stream->mute = f->kind == FACT_REPORT;
		return !s->nr || s->facts[s->nr - 1].kind != f->kind ||
		       s->facts[s->nr - 1].stream != f->stream;
	}
	full = s->of_kind[f->kind] == SCAN_OF_KIND;
	if (repeats(f->kind) && seen_before(s, f, full)) {
		stream->mute = f->kind == FACT_WARNING;
		return false;
	}
	s->more += full;
	s->of_kind[f->kind] += !full;
	return !full;
}

/*
 * Whether two consoles of a guest print to the same place: its early console goes on
 * beside the real one, and each line comes twice.
 */
static bool printed_twice(const struct scan *s, const struct fact *f)
{
	for (size_t i = s->nr; i-- > 0 && i + TWICE >= s->nr;) {
		const struct fact *before = &s->facts[i];

		/* A boot begins as the one before did, and time goes back there. */
		if (f->kind == FACT_KERNEL && before->t > f->t)
			return false;
		if (before->kind == f->kind && before->t == f->t && before->stream == f->stream &&
		    before->extra == f->extra && before->caller == f->caller &&
		    !memcmp(before->v, f->v, sizeof(f->v)) && !strcmp(before->text, f->text) &&
		    !strcmp(before->name, f->name))
			return f->t != NO_TIME || (i + 1 == s->nr && fact__rank(f->kind));
	}
	return false;
}

/* Something that follows from a @line and stands in no format. */
static void note(struct scan *s, const struct line *line, enum fact_kind kind)
{
	store(s, &(struct fact){ .kind = kind, .guest = line->guest, .stream = line->stream,
				 .domain = -1, .vcpu = -1, .count = 1, .line = line->number,
				 .last_line = line->number, .t = line->t });
}

/* Notes when a guest begins to oops, and when it is known to have survived that. */
static void watch(struct scan *s, const struct line *line, const struct fact *f)
{
	int64_t *oops = &s->streams[line->stream].oops;

	if (f && fact__rank(f->kind)) {
		*oops = f->t;
	} else if (*oops != NO_TIME && line->t > *oops + GOES_ON) {
		note(s, line, FACT_GOES_ON);
		*oops = NO_TIME;
	}
}

/*
 * Linux says which init it runs before it does: whether that was there is known from what it
 * prints a while later, be that what it may.
 */
static void watch_init(struct scan *s, const struct line *line, const struct fact *f)
{
	int64_t *run = &s->streams[line->stream].run;

	if (f && f->kind == FACT_LIVES && f->extra == LIVES_SOON) {
		*run = f->t;
	} else if (*run != NO_TIME && line->t > *run + INIT_RUNS) {
		note(s, line, FACT_LIVES);
		*run = NO_TIME;
	}
}

/* The line of the newest fact goes on below: a last word of it counts no more. */
static void break_last(struct scan *s, uint64_t number)
{
	struct fact half, *newest = s->nr ? &s->facts[s->nr - 1] : NULL;

	if (!newest || newest->line != number || s->last.number != number)
		return;
	s->last.text = s->last_text;
	s->last.whole = false;
	if (fact__read(&half, &s->last) && half.kind == newest->kind) {
		half.nth = newest->nth;
		*newest = half;
	} else {
		newest->cut = true;
	}
}

/* Who is asked to log in is asked by a user space that lives, and the line stays open. */
static bool ends_in_prompt(const char *text)
{
	const char *prompt = strstr(text, " login:");

	return prompt && !prompt[7 + strspn(prompt + 7, " ")];
}

static void watch_words(struct scan *s, const struct line *line)
{
	bool known = line->xen ? s->xen_alarm : s->streams[line->stream].alarmed;

	if (known || !alarm__is_in(line->text, line->xen))
		return;
	if (line->xen) {
		s->xen_alarm = line->number;
	} else {
		s->streams[line->stream].alarmed = true;
		note(s, line, FACT_ALARM);
	}
}

static void on_line(void *context, const struct line *line)
{
	struct scan *s = context;
	struct fact f;

	if (line->mark == MARK_BROKEN) {
		break_last(s, line->number);
		return;
	}
	if (line->mark) {
		if (line->mark == MARK_RESTART)
			restart(s, line->stream);
		s->gaps += line->mark == MARK_GAP;
		f = (struct fact){ .kind = line->mark == MARK_GAP ? FACT_GAP : FACT_RESTART,
				   .stream = line->stream, .line = line->number,
				   .last_line = line->number, .t = NO_TIME };
		store(s, &f);
		return;
	}
	s->console_lines += line->t != NO_TIME || line->xen;
	s->streams[line->stream].lines += !line->xen;
	s->open_end = !line->whole && !ends_in_prompt(line->text);
	watch_words(s, line);
	if (!fact__read(&f, line)) {
		watch(s, line, NULL);
		watch_init(s, line, NULL);
		return;
	}
	f.nth = s->streams[line->stream].lines;
	s->console_lines += line->t == NO_TIME && !line->xen && f.kind != FACT_FRAME &&
			    f.kind != FACT_GAP;
	s->gaps += f.kind == FACT_GAP;
	s->cut += f.cut && f.kind >= FACT_S_ERASED_TOTAL && f.kind <= FACT_S_REPAIRED;
	if (!printed_twice(s, &f) && wanted(s, &f)) {
		store(s, &f);
		watch(s, line, &f);
		watch_init(s, line, &f);
		s->last = *line;
		match__copy(s->last_text, sizeof(s->last_text), line->text, strlen(line->text));
	}
}

void scan__begin(struct scan *s)
{
	memset(s, 0, sizeof(*s));
	restart(s, 0);
	mender__begin(&s->mender, on_line, s);
	parts__begin(&s->parts, mender__add, &s->mender);
	journal__begin(&s->journal, parts__add, &s->parts);
}

void scan__feed(struct scan *s, const char *bytes, size_t size)
{
	journal__feed(&s->journal, bytes, size);
}

/*
 * Whether time, or what has no time the order inside of an oops, runs backwards
 * all through: so journalctl -r prints.  Where a boot begins time goes back in any
 * order, and tells nothing.
 */
static bool runs_backwards(const struct scan *s)
{
	uint64_t forwards = 0, backwards = 0;

	for (size_t i = 1; i < s->nr; i++) {
		const struct fact *a = &s->facts[i - 1], *b = &s->facts[i];
		int64_t step = a->t == NO_TIME || b->t == NO_TIME ? 0 : b->t - a->t;

		if (a->kind == FACT_KERNEL || b->kind == FACT_KERNEL || a->stream != b->stream)
			continue;
		if (!step && fact__rank(a->kind) && fact__rank(b->kind))
			step = (int)fact__rank(b->kind) - (int)fact__rank(a->kind);
		forwards += step > 0;
		backwards += step < 0;
	}
	return backwards >= 3 && forwards * 20 <= backwards;
}

static void reverse(struct scan *s)
{
	for (size_t i = 0; i < s->nr / 2; i++) {
		struct fact other = s->facts[i];

		s->facts[i] = s->facts[s->nr - 1 - i];
		s->facts[s->nr - 1 - i] = other;
	}
	s->reversed = true;
}

int scan__end(struct scan *s)
{
	journal__end(&s->journal);
	parts__end(&s->parts);
	mender__end(&s->mender);
	s->open_end |= s->journal.open_end;
	if (!s->err && s->parts.err)
		s->err = s->parts.err;
	if (!s->err && runs_backwards(s))
		reverse(s);
	return s->err;
}

void scan__free(struct scan *s)
{
	free(s->facts);
	s->facts = NULL;
}
