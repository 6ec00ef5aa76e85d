// SPDX-License-Identifier: GPL-2.0-only
/*
 * xenpin in a guest that is pretended: instead of BPF programs and their look at
 * a kernel's page tables there is one process with a table of each level, at
 * pfn 0x10 to 0x13.  What is wrong with it stands in $PRETEND, as words:
 *
 *	lost		the L1 table has no flag
 *	unread		the walk could not read a table
 *	unknown		an L2 table has no flag, and its mm is being torn down
 *	fails		looks after the first one fail
 *	changes		the L1 table's flag is written again and again
 *	overrun		and changes are lost
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "audit/snapshot.h"
#include "clock.h"
#include "platform.h"
#include "watch.h"

#define ROOT		0x10		/* pfn of the L4 table */
#define MM		0xffff888000010000ULL
#define ROOM		64

static bool pretended(const char *word)
{
	const char *words = getenv("PRETEND");

	return words && strstr(words, word);
}

void platform__read(struct platform *p)
{
	*p = (struct platform){ .guest = GUEST_PV, .btf = true, .vcpus = 1, .kernel = "pretended" };
}

const char *platform__guest_name(enum guest guest)
{
	return "Xen PV";
}

const char *platform__obstacle(const struct platform *p)
{
	return NULL;
}

static struct xp_seen tables[ROOM];
static struct xp_places places = { .vmemmap = 0xffffea0000000000ULL, .page_size = 64,
				   .max_pfn = 0x100000 };
static struct xp_look what;
static int looks, added;

int snapshot__open(struct snapshot **snapshot, char why[AUDIT_REASON_LEN])
{
	*snapshot = NULL;
	return 0;
}

void snapshot__close(struct snapshot *snapshot)
{
}

int snapshot__look(struct snapshot *snapshot)
{
	if (looks++ && pretended("fails"))
		return -EIO;
	added = 0;
	what = (struct xp_look){ .seen = XP_L4, .unread = pretended("unread"), .begin = now_ns() };
	what.walked = what.end = what.begin;
	for (uint32_t i = 0; i < XP_L4; i++)
		tables[i] = (struct xp_seen){ .pfn = ROOT + i, .mfn = ROOT + i, .mm = MM,
					      .parent = i - 1, .level = XP_L4 - i,
					      .state = XP_S_FLAG | XP_S_READONLY };
	if (pretended("lost"))
		tables[3].state = XP_S_READONLY;
	if (pretended("unknown"))
		tables[2].state = XP_S_READONLY | XP_S_EXITING;
	return 0;
}

const struct xp_look *snapshot__what(const struct snapshot *snapshot)
{
	return &what;
}

const struct xp_places *snapshot__places(const struct snapshot *snapshot)
{
	return &places;
}

struct xp_seen *snapshot__tables(const struct snapshot *snapshot)
{
	return tables;
}

const struct xp_flagged *snapshot__flagged(const struct snapshot *snapshot)
{
	return NULL;
}

int snapshot__add(struct snapshot *snapshot, uint64_t pfn)
{
	int i = what.seen + added++;

	tables[i] = (struct xp_seen){ .pfn = pfn, .mfn = pfn, .parent = XP_NO_PARENT };
	return i;
}

int snapshot__again(struct snapshot *snapshot, const uint32_t *indices, size_t n)
{
	return 0;
}

int snapshot__owners(struct snapshot *snapshot, struct xp_owner **owners)
{
	*owners = calloc(1, sizeof(**owners));
	**owners = (struct xp_owner){ .mm = MM, .pid = 7, .comm = "pretended" };
	return 1;
}

struct watch {
	int fd;
	uint64_t pfn, writes;
	change_fn fn;
	void *context;
};

int watch__open(struct watch **out, uint64_t address, uint64_t pfn, uint32_t level, bool set,
		change_fn fn, void *context, char why[WATCH_REASON_LEN])
{
	static struct watch w;

	w = (struct watch){ eventfd(pretended("changes"), 0), pfn, 0, fn, context };
	*out = &w;
	return 0;
}

void watch__close(struct watch *w)
{
	close(w->fd);
}

int watch__fd(const struct watch *w)
{
	return w->fd;
}

int watch__read(struct watch *w)
{
	struct xp_record rec = { .kind = w->writes % 2 ? XP_FLAG_SET : XP_FLAG_CLEAR, .nslots = 1,
				 .t = now_ns(), .level = XP_L1, .u.flag.pfn = w->pfn };

	if (!pretended("changes"))
		return 0;
	usleep(1000);
	w->writes++;
	w->fn(w->context, &rec);
	return 0;
}

uint64_t watch__writes(const struct watch *w)
{
	return w->writes;
}

uint64_t watch__lost(const struct watch *w)
{
	return pretended("overrun");
}
