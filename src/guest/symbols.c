// SPDX-License-Identifier: GPL-2.0-only
/* kallsyms, searched by address; read again when a module may have come. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/grow.h"
#include "symbols.h"

#define ANCHOR		"_text"
#define IMAGE_END	"_etext"

/* Beyond the image: how long a list of modules is believed, and how far a function can reach. */
#define BELIEVED_NS	1000000000ULL
#define REACH		0x10000

struct symbol {
	uint64_t address;
	uint32_t name;		/* offset into names */
};

/* Stacks repeat: remember the answers. */
#define CACHE_SLOTS 1024

struct symbols {
	FILE *kallsyms;
	uint64_t read_ns;	/* when it was read; 0: not yet */
	uint64_t image_end;	/* modules and BPF programs lie behind it */
	char debug_file[256];	/* "" when there is none */
	struct lines *lines;
	struct symbol *symbols;
	size_t nr, max;
	char *names;
	size_t names_len, names_size;
	struct {
		uint64_t address;
		char *name;
	} cache[CACHE_SLOTS];
};

static void find_debug_file(char *path, size_t size, const char *release)
{
	static const char *const places[] = {
		"/usr/lib/debug/boot/vmlinux-%s",
		"/usr/lib/debug/lib/modules/%s/vmlinux",
		"/lib/modules/%s/build/vmlinux",
		"/boot/vmlinux-%s",
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, size, places[i], release);
		if (!access(path, R_OK))
			return;
	}
	*path = 0;
}

struct symbols *symbols__open(const char *kallsyms, const char *release)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->kallsyms = fopen(kallsyms, "re");
	if (!s->kallsyms) {
		int err = errno;

		free(s);
		errno = err;
		return NULL;
	}
	find_debug_file(s->debug_file, sizeof(s->debug_file), release);
	return s;
}

void symbols__close(struct symbols *s)
{
	if (!s)
		return;
	fclose(s->kallsyms);
	lines__close(s->lines);
	for (int i = 0; i < CACHE_SLOTS; i++)
		free(s->cache[i].name);
	free(s->symbols);
	free(s->names);
	free(s);
}

static bool add_symbol(struct symbols *s, uint64_t address, const char *name)
{
	size_t len = strlen(name) + 1;

	if (GROW(s->symbols, s->nr, s->max, 1 << 16))
		return false;
	if (s->names_len + len > s->names_size) {
		size_t size = (s->names_size + len) * 2;
		void *p = realloc(s->names, size);

		if (!p)
			return false;
		s->names = p;
		s->names_size = size;
	}
	memcpy(s->names + s->names_len, name, len);
	s->symbols[s->nr++] = (struct symbol){ address, s->names_len };
	s->names_len += len;
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/* "ffffffff81000000 T _text" or "ffffffffc0000000 t name\t[module]" */
static void read_kallsyms(struct symbols *s)
{
	uint64_t anchor = 0;
	char line[512];

	rewind(s->kallsyms);
	s->nr = s->names_len = 0;
	while (fgets(line, sizeof(line), s->kallsyms)) {
		char *end, *name;
		uint64_t address = strtoull(line, &end, 16);

		if (end == line || strlen(end) < 4 || !address)
			continue;
		name = end + 3;
		name[strcspn(name, "\n")] = 0;
		if (!strcmp(name, ANCHOR))
			anchor = address;
		if (!strcmp(name, IMAGE_END))
			s->image_end = address;
		/* Data is never a return address, per-CPU symbols are offsets. */
		if (!strchr("tTwW", line[strcspn(line, " ") + 1]))
			continue;
		if (!add_symbol(s, address, name))
			break;
	}
	s->read_ns = now_ns();
	qsort(s->symbols, s->nr, sizeof(*s->symbols), by_address);
	if (*s->debug_file && anchor && !s->lines)
		s->lines = lines__open(s->debug_file, ANCHOR, anchor);
}

static const struct symbol *find_symbol(const struct symbols *s, uint64_t address)
{
	size_t low = 0, high = s->nr;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (s->symbols[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &s->symbols[low - 1] : NULL;
}

/* What stands between a probe and the kernel function that it interrupted. */
static bool is_bpf(const char *name)
{
	static const char *const prefixes[] = { "bpf_prog_", "bpf_trampoline_", "bpf_trace_run",
						"kretprobe_", "__bpf_" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static bool is_in_image(const struct symbols *s, uint64_t address)
{
	return !s->image_end || address < s->image_end;
}

/* A module that came since may be what is there; one that went is remembered. */
static bool is_known(const struct symbols *s, uint64_t address)
{
	const struct symbol *symbol = find_symbol(s, address);

	if (is_in_image(s, address) || now_ns() - s->read_ns < BELIEVED_NS)
		return true;
	return symbol && address - symbol->address < REACH && !is_bpf(s->names + symbol->name);
}

static void describe(struct symbols *s, uint64_t address, char *name, size_t size)
{
	const struct symbol *symbol = find_symbol(s, address);
	char where[192];
	const char *found;
	int len, plain;

	/* Between modules there is nobody to name. */
	if (!symbol || (!is_in_image(s, address) && address - symbol->address >= REACH)) {
		snprintf(name, size, "%#llx", (unsigned long long)address);
		return;
	}
	found = s->names + symbol->name;
	plain = strcspn(found, "\t");	/* a module's name follows in brackets */
	len = snprintf(name, size, "%.*s+%#llx%s%s", plain, found,
		       (unsigned long long)(address - symbol->address), found[plain] ? " " : "",
		       found[plain] ? found + plain + 1 : "");
	/* A return address lies behind its call. */
	if (s->lines && len < (int)size && lines__find(s->lines, address - 1, where, sizeof(where)))
		snprintf(name + len, size - len, " (%s)", where);
}

bool symbols__name(struct symbols *s, uint64_t address, char *name, size_t size)
{
	unsigned int i = (address * 0x9e3779b97f4a7c15ULL >> 32) % CACHE_SLOTS;

	if (s->cache[i].address != address || !s->cache[i].name) {
		if (!s->read_ns || !is_known(s, address))
			read_kallsyms(s);
		describe(s, address, name, size);
		free(s->cache[i].name);
		s->cache[i].address = address;
		s->cache[i].name = strdup(name);
	} else {
		snprintf(name, size, "%s", s->cache[i].name);
	}
	return !is_bpf(name);
}
