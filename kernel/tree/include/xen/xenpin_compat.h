/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the kernels that the series supports. */
#ifndef _XEN_XENPIN_COMPAT_H
#define _XEN_XENPIN_COMPAT_H

#include <linux/page-flags.h>
#include <linux/version.h>

/* 6.18: the flags are a struct of their own. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define xenpin_flags(page) (&(page)->flags.f)
#else
#define xenpin_flags(page) (&(page)->flags)
#endif

/* 6.16: files of sysfs are constant. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
typedef const struct bin_attribute xenpin_bin_attribute;
#else
typedef struct bin_attribute xenpin_bin_attribute;
#endif

/* The flag as it stands, of any page whose struct page is there: no check that could fail. */
#define xenpin_page_flag(page) test_bit(PG_pinned, xenpin_flags(page))

#endif /* _XEN_XENPIN_COMPAT_H */
