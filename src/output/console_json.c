// SPDX-License-Identifier: GPL-2.0-only
/* A console as one JSON object: each boot, oops, refusal and page with the lines it rests on. */
#include <jansson.h>
#include <string.h>

#include "base/xenpin.h"
#include "console/addresses.h"
#include "console/bugs.h"
#include "record/hypercalls.h"
#include "record/records.h"
#include "console.h"

static void set(json_t *o, const char *name, json_t *value)
{
	json_object_set_new(o, name, value ?: json_null());
}

static json_t *text(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

static json_t *hex(bool known, uint64_t value)
{
	return known ? json_sprintf("0x%llx", (unsigned long long)value) : json_null();
}

static json_t *number(bool known, uint64_t value)
{
	return known ? json_integer(value) : json_null();
}

static json_t *flag(bool known, bool value)
{
	return known ? json_boolean(value) : json_null();
}

static json_t *lines(uint64_t first, uint64_t last)
{
	return json_pack("[II]", (json_int_t)first, (json_int_t)last);
}

static json_t *verdict_object(const struct verdict *v)
{
	json_t *o = json_object(), *why = json_array();

	for (unsigned int i = 0; i < v->nr_why; i++)
		json_array_append_new(why, json_integer(v->why[i]->line));
	set(o, "class", json_string(verdict__class_name(v->class)));
	set(o, "grade", json_string(verdict__grade_name(v->grade)));
	set(o, "finding", json_boolean(verdict__is_finding(v->class)));
	set(o, "text", json_string(v->text));
	set(o, "lines", why);
	set(o, "next", json_string(verdict__next(v->class)));
	set(o, "looks_like",
	    v->bug ? json_pack("{sssssoso}", "name", v->bug->word, "what", v->bug->what, "made_by",
			       text(v->bug->made), "mended_by", text(v->bug->mended))
		   : NULL);
	return o;
}

static json_t *frames_array(const struct trace *t)
{
	json_t *frames = json_array();

	for (unsigned int i = 0; i < t->nr; i++)
		json_array_append_new(frames, json_string(t->frames[i]->name));
	return frames;
}

static const char *kind_of(const struct oops_view *v)
{
	return v->page_fault ? "page-fault" : v->oops->of[FACT_BUG] ? "bug" :
	       v->exception ? "exception" : "unknown";
}

static json_t *oops_object(const struct oops *o, const struct boot_facts *b,
			   const struct console *c)
{
	bool torn = o->torn || c->boots.torn;
	const struct fact *rip = torn ? NULL : o->symbol ?: o->of[FACT_RIP];
	const struct fact *cpu = torn ? NULL : o->of[FACT_CPU],
			  *bug = torn ? NULL : o->of[FACT_BUG];
	const struct fact *fault = o->fault;
	bool page = fault && fault->v[1] != XP_NO_PFN;
	json_t *object = json_object();
	struct oops_view v;

	oops_view__read(&v, o, b, c);
	set(object, "lines", lines(o->first, o->last));
	set(object, "kind", json_string(kind_of(&v)));
	set(object, "address", hex(v.has_address, v.address));
	set(object, "error_code", hex(v.has_code, v.code));
	set(object, "segment", hex(v.segment, v.segment));
	set(object, "rip", rip ? text(rip->text) : NULL);
	set(object, "bug_at", bug ? json_string(bug->text) : NULL);
	set(object, "kernel", cpu ? text(cpu->text) : NULL);
	set(object, "comm", cpu ? text(cpu->name) : NULL);
	set(object, "pid", number(cpu, cpu ? cpu->v[1] : 0));
	set(object, "pfn", hex(v.pfn != XP_NO_PFN, v.pfn));
	set(object, "level", number(v.level, v.level));
	set(object, "read_only", flag(o->of[FACT_WALK] && v.pfn != XP_NO_PFN, v.read_only));
	set(object, "flag", flag(page, page && fault->v[3]));
	set(object, "erased", flag(page, page && fault->v[4]));
	set(object, "where",
	    page && fault->v[4] ? json_string(record__where_name(fault->v[5])) : NULL);
	set(object, "frames", frames_array(&o->trace));
	set(object, "panic", o->panic ? text(o->panic->text) : NULL);
	set(object, "torn", json_boolean(torn));
	set(object, "foreign", json_boolean(o->foreign));
	set(object, "survived", json_boolean(o->survived && !o->unfinished));
	set(object, "verdict", verdict_object(&o->verdict));
	return object;
}

static json_t *call_object(const struct fact *f)
{
	const char *name = hypercall__name(f->v[1]);
	char error[24];
	json_t *o = json_object();

	set(o, "line", json_integer(f->line));
	set(o, "op", text(name));
	set(o, "argument", hex(name && (f->extra < 2 || f->v[2]), f->v[2]));
	set(o, "result", json_integer((int64_t)f->v[3]));
	set(o, "error", json_string(error__name(f->v[3], error, sizeof(error))));
	set(o, "caller", text(f->name));
	set(o, "count", json_integer(f->count));
	return o;
}

static json_t *refusal_object(const struct refusal *r)
{
	json_t *o = json_object(), *calls = json_array();
	const struct fact *f = r->failed;

	for (unsigned int i = 0; i < r->nr_calls; i++)
		json_array_append_new(calls, call_object(r->calls[i]));
	set(o, "line", json_integer(r->first));
	set(o, "failed", number(f, f ? f->v[0] : 0));
	set(o, "of", number(f && !f->extra, f ? f->v[1] : 0));
	set(o, "count", json_integer(f ? f->count : 1));
	set(o, "for", text(refusal__for(r)));
	set(o, "frames", frames_array(&r->trace));
	set(o, "calls", calls);
	return o;
}

static json_t *node_object(const struct fact *f)
{
	json_t *o = json_object();

	set(o, "line", json_integer(f->line));
	set(o, "node", json_integer(f->v[0]));
	set(o, "ms", json_integer(f->v[1]));
	set(o, "pages", number(f->extra, f->v[2]));
	return o;
}

static json_t *erased_object(const struct fact *f)
{
	json_t *o = json_object();

	set(o, "line", json_integer(f->line));
	set(o, "pfn", hex(true, f->v[0]));
	set(o, "level", json_integer(f->v[1]));
	set(o, "where", json_string(record__where_name(f->v[2])));
	return o;
}

static json_t *last_object(const struct fact *f)
{
	return json_pack("{sIsIsIssss}", "line", (json_int_t)f->line, "seq", (json_int_t)f->v[0],
			 "t", (json_int_t)f->v[1], "kind", f->name, "what", f->text);
}

static json_t *fact_array(const struct fact *const *facts, unsigned int nr,
			  json_t *(*object)(const struct fact *f))
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < nr; i++)
		json_array_append_new(array, object(facts[i]));
	return array;
}

static json_t *boot_object(const struct boot_facts *b, const struct console *c)
{
	json_t *o = json_object(), *oopses = json_array(), *refusals = json_array();

	for (unsigned int i = 0; i < b->nr_oopses; i++)
		json_array_append_new(oopses, oops_object(&b->oopses[i], b, c));
	for (unsigned int i = 0; i < b->nr_refusals; i++)
		json_array_append_new(refusals, refusal_object(&b->refusals[i]));
	set(o, "guest", text(c->scan.mender.guests[b->guest]));
	set(o, "lines", lines(b->first_line, b->last_line));
	set(o, "from_its_start", json_boolean(!b->headless));
	set(o, "kernel", b->kernel ? text(b->kernel->text) : NULL);
	set(o, "platform", b->platform ? text(b->platform->text) : NULL);
	set(o, "lives", json_boolean(b->lives && !b->nr_oopses && !b->panic));
	set(o, "nodes", fact_array(b->nodes, b->nr_nodes, node_object));
	set(o, "oopses", oopses);
	set(o, "more_oopses", json_integer(b->more_oopses));
	set(o, "refusals", refusals);
	set(o, "more_refusals", json_integer(b->more_refusals));
	set(o, "erased_total",
	    number(b->erased_total, b->erased_total ? b->erased_total->v[0] : 0));
	set(o, "erased", fact_array(b->erased, b->nr_erased, erased_object));
	set(o, "repaired", number(b->repaired, b->repaired ? b->repaired->v[0] : 0));
	set(o, "history", fact_array(b->last, b->nr_last, last_object));
	set(o, "dropped", number(b->log, b->log ? b->log->v[1] : 0));
	set(o, "panic", b->panic ? text(b->panic->text) : NULL);
	set(o, "verdict", verdict_object(&b->verdict));
	return o;
}

static json_t *said_object(const struct fact *f)
{
	char words[256];

	console__fact_in_words(f, words, sizeof(words));
	return json_pack("{sIsIsssi}", "line", (json_int_t)f->line, "count", (json_int_t)f->count,
			 "text", words, "vcpu", f->vcpu);
}

static json_t *domain_object(const struct xen_domain *d)
{
	json_t *o = json_object();

	set(o, "domain", number(d->domain >= 0, d->domain));
	set(o, "vcpu", number(d->vcpu >= 0, d->vcpu));
	set(o, "said", fact_array(d->facts, d->nr, said_object));
	set(o, "more", json_integer(d->more));
	set(o, "verdict", verdict_object(&d->verdict));
	return o;
}

static json_t *xen_object(const struct console *c)
{
	json_t *o = json_object(), *domains = json_array();

	for (unsigned int i = 0; i < c->xen.nr; i++)
		json_array_append_new(domains, domain_object(&c->xen.domains[i]));
	set(o, "version", c->xen.version ? text(c->xen.version->text) : NULL);
	set(o, "died", c->xen.died ? verdict_object(&c->xen.verdict) : NULL);
	set(o, "domains", domains);
	return o;
}

void console_json__print(FILE *out, const struct console *c, int status)
{
	char notes[CONSOLE_NOTES][CONSOLE_NOTE];
	unsigned int n = console__notes(c, notes);
	char caution[CONSOLE_NOTE];
	json_t *o = json_object(), *boots = json_array(), *said = json_array();

	for (unsigned int i = c->boots.nr; i-- > 0;)
		json_array_append_new(boots, boot_object(c->boots.boot[i], c));
	console__caution(c, caution, sizeof(caution));
	if (*caution)
		json_array_append_new(said, json_stringn(caution, strlen(caution) - 2));
	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(said, json_string(notes[i]));
	set(o, "schema", json_integer(JSON_SCHEMA));
	set(o, "type", json_string("console"));
	set(o, "status", json_integer(status));
	set(o, "text", json_string(c->verdict->text));
	set(o, "verdict", verdict_object(c->verdict));
	set(o, "boots", boots);
	set(o, "xen", xen_object(c));
	set(o, "notes", said);
	set(o, "cut", json_integer(c->scan.cut));
	json_dumpf(o, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(o);
}
