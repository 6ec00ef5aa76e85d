// SPDX-License-Identifier: GPL-2.0-only
/* Where figures come from. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/xenpin.h"
#include "boot/boot_account.h"
#include "guest/snapshot.h"
#include "report/report.h"
#include "figures.h"

/* A recording has the times of flushes. */
static void take_latencies(struct metrics *m, const struct latencies *l)
{
	struct xp_counts *counts = &m->counts;

	m->times = METRICS_FLUSHES;
	/* Ours are four to the power of two, and end where those end. */
	for (int i = 0, to = 0; i < LATENCY_BUCKETS; i++) {
		while (to < XP_COUNT_TIMES - 1 && 1ULL << to < latency__bucket_end(i))
			to++;
		counts->tree_times[to] += l->buckets[i];
	}
	counts->tree_ns = l->sum;
}

static void count_table(void *context, const struct pin_state *state)
{
	struct metrics *m = context;

	m->tables[state->level <= XP_L4 ? state->level : 0]++;
}

static void take_report(struct metrics *m, const struct report *r)
{
	const struct account *a = &r->account;

	for (int l = 0; l < 4; l++)
		m->counts.pins[l] = a->pins_of[l + 1];
	m->counts.unpins = a->unpins;
	m->counts.failed = a->failed;
	m->counts.unseen = a->records[XP_BATCH] - a->latencies.count;
	take_latencies(m, &a->latencies);
	m->missed = r->missed;
	m->dropped = a->dropped_total;
	m->complete = r->complete;
	m->has_tables = true;
	pins__each(r->pins, count_table, m);
	m->has_findings = true;
	for (size_t i = 0; i < r->nr_findings; i++)
		m->findings[r->findings[i].class][r->findings[i].grade]++;
	if (r->info->has_boot)
		metrics__take_boot(m, &r->boot_report);
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* While it is written, what is new stands in SQLite's log beside it.  False: there is no file. */
static bool last_write(const char *path, struct timespec *t)
{
	char log[PATH_MAX];
	struct stat st;

	if (stat(path, &st))
		return false;
	*t = st.st_mtim;
	snprintf(log, sizeof(log), "%s-wal", path);
	if (!stat(log, &st) && is_later(&st.st_mtim, t))
		*t = st.st_mtim;
	return true;
}

/* What is wrong with the recording, and not at each look again. */
static void complain(struct figures *f, const char *why)
{
	if (strcmp(f->complaint, why))
		say("cannot report on '%s' yet: %s", f->recording, why);
	snprintf(f->complaint, sizeof(f->complaint), "%s", why);
}

static void read_recording(struct figures *f)
{
	uint64_t begin = now_ns();
	char why[RECORDING_WHY];
	struct timespec written;
	struct report report;
	int err;

	if (!last_write(f->recording, &written)) {
		f->metrics = (struct metrics){ .source = "recording" };
		complain(f, strerror(errno));
		return;
	}
	if (f->metrics.up && !memcmp(&written, &f->recorded, sizeof(written)))
		return;
	f->metrics = (struct metrics){ .source = "recording" };
	err = report__open(&report, f->recording, why);
	if (err) {
		/* Who interrupted it knows. */
		if (err != -EINTR)
			complain(f, why);
		return;
	}
	*f->complaint = 0;
	take_report(&f->metrics, &report);
	f->metrics.up = true;
	f->recorded = written;
	f->metrics.looked_at = written.tv_sec + written.tv_nsec / 1e9;
	f->metrics.look_seconds = (now_ns() - begin) / 1e9;
	report__close(&report);
}

static void read_counters(struct figures *f)
{
	struct metrics *m = &f->metrics;
	struct task_counts *tasks;
	int n = counters__tasks(f->counters, &tasks);

	counters__read(f->counters, &m->counts);
	m->source = "live";
	m->up = true;
	m->missed = counters__missed(f->counters);
	m->complete = !m->missed;
	m->table_bytes = 0;
	for (int i = 0; i < n; i++)
		m->table_bytes += tasks[i].bytes;
	if (n >= 0)
		free(tasks);
}

void figures__refresh(struct figures *f)
{
	if (f->recording)
		read_recording(f);
	else
		read_counters(f);
}

static void take_audit(struct metrics *m, const struct audit *audit)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	m->looked_at = wall.tv_sec + wall.tv_nsec / 1e9;
	m->look_seconds = (audit->end - audit->begin) / 1e9;
	m->audit.complete = audit->complete;
	m->audit.unknown = audit->unknown;
	m->has_tables = audit->complete;
	for (int l = XP_L1; l <= XP_L4; l++)
		m->tables[l] = audit->tables[l];
	m->has_findings = true;
	memset(m->findings, 0, sizeof(m->findings));
	for (size_t i = 0; i < audit->nr_findings; i++)
		m->findings[audit->findings[i].class][audit->findings[i].grade]++;
}

/* One that fails leaves what was found before, and its time: so it is seen to grow old. */
void figures__audit(struct figures *f)
{
	struct audit audit;
	int err;

	if (!f->guest)
		return;
	err = audit__take(&audit, f->guest);
	f->metrics.audit.live = true;
	f->metrics.audit.failed = err;
	if (err)
		say("an audit failed: %s", strerror(-err));
	else
		take_audit(&f->metrics, &audit);
	audit__free(&audit);
}

/* It is over: once is enough.  What cannot be read, a log of root's for one, has no figures. */
static void take_boot(struct figures *f, const struct platform *platform)
{
	struct boot_account boot;
	char why[BOOT_LOG_WHY];

	if (!boot_account__begin(&boot)) {
		boot_account__open(&boot, NULL, why);
		boot_account__read_messages(&boot, platform);
		boot_account__each(&boot, boot_account__apply, &boot);
		boot_account__conclude(&boot, false);
		metrics__take_boot(&f->metrics, &boot.report);
	}
	boot_account__end(&boot);
}

int figures__count(struct figures *f, const struct platform *platform, char why[COUNTERS_WHY])
{
	int err = counters__open(&f->counters, why);

	if (!err)
		take_boot(f, platform);
	return err;
}

int figures__watch(struct figures *f, const struct platform *platform, char why[AUDIT_REASON_LEN])
{
	int err = snapshot__open(&f->guest, platform->dom0, why);

	if (!err && platform->dom0 && *f->guest->no_types)
		say("one witness less, Xen's types: %s", f->guest->no_types);
	return err;
}

void figures__close(struct figures *f)
{
	counters__close(f->counters);
	guest__close(f->guest);
}
