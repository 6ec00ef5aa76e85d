// SPDX-License-Identifier: GPL-2.0-only
/* The sink of `record`: when to commit, when to begin another file, what to say of the run. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xenpin.h"
#include "boot/boot_account.h"
#include "record/records.h"
#include "recorder.h"
#include "writer.h"

/* Half of what is promised: the loop that calls flush() may be late. */
#define COMMIT_NS	500000000ULL
#define COMMIT_BYTES	(8 << 20)	/* and a small disk, or file, is not to end within a commit */

/* A report that is read is waited for: so much is recorded in several seconds at least. */
#define PATIENCE_BYTES	(128 << 20)

struct recorder {
	struct sink sink;
	char *path;
	uint64_t max_bytes;		/* 0: no limit */
	struct writer *writer;
	const struct session *session;	/* NULL: nothing has begun */
	struct boot_account *boot;	/* NULL: none */
	uint64_t committed_ns;
	int err;			/* -errno of a rotation */
	const char *error;
	char *older;			/* .path's predecessor, or what it will be called */
	bool rotated;			/* it is there */
	bool waits;			/* to rotate, and has said so */
	int64_t begins, older_begins;	/* the number before the first record of each */
	uint64_t missed_before[XP_PROBES_MAX];	/* in the time of older files */
	uint64_t dropped, missed;		/* at the end */
};

/* Returns how many runs were skipped in the time of this file. */
static uint64_t set_probes(struct recorder *r, const struct session *s)
{
	uint64_t all = 0;

	for (int i = 0; i < s->nr_probes; i++) {
		const struct probe_report *h = &s->probes[i];
		uint64_t missed = h->missed - r->missed_before[i];

		writer__set_probe(r->writer, h->name, h->via, h->delivered, h->dropped, missed);
		all += missed;
	}
	return all;
}

/* What CLOCK_REALTIME was when CLOCK_MONOTONIC was 0. */
static int64_t realtime_offset(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return wall.tv_sec * 1000000000LL + wall.tv_nsec - (int64_t)now_ns();
}

static void write_start(struct recorder *r)
{
	const struct session *s = r->session;
	struct writer *w = r->writer;

	writer__set_text(w, "xenpin", XENPIN_VERSION);
	writer__set_text(w, "kernel", s->platform->kernel);
	writer__set_text(w, "domain", s->platform->dom0 ? "dom0" : "domU");
	writer__set_number(w, "vcpus", s->platform->vcpus);
	writer__set_number(w, "frames", sysconf(_SC_PHYS_PAGES));
	writer__set_number(w, "begin_ns", s->begin_ns);
	writer__set_number(w, "realtime_offset_ns", realtime_offset());
	writer__set_number(w, "filtered", s->filtered);
	writer__set_number(w, "first_seq", writer__seq(w) + 1);
	if (s->audited)
		writer__set_number(w, "audited", 1);
	if (!r->sink.unjudged) {
		writer__set_number(w, "judged_live", 1);
		writer__set_number(w, "findings", 0);
	}
	set_probes(r, s);
	writer__checkpoint(w);
}

static void write_end(struct recorder *r, const struct session *s, uint64_t end_ns,
		      const char *how)
{
	struct writer *w = r->writer;

	writer__set_text(w, "end", how);
	writer__set_number(w, "end_ns", end_ns);
	writer__set_number(w, "delivered", s->delivered);
	writer__set_number(w, "dropped", s->dropped);
	writer__set_number(w, "missed", set_probes(r, s));
	if (!r->sink.unjudged)
		writer__set_number(w, "findings", s->findings);
	writer__commit(w);
}

/* The early ring has gone on since the account was drawn up; what it dropped is a gap of that. */
static void write_boot_record(void *context, struct xp_record *rec)
{
	struct recorder *r = context;
	union any_record copy;

	if (rec->kind == XP_DROPPED || rec->seq > r->boot->boot.next)
		return;
	memcpy(&copy, rec, rec->nslots * XP_SLOT);
	/* In the stream's time, although it may have begun before that clock did. */
	copy.head.t += r->boot->log.header.t_offset;
	writer__record(r->writer, &copy.head, NULL);
}

static void write_boot(struct recorder *r)
{
	const struct boot_report *report = &r->boot->report;
	struct xp_boot_log header = r->boot->log.header;
	struct writer *w = r->writer;

	boot_account__again(r->boot, write_boot_record, r);
	/* Its times are offset already. */
	header.t_offset = 0;
	writer__set_blob(w, "boot_log", &header, sizeof(header));
	writer__set_number(w, "boot_records", writer__seq(w));
	writer__set_number(w, "boot_early", report->early);
	writer__set_number(w, "boot_dropped", report->dropped);
	writer__set_number(w, "boot_ns", report->boot_ns);
	for (unsigned int i = 0; i < report->nr_gaps; i++)
		writer__boot_gap(w, report->gaps[i]);
	writer__commit(w);
}

static void recording_start(struct sink *sink, const struct session *session)
{
	struct recorder *r = (struct recorder *)sink;

	r->session = session;
	r->committed_ns = now_ns();
	write_start(r);
	if (r->boot)
		write_boot(r);
}

static void recording_record(struct sink *sink, const struct xp_record *rec)
{
	struct recorder *r = (struct recorder *)sink;

	if (r->writer)
		writer__record(r->writer, rec, sink->symbols);
}

static void recording_finding(struct sink *sink, const struct finding *finding)
{
	struct recorder *r = (struct recorder *)sink;

	if (r->writer)
		writer__finding(r->writer, finding);
}

static void recording_end(struct sink *sink, const struct session *session)
{
	struct recorder *r = (struct recorder *)sink;

	r->dropped = session->dropped;
	r->missed = session->missed;
	if (r->writer && !r->err)
		write_end(r, session, session->end_ns, "complete");
}

/* Somebody has the file open: it is not taken from under him, and has not ended. */
static int wait_to_rotate(struct recorder *r)
{
	uint64_t more = r->max_bytes > PATIENCE_BYTES ? r->max_bytes : PATIENCE_BYTES;

	writer__set_text(r->writer, "end", "");
	writer__commit(r->writer);
	if (writer__error(r->writer, NULL))
		return writer__error(r->writer, NULL);
	if (!r->waits)
		say("'%s' is as large as --max-size says, and goes on growing, to twice that or "
		    "128M more, for as long as another program has it open", r->path);
	r->waits = true;
	if (writer__bytes(r->writer) - r->max_bytes < more)
		return 0;
	r->error = "another program has it open, and it is much larger than --max-size says";
	return -EFBIG;
}

static void begin_to_miss_anew(struct recorder *r)
{
	for (int i = 0; i < r->session->nr_probes; i++)
		r->missed_before[i] = r->session->probes[i].missed;
}

/*
 * The file becomes PATH.1, and PATH begins anew where it ended.  It has no rows
 * yet, and gets none if it makes room for another.
 */
static int rotate(struct recorder *r)
{
	int64_t seq = writer__seq(r->writer);
	struct stat st;

	if (r->session->refresh)
		r->session->refresh(r->session->refreshing);
	write_end(r, r->session, now_ns(), "rotated");
	/* The last that is written: from here on a reader could be in the way. */
	if (!writer__fold(r->writer))
		return wait_to_rotate(r);
	r->waits = false;
	begin_to_miss_anew(r);
	writer__close(r->writer);
	r->writer = NULL;
	if (stat(r->path, &st) || rename(r->path, r->older)) {
		int err = -errno;

		writer__forget_end(r->path);
		r->error = "it cannot be renamed for another to begin";
		return err;
	}
	r->rotated = true;
	r->older_begins = r->begins;
	r->begins = seq;
	/* Who may read this one may read that one. */
	r->writer = writer__create(r->path, seq, st.st_mode & 0777);
	if (!r->writer)
		return -ENOMEM;
	write_start(r);
	return writer__error(r->writer, NULL);
}

static bool is_due(const struct recorder *r, uint64_t now)
{
	uint64_t bytes = r->max_bytes && r->max_bytes / 8 < COMMIT_BYTES ? r->max_bytes / 8 : COMMIT_BYTES;

	return now - r->committed_ns >= COMMIT_NS || writer__uncommitted(r->writer) >= bytes;
}

static int recording_flush(struct sink *sink)
{
	struct recorder *r = (struct recorder *)sink;
	uint64_t now = now_ns();

	if (r->err)
		return r->err;
	if (is_due(r, now)) {
		r->committed_ns = now;
		writer__commit(r->writer);
		if (r->max_bytes && writer__bytes(r->writer) >= r->max_bytes)
			r->err = rotate(r);
	}
	return r->err ?: writer__error(r->writer, NULL);
}

static const struct sink_ops ops = {
	recording_start, recording_record, recording_finding, recording_end, recording_flush
};

int recorder__create(struct recorder **out, const char *path, uint64_t max_bytes)
{
	struct recorder *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (!r)
		return -ENOMEM;
	r->sink.ops = &ops;
	/*
	 * What records imply is concluded by whoever reads them.  What is found in
	 * them, too, unless the file is gone by then.
	 */
	r->sink.plain = true;
	r->sink.audited = true;
	r->sink.unjudged = !max_bytes;
	r->max_bytes = max_bytes;
	r->path = strdup(path);
	if (asprintf(&r->older, "%s.1", path) < 0)
		r->older = NULL;
	r->writer = r->path && r->older ? writer__create(path, 0, 0600) : NULL;
	if (r->writer)
		err = writer__error(r->writer, NULL);
	if (err)
		goto fail;
	*out = r;
	return 0;
fail:
	recorder__close(r);
	return err;
}

void recorder__begin_with(struct recorder *r, struct boot_account *boot)
{
	r->boot = boot;
}

struct sink *recorder__sink(struct recorder *r)
{
	return &r->sink;
}

const char *recorder__error(const struct recorder *r)
{
	const char *what = r->error;

	if (!r->err && r->writer && !writer__error(r->writer, &what))
		return NULL;
	return what ?: strerror(-r->err);
}

bool recorder__has_begun(const struct recorder *r)
{
	return r->session;
}

int64_t recorder__records(const struct recorder *r)
{
	return writer__seq(r->writer) - (r->rotated ? r->older_begins : r->begins);
}

void recorder__losses(const struct recorder *r, uint64_t *dropped, uint64_t *missed)
{
	*dropped = r->dropped;
	*missed = r->missed;
}

int recorder__files(struct recorder *r, const char *files[RECORDER_FILES])
{
	int n = 0;

	if (!r->session)
		return 0;
	writer__close(r->writer);
	r->writer = NULL;
	if (r->rotated)
		files[n++] = r->older;
	files[n++] = r->path;
	return n;
}

void recorder__close(struct recorder *r)
{
	bool unused;

	if (!r)
		return;
	unused = !r->session && r->writer && !writer__error(r->writer, NULL);
	writer__close(r->writer);
	if (unused)
		unlink(r->path);
	free(r->older);
	free(r->path);
	free(r);
}
