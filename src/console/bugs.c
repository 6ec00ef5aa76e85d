// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "bugs.h"

#define V(major, minor)	((major) << 8 | (minor))

static const struct known_bug bugs[] = {
#define KNOWN_BUG(word, what, from, to, events, functions, frames, made, mended) \
	{ word, what, from, to, events, functions, frames, made, mended },
#include "bugs.def"
#undef KNOWN_BUG
};

bool known_bug__names(const char *list, const char *name)
{
	size_t len;

	/* Functions of modules are not the kernel's of the same name. */
	if (strchr(name, ' '))
		return false;
	for (; *list; list += len + (list[len] == '|')) {
		len = strcspn(list, "|");
		if (list[len - 1] == '*' ? !strncmp(list, name, len - 1) :
		    !strncmp(list, name, len) && !name[len])
			return true;
	}
	return false;
}

static bool in_versions(const struct known_bug *bug, const char *release)
{
	unsigned int major, minor, version;

	if (!bug->from)
		return true;
	if (!release || sscanf(release, "%u.%u", &major, &minor) != 2 || major > 255 || minor > 255)
		return bug->functions || bug->frames;
	version = V(major, minor);
	return version >= bug->from && version < bug->to;
}

static bool has_frame(const struct known_bug *bug, const struct trace *trace)
{
	if (!bug->frames)
		return true;
	for (unsigned int i = 0; trace && i < trace->nr; i++)
		if (!trace->frames[i]->extra &&
		    known_bug__names(bug->frames, trace->frames[i]->name))
			return true;
	return false;
}

const struct known_bug *known_bug__find(enum bug_event event, const char *release,
					const char *function, const struct trace *trace)
{
	for (size_t i = 0; i < sizeof(bugs) / sizeof(*bugs); i++) {
		const struct known_bug *bug = &bugs[i];

		if (!(bug->events & event) || !in_versions(bug, release))
			continue;
		if (bug->functions && !(function && known_bug__names(bug->functions, function)))
			continue;
		if (has_frame(bug, trace))
			return bug;
	}
	return NULL;
}
