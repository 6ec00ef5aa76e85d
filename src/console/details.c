// SPDX-License-Identifier: GPL-2.0-only
/* What a format alone does not take out of a line. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/hypercalls.h"
#include "addresses.h"
#include "fact.h"

bool fact__function(const char *text, bool whole, char *name, size_t size)
{
	size_t len = strcspn(text, "+ \t"), plain = strcspn(text, "+. \t") ?: len;
	const char *module = strchr(text + len, '[');
	struct match found;

	if (!len || match(text + len, whole, "+%x/%x", &found) != MATCH_YES)
		return false;
	/* The offset of a place in a function is less than its size: else digits are missing. */
	if (found.v[0] > found.v[1])
		return false;
	match__copy(name, size, text, plain);
	if (module && isalpha(module[1]) && plain + 3 < size)
		snprintf(name + plain, size - plain, " %.*s]", (int)strcspn(module, " ]"), module);
	return true;
}

/* The symbol behind "[<addr>] [<addr>] " and ":module:", which old kernels print. */
static bool symbol_details(struct fact *f, bool whole)
{
	char *s = f->text, *module = NULL, *size;
	size_t len;

	f->v[0] = segment__selector(f->v[0]);
	while (!strncmp(s, "[<", 2) && strstr(s, ">]")) {
		f->v[1] = strtoull(s + 2, NULL, 16);
		s = strstr(s, ">]") + 2;
		s += strspn(s, " ");
	}
	if (*s == ':' && strchr(s + 1, ':')) {
		module = s + 1;
		s = strchr(s + 1, ':') + 1;
	}
	if (!fact__function(s, whole, f->name, sizeof(f->name))) {
		*f->text = 0;
		return whole;
	}
	len = strlen(f->name);
	if (module)
		snprintf(f->name + len, sizeof(f->name) - len, " [%.*s]",
			 (int)strcspn(module, ":"), module);
	size = strchr(s, '/') + 1;
	size[strspn(size, "0123456789abcdefx")] = 0;
	memmove(f->text, s, strlen(s) + 1);
	return true;
}

/*
 * Whether an entry has all of its digits.  Linux does not pad them, but those of kernel
 * memory begin with the bit that forbids to execute, or with the one that Xen sets in a
 * guest's entries; of upper ones nothing shows that they are whole, unless they are 0.
 */
static bool entry_is_whole(const char *digits, unsigned int length, unsigned int level)
{
	return (length == 1 && *digits == '0') ||
	       (level == 1 && (length == 16 || (length == 14 && *digits == '1')));
}

/* The value and Xen's level of the last entry of "PGD 1 P4D 2 PUD 3 PMD 4 PTE 5". */
static bool walk_details(struct fact *f, bool whole)
{
	static const struct { const char *word; unsigned int level; } words[] = {
		{ "PTE ", 1 }, { "PMD ", 2 }, { "PUD ", 3 }, { "P4D ", 4 },
	};
	struct match found;

	f->v[1] = 4;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		const char *at = strstr(f->text, words[i].word);

		if (!at)
			continue;
		f->v[1] = words[i].level;
		if (match(at + 4, whole, "%x", &found) != MATCH_YES)
			return false;
		f->v[0] = found.v[0];
		return entry_is_whole(at + 4, found.length, words[i].level);
	}
	if (match(f->text, whole, "%x", &found) != MATCH_YES)
		return false;
	f->v[0] = found.v[0];
	return entry_is_whole(f->text, found.length, 4);
}

/* "PLACE error 3 cr2 0xffff8801e5b3fff0", where an address has all its digits, or is 0. */
static bool early_details(struct fact *f, bool whole)
{
	const char *error = strstr(f->text, " error "), *cr2 = strstr(f->text, " cr2 ");
	uint64_t vector = f->v[0], segment = segment__selector(f->v[1]);
	struct match found;

	fact__function(f->text, whole, f->name, sizeof(f->name));
	if (!error || match(error, whole, " error %x", &found) != MATCH_YES)
		return false;
	memset(f->v, 0, sizeof(f->v));
	f->v[0] = found.v[0];
	f->v[1] = segment;
	f->v[2] = vector;
	if (cr2 && match(cr2, whole, " cr2 %x", &found) == MATCH_YES &&
	    (found.length == 16 || !found.v[0])) {
		f->v[3] = found.v[0];
		f->v[4] = 16;
	}
	snprintf(f->text, sizeof(f->text), "exception %u, before it could handle any",
		 (unsigned int)vector & 0xff);
	return vector < 256;
}

/* Numbers that are no task's and no CPU's are of a line that was damaged. */
#define PID_MAX	(4 << 20)
#define CPU_MAX	8192

/* 5.0 has words for the error code's bits. */
static bool code_details(struct fact *f, bool whole)
{
	static const struct { const char *word; unsigned int bit;
	} words[] = {
		{ "[PROT]", 1 }, { "[WRITE]", 2 },  { "[USER]", 4 },
		{ "[RSVD]", 8 }, { "[INSTR]", 16 },
	};

	if (!f->extra)
		return f->v[0] < 1 << 16;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		f->v[0] |= strstr(f->text, words[i].word) ? words[i].bit : 0;
	/* Without a second word the line may be cut; "Oops:" tells the same. */
	return whole && (f->v[0] & (f->v[0] - 1));
}

/*
 * Copies the release with which @text begins; behind it is the version, "#1 SMP", or in
 * parentheses who built it, perhaps without the space where a line was joined.  Returns
 * false when that is not there: then the release has lost its end.
 */
static bool take_release(char *to, size_t size, const char *text)
{
	size_t len = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  ".-+_~?");
	const char *behind = text + len + strspn(text + len, " \t");

	if (!len || !isdigit(*text) || (*behind != '#' && *behind != '('))
		return false;
	match__copy(to, size, text, len);
	return true;
}

/* "COMM Not tainted RELEASE #1 …", "COMM Tainted: G   W  RELEASE #1 …". */
static bool cpu_details(struct fact *f, bool whole)
{
	const char *taint = strstr(f->text, " Not tainted "), *release;
	unsigned int pid = f->extra == 0 ? 2 : f->extra == 1 ? 1 : 0;
	char text[MATCH_TEXT];

	taint = taint ? taint + 4 : strstr(f->text, " Tainted: ");
	f->v[1] = f->v[pid];
	if (!taint)
		return false;
	match__copy(f->name, sizeof(f->name), f->text,
		    strcspn(f->text, " ") < (size_t)(taint - f->text) && f->text[0] ?
		    strcspn(f->text, " ") : (size_t)(taint - f->text));
	if (f->v[pid] > PID_MAX || (pid && f->v[0] >= CPU_MAX))
		return false;
	release = taint + 9;
	while (*release && !(isdigit(*release) && (release[-1] == ' ' || release[-1] == '(')))
		release++;
	if (!take_release(text, sizeof(text), release))
		return false;
	strcpy(f->text, text);
	return true;
}

static bool kernel_details(struct fact *f, bool whole)
{
	char text[MATCH_TEXT];

	if (!take_release(text, sizeof(text), f->text))
		return false;
	strcpy(f->text, text);
	return true;
}

static bool trap_details(struct fact *f, bool whole)
{
	static const char *const names[] = {
		"", "general protection fault", "invalid opcode", "double fault", "stack segment",
		"divide error", "int3", "alignment check", "control protection", "stack overflow",
		"bad page table",
	};

	strcpy(f->text, names[f->extra]);
	return true;
}

static bool bug_details(struct fact *f, bool whole)
{
	char *colon = strrchr(f->text, ':'),
	     *end = colon ? colon + 1 + strspn(colon + 1, "0123456789") : NULL;

	/* "Kernel BUG at" of 2.6.18 has no exclamation mark. */
	if (!colon || end == colon + 1 || (*end != '!' && !(f->extra && whole)))
		return false;
	*end = 0;
	return true;
}

/* "FILE:LINE FUNCTION+…", or since 6.19 "FILE:LINE at FUNCTION+…, CPU#0: …". */
static bool warning_details(struct fact *f, bool whole)
{
	char *end = f->text + strcspn(f->text, " "), *at = end + strspn(end, " ");
	const char *cpu = strstr(at, ", CPU#");
	struct match found;

	if (end == f->text || !memchr(f->text, ':', end - f->text)) {
		/* "WARNING: …" of other kinds is no trace. */
		f->kind = FACT_NONE;
		return false;
	}
	if (!strncmp(at, "at ", 3))
		at += 3;
	if (!fact__function(at, true, f->name, sizeof(f->name)) && !*at && !whole)
		return false;
	if (cpu && match(cpu, whole, ", CPU#%d", &found) == MATCH_YES) {
		f->v[0] = found.v[0];
		f->extra = 1;
	}
	*end = 0;
	return true;
}

static bool panic_details(struct fact *f, bool whole)
{
	char *end = f->extra ? strstr(f->text, " ]---") : NULL;

	if (end)
		*end = 0;
	return true;
}

static bool page_details(struct fact *f, bool whole)
{
	const char *at = strstr(f->text, "pfn:");
	struct match found;

	if (!at || match(at + 4, whole, "%x", &found) != MATCH_YES) {
		f->kind = at ? f->kind : FACT_NONE;
		return false;
	}
	f->v[0] = found.v[0];
	return true;
}

static bool deferred_details(struct fact *f, bool whole)
{
	uint64_t pages = f->v[1];

	if (f->extra) {
		f->v[1] = f->v[2];
		f->v[2] = pages;
	}
	return true;
}

/* Numbers behind @word, at most two of them into f->v from @at on.  Returns how many there are. */
static unsigned int arguments(struct fact *f, bool whole, const char *word, unsigned int at)
{
	const char *s = strstr(f->text, word);
	struct match found;

	if (!s)
		return 0;
	match(s + strlen(word), whole, "%x %x %x", &found);
	for (unsigned int i = 0; i < 2 && i < found.nr; i++)
		f->v[at + i] = found.v[i];
	return found.nr;
}

/* An mmuext_op has three words, an mmu_update two: with fewer the line is not whole. */
static bool call_has_arguments(const struct fact *f, unsigned int nr)
{
	return nr >= (f->v[1] == HYPERCALL_mmuext_op ? 3 : 2);
}

/* To number, op, argument, result; then, of the debug format, two of pars= and two of args=. */
static bool call_details(struct fact *f, bool whole)
{
	uint64_t v[4] = { f->v[0], f->v[1], f->v[2], f->v[3] };
	const char *caller = f->text + strspn(f->text, " \t");

	if (f->extra == 1) {
		v[1] = f->v[2];
		v[2] = f->v[3];
		v[3] = f->v[4];
	} else if (f->extra == 2) {
		v[3] = f->v[2];
		v[2] = 0;
	}
	memset(f->v, 0, sizeof(f->v));
	memcpy(f->v, v, sizeof(v));
	fact__function(caller, whole, f->name, sizeof(f->name));
	if (f->extra == 2) {
		arguments(f, whole, "pars=", 4);
		f->v[2] = f->v[4];
		f->extra = call_has_arguments(f, arguments(f, whole, "args=", 6)) ? 2 : 3;
	}
	return true;
}

static bool whole_details(struct fact *f, bool whole)
{
	return whole;
}

static bool platform_details(struct fact *f, bool whole)
{
	if (f->extra == 1)
		strcpy(f->text, "ARM");
	return whole;
}

static bool gap_details(struct fact *f, bool whole)
{
	f->kind = f->extra && *f->text ? FACT_NONE : FACT_GAP;
	return true;
}

static bool (*const details[FACT_KINDS])(struct fact *f, bool whole) = {
	[FACT_GAP] = gap_details,
	[FACT_KERNEL] = kernel_details,
	[FACT_EARLY] = early_details,
	[FACT_RIP] = symbol_details,
	[FACT_X_RIP] = symbol_details,
	[FACT_WALK] = walk_details,
	[FACT_CODE] = code_details,
	[FACT_OOPS] = code_details,
	[FACT_CPU] = cpu_details,
	[FACT_BUG] = bug_details,
	[FACT_TRAP] = trap_details,
	[FACT_WARNING] = warning_details,
	[FACT_PANIC] = panic_details,
	[FACT_PAGE] = page_details,
	[FACT_DEFERRED] = deferred_details,
	[FACT_MC_CALL] = call_details,
	[FACT_REASON] = whole_details,
	[FACT_PLATFORM] = platform_details,
};

bool fact__details(struct fact *f, bool whole)
{
	if (f->extra == FORMAT_DAMAGED)
		return false;
	if (f->kind >= FACT_X_VERSION && f->kind != FACT_X_RIP)
		return fact__xen_details(f, whole);
	if (f->kind >= FACT_S_ERASED_TOTAL && f->kind <= FACT_S_REPAIRED)
		return fact__series_details(f, whole);
	return details[f->kind] ? details[f->kind](f, whole) : true;
}
