// SPDX-License-Identifier: GPL-2.0-only
/*
 * The real sink, fed by a synthetic source as fast as it takes: what forks
 * make, in the mix that the lab shows.  COUNT records into FILE, then rows of
 * them, and prints records per second of each; COUNT 0 goes on until it is killed,
 * at half a million records a second.  MAX: bytes of a file until another begins.
 * MISSED: runs of a hook that the kernel skipped by the end of each such file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "record/records.h"
#include "report/finish.h"

#define TABLES	7		/* per fork: an L3, three L2, three L1 */
#define PINS	5		/* of these the L1, and the two L4 of the mm */
#define DRAIN	4096		/* records handed over at once */

static struct platform platform = { .kernel = "synthetic", .dom0 = true, .vcpus = 2 };
static struct hook_report hooks[] = { { "flush", "synthetic" }, { "alloc", "synthetic" },
				      { "release", "synthetic" }, { "pgd_pin", "synthetic" },
				      { "pgd_unpin", "synthetic" } };
static void refresh(const struct session *session);
static struct session session = { .platform = &platform, .hooks = hooks, .nr_hooks = 5,
				  .refresh = refresh };

static struct {
	struct sink *sink;
	uint64_t made, wanted, t;
	int err;
} source;

static uint64_t missed;

static void refresh(const struct session *s)
{
	hooks[0].missed += missed;
	session.missed += missed;
}

static void give(struct xp_record *rec, uint32_t pid, int nslots)
{
	if (source.err || (source.wanted && source.made == source.wanted))
		return;
	rec->t = source.t++;
	rec->pid = pid;
	rec->nslots = nslots;
	rec->cpu = pid & 1;
	strcpy(rec->comm, "forks");
	source.sink->ops->record(source.sink, rec);
	session.delivered++;
	if (++source.made % DRAIN == 0) {
		uint64_t now = now_ns();

		source.err = source.sink->ops->flush(source.sink);
		source.t = now > source.t ? now : source.t;
		if (!source.wanted)
			usleep(DRAIN * 2);
	}
}

static void give_tables(uint8_t kind, uint32_t pid, uint64_t pfn, uint64_t mm)
{
	for (int i = 0; i < TABLES; i++) {
		struct xp_record rec = {
			.kind = kind,
			.level = i < 3 ? XP_L1 : i < 6 ? XP_L2 : XP_L3,
			.flags = XP_F_FLAG_KNOWN,
			/* As the kernel tells it: whose a released page was, nobody knows. */
			.u.table = { .pfn = pfn + i, .mm = kind == XP_TABLE_ALLOC ? mm : 0 },
		};

		give(&rec, pid, 1);
	}
}

static void give_batch(uint8_t op, uint32_t pid, uint64_t pfn)
{
	struct {
		struct xp_record rec;
		struct xp_op ops[PINS + 1];
	} batch = {
		.rec = { .kind = XP_BATCH, .flags = XP_F_RESULT,
			 .u.batch = { .entries = 14, .nops = PINS, .latency_ns = 20000 } },
	};

	for (int i = 0; i < PINS; i++) {
		uint64_t page = i < 3 ? pfn + i : pfn + TABLES + i - 3;

		batch.ops[i] = (struct xp_op){ .mfn = page + 0x80000, .pfn = page, .op = op };
		if (op == XP_OP_PIN)
			batch.ops[i].level = i < 3 ? XP_L1 : XP_L4;
	}
	give(&batch.rec, pid, 4);
}

static void give_fork(uint32_t n)
{
	uint64_t mm = 0xffff888004c62880 + (n & 63) * 0x400, pfn = 0x8000 + n % 1000 * 16;
	uint64_t pgd = pfn + TABLES;
	uint32_t pid = 1000 + n % 30000;
	struct xp_record pin = { .kind = XP_MM_PIN, .u.mm = { mm, pgd << 12, pgd } };
	struct xp_record unpin = { .kind = XP_MM_UNPIN, .u.mm = { mm, pgd << 12, pgd } };

	give_tables(XP_TABLE_ALLOC, pid, pfn, mm);
	give(&pin, pid, 1);
	give_batch(XP_OP_PIN, pid, pfn);
	give(&unpin, pid, 1);
	give_batch(XP_OP_UNPIN, pid, pfn);
	give_tables(XP_TABLE_RELEASE, pid, pfn, mm);
}

int main(int argc, char **argv)
{
	struct recorder *recorder;
	char why[RECORDING_WHY];
	uint64_t findings;
	uint64_t begin;
	double rate;
	int err;

	if (argc < 3 || argc > 5) {
		fputs("usage: recording FILE COUNT [MAX [MISSED]]\n", stderr);
		return 2;
	}
	err = recorder__create(&recorder, argv[1], argc > 3 ? strtoull(argv[3], NULL, 0) : 0);
	if (err) {
		fprintf(stderr, "recording: %s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	source.sink = recorder__sink(recorder);
	source.wanted = strtoull(argv[2], NULL, 0);
	missed = argc > 4 ? strtoull(argv[4], NULL, 0) : 0;
	begin = session.begin_ns = source.t = now_ns();
	source.sink->ops->start(source.sink, &session);
	for (uint32_t n = 0; !source.err && (!source.wanted || source.made < source.wanted); n++)
		give_fork(n);
	session.end_ns = now_ns();
	source.sink->ops->end(source.sink, &session);
	if (source.err || recorder__error(recorder))
		fprintf(stderr, "recording: %s\n", recorder__error(recorder));
	rate = source.made / ((now_ns() - begin) / 1e9);
	begin = now_ns();
	if (!source.err && finish__recorder(recorder, &findings, why)) {
		fprintf(stderr, "recording: %s\n", why);
		source.err = -1;
	}
	recorder__close(recorder);
	printf("%.0f records a second, then %.0f rows of records\n", rate,
	       source.made / ((now_ns() - begin) / 1e9));
	return source.err ? 1 : 0;
}
