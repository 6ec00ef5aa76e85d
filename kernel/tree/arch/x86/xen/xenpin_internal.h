/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of xenpin want of each other; include/xen/xenpin.h has what others call. */
#ifndef _XEN_XENPIN_INTERNAL_H
#define _XEN_XENPIN_INTERNAL_H

#include <xen/xenpin.h>

struct kobject;

/* xenpin.c: what the boot log's header counts, whether or not there is room for records. */
extern struct xp_boot_log xenpin_header;

/* xenpin_track.c: the pages whose PagePinned is set, until all struct pages are valid. */
bool __init xenpin_track_begin(bool wanted);
bool xenpin_track(unsigned long pfn, unsigned int level, bool set);
bool xenpin_track_erase(unsigned long pfn, enum xp_where where, unsigned int *level);
void __init xenpin_track_count(unsigned long *marked, unsigned long *deferred);
void __init xenpin_track_repair(void);
bool xenpin_was_erased(unsigned long pfn, unsigned int *level, enum xp_where *where);

/* xenpin_marking.c: when boot page tables are marked. */
#ifdef CONFIG_XENPIN_MARKING_POINT
bool __init xenpin_marking_begin(void (*mark)(void));
enum xp_log_mode __init xenpin_marking_mode(void);
void __init xenpin_mark_early(void);
#else
static inline bool xenpin_marking_begin(void (*mark)(void)) { return false; }
static inline enum xp_log_mode xenpin_marking_mode(void) { return XP_MODE_HOOK; }
static inline void xenpin_mark_early(void) { }
#endif

/* xenpin_console.c: the last words of a guest. */
void xenpin_note_erased(unsigned long pfn, unsigned int level, enum xp_where where);
void __init xenpin_console_begin(void);
void __init xenpin_console_tracked(void);

/* xenpin_log.c: the boot log, or those who continue it. */
typedef void (*xenpin_about_fn)(const struct xp_record *r, const struct xp_op *op,
				void *context);

#ifdef CONFIG_XENPIN_BOOT_LOG
DECLARE_TRACEPOINT(xenpin_record);
bool xenpin_logged(void);
void xenpin_log(struct xp_record *r, const void *more, size_t bytes);
void __init xenpin_log_elsewhere(void);
bool __init xenpin_log_begin(void);
bool __init xenpin_clock_ready(void);
u64 xenpin_clock(void);
u64 xenpin_log_stop(enum xp_log_end end);
void xenpin_log_each_about(unsigned long pfn, xenpin_about_fn fn, void *context);
u64 xenpin_log_time(const struct xp_record *r);
void xenpin_log_print_state(void);
#else
static inline bool xenpin_logged(void) { return false; }
static inline void xenpin_log(struct xp_record *r, const void *more, size_t bytes) { }
static inline void xenpin_log_elsewhere(void) { }
static inline bool xenpin_log_begin(void) { return false; }
static inline void xenpin_log_each_about(unsigned long pfn, xenpin_about_fn fn,
					 void *context) { }
static inline u64 xenpin_log_time(const struct xp_record *r) { return 0; }
static inline void xenpin_log_print_state(void) { }
#endif

/* xenpin_early.c: a ring that continues the log, for which there must be one. */
#ifdef CONFIG_XENPIN_EARLY_BPF
bool __init xenpin_early_wanted(void);
int __init xenpin_early_publish(struct kobject *dir);
#else
static inline bool xenpin_early_wanted(void) { return false; }
static inline int xenpin_early_publish(struct kobject *dir) { return 0; }
#endif

#endif /* _XEN_XENPIN_INTERNAL_H */
