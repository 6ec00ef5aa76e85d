/* SPDX-License-Identifier: GPL-2.0-only */
/* What Xen itself says, by the domain it speaks of. */
#ifndef XENPIN_CONSOLE_XEN_ACCOUNT_H
#define XENPIN_CONSOLE_XEN_ACCOUNT_H

#include "scan.h"
#include "verdict.h"

#define XEN_DOMAINS	16
#define XEN_OF_DOMAIN	64

struct xen_domain {
	int16_t domain;				/* -1: Xen does not say whom it means */
	int16_t vcpu;
	const struct fact *facts[XEN_OF_DOMAIN];
	unsigned int nr;
	uint64_t more;				/* facts for which there was no room */
	struct verdict verdict;
};

struct xen_account {
	struct xen_domain domains[XEN_DOMAINS];
	unsigned int nr;
	const struct fact *version;
	bool died;				/* the hypervisor itself */
	struct verdict verdict;			/* of that */
};

void xen_account__read(struct xen_account *xen, const struct scan *scan);

#define XEN_ANY_DOMAIN	(-2)
#define XEN_NO_DOMAIN	(-3)

/*
 * Xen's word that frame @pfn of @domain is a page table to it: the line, with the level;
 * NULL when there is none, or when two domains have such a frame and it may be any.
 */
const struct fact *xen_account__table(const struct xen_account *xen, int domain, uint64_t pfn,
				      unsigned int *level, bool *pinned);

/* The only domain that Xen speaks of, or NULL. */
const struct xen_domain *xen_account__only(const struct xen_account *xen);

const struct fact *xen_domain__first(const struct xen_domain *domain, enum fact_kind kind);

/* Whether @domain wanted to map frame @mfn of another domain: then it is not its own. */
bool xen_domain__maps_foreign(const struct xen_domain *domain, uint64_t mfn);

/* Gives @domain its verdict.  Private to xen_account.c. */
void judge__xen_domain(struct xen_domain *domain);

/* "dom0", "domain 31", "a domain". */
const char *xen_domain__name(const struct xen_domain *domain, char *buffer, size_t size);

#endif
