/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks at the guest's page tables and flags, taken by BPF (bpf/audit.bpf.c).
 *
 * A look is not one moment: tables come and go while it is taken.
 */
#ifndef XENPIN_SNAPSHOT_H
#define XENPIN_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/audit.h"
#include "../../include/record.h"

#define AUDIT_REASON_LEN 160

struct snapshot;

/*
 * Load the programs and find the kernel's tables.  0, or -errno with a sentence in @why:
 * -ENOKEY when this kernel does not say where they are, which no other try will change.
 */
int snapshot__open(struct snapshot **snapshot, char why[AUDIT_REASON_LEN]);
void snapshot__close(struct snapshot *snapshot);

/* Walk all trees, then look for the flag in all struct pages.  0 or -errno. */
int snapshot__look(struct snapshot *snapshot);

/* Of the last look; valid until the next. */
const struct xp_look *snapshot__what(const struct snapshot *snapshot);
const struct xp_places *snapshot__places(const struct snapshot *snapshot);
struct xp_seen *snapshot__tables(const struct snapshot *snapshot);
const struct xp_flagged *snapshot__flagged(const struct snapshot *snapshot);

/*
 * A frame that the walk did not reach, to be looked at again; places for @leave more
 * stay free.  Its index, or -ENOSPC.
 */
int snapshot__add(struct snapshot *snapshot, uint64_t pfn, uint32_t leave);

/* Look again at these tables, by index: their .state is new.  0 or -errno. */
int snapshot__again(struct snapshot *snapshot, const uint32_t *indices, size_t n);

/* All mms that a process has.  *@owners is the caller's to free.  Their number, or -errno. */
int snapshot__owners(struct snapshot *snapshot, struct xp_owner **owners);

#endif
