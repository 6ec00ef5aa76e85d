// SPDX-License-Identifier: GPL-2.0-only
/* Sentences about a console that both outputs have. */
#include <inttypes.h>
#include <string.h>

#include "console/addresses.h"
#include "record/hypercalls.h"
#include "console.h"

static const char *type_in_words(const struct xen_type *t, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s%s", t->pinned ? "a pinned " : t->level ? "an " : "", t->name);
	return buffer;
}

static void bad_type_in_words(const struct fact *f, char *buffer, size_t size)
{
	struct xen_type is, wanted;
	char a[40], b[40], page[FRAME_WORDS];

	frame__name(f->v[2], f->v[3], page);

	xen_types(f->v[0], f->v[1], &is, &wanted);
	if (is.known)
		snprintf(buffer, size,
			 "%s is %s, and was to be %s", page, type_in_words(&is, a, sizeof(a)),
			 type_in_words(&wanted, b, sizeof(b)));
	else
		snprintf(buffer, size, "%s has type 0x%" PRIx64 ", and was to have 0x%" PRIx64,
			 page, f->v[0], f->v[1]);
}

static void call_in_words(const struct fact *f, char *buffer, size_t size)
{
	char error[24];
	const char *name = hypercall__name(f->v[1]);
	size_t n;

	error__name(f->v[3], error, sizeof(error));
	if (!name) {
		snprintf(buffer, size, "%s, %s", error,
			 xen__is_clobber(f->v[1]) ? "of an operation that Xen has overwritten"
						  : "of no operation that exists");
		return;
	}
	if (f->extra >= 2 && !f->v[2])
		n = snprintf(buffer, size, "%s(…) = %s", name, error);
	else
		n = snprintf(buffer, size, "%s(0x%" PRIx64 "%s) = %s", name, f->v[2],
			     f->extra >= 2 ? ", …" : "", error);
	if (*f->name && n < size)
		n += snprintf(buffer + n, size - n, ", from %s", f->name);
	if (f->extra == 2 && n < size)
		snprintf(buffer + n, size - n, ", arguments 0x%" PRIx64 " 0x%" PRIx64, f->v[6],
			 f->v[7]);
	else if (f->extra == 3 && n < size)
		snprintf(buffer + n, size - n, "; its arguments are not in this line");
}

static void pin_in_words(const struct fact *f, char *buffer, size_t size)
{
	char error[24];

	snprintf(buffer, size, "pinning mfn 0x%" PRIx64 " failed%s%s", f->v[0],
		 f->extra ? ": " : "",
		 f->extra ? error__name((int64_t)f->v[1], error, sizeof(error)) : "");
}

void console__fact_in_words(const struct fact *f, char *buffer, size_t size)
{
	char page[FRAME_WORDS];

	*buffer = 0;
	switch (f->kind) {
	case FACT_X_BAD_TYPE:
		bad_type_in_words(f, buffer, size);
		break;
	case FACT_MC_CALL:
		call_in_words(f, buffer, size);
		break;
	case FACT_X_PINNED:
		snprintf(buffer, size, "mfn 0x%" PRIx64 " is pinned already", f->v[0]);
		break;
	case FACT_X_NOT_PINNED:
		snprintf(buffer, size, "mfn 0x%" PRIx64 " is not pinned", f->v[0]);
		break;
	case FACT_X_PIN:
		pin_in_words(f, buffer, size);
		break;
	case FACT_X_IO:
		snprintf(buffer, size, "mfn 0x%" PRIx64 " is a device's, and not for it", f->v[0]);
		break;
	case FACT_X_OWNER:
		snprintf(buffer, size, "an entry was to map a page of another domain");
		break;
	case FACT_X_BASE:
		snprintf(buffer, size, "loading mfn 0x%" PRIx64 " as CR3 failed", f->v[0]);
		break;
	case FACT_X_ENTRY:
		snprintf(buffer, size,
			 "L%u entry 0x%" PRIx64 " could not refer to %s",
			 (unsigned int)f->v[2] & 7, f->v[3], frame__name(f->v[0], f->v[1], page));
		break;
	case FACT_X_LINEAR:
		snprintf(buffer, size, "a page table was to be mapped writable");
		break;
	case FACT_X_GET_TYPE:
		snprintf(buffer, size, "a page could not become %s", f->text);
		break;
	case FACT_X_VALIDATE:
		snprintf(buffer, size, "a page table, or an entry of one, is not valid");
		break;
	case FACT_X_L1TF:
		snprintf(buffer, size, "L%u entry 0x%" PRIx64 " is open to L1TF",
			 (unsigned int)f->v[0] & 7, f->v[1]);
		break;
	case FACT_X_UNHANDLED:
		snprintf(buffer, size, "trap %" PRIu64 ", error code 0x%04" PRIx64 ", not handled",
			 f->v[0], f->v[1]);
		break;
	case FACT_X_HVM:
		snprintf(buffer, size, "triple fault");
		break;
	case FACT_X_WALK:
		snprintf(buffer, size, "walk from 0x%" PRIx64, f->v[0]);
		break;
	case FACT_X_WALK_ENTRY:
		snprintf(buffer, size, "L%u entry 0x%" PRIx64 ": 0x%" PRIx64 "%s",
			 (unsigned int)f->v[0] & 7, f->v[1], f->v[2],
			 f->v[2] & 1 ? "" : ", not there");
		break;
	case FACT_X_CRASHED:
	case FACT_X_DOM0:
		snprintf(buffer, size, "the domain crashed");
		break;
	}
}

void console__caution(const struct console *c, char *buffer, size_t size)
{
	uint64_t others = c->scan.mender.others;

	*buffer = 0;
	if (others)
		snprintf(buffer, size,
			 "Only the first %u guests that have a name here were read: %" PRIu64
			 " line%s of others %s left out. ",
			 CONSOLE_GUESTS - 1, others, others == 1 ? "" : "s",
			 others == 1 ? "was" : "were");
	else if (c->boots.torn)
		snprintf(buffer, size,
			 "Lines of several guests alternate here, or are in no order: nothing was "
			 "joined. ");
}

/* The first line of the series about a fault that is of another one, or contradicts. */
static const struct fact *stray_of(const struct console *c)
{
	for (unsigned int i = 0; i < c->boots.nr; i++)
		for (unsigned int n = 0; n < c->boots.boot[i]->nr_oopses; n++)
			if (c->boots.boot[i]->oopses[n].stray)
				return c->boots.boot[i]->oopses[n].stray;
	return NULL;
}

unsigned int console__notes(const struct console *c, char notes[][CONSOLE_NOTE])
{
	const struct fact *stray = stray_of(c);
	const struct scan *s = &c->scan;
	unsigned int n = 0;

	if (s->reversed)
		snprintf(notes[n++], CONSOLE_NOTE,
			 "The newest line came first; they were put in order");
	if (s->parts.reordered)
		snprintf(notes[n++], CONSOLE_NOTE,
			 "Parts of pstore's dump were put in order and joined");
	if (c->scan.gaps)
		snprintf(notes[n++], CONSOLE_NOTE,
			 "In %" PRIu64 " places lines are missing: nothing was joined across them",
			 c->scan.gaps);
	if (s->journal.record.unowned)
		snprintf(notes[n++], CONSOLE_NOTE,
			 "%" PRIu64 " records do not say who printed them, as without "
			 "journalctl's --output-fields they would, and were not read",
			 s->journal.record.unowned);
	if (s->parts.missing)
		snprintf(notes[n++], CONSOLE_NOTE, "Of pstore's dump %u parts are missing",
			 s->parts.missing);
	if (s->mender.mended)
		snprintf(notes[n++], CONSOLE_NOTE,
			 "%" PRIu64 " line%s that Xen had printed into %s joined", s->mender.mended,
			 s->mender.mended == 1 ? "" : "s", s->mender.mended == 1 ? "was" : "were");
	if (!c->boots.torn && c->guests > 1)
		snprintf(notes[n++], CONSOLE_NOTE,
			 "%u guests are on it, each judged by its own lines", c->guests);
	if (stray)
		snprintf(notes[n++], CONSOLE_NOTE,
			 "Line %" PRIu64 ", the series' own, contradicts the oops that it stands "
			 "in, or its boot: it is of another, and was not used", stray->line);
	if (s->forgotten || c->boots.older)
		snprintf(notes[n++], CONSOLE_NOTE,
			 "It holds more than is kept: the oldest %" PRIu64 " boots and %" PRIu64
			 " facts were left out",
			 c->boots.older, s->forgotten);
	if (s->more)
		snprintf(notes[n++], CONSOLE_NOTE,
			 "%" PRIu64 " facts of kinds that were there thousands of "
			 "times were left out",
			 s->more);
	return n;
}
