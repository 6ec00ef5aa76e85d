// SPDX-License-Identifier: GPL-2.0-only
/*
 * The real sink, fed by a synthetic source as fast as it takes: what forks
 * make, in the mix that the lab shows.  COUNT records into FILE, then rows of
 * them, and prints records per second of each; COUNT 0 goes on until it is killed,
 * at half a million records a second.  MAX: bytes of a file until another begins.
 * MISSED: runs of a probe that the kernel skipped by the end of each such file.
 * KALLSYMS: records have stacks, whose addresses that file names: function N lies at 0x1000 * N
 * above 0xffffffff81000000.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "guest/symbols.h"
#include "record/records.h"
#include "report/finish.h"

#define TABLES	7		/* per fork: an L3, three L2, three L1 */
#define PINS	5		/* of these the L1, and the two L4 of the mm */
#define DRAIN	4096		/* records handed over at once */

static struct platform platform = { .kernel = "synthetic", .dom0 = true, .vcpus = 2 };
static struct probe_report probes[] = { { "flush", "synthetic" }, { "alloc", "synthetic" },
				      { "release", "synthetic" }, { "pgd_pin", "synthetic" },
				      { "pgd_unpin", "synthetic" } };
static void refresh(void *refreshing);
static struct session session = { .platform = &platform, .probes = probes, .nr_probes = 5,
				  .refresh = refresh };

static struct {
	struct sink *sink;
	uint64_t made, wanted, t;
	int err;
} source;

static uint64_t missed;

static void refresh(void *refreshing)
{
	probes[0].missed += missed;
	session.missed += missed;
}

static void give(struct xp_record *rec, uint32_t pid)
{
	if (source.err || (source.wanted && source.made == source.wanted))
		return;
	rec->t = source.t++;
	rec->pid = pid;
	rec->nslots = record__slots(rec);
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

/*
 * Of functions, the innermost first: from two places in each, behind a program of BPF's.  Of every
 * seventh process there is none, as when the kernel cannot unwind it.
 */
static const __u8 begin_stack[] = { 1, 2, 3, 4, 5 }, end_stack[] = { 1, 2, 6, 7, 5 };

static void put_stack(struct xp_record *rec, uint32_t pid, const __u8 functions[5])
{
	__u64 *stack = (__u64 *)(rec + 1);

	if (!source.sink->symbols || pid % 7 == 0)
		return;
	rec->flags |= XP_F_STACK;
	memset(stack, 0, XP_STACK_BYTES);
	for (int i = 0; i < 5; i++)
		stack[i] = 0xffffffff81000000 + functions[i] * 0x1000 + 0x10 + i * (pid & 1);
}

static void give_tables(uint8_t kind, uint32_t pid, uint64_t pfn, uint64_t mm)
{
	static union any_record table;	/* cleared anew, it would cost more than the sink */

	for (int i = 0; i < TABLES; i++) {
		table.head = (struct xp_record){
			.kind = kind,
			.level = i < 3 ? XP_L1 : i < 6 ? XP_L2 : XP_L3,
			.flags = XP_F_FLAG_KNOWN,
			/* As the kernel tells it: whose a released page was, nobody knows. */
			.u.table = { .pfn = pfn + i, .mm = kind == XP_TABLE_ALLOC ? mm : 0 },
		};
		put_stack(&table.head, pid, kind == XP_TABLE_ALLOC ? begin_stack : end_stack);
		give(&table.head, pid);
	}
}

static void give_batch(uint8_t op, uint32_t pid, uint64_t pfn)
{
	static union any_record batch;
	struct xp_op *ops;

	batch.head = (struct xp_record){
		.kind = XP_BATCH, .flags = XP_F_RESULT,
		.u.batch = { .entries = 14, .nops = PINS, .latency_ns = 20000 },
	};
	put_stack(&batch.head, pid, op == XP_OP_PIN ? begin_stack : end_stack);
	ops = record__ops(&batch.head);
	for (int i = 0; i < PINS; i++) {
		uint64_t page = i < 3 ? pfn + i : pfn + TABLES + i - 3;

		ops[i] = (struct xp_op){ .mfn = page + 0x80000, .pfn = page, .op = op };
		if (op == XP_OP_PIN)
			ops[i].level = i < 3 ? XP_L1 : XP_L4;
	}
	give(&batch.head, pid);
}

static void give_fork(uint32_t n)
{
	uint64_t mm = 0xffff888004c62880 + (n & 63) * 0x400, pfn = 0x8000 + n % 1000 * 16;
	uint64_t pgd = pfn + TABLES;
	uint32_t pid = 1000 + n % 30000;
	struct xp_record pin = { .kind = XP_MM_PIN, .u.mm = { mm, pgd << 12, pgd } };
	struct xp_record unpin = { .kind = XP_MM_UNPIN, .u.mm = { mm, pgd << 12, pgd } };

	give_tables(XP_TABLE_ALLOC, pid, pfn, mm);
	give(&pin, pid);
	give_batch(XP_OP_PIN, pid, pfn);
	give(&unpin, pid);
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

	if (argc < 3 || argc > 6) {
		fputs("usage: recording FILE COUNT [MAX [MISSED [KALLSYMS]]]\n", stderr);
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
	source.sink->symbols = argc > 5 ? symbols__open(argv[5], "synthetic") : NULL;
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
	symbols__close(source.sink->symbols);
	recorder__close(recorder);
	printf("%.0f records a second, then %.0f rows of records\n", rate,
	       source.made / ((now_ns() - begin) / 1e9));
	return source.err ? 1 : 0;
}
