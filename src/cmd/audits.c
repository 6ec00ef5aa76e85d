// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/grow.h"
#include "base/xenpin.h"
#include "guest/snapshot.h"
#include "audits.h"

struct told {
	uint64_t pfn;
	uint8_t class;		/* enum finding_class */
};

int audits__open(struct audits *a, const struct platform *platform, uint64_t every_ns,
		 char why[AUDIT_REASON_LEN])
{
	int err = snapshot__open(&a->guest, platform->dom0, why);

	if (err) {
		a->guest = NULL;
		return err;
	}
	a->every_ns = every_ns;
	if (platform->dom0 && *a->guest->no_types)
		say("one witness less, Xen's types: %s", a->guest->no_types);
	return 0;
}

void audits__close(struct audits *a)
{
	guest__close(a->guest);
	free(a->told);
}

static bool was_told(const struct audits *a, const struct finding *f)
{
	for (size_t i = 0; i < a->nr_told; i++)
		if (a->told[i].pfn == f->pfn && a->told[i].class == f->class)
			return true;
	return false;
}

int audits__tell(struct audits *a, const struct audit *audit, finding_fn fn, void *context)
{
	a->whole = audit__is_whole(audit);
	a->next_ns = now_ns() + a->every_ns;
	for (size_t i = 0; i < audit->nr_findings; i++) {
		const struct finding *f = &audit->findings[i];

		if (was_told(a, f))
			continue;
		if (GROW(a->told, a->nr_told, a->max_told, 16))
			return -ENOMEM;
		a->told[a->nr_told++] = (struct told){ f->pfn, f->class };
		fn(context, f);
	}
	return 0;
}

int audits__take(struct audits *a, finding_fn fn, void *context)
{
	struct audit audit;
	int err;

	if (!a->guest)
		return 0;
	err = audit__take(&audit, a->guest) ?: audits__tell(a, &audit, fn, context);
	if (err) {
		a->whole = false;
		a->next_ns = now_ns() + a->every_ns;
		say("an audit failed: %s", strerror(-err));
	}
	audit__free(&audit);
	return err;
}

bool audits__due(const struct audits *a)
{
	return a->guest && a->every_ns && now_ns() >= a->next_ns;
}
