/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Xen itself says of a domain's frames: XEN_DOMCTL_getpageframeinfo3,
 * for the control domain only.
 *
 * libxenctrl is not used: xenpin is one static binary and cannot load it at
 * run time, and these two hypercalls through /dev/xen/privcmd are all it needs.
 */
#ifndef XENPIN_FRAME_TYPES_H
#define XENPIN_FRAME_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XEN_REASON_LEN 160	/* as AUDIT_REASON_LEN */

/* Xen's type of a frame; the first five are enum xp_level's numbers. */
enum xen_type {
	XEN_T_NONE = 0,		/* a page like any other */
	XEN_T_L1, XEN_T_L2, XEN_T_L3, XEN_T_L4,
	XEN_T_FOREIGN = 15,	/* not this domain's, or no frame at all */
	XEN_T_LEVEL = 15,	/* mask of the above */
	XEN_T_PINNED = 16,	/* and explicitly pinned */
	XEN_T_UNKNOWN = 255,	/* Xen was not asked, or did not answer */
};

static inline bool xen__is_table(uint8_t type)
{
	return type != XEN_T_UNKNOWN && (type & XEN_T_LEVEL) >= XEN_T_L1 &&
	       (type & XEN_T_LEVEL) <= XEN_T_L4;
}

static inline bool xen__is_no_table(uint8_t type)
{
	return type != XEN_T_UNKNOWN && !xen__is_table(type);
}

/*
 * The control domain, which is the only one that may ask, and so a caller's own: a domctl does
 * not know DOMID_SELF.
 */
#define XEN_DOM0 0

struct xen;

/*
 * Open privcmd and find out which interface version this Xen wants.  Returns 0,
 * or -errno with a sentence in @why.  Needs the device, no capability later on.
 */
int xen__open(struct xen **xen, char why[XEN_REASON_LEN]);
void xen__close(struct xen *xen);

/* "0x15": the domctl interface version, for a person. */
uint32_t xen__version(const struct xen *xen);

/*
 * The types of @n frames of @domain, by machine frame number.  Consecutive
 * calls are not one moment.  Returns 0 or -errno.
 */
int xen__types(struct xen *xen, uint16_t domain, const uint64_t *mfns, uint8_t *types, size_t n);

/* The highest machine frame number, of no domain but of the machine; or -errno. */
int64_t xen__max_mfn(struct xen *xen);

#endif
