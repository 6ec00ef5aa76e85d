// SPDX-License-Identifier: GPL-2.0-only
/*
 * All memory is taken and touched before the first question: a page fault of our
 * own makes page tables, and records, while we look.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/records.h"
#include "xen/m2p.h"
#include "verify.h"

#define CHUNK		1024	/* frames a question */
#define DIRTY_MAX	65536

struct verify {
	struct xen *xen;
	struct m2p m2p;
	uint64_t nr_mfns;
	uint8_t *types;		/* by mfn */
	uint32_t *mfn_of;	/* by pfn, for this domain's frames; 0: none */
	uint64_t *dirty;	/* mfns to ask again */
	size_t nr_dirty;
	bool overflowed;	/* there were more: ask all again */
};

static int allocate(struct verify *v)
{
	int64_t max = xen__max_mfn(v->xen);

	if (max < 0)
		return max;
	v->nr_mfns = (uint64_t)max + 1 < v->m2p.count ? (uint64_t)max + 1 : v->m2p.count;
	v->types = malloc(v->nr_mfns);
	v->mfn_of = malloc(v->nr_mfns * sizeof(*v->mfn_of));
	v->dirty = malloc(DIRTY_MAX * sizeof(*v->dirty));
	if (!v->types || !v->mfn_of || !v->dirty)
		return -ENOMEM;
	memset(v->types, XEN_T_FOREIGN, v->nr_mfns);
	memset(v->mfn_of, 0, v->nr_mfns * sizeof(*v->mfn_of));
	memset(v->dirty, 0xff, DIRTY_MAX * sizeof(*v->dirty));
	return 0;
}

int verify__open(struct verify **out, char why[XEN_REASON_LEN])
{
	struct verify *v = calloc(1, sizeof(*v));
	char why_m2p[M2P_WHY];
	int err = -ENOMEM;

	snprintf(why, XEN_REASON_LEN, "no memory");
	if (!v)
		return err;
	err = xen__open(&v->xen, why);
	if (!err) {
		err = m2p__map(&v->m2p, why_m2p);
		if (err)
			snprintf(why, XEN_REASON_LEN, "%s", why_m2p);
	}
	if (!err)
		err = allocate(v);
	if (!err) {
		*out = v;
		return 0;
	}
	verify__close(v);
	return err;
}

void verify__close(struct verify *v)
{
	if (!v)
		return;
	xen__close(v->xen);
	m2p__unmap(&v->m2p);
	free(v->types);
	free(v->mfn_of);
	free(v->dirty);
	free(v);
}

static bool ours(const struct verify *v, uint64_t mfn)
{
	return (v->types[mfn] & XEN_T_LEVEL) != XEN_T_FOREIGN;
}

/* A frame that Xen keeps for itself, or that has gone, has no pfn. */
static uint64_t pfn_of(const struct verify *v, uint64_t mfn)
{
	return v->m2p.pfns[mfn] < v->nr_mfns ? v->m2p.pfns[mfn] : XP_NO_PFN;
}

int verify__scan(struct verify *v)
{
	uint64_t mfns[CHUNK];

	v->nr_dirty = 0;
	v->overflowed = false;
	for (uint64_t at = 0; at < v->nr_mfns; at += CHUNK) {
		uint64_t n = v->nr_mfns - at < CHUNK ? v->nr_mfns - at : CHUNK;
		int err;

		for (uint64_t i = 0; i < n; i++)
			mfns[i] = at + i;
		err = xen__types(v->xen, XEN_DOM0, mfns, v->types + at, n);
		if (err)
			return err;
	}
	for (uint64_t mfn = 0; mfn < v->nr_mfns; mfn++)
		if (ours(v, mfn) && pfn_of(v, mfn) != XP_NO_PFN)
			v->mfn_of[pfn_of(v, mfn)] = mfn;
	return 0;
}

static void touch_pfn(struct verify *v, uint64_t pfn)
{
	uint64_t mfn = pfn < v->nr_mfns ? v->mfn_of[pfn] : 0;

	if (!mfn)
		return;
	if (v->nr_dirty == DIRTY_MAX)
		v->overflowed = true;
	else
		v->dirty[v->nr_dirty++] = mfn;
}

void verify__touch(struct verify *v, const struct xp_record *rec)
{
	uint64_t pfn;

	for (uint32_t i = 0; record__frame(rec, i, &pfn); i++)
		touch_pfn(v, pfn);
}

int verify__rescan(struct verify *v)
{
	uint8_t types[CHUNK];

	if (v->overflowed)
		return verify__scan(v);
	for (size_t at = 0; at < v->nr_dirty; at += CHUNK) {
		size_t n = v->nr_dirty - at < CHUNK ? v->nr_dirty - at : CHUNK;
		int err = xen__types(v->xen, XEN_DOM0, v->dirty + at, types, n);

		if (err)
			return err;
		for (size_t i = 0; i < n; i++)
			v->types[v->dirty[at + i]] = types[i];
	}
	v->nr_dirty = 0;
	return 0;
}

static uint8_t implied(const struct frame *frame)
{
	if (!frame || !frame->table)
		return XEN_T_NONE;
	return frame->level | (frame->pinned ? XEN_T_PINNED : 0);
}

static void differ(struct verify_result *r, const struct frame *frame, const struct difference *d)
{
	struct difference *new = &r->differences[r->nr_differences];

	if (r->nr_differences++ >= VERIFY_MAX)
		return;
	*new = *d;
	new->records = implied(frame);
	new->stale = frame && frame->flag && !frame->made && d->xen == XEN_T_NONE;
}

static void compare_frame(const struct verify *v, const struct frames *frames, uint64_t mfn,
			  struct verify_result *r)
{
	uint64_t pfn = pfn_of(v, mfn);
	const struct frame *frame = pfn == XP_NO_PFN ? NULL : frames__find(frames, pfn);

	r->frames++;
	if (v->types[mfn] & XEN_T_LEVEL)
		r->levels[v->types[mfn] & XEN_T_LEVEL]++;
	r->pinned += !!(v->types[mfn] & XEN_T_PINNED);
	if (v->types[mfn] != implied(frame))
		differ(r, frame, &(struct difference){ .pfn = pfn, .mfn = mfn,
							.xen = v->types[mfn] });
}

struct missing {
	const struct verify *v;
	struct verify_result *r;
};

/* A page table by the records, and no frame of this domain by Xen. */
static void find_missing(void *context, const struct frame *frame)
{
	struct missing *m = context;

	if (frame->table && (frame->pfn >= m->v->nr_mfns || !m->v->mfn_of[frame->pfn]))
		differ(m->r, frame, &(struct difference){ .pfn = frame->pfn,
							   .xen = XEN_T_FOREIGN });
}

void verify__compare(struct verify *v, const struct frames *frames, struct verify_result *r)
{
	struct missing missing = { v, r };

	memset(r, 0, sizeof(*r));
	for (uint64_t mfn = 0; mfn < v->nr_mfns; mfn++)
		if (ours(v, mfn))
			compare_frame(v, frames, mfn, r);
	frames__each(frames, find_missing, &missing);
}

void verify__history(struct verify_result *r, const struct xp_record *rec)
{
	for (uint64_t i = 0; i < r->nr_differences && i < VERIFY_MAX; i++) {
		struct difference *d = &r->differences[i];

		if (d->nr_seq < VERIFY_HISTORY && record__is_about(rec, d->pfn))
			d->seq[d->nr_seq++] = rec->seq;
	}
}

const char *verify__type_name(uint8_t type)
{
	static const char *const names[] = {
		[XEN_T_NONE] = "no page table",
		[XEN_T_L1] = "L1",
		[XEN_T_L2] = "L2",
		[XEN_T_L3] = "L3",
		[XEN_T_L4] = "L4",
		[XEN_T_FOREIGN] = "not this domain's",
		[XEN_T_PINNED | XEN_T_NONE] = "pinned, of no level",
		[XEN_T_PINNED | XEN_T_L1] = "L1 pinned",
		[XEN_T_PINNED | XEN_T_L2] = "L2 pinned",
		[XEN_T_PINNED | XEN_T_L3] = "L3 pinned",
		[XEN_T_PINNED | XEN_T_L4] = "L4 pinned",
	};

	return type < sizeof(names) / sizeof(*names) && names[type] ? names[type] : "unknown";
}
