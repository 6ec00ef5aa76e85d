// SPDX-License-Identifier: GPL-2.0-only
/* A console in words, for a terminal of 80 columns. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "console/addresses.h"
#include "console/bugs.h"
#include "record/records.h"
#include "console.h"

#define WIDTH	79
#define INDENT	13	/* of rows behind their title */
#define SHOWN	8	/* facts of one kind; --json has all */
#define ROW_LEN	1024

/* @text from column @at on, and further lines from @indent on. */
static void wrap(FILE *out, const char *text, int at, int indent)
{
	int begin = at;

	while (*text) {
		int len = strcspn(text, " ");

		if (at > begin && at + 1 + len > WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			at = begin = indent;
		} else if (at > begin) {
			at += fprintf(out, " ");
		}
		fprintf(out, "%.*s", len, text);
		at += len;
		text += len + strspn(text + len, " ");
	}
	fputc('\n', out);
}

/* "  title      sentence"; an empty sentence is no row. */
static void __attribute__((format(printf, 3, 4)))
row(FILE *out, const char *title, const char *format, ...)
{
	char text[ROW_LEN];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!*text)
		return;
	fprintf(out, "  %-10s ", title);
	wrap(out, text, INDENT, INDENT);
}

static void print_nodes(FILE *out, const struct boot_facts *b)
{
	for (unsigned int i = 0; i < b->nr_nodes; i++) {
		const struct fact *f = b->nodes[i];

		if (f->extra)
			row(out, i ? "" : "deferred",
			    "node %" PRIu64 ": %" PRIu64 " ms, %" PRIu64 " pages", f->v[0], f->v[1],
			    f->v[2]);
		else
			row(out, i ? "" : "deferred", "node %" PRIu64 ": %" PRIu64 " ms", f->v[0],
			    f->v[1]);
	}
}

static void print_address(FILE *out, const struct oops_view *v)
{
	char code[32] = "", at[MATCH_TEXT + 8] = "";

	if (v->has_code)
		snprintf(code, sizeof(code), ", error code 0x%04" PRIx64, v->code);
	if (*v->function)
		snprintf(at, sizeof(at), ", in %s", v->where);
	if (v->has_address)
		row(out, "fault", "address 0x%" PRIx64 "%s%s", v->address, code, at);
	else
		row(out, "fault", "address not there, or cut%s%s", code, at);
}

static void print_page(FILE *out, const struct oops_view *v)
{
	const struct fact *fault = v->oops->fault;
	char level[32] = "", flag[64] = "";

	if (v->pfn == XP_NO_PFN)
		return;
	if (v->level)
		snprintf(level, sizeof(level), ", L%u", v->level);
	if (fault && fault->v[1] != XP_NO_PFN)
		snprintf(flag, sizeof(flag), ", flag %s%s%s", fault->v[3] ? "set" : "clear",
			 fault->v[4] ? ", erased: " : "",
			 fault->v[4] ? record__where_name(fault->v[5]) : "");
	row(out, "page", "pfn 0x%" PRIx64 "%s%s%s", v->pfn, level,
	    v->read_only ? ", read-only" : "", flag);
}

static const char *span_in_words(uint64_t first, uint64_t last, char *buffer, size_t size)
{
	if (first == last)
		snprintf(buffer, size, "%" PRIu64, first);
	else
		snprintf(buffer, size, "%" PRIu64 " to %" PRIu64, first, last);
	return buffer;
}

static void print_oops(FILE *out, const struct oops *o, const struct boot_facts *b,
		       const struct console *c)
{
	const struct fact *bug = o->of[FACT_BUG], *cpu = o->torn ? NULL : o->of[FACT_CPU];
	struct oops_view v;
	char lines[64];

	oops_view__read(&v, o, b, c);
	if (&o->verdict != c->verdict && strcmp(o->verdict.text, b->verdict.text))
		row(out, "oops", "%s", o->verdict.text);
	if (v.page_fault && (v.has_address || !o->torn))
		print_address(out, &v);
	else if (bug && !o->torn)
		row(out, "BUG", "%s%s%s", bug->text, *v.function ? ", in " : "", v.function);
	else if (v.exception)
		row(out, "exception", "%s%s%s", v.exception->text, *v.function ? ", in " : "",
		    v.function);
	print_page(out, &v);
	if (cpu)
		row(out, "by", "%s, pid %" PRIu64 ", on Linux %s%s", cpu->name, cpu->v[1],
		    cpu->text,
		    o->foreign ? ": another kernel than this boot's, so another guest's lines"
			       : "");
	row(out, "lines", "%s%s", span_in_words(o->first, o->last, lines, sizeof(lines)),
	    o->torn ? ", not in the order of an oops" : "");
}

static void print_calls(FILE *out, const struct refusal *r)
{
	char words[256];

	for (unsigned int i = 0; i < r->nr_calls && i < SHOWN; i++) {
		console__fact_in_words(r->calls[i], words, sizeof(words));
		row(out, "", "%s (line %" PRIu64 "%s)", words, r->calls[i]->line,
		    r->calls[i]->count > 1 ? ", and again" : "");
	}
}

static void print_refusals(FILE *out, const struct boot_facts *b)
{
	for (unsigned int i = 0; i < b->nr_refusals; i++) {
		const struct refusal *r = &b->refusals[i];
		const char *who = refusal__for(r);
		char of[32] = "";

		if (r->failed && !r->failed->extra)
			snprintf(of, sizeof(of), " of %" PRIu64, r->failed->v[1]);
		row(out, i ? "" : "refused",
		    "%" PRIu64 "%s of a batch%s%s, %u time%s, line %" PRIu64,
		    r->failed ? r->failed->v[0] : r->nr_calls, of, *who ? ", for " : "", who,
		    r->failed ? r->failed->count : 1, r->failed && r->failed->count > 1 ? "s" : "",
		    r->first);
		print_calls(out, r);
	}
	if (b->more_refusals)
		row(out, "", "… and %u more", b->more_refusals);
}

static void print_series(FILE *out, const struct boot_facts *b)
{
	for (unsigned int i = 0; i < b->nr_last; i++)
		fprintf(out, "  %-10s %11.6f s  %-10s %.39s\n", i ? "" : "history",
			b->last[i]->v[1] / 1e9, b->last[i]->name, b->last[i]->text);
	if (b->erased_total)
		row(out, "erased", "%" PRIu64 " flags, the console names %u", b->erased_total->v[0],
		    b->nr_erased);
	for (unsigned int i = 0; i < b->nr_erased && i < SHOWN; i++)
		row(out, "", "L%u pfn 0x%" PRIx64 " (%s)", (unsigned int)b->erased[i]->v[1],
		    b->erased[i]->v[0], record__where_name(b->erased[i]->v[2]));
	if (b->nr_erased > SHOWN)
		row(out, "", "… and %u more (--json has all)", b->nr_erased - SHOWN);
	if (b->repaired)
		row(out, "repaired", "%" PRIu64 " flags", b->repaired->v[0]);
	if (b->log)
		row(out, "boot log", "%" PRIu64 " of %" PRIu64 " slots, %" PRIu64 " records dropped",
		    b->log->v[0], b->log->v[2], b->log->v[1]);
}

/* The lines that a verdict rests on, in their order. */
static void lines_in_words(const struct verdict *v, char *buffer, size_t size)
{
	uint64_t line = 0, next;
	size_t n = 0;

	*buffer = 0;
	do {
		next = UINT64_MAX;
		for (unsigned int i = 0; i < v->nr_why; i++)
			if (v->why[i]->line > line && v->why[i]->line < next)
				next = v->why[i]->line;
		line = next;
		if (line != UINT64_MAX && n < size)
			n += snprintf(buffer + n, size - n, "%s%" PRIu64, n ? ", " : "", line);
	} while (line != UINT64_MAX);
}

/* @said: bits of the classes whose advice is printed already. */
static void print_verdict_rows(FILE *out, const struct verdict *v, uint32_t *said)
{
	char lines[ROW_LEN];

	lines_in_words(v, lines, sizeof(lines));
	if (v->class != VERDICT_UNKNOWN && v->class != VERDICT_LIVES)
		row(out, "verdict", "%s, %s, by line%s %s", verdict__class_name(v->class),
		    verdict__grade_name(v->grade), strchr(lines, ',') ? "s" : "", lines);
	if (v->bug) {
		row(out, "looks like", "%s: %s", v->bug->word, v->bug->what);
		row(out, "", v->bug->made ? "made by %s" : "%s", v->bug->made ?: "");
		row(out, "", v->bug->mended ? "mended by %s" : "%s", v->bug->mended ?: "");
	}
	/* Of a console without any death there is nothing more to be had. */
	if ((v->class != VERDICT_UNKNOWN || v->nr_why) && !(*said & 1U << v->class))
		row(out, "next", "%s", verdict__next(v->class));
	*said |= 1U << v->class;
}

static void print_boot(FILE *out, const struct console *c, const struct boot_facts *b,
		       uint32_t *said)
{
	if (b->kernel)
		row(out, "kernel", "%s%s%s", b->kernel->text, b->platform ? ", on " : "",
		    b->platform ? b->platform->text : "");
	print_nodes(out, b);
	for (unsigned int i = 0; i < b->nr_oopses; i++)
		print_oops(out, &b->oopses[i], b, c);
	if (b->more_oopses)
		row(out, "", "… and %u more oopses", b->more_oopses);
	print_refusals(out, b);
	print_series(out, b);
	if (b->panic)
		row(out, "panic", "%s", b->panic->text);
	print_verdict_rows(out, &b->verdict, said);
}

/* "guest-a, boot 2 of 2, lines 12 to 15" */
static void print_heading(FILE *out, const struct console *c, unsigned int at)
{
	const struct boot_facts *b = c->boots.boot[at];
	const char *name = c->scan.mender.guests[b->guest];
	uint64_t of, number;
	char lines[64];

	of = number = c->boots.older_of[b->guest];
	for (unsigned int i = 0; i < c->boots.nr; i++) {
		of += c->boots.boot[i]->guest == b->guest;
		number += c->boots.boot[i]->guest == b->guest && i <= at;
	}
	fprintf(out, "\n%s%soot %" PRIu64 " of %" PRIu64 "%s, line%s %s%s\n", name,
		*name ? ", b" : "B", number, of,
		number == of && of > 1 ? ", the newest" : "",
		b->first_line == b->last_line ? "" : "s",
		span_in_words(b->first_line, b->last_line, lines, sizeof(lines)),
		b->headless ? ", its start is not there" : "");
}

static void print_xen_domain(FILE *out, const struct console *c, const struct xen_domain *d,
			     uint32_t *said)
{
	char name[24], vcpu[24] = "", words[256], before[256] = "";
	bool tells_more = &d->verdict != c->verdict && (d->verdict.class != VERDICT_UNKNOWN ||
							c->verdict->class == VERDICT_UNKNOWN);
	unsigned int shown = 0;

	if (d->vcpu >= 0)
		snprintf(vcpu, sizeof(vcpu), ", vCPU %d", d->vcpu);
	fprintf(out, "\nXen%s%s of %s%s\n", c->xen.version ? " " : "",
		c->xen.version ? c->xen.version->text : "",
		xen_domain__name(d, name, sizeof(name)), vcpu);
	if (tells_more)
		row(out, "", "%s", d->verdict.text);
	for (unsigned int i = 0; i < d->nr && shown < SHOWN; i++) {
		console__fact_in_words(d->facts[i], words, sizeof(words));
		if (!*words || !strcmp(words, before))
			continue;
		strcpy(before, words);
		row(out, shown++ ? "" : "it says", "%s (line %" PRIu64 "%s)", words,
		    d->facts[i]->line, d->facts[i]->count > 1 ? ", and again" : "");
	}
	if (d->more || shown == SHOWN)
		row(out, "", "… (--json has more)");
	if (tells_more || &d->verdict == c->verdict)
		print_verdict_rows(out, &d->verdict, said);
}

static void print_notes(FILE *out, const struct console *c)
{
	char notes[CONSOLE_NOTES][CONSOLE_NOTE];
	unsigned int n = console__notes(c, notes);

	if (n || c->scan.cut)
		fputc('\n', out);
	for (unsigned int i = 0; i < n; i++)
		row(out, i ? "" : "console", "%s", notes[i]);
	if (c->scan.cut)
		row(out, "damaged", "%" PRIu64 " line%s not whole and not used", c->scan.cut,
		    c->scan.cut == 1 ? " is" : "s are");
}

/* "guest-a: " of the guest whose boot has @verdict; "" when it has no name. */
static const char *name_of(const struct console *c, const struct verdict *verdict, char *name,
			   size_t size)
{
	*name = 0;
	for (unsigned int i = 0; i < c->boots.nr; i++)
		if (&c->boots.boot[i]->verdict == verdict && c->boots.boot[i]->guest)
			snprintf(name, size, "%s: ",
				 c->scan.mender.guests[c->boots.boot[i]->guest]);
	return name;
}

static void print_section(FILE *out, const struct console *c, unsigned int at, bool heading,
			  uint32_t *said)
{
	const struct boot_facts *b = c->boots.boot[at];

	if (heading)
		print_heading(out, c, at);
	if (strcmp(b->verdict.text, c->verdict->text))
		row(out, "", "%s", b->verdict.text);
	print_boot(out, c, b, said);
}

/* The boot that the verdict is of comes first, then the others, the newest first. */
void console_text__print(FILE *out, const struct console *c)
{
	char text[VERDICT_TEXT + 384], name[CONSOLE_NAME + 2], caution[CONSOLE_NOTE];
	bool several = c->boots.nr > 1 || c->guests > 1;
	uint32_t said = 0;

	console__caution(c, caution, sizeof(caution));
	snprintf(text, sizeof(text), "%s%s%s%s.", caution,
		 c->guests > 1 ? name_of(c, c->verdict, name, sizeof(name)) : "", c->verdict->text,
		 c->finding && !verdict__is_finding(c->verdict->class)
			 ? ". But there is a finding below, of another boot or by Xen"
			 : "");
	wrap(out, text, 0, 0);
	if (!several && c->boots.nr)
		fputc('\n', out);
	for (unsigned int i = c->boots.nr; i-- > 0;)
		if (&c->boots.boot[i]->verdict == c->verdict)
			print_section(out, c, i, several, &said);
	for (unsigned int i = c->boots.nr; i-- > 0;)
		if (&c->boots.boot[i]->verdict != c->verdict)
			print_section(out, c, i, several, &said);
	if (c->xen.died && c->verdict != &c->xen.verdict)
		row(out, "Xen", "%s", c->xen.verdict.text);
	else if (c->xen.died) {
		fputc('\n', out);
		print_verdict_rows(out, &c->xen.verdict, &said);
	}
	for (unsigned int i = 0; i < c->xen.nr; i++)
		print_xen_domain(out, c, &c->xen.domains[i], &said);
	print_notes(out, c);
}
