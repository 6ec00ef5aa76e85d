/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What xenpin attaches to, and the ways to do it.
 *
 * A hook is one thing to observe; a way is one mechanism that delivers it.
 * The ways of a hook are tried in order, and what decides is whether the
 * kernel takes the programs: never its version.
 */
#ifndef XENPIN_HOOKS_H
#define XENPIN_HOOKS_H

#include <stdbool.h>

#include "../../include/record.h"
#include "request.h"

#define WAYS_MAX	3
#define PROGS_MAX	4
#define REASON_LEN	160

struct hook {
	const char *name;
	const char *what;	/* for a person */
	enum xp_hook id;	/* what its losses are counted by */
	bool required;
	uint32_t makes;		/* enum xp_what: attached only when one of these is wanted */
	struct way {
		const char *via;	/* NULL ends the list */
		const char *progs[PROGS_MAX];
		const char *only;	/* where the kernel has this typedef; NULL: always */
		const char *else_why;	/* elsewhere: why not */
	} ways[WAYS_MAX + 1];
};

enum { HOOK_SET = XP_HOOK_PGD_UNPIN + 1, HOOK_CLEAR, HOOKS };	/* before: as enum xp_hook */
extern const struct hook hooks[HOOKS];

struct bpf_link;
struct kernel_types;
struct trace_bpf;

/* Refused; not asked for; what this kernel does not have, and others tell in its place. */
enum { WAY_NONE = -1, WAY_UNWANTED = -2, WAY_ABSENT = -3 };

/* What became of each hook. */
struct attachment {
	int way;				/* index into ways[], or one of the below */
	char reason[WAYS_MAX][REASON_LEN];	/* of each way that was refused; else "" */
	struct bpf_link *links[PROGS_MAX];	/* owned */
};

/*
 * Open, configure, load and, unless @attach is false, attach.  Nothing is
 * recorded until armed.  On success *@skel is the caller's, to be given to
 * hooks__close().  Returns 0, or -errno with a sentence in @why when a required
 * hook has no way or the object cannot be loaded at all.
 */
int hooks__open(struct trace_bpf **skel, struct attachment at[HOOKS], const struct trace_request *request,
		bool attach, char why[REASON_LEN]);

/* Does way @way of hook @h load here?  @reason tells why not. */
bool hooks__probe(int h, int way, char reason[REASON_LEN]);

/*
 * The steps of hooks__open(), for whoever loads other programs than a trace needs: open the
 * skeleton with the types that @types finds, and tell it what is asked for.  -errno or 0.
 */
int hooks__skeleton(struct trace_bpf **skel, struct kernel_types *types);
void hooks__configure(struct trace_bpf *skel, const struct trace_request *request);

void hooks__detach(struct attachment at[HOOKS]);
void hooks__close(struct trace_bpf *skel, struct attachment at[HOOKS]);

/* Of a hook's number in records, or HOOKS; and its name, or "other". */
int hooks__find(uint32_t id);
const char *hooks__name(uint32_t id);

/* Hooks that this kernel has: the first so many.  Only one with the series of kernel/ has all. */
int hooks__here(void);

/* "tp_btf" and so on, "none", "off" when nothing of it is wanted, "inferred" when it is absent. */
const char *hooks__via(const struct attachment at[HOOKS], int h);

/* Runs of the hook's programs that the kernel skipped, and with each what could be a record. */
uint64_t hooks__missed(const struct trace_bpf *skel, const struct attachment at[HOOKS], int h);

/* Send libbpf's messages to stderr, or keep only the reason of a refusal. */
void hooks__verbose(bool on);

#endif
