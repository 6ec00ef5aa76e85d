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

#include "../../include/audit_maps.h"
#include "../../include/record.h"

#define AUDIT_REASON_LEN 160

struct snapshot;

/*
 * Load the programs and find the kernel's tables.  0, or -errno with a sentence in @why:
 * -ENOKEY when this kernel does not say where they are, which no other try will change.
 */
int snapshot__open(struct snapshot **snapshot, char why[AUDIT_REASON_LEN]);
void snapshot__close(struct snapshot *snapshot);

/*
 * Walk all trees, then look for the flag in all struct pages, then for pages that the direct
 * map has read-only.  0 or -errno.
 */
int snapshot__look(struct snapshot *snapshot);

/* Of the last look; valid until the next. */
const struct xp_look *snapshot__what(const struct snapshot *snapshot);
const struct xp_places *snapshot__places(const struct snapshot *snapshot);
struct xp_seen *snapshot__tables(const struct snapshot *snapshot);
const struct xp_flagged *snapshot__flagged(const struct snapshot *snapshot);

/* Pages without the flag that are read-only in the direct map; or what snapshot__explain() found. */
const struct xp_readonly *snapshot__readonly(const struct snapshot *snapshot);

/*
 * A frame that the walk did not reach, to be looked at again; places for @leave more
 * stay free.  Its index, or -ENOSPC.
 */
int snapshot__add(struct snapshot *snapshot, uint64_t pfn, uint32_t leave);

/* Look again at these tables, by index: their .state is new.  0 or -errno. */
int snapshot__again(struct snapshot *snapshot, const uint32_t *indices, size_t n);

/*
 * Read these tables, by index: L1 tables of the kernel's own, outside its direct map, and L4
 * tables of processes.  Pages that the former map read-only, and LDTs of the latter, are then
 * where snapshot__readonly() is.  0 or -errno.
 */
int snapshot__explain(struct snapshot *snapshot, const uint32_t *indices, size_t n);

/*
 * From here on what moves page tables is counted, until snapshot__ignore().  For the time
 * that suspects are being settled, and no longer: it costs each fork something.  0 or -errno.
 */
int snapshot__follow(struct snapshot *snapshot);
void snapshot__ignore(struct snapshot *snapshot);
const struct xp_moves *snapshot__moves(const struct snapshot *snapshot);

/* So many tasks were preempted while they made or ended a page table; or -errno. */
int snapshot__halfway(struct snapshot *snapshot);

/* See moves.h. */
int snapshot__visit_cpus(struct snapshot *snapshot);
bool snapshot__missed_moves(struct snapshot *snapshot);

/* All mms that a process has.  *@owners is the caller's to free.  Their number, or -errno. */
int snapshot__owners(struct snapshot *snapshot, struct xp_owner **owners);

#endif
