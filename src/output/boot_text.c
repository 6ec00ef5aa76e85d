// SPDX-License-Identifier: GPL-2.0-only
/* The account of a boot in words. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "record/records.h"
#include "boot_output.h"

#define SHOWN	8	/* losses, one a line; --json has all */

const char *boot__mode_name(uint32_t mode)
{
	static const char *const names[] = {
		[XP_MODE_HOOK] = "hook", [XP_MODE_EARLY] = "early", [XP_MODE_REPAIR] = "repair",
	};

	return mode <= XP_MODE_REPAIR ? names[mode] : "unknown";
}

/* "  title      sentence" */
static void __attribute__((format(printf, 3, 4)))
row(FILE *out, const char *title, const char *format, ...)
{
	va_list args;

	fprintf(out, "  %-10s ", title);
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
	fputc('\n', out);
}

/* Seconds since the first record: nothing else is older. */
static double since(const struct boot_report *r, int64_t t)
{
	return (t - r->boot->first) / 1e9;
}

static void print_head(FILE *out, const struct boot_report *r)
{
	fprintf(out, "Boot of Linux %s", r->kernel ?: "(a log from elsewhere)");
	if (r->kernel)
		fprintf(out, " in %s", r->dom0 ? "dom0" : "a domU");
	if (!r->log) {
		fprintf(out, ", from the kernel's messages: times are +-%.3g ms\n\n",
			r->tick_ns / 1e6);
		return;
	}
	fprintf(out, ", xenpin.pinned=%s: %" PRIu64 " records from the boot log%s\n\n",
		boot__mode_name(r->log->mode), r->boot->records,
		r->early ? " and the early ring" : "");
}

static void print_handover(FILE *out, const struct boot_report *r)
{
	const struct boot_stage *s = &r->boot->handover;

	if (s->ended)
		row(out, "hand-over", r->sum.has_deferred ?
		    "at %.6f s, %.3f ms: %" PRIu64 " pages, %" PRIu64 " of them deferred" :
		    "at %.6f s, %.3f ms: %" PRIu64 " pages", since(r, s->begin),
		    r->sum.handover_ns / 1e6, s->pages, r->sum.deferred_pages);
	else
		row(out, "hand-over", "not seen");
}

static void print_hook(FILE *out, const struct boot_report *r)
{
	const struct boot *b = r->boot;

	if (b->hook.ended)
		row(out, "hook", "at %.6f s, %.3f ms: set %" PRIu64 " flags; then %llu boot page "
		    "tables carry it, %llu of them in the deferred range", since(r, b->hook.begin),
		    r->sum.hook_ns / 1e6, b->hook.pages, (unsigned long long)r->log->marked,
		    (unsigned long long)r->log->marked_deferred);
	else
		row(out, "hook", "not seen");
}

static void print_node(FILE *out, const struct boot_report *r, unsigned int n)
{
	const struct boot_node *node = &r->boot->nodes[n];
	uint64_t ns = boot_stage__ns(&node->deferred);

	if (ns)
		row(out, "deferred", "at %.6f s, %.3f ms: node %u, %" PRIu64 " pages from pfn 0x%"
		    PRIx64 " on, %s%u thread%s, %.3g GB/s", since(r, node->deferred.begin), ns / 1e6,
		    n, node->deferred.pages, node->first_pfn, node->threads == 1 ? "" : "at most ",
		    node->threads, node->threads == 1 ? "" : "s", node->deferred.pages * 4096.0 / ns);
	else if (boot__node_open(node))
		row(out, "deferred", "node %u: its end was not seen", n);
	if (node->grown)
		row(out, "", "node %u, before: %" PRIu64 " pages, when somebody needed them", n,
		    node->grown);
}

static void print_deferred(FILE *out, const struct boot_report *r)
{
	bool any = false;

	for (unsigned int n = 0; n < XP_LOG_NODES; n++) {
		print_node(out, r, n);
		any |= r->boot->nodes[n].deferred.begun || r->boot->nodes[n].expected;
	}
	if (!any)
		row(out, "deferred", "nothing was deferred");
}

/* A difference that is smaller than what may be wrong with it is none. */
static void print_deferral(FILE *out, const struct boot_sum *s)
{
	double would = s->deferred_pages * s->early_ns_per_page;
	double saved = s->saved_ns < 0 ? -(double)s->saved_ns : s->saved_ns;

	if (saved < s->saved_error_ns)
		row(out, "deferral", "saved or cost less than this boot can tell (%.0f ms, give or take %.0f); two "
		    "boots can: xenpin boot --compare", s->saved_ns / 1e6, s->saved_error_ns / 1e6);
	else
		row(out, "deferral", "%s about %.0f ms, give or take %.0f",
		    s->saved_ns < 0 ? "saved nothing, it cost" : "saved", saved / 1e6,
		    s->saved_error_ns / 1e6);
	row(out, "", "%" PRIu64 " pages would have cost about %.0f ms early, the deferred stage took %.3f ms",
	    s->deferred_pages, would / 1e6, s->deferred_ns / 1e6);
}

static void print_saved(FILE *out, const struct boot_report *r)
{
	const struct boot_sum *s = &r->sum;

	if (!s->has_early)
		return;
	row(out, "early", "%.1f ns a page: %.3f ms for %" PRIu64 " struct pages, %.3f ms of the "
	    "hand-over for %" PRIu64 " pages", s->early_ns_per_page, r->boot->memmap_ns / 1e6,
	    r->boot->memmap_pages, s->free_ns / 1e6, s->free_pages);
	row(out, "", "reserved pages took the other %.3f ms of the hand-over", s->reserved_ns / 1e6);
	if (s->has_saved)
		print_deferral(out, s);
}

static void print_counted(FILE *out, const struct xp_boot_log *counts)
{
	row(out, "erased", "%" PRIu64 " flags by struct-page init, %" PRIu64 " repaired, by the kernel's count%s",
	    (uint64_t)counts->erased, (uint64_t)counts->repaired,
	    counts->erased > counts->repaired ? ": the others are lost" : "");
}

static void print_losses(FILE *out, const struct boot_report *r)
{
	const struct boot *b = r->boot;

	if (!r->log->erased && !b->nr_erased) {
		row(out, "erased", "no flag");
		return;
	}
	/* The kernel counts also what its log has no room for. */
	if (r->log->erased != b->nr_erased)
		row(out, "erased", "%" PRIu64 " flags by struct-page init, %" PRIu64 " repaired, by the "
		    "kernel's count; records tell of %" PRIu64, (uint64_t)r->log->erased,
		    (uint64_t)r->log->repaired, b->nr_erased);
	else
		row(out, "erased", "%" PRIu64 " flags by struct-page init, %" PRIu64 " of them repaired",
		    b->nr_erased, b->nr_erased - r->sum.open);
	/* What nobody repaired comes first. */
	for (int repaired = 0, shown = 0; repaired < 2; repaired++) {
		for (uint64_t i = 0; i < b->nr_erased && shown < SHOWN; i++) {
			const struct boot_loss *e = &b->erased[i];

			if (e->repaired != repaired)
				continue;
			shown++;
			row(out, "", "L%u pfn 0x%" PRIx64 " (%s)%s", e->level, e->pfn,
			    record__where_name(e->where), repaired || !r->whole ? "" : ", NOT repaired");
		}
	}
	if (b->nr_erased > SHOWN)
		row(out, "", "… and %" PRIu64 " more (--json has all)", b->nr_erased - SHOWN);
}

static void print_exact(FILE *out, const struct boot_report *r)
{
	print_handover(out, r);
	print_hook(out, r);
	print_deferred(out, r);
	print_saved(out, r);
	print_losses(out, r);
	if (r->whole)
		row(out, "at the end", "%" PRIu64 " page tables, %" PRIu64 " of them pinned; %" PRIu64
		    " carry the flag, %" PRIu64 " never had it, %" PRIu64 " lost it", r->sum.tables,
		    r->sum.pinned, r->sum.flagged, r->sum.bare, r->sum.open);
	else
		row(out, "at the end", "how many page tables there are, and how many have the flag, is not "
		    "known: records are missing");
}

static void print_difference(FILE *out, const struct difference *d)
{
	char pfn[24] = "none";

	if (d->pfn != XP_NO_PFN)
		snprintf(pfn, sizeof(pfn), "0x%" PRIx64, d->pfn);
	row(out, "", "pfn %s mfn 0x%" PRIx64 ": Xen says %s, the records say %s%s", pfn, d->mfn,
	    verify__type_name(d->xen), verify__type_name(d->records),
	    d->stale ? ", by a stale flag alone" : "");
	for (unsigned int i = 0; i < d->nr_seq; i++)
		fprintf(out, "%s %u", i ? "" : "               records", d->seq[i]);
	if (d->nr_seq)
		fputc('\n', out);
}

static void print_xen(FILE *out, const struct boot_report *r)
{
	const struct verify_result *x = r->xen;

	row(out, "Xen's list", "%" PRIu64 " frames, of these %" PRIu64 " L1, %" PRIu64 " L2, %"
	    PRIu64 " L3, %" PRIu64 " L4, %" PRIu64 " pinned: %" PRIu64 " difference%s to the records",
	    x->frames, x->levels[1], x->levels[2], x->levels[3], x->levels[4], x->pinned,
	    x->nr_differences, x->nr_differences == 1 ? "" : "s");
	for (uint64_t i = 0; i < x->nr_differences && i < VERIFY_MAX; i++)
		print_difference(out, &x->differences[i]);
}

/* What this boot did without, and the next one need not. */
static void print_more(FILE *out, const struct boot_report *r)
{
	fputs("\nMore would tell:\n", out);
	if (!r->series && !r->ftrace->there)
		fputs("  trace_event=xen:xen_mmu_alloc_ptpage,xen:xen_mmu_release_ptpage "
		      "trace_buf_size=4M\n"
		      "      on the command line: page tables that come and go before user space\n",
		      out);
	fprintf(out, "  %s\n      hand-over, hook, pages of the deferred stage, every flag that is erased\n",
		r->series ? "xenpin.log=1 on the command line" : "a kernel with xenpin's series (kernel/README.md)");
}

static void print_stock(FILE *out, const struct boot_report *r)
{
	const struct kmsg *k = r->kmsg;
	const struct boot_ftrace *f = r->ftrace;

	if (k->memory)
		row(out, "hand-over", "over before %.6f s, as the hook", k->memory / 1e9);
	for (unsigned int i = 0; i < k->nr_nodes; i++)
		row(out, "deferred", "node %u: %" PRIu64 " ms, until %.6f s", k->nodes[i].node,
		    k->nodes[i].ms, k->nodes[i].end / 1e9);
	if (!k->nr_nodes)
		row(out, "deferred", "no message of it%s", k->complete ? ": nothing was deferred" :
		    k->unread ? ": they cannot be read" : ", and the first messages are gone");
	if (f->there)
		row(out, "tables", "%" PRIu64 " allocated and %" PRIu64 " released before user "
		    "space, %" PRIu64 " of these in the deferred stage%s", f->allocs, f->releases,
		    f->deferred, f->overwritten ? " (the first ones were overwritten)" : "");
	if (r->counts)
		print_counted(out, r->counts);
	else
		row(out, "erased", "unknown: %s", r->series ? "nobody counted" : "no stock kernel tells");
	print_more(out, r);
}

void boot_text__print(FILE *out, const struct boot_report *r)
{
	print_head(out, r);
	if (r->boot_ns)
		row(out, "whole boot", "%.6f s, from the first %s to user space", r->boot_ns / 1e9,
		    r->log ? "record" : "message");
	if (r->log)
		print_exact(out, r);
	else
		print_stock(out, r);
	if (r->xen)
		print_xen(out, r);
	if (r->early && r->dropped && !r->nr_gaps)
		row(out, "later", "%" PRIu64 " records found the early ring full; boot was over by "
		    "then", r->dropped);
	for (unsigned int i = 0; i < r->nr_gaps; i++)
		row(out, i ? "" : "INCOMPLETE", "%s", r->gaps[i]);
}
