// SPDX-License-Identifier: GPL-2.0-only
/* Reading a boot log.  Whatever the file holds, only sound records get out of here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/read_file.h"
#include "record/records.h"
#include "log_reader.h"

/* What a guest of 1.9 TiB fills when each flag is erased and repaired, one of 7.8 TiB otherwise. */
#define SIZE_MAX_LOG	((256UL << 20) + sizeof(struct xp_boot_log))

static const char *flaw_of_header(const struct xp_boot_log *h)
{
	if (h->version != XP_LOG_VERSION)
		return "its version is not the one that this xenpin knows";
	if (h->record_size != XP_SLOT || h->header_size != sizeof(*h))
		return "its header or its records have another size than this xenpin's";
	if (h->end > XP_LOG_NO_MEMORY || h->mode > XP_MODE_REPAIR || h->released > 1)
		return "its header says something that does not exist";
	if (!is_time(h->t_offset) || !is_time(h->printk_offset))
		return "its clock is off by more than any machine's life";
	if (h->nodes > XP_LOG_NODES)
		return "its header has too many nodes";
	if (h->head > h->slots || h->head > SIZE_MAX_LOG / XP_SLOT || h->slots > UINT32_MAX)
		return "its header says that it is larger than it can be";
	if (h->dropped && h->hole > h->head)
		return "its header says that records were dropped where there are none";
	if (h->repaired > h->erased && !h->untracked)
		return "its header says that more flags were repaired than erased";
	if (h->marked_deferred > h->marked)
		return "its header says that more flags are set in the deferred range than in all";
	return NULL;
}

/* Count the slots of sound records, up to the first that is none. */
static void check_records(struct boot_log *log, uint64_t there)
{
	uint64_t slot = 0, head = log->header.head;
	const char *flaw = NULL;

	while (slot < there && !flaw) {
		flaw = record__flaw(&log->slots[slot], slot, there - slot);
		if (!flaw)
			slot += log->slots[slot].nslots;
	}
	log->used = slot;
	if (flaw && there == head)
		snprintf(log->flaw, sizeof(log->flaw),
			 "the boot log is damaged: of %llu slots the first %llu are sound, in the "
			 "record after them %s", (unsigned long long)head, (unsigned long long)slot,
			 flaw);
	else if (slot < head)
		snprintf(log->flaw, sizeof(log->flaw),
			 "the boot log is cut short: it should have %llu slots, and the first %llu "
			 "are there", (unsigned long long)head, (unsigned long long)slot);
}

int boot_log__parse(struct boot_log *log, const void *data, size_t size, char why[BOOT_LOG_WHY])
{
	const struct xp_boot_log *h = &log->header;
	const char *flaw;
	uint64_t there;

	memset(log, 0, sizeof(*log));
	if (size >= sizeof(h->magic))
		memcpy(&log->header, data, size < sizeof(*h) ? size : sizeof(*h));
	if (h->magic != XP_LOG_MAGIC) {
		snprintf(why, BOOT_LOG_WHY, "it is not a boot log");
		return -EBADMSG;
	}
	flaw = size < sizeof(*h) ? "it ends within its header" : flaw_of_header(h);
	if (flaw) {
		snprintf(why, BOOT_LOG_WHY, "it is a boot log, but %s", flaw);
		return -EBADMSG;
	}
	there = (size - sizeof(*h)) / XP_SLOT;
	if (there > h->head)
		there = h->head;
	log->slots = malloc(there * XP_SLOT + 1);
	if (!log->slots) {
		snprintf(why, BOOT_LOG_WHY, "there is no memory for it");
		return -ENOMEM;
	}
	memcpy(log->slots, (const char *)data + sizeof(*h), there * XP_SLOT);
	check_records(log, there);
	return 0;
}

int boot_log__open(struct boot_log *log, const char *path, char why[BOOT_LOG_WHY])
{
	char *data;
	size_t size;
	int err;

	memset(log, 0, sizeof(*log));
	err = read_file(path, SIZE_MAX_LOG, &data, &size);
	if (err) {
		snprintf(why, BOOT_LOG_WHY, "%s", err == -EFBIG ?
			 "it is not a boot log, it is larger than one can be" : strerror(-err));
		return err;
	}
	err = boot_log__parse(log, data, size, why);
	free(data);
	return err;
}

void boot_log__close(struct boot_log *log)
{
	free(log->slots);
	memset(log, 0, sizeof(*log));
}

void boot_log__each(const struct boot_log *log, record_fn fn, void *context)
{
	for (uint64_t slot = 0; slot < log->used; slot += log->slots[slot].nslots)
		fn(context, &log->slots[slot]);
}
