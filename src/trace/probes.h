/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What xenpin attaches to, and the ways to do it.
 *
 * A probe is one thing to observe; a way is one mechanism that delivers it.
 * The ways of a probe are tried in order, and what decides is whether the
 * kernel takes the programs: never its version.
 */
#ifndef XENPIN_PROBES_H
#define XENPIN_PROBES_H

#include <stdbool.h>

#include "../../include/record.h"
#include "request.h"

#define WAYS_MAX	3
#define PROGS_MAX	4
#define REASON_LEN	160

struct probe {
	bool required;
	struct way {
		const char *via;	/* NULL ends the list */
		const char *progs[PROGS_MAX];
		const char *only;	/* where the kernel has this typedef; NULL: always */
		const char *else_why;	/* elsewhere: why not */
	} ways[WAYS_MAX + 1];
};

enum { LIVE_PROBES = XP_PROBE_FLAG_CLEAR + 1 };
extern const struct probe probes[LIVE_PROBES];	/* by enum xp_probe */

struct bpf_link;
struct kernel_types;
struct trace_bpf;

enum {
	WAY_NONE = -1,		/* every way was refused */
	WAY_UNWANTED = -2,	/* nobody asked for what it makes */
	WAY_ABSENT = -3,	/* this kernel does not have it, and its records are inferred */
};

/* What became of each probe. */
struct attachment {
	int way;				/* index into ways[], or one of the above */
	char reason[WAYS_MAX][REASON_LEN];	/* of each way that was refused; else "" */
	struct bpf_link *links[PROGS_MAX];	/* owned */
};

/*
 * Open, configure, load and, unless @attach is false, attach.  Nothing is
 * recorded until armed.  On success *@skel is the caller's, to be given to
 * probes__close().  Returns 0, or -errno with a sentence in @why when a required
 * probe has no way or the object cannot be loaded at all.
 */
int probes__open(struct trace_bpf **skel, struct attachment at[LIVE_PROBES], const struct trace_request *request,
		bool attach, char why[REASON_LEN]);

/* Does way @way of probe @p load here?  @reason tells why not. */
bool probes__try(int p, int way, char reason[REASON_LEN]);

/*
 * The steps of probes__open(), for whoever loads other programs than a trace needs: open the
 * skeleton with the types that @types finds, and tell it what is asked for.  -errno or 0.
 */
int probes__skeleton(struct trace_bpf **skel, struct kernel_types *types,
		     const struct trace_request *request);
void probes__configure(struct trace_bpf *skel, const struct trace_request *request);

void probes__detach(struct attachment at[LIVE_PROBES]);
void probes__close(struct trace_bpf *skel, struct attachment at[LIVE_PROBES]);

/* Probes that this kernel has: the first so many.  Only one with the series of kernel/ has all. */
int probes__here(void);

/* "tp_btf" and so on, "none", "off" when nothing of it is wanted, "inferred" when it is absent. */
const char *probes__via(const struct attachment at[LIVE_PROBES], int p);

/* Runs of the probe's programs that the kernel skipped, each of which could have made a record. */
uint64_t probes__missed(const struct trace_bpf *skel, const struct attachment at[LIVE_PROBES], int p);

/* Send libbpf's messages to stderr, or keep only the reason of a refusal. */
void probes__verbose(bool on);

#endif
