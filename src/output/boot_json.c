// SPDX-License-Identifier: GPL-2.0-only
/* The account of a boot, and single records, as JSON lines. */
#include <jansson.h>
#include <string.h>

#include "record/records.h"
#include "boot_output.h"
#include "json.h"

static void set_int(json_t *o, const char *name, bool known, int64_t value)
{
	json_object_set_new(o, name, known ? json_integer(value) : json_null());
}

static void set_string(json_t *o, const char *name, const char *value)
{
	json_object_set_new(o, name, value ? json_string(value) : json_null());
}

static void set_bool(json_t *o, const char *name, bool value)
{
	json_object_set_new(o, name, json_boolean(value));
}

static void set_hex(json_t *o, const char *name, bool known, uint64_t value)
{
	json_object_set_new(o, name, known ? json_sprintf("0x%llx", (unsigned long long)value) :
				     json_null());
}

static json_t *new_object(const char *type)
{
	json_t *o = json_object();

	set_int(o, "schema", true, JSON_SCHEMA);
	set_string(o, "type", type);
	return o;
}

static void print_line(FILE *out, json_t *o)
{
	json_dumpf(o, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(o);
}

static json_t *hook_object(const struct boot_report *r)
{
	const struct boot_stage *hook = &r->boot->hook;
	json_t *o = json_object();

	set_int(o, "t", hook->ended, hook->begin + (r->log ? r->log->t_offset : 0));
	set_int(o, "ns", hook->ended, r->sum.hook_ns);
	set_int(o, "set", hook->ended, hook->pages);
	set_int(o, "marked", r->counts, r->counts ? r->counts->marked : 0);
	set_int(o, "marked_deferred", r->counts, r->counts ? r->counts->marked_deferred : 0);
	return o;
}

/* The kernel's own count, which no log that is too small, off or given back cuts short. */
static json_t *counted_object(const struct xp_boot_log *counts)
{
	json_t *o;

	if (!counts)
		return json_null();
	o = json_object();
	set_int(o, "erased", true, counts->erased);
	set_int(o, "repaired", true, counts->repaired);
	set_int(o, "untracked", true, counts->untracked);
	return o;
}

static json_t *node_object(const struct boot_report *r, unsigned int n)
{
	const struct boot_node *node = &r->boot->nodes[n];
	uint64_t ns = boot_stage__ns(&node->deferred);
	json_t *o = json_object();

	set_int(o, "node", true, n);
	set_int(o, "t", ns, node->deferred.begin + r->log->t_offset);
	set_int(o, "ns", ns, ns);
	set_hex(o, "first_pfn", ns, node->first_pfn);
	set_int(o, "pages", ns, node->deferred.pages);
	set_int(o, "grown", true, node->grown);
	set_int(o, "threads", ns, node->threads);
	set_int(o, "bytes_per_s", ns, ns ? boot__whole(node->deferred.pages * 4096e9 / ns) : 0);
	return o;
}

/* All that a stock kernel says of a node is how long, in jiffies. */
static json_t *stock_node_object(const struct kmsg_node *node)
{
	json_t *o = json_object();

	set_int(o, "node", true, node->node);
	set_int(o, "t", false, 0);
	set_int(o, "ns", true, node->ms * 1000000);
	set_hex(o, "first_pfn", false, 0);
	set_int(o, "pages", false, 0);
	set_int(o, "grown", false, 0);
	set_int(o, "threads", false, 0);
	set_int(o, "bytes_per_s", false, 0);
	return o;
}

static json_t *nodes_array(const struct boot_report *r)
{
	json_t *nodes = json_array();

	for (unsigned int n = 0; r->log && n < XP_LOG_NODES; n++)
		if (r->boot->nodes[n].expected || r->boot->nodes[n].deferred.begun)
			json_array_append_new(nodes, node_object(r, n));
	for (unsigned int i = 0; !r->log && i < r->kmsg->nr_nodes; i++)
		json_array_append_new(nodes, stock_node_object(&r->kmsg->nodes[i]));
	return nodes;
}

static json_t *page_object(uint64_t pfn, uint8_t level, uint16_t where)
{
	json_t *o = json_object();

	set_hex(o, "pfn", true, pfn);
	set_int(o, "level", true, level);
	set_string(o, "where", record__where_name(where));
	return o;
}

static json_t *erased_array(const struct boot_report *r)
{
	const struct boot *b = r->boot;
	json_t *erased = json_array();

	for (uint64_t i = 0; i < b->nr_erased; i++) {
		const struct boot_loss *e = &b->erased[i];
		json_t *o = page_object(e->pfn, e->level, e->where);

		set_int(o, "t", true, e->t + r->log->t_offset);
		/* Where records are missing, that of a repair may be among them. */
		if (e->repaired || r->whole)
			set_bool(o, "repaired", e->repaired);
		else
			json_object_set_new(o, "repaired", json_null());
		json_array_append_new(erased, o);
	}
	return erased;
}

static json_t *gaps_array(const struct boot_report *r)
{
	json_t *gaps = json_array();

	for (unsigned int i = 0; i < r->nr_gaps; i++)
		json_array_append_new(gaps, json_string(r->gaps[i]));
	return gaps;
}

static json_t *difference_object(const struct difference *d)
{
	json_t *o = json_object(), *records = json_array();

	set_hex(o, "pfn", d->pfn != XP_NO_PFN, d->pfn);
	set_hex(o, "mfn", true, d->mfn);
	set_string(o, "xen", verify__type_name(d->xen));
	set_string(o, "history", verify__type_name(d->records));
	set_bool(o, "stale", d->stale);
	for (unsigned int i = 0; i < d->nr_seq; i++)
		json_array_append_new(records, json_integer(d->seq[i]));
	json_object_set_new(o, "records", records);
	return o;
}

static json_t *xen_object(const struct verify_result *x)
{
	json_t *o, *levels, *differences;

	if (!x)
		return json_null();
	o = json_object();
	levels = json_object();
	differences = json_array();
	set_int(levels, "L1", true, x->levels[XP_L1]);
	set_int(levels, "L2", true, x->levels[XP_L2]);
	set_int(levels, "L3", true, x->levels[XP_L3]);
	set_int(levels, "L4", true, x->levels[XP_L4]);
	for (uint64_t i = 0; i < x->nr_differences && i < VERIFY_MAX; i++)
		json_array_append_new(differences, difference_object(&x->differences[i]));
	set_int(o, "frames", true, x->frames);
	json_object_set_new(o, "tables", levels);
	set_int(o, "pinned", true, x->pinned);
	set_int(o, "differing", true, x->nr_differences);
	json_object_set_new(o, "differences", differences);
	return o;
}

/* What a stock kernel's ring of ftrace holds, if it was switched on in time. */
static json_t *ftrace_object(const struct boot_report *r)
{
	json_t *o;

	if (r->log || !r->ftrace->there)
		return json_null();
	o = json_object();
	set_int(o, "allocs", true, r->ftrace->allocs);
	set_int(o, "releases", true, r->ftrace->releases);
	set_int(o, "deferred", true, r->ftrace->deferred);
	set_bool(o, "overwritten", r->ftrace->overwritten);
	return o;
}

static void set_end(json_t *o, const struct boot_report *r)
{
	json_t *end = json_object();

	set_int(end, "tables", r->whole, r->sum.tables);
	set_int(end, "pinned", r->whole, r->sum.pinned);
	set_int(end, "flagged", r->whole, r->sum.flagged);
	set_int(end, "bare", r->whole, r->sum.bare);
	set_int(end, "unrepaired", r->log || r->counts, r->sum.open);
	json_object_set_new(o, "end", end);
}

void boot_json__print(FILE *out, const struct boot_report *r)
{
	const struct boot_sum *s = &r->sum;
	json_t *o = new_object("boot");
	bool exact = r->log;

	set_string(o, "kernel", r->kernel);
	set_string(o, "domain", !r->kernel ? NULL : r->dom0 ? "dom0" : "domU");
	set_bool(o, "exact", exact);
	set_int(o, "resolution_ns", true, exact ? 0 : r->tick_ns);
	set_string(o, "pinned", r->counts ? boot__mode_name(r->counts->mode) : NULL);
	set_int(o, "boot_ns", r->boot_ns, r->boot_ns);
	set_int(o, "handover_t", r->boot->handover.ended, r->boot->handover.begin +
		(exact ? r->log->t_offset : 0));
	set_int(o, "handover_ns", r->boot->handover.ended, s->handover_ns);
	set_int(o, "handover_pages", r->boot->handover.ended, r->boot->handover.pages);
	json_object_set_new(o, "hook", hook_object(r));
	json_object_set_new(o, "nodes", nodes_array(r));
	set_int(o, "deferred_ns", exact ? s->has_deferred : kmsg__has_deferred(r->kmsg),
		exact ? s->deferred_ns : kmsg__deferred_ns(r->kmsg));
	set_int(o, "deferred_pages", exact && s->has_deferred, s->deferred_pages);
	set_int(o, "memmap_ns", s->has_early, r->boot->memmap_ns);
	set_int(o, "memmap_pages", s->has_early, r->boot->memmap_pages);
	set_int(o, "reserved_ns", s->has_early, s->reserved_ns);
	set_int(o, "free_ns", s->has_early, s->free_ns);
	set_int(o, "free_pages", s->has_early, s->free_pages);
	set_int(o, "early_ns_per_page", s->has_early,
		boot__whole(s->early_ns_per_page + 0.5));
	set_int(o, "saved_ns", s->has_saved, s->saved_ns);
	set_int(o, "saved_error_ns", s->has_saved, s->saved_error_ns);
	json_object_set_new(o, "counted", counted_object(r->counts));
	json_object_set_new(o, "erased", exact ? erased_array(r) : json_null());
	set_end(o, r);
	json_object_set_new(o, "ftrace", ftrace_object(r));
	json_object_set_new(o, "xen", xen_object(r->xen));
	set_int(o, "records", true, r->boot->records);
	set_int(o, "slots", true, r->boot->next);
	set_int(o, "dropped", exact, r->dropped);
	json_object_set_new(o, "incomplete", gaps_array(r));
	print_line(out, o);
}
