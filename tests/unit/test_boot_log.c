// SPDX-License-Identifier: GPL-2.0-only
/* Boot logs that are whole, cut anywhere, and damaged at random. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/records.h"
#include "boot/log_reader.h"
#include "random.h"

#define RECORDS	9
#define SLOTS	16
#define SIZE	(sizeof(struct xp_boot_log) + SLOTS * XP_SLOT)

struct image {
	struct xp_boot_log header;
	struct xp_record slots[SLOTS];
};

_Static_assert(sizeof(struct image) == SIZE, "as in the file");

struct seen {
	uint64_t n, ops;
};

static void on_record(void *context, struct xp_record *rec)
{
	struct seen *seen = context;

	seen->n++;
	/* Read all that a reader may follow: the sanitizer tells when it is not there. */
	if (rec->kind == XP_BATCH || rec->kind == XP_UNBATCHED)
		for (uint32_t i = 0; i < rec->u.batch.nops; i++)
			seen->ops += record__ops(rec)[i].op;
	assert_true(rec->kind >= XP_DROPPED && rec->kind < XP_KIND_END);
}

/* Allocations, and every second record a batch of 1, 2, 3, 4 operations. */
static void make_image(struct image *image)
{
	uint64_t slot = 0;

	memset(image, 0, sizeof(*image));
	for (int i = 0; i < RECORDS; i++) {
		struct xp_record *rec = &image->slots[slot];

		rec->seq = slot + 1;
		rec->kind = i % 2 ? XP_BATCH : XP_TABLE_ALLOC;
		rec->level = i % 2 ? 0 : XP_L1;
		rec->t = 1000 * i;
		rec->u.batch.nops = i % 2 ? (i + 1) / 2 : 0;
		for (uint32_t n = 0; n < rec->u.batch.nops; n++)
			record__ops(rec)[n].op = XP_OP_PIN;
		rec->nslots = 1 + (rec->u.batch.nops + 1) / 2;
		slot += rec->nslots;
	}
	image->header = (struct xp_boot_log){
		.magic = XP_LOG_MAGIC, .version = XP_LOG_VERSION, .record_size = XP_SLOT,
		.header_size = sizeof(image->header), .end = XP_LOG_INIT, .slots = 100,
		.head = slot, .nodes = XP_LOG_NODES,
	};
	assert_true(slot <= SLOTS);
}

/* From a buffer of just that size, so that reading behind it is noticed. */
static int parse(struct boot_log *log, const void *data, size_t size, char why[BOOT_LOG_WHY])
{
	void *copy = malloc(size ?: 1);
	int err;

	memcpy(copy, data, size);
	why[0] = 0;
	err = boot_log__parse(log, copy, size, why);
	free(copy);
	return err;
}

/* Records cannot have been dropped behind the last one. */
static void a_hole_is_within_the_log(void **state)
{
	struct image image;

	for (int behind = 0; behind < 2; behind++) {
		struct boot_log log;
		char why[BOOT_LOG_WHY];

		make_image(&image);
		image.header.dropped = 1;
		image.header.hole = image.header.head + behind;
		assert_int_equal(parse(&log, &image, SIZE, why), behind ? -EBADMSG : 0);
		assert_int_equal(behind, strstr(why, "dropped where there are none") != NULL);
		boot_log__close(&log);
	}
}

static void a_whole_log_is_read(void **state)
{
	struct seen seen = {};
	struct boot_log log;
	struct image image;
	char why[BOOT_LOG_WHY];

	make_image(&image);
	assert_int_equal(parse(&log, &image, SIZE, why), 0);
	boot_log__each(&log, on_record, &seen);
	assert_int_equal(seen.n, RECORDS);
	assert_int_equal(seen.ops, 1 + 2 + 3 + 4);
	assert_int_equal(log.used, image.header.head);
	assert_string_equal(log.flaw, "");
	boot_log__close(&log);
}

static void a_log_cut_anywhere_is_good_up_to_there(void **state)
{
	struct image image;
	uint64_t last = 0;

	make_image(&image);
	for (size_t size = 0; size < sizeof(image.header) + image.header.head * XP_SLOT; size++) {
		struct seen seen = {};
		struct boot_log log;
		char why[BOOT_LOG_WHY];
		int err = parse(&log, &image, size, why);

		if (size < sizeof(image.header)) {
			assert_int_equal(err, -EBADMSG);
			assert_non_null(strstr(why, size < 4 ? "not a boot log" : "within its header"));
			continue;
		}
		assert_int_equal(err, 0);
		boot_log__each(&log, on_record, &seen);
		assert_true(seen.n == last || seen.n == last + 1);
		assert_true(seen.n < RECORDS);
		assert_non_null(strstr(log.flaw, "cut short"));
		last = seen.n;
		boot_log__close(&log);
	}
	assert_int_equal(last, RECORDS - 1);
}

static void what_is_no_boot_log_is_refused(void **state)
{
	static const struct {
		size_t at, size;
		uint64_t value;
		const char *sentence;
	} wrong[] = {
#define FIELD(f) offsetof(struct xp_boot_log, f), sizeof(((struct xp_boot_log *)0)->f)
		{ FIELD(magic), 1, "not a boot log" },
		{ FIELD(version), XP_LOG_VERSION - 1, "version" },
		{ FIELD(version), XP_LOG_VERSION + 1, "version" },
		{ FIELD(record_size), 63, "another size" },
		{ FIELD(header_size), 641, "another size" },
		{ FIELD(end), XP_LOG_NO_MEMORY + 1, "does not exist" },
		{ FIELD(mode), XP_MODE_REPAIR + 1, "does not exist" },
		{ FIELD(nodes), XP_LOG_NODES + 1, "too many nodes" },
		{ FIELD(head), 101, "larger than it can be" },
		{ FIELD(slots), UINT64_MAX, "larger than it can be" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct boot_log log;
		struct image image;
		char why[BOOT_LOG_WHY];

		make_image(&image);
		memcpy((char *)&image + wrong[i].at, &wrong[i].value, wrong[i].size);
		assert_int_equal(parse(&log, &image, SIZE, why), -EBADMSG);
		assert_non_null(strstr(why, wrong[i].sentence));
		boot_log__close(&log);
	}
}

static void a_damaged_record_ends_the_log(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *sentence;
	} wrong[] = {
#define BYTE(f) offsetof(struct xp_record, f)
		{ BYTE(seq), 77, "its number" },
		{ BYTE(kind), 0, "its kind" },
		{ BYTE(kind), XP_KIND_END, "its kind" },
		{ BYTE(nslots), 0, "its length" },
		{ BYTE(nslots), 2, "its length" },
		{ BYTE(level), 5, "its level" },
		{ BYTE(flags), XP_F_STACK, "its length" },
		{ BYTE(where), 4, "its place" },
		{ BYTE(kind), XP_TABLE_RUN, "impossible length" },
		{ BYTE(kind), XP_REFUSED, "did not refuse" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct seen seen = {};
		struct boot_log log;
		struct image image;
		char why[BOOT_LOG_WHY];

		make_image(&image);
		((uint8_t *)&image.slots[3])[wrong[i].at] = wrong[i].value;
		assert_int_equal(image.slots[3].u.batch.nops, 0);
		assert_int_equal(parse(&log, &image, SIZE, why), 0);
		boot_log__each(&log, on_record, &seen);
		assert_int_equal(seen.n, 2);
		assert_non_null(strstr(log.flaw, wrong[i].sentence));
		boot_log__close(&log);
	}
}

static void damaged_operations_end_the_log(void **state)
{
	struct boot_log log;
	struct image image;
	char why[BOOT_LOG_WHY];

	make_image(&image);
	image.slots[1].u.batch.nops = 1U << 31;	/* times its size is 0 in 32 bits */
	assert_int_equal(parse(&log, &image, SIZE, why), 0);
	assert_int_equal(log.used, 1);
	assert_non_null(strstr(log.flaw, "more operations"));
	boot_log__close(&log);

	make_image(&image);
	record__ops(&image.slots[1])->op = 3;
	assert_int_equal(parse(&log, &image, SIZE, why), 0);
	assert_int_equal(log.used, 1);
	assert_non_null(strstr(log.flaw, "unknown kind"));
	boot_log__close(&log);
}

static void no_damage_at_all_is_followed(void **state)
{
	uint32_t seed = 1;

	for (int round = 0; round < 100000; round++) {
		struct image image;
		struct boot_log log;
		struct seen seen = {};
		char why[BOOT_LOG_WHY];
		size_t size = round % 4 ? SIZE : next_random(&seed) % SIZE;

		make_image(&image);
		for (int i = next_random(&seed) >> 30; i >= 0; i--) {
			size_t at = (next_random(&seed) >> 8) % SIZE;

			((uint8_t *)&image)[at] ^= next_random(&seed) >> 24;
		}
		if (parse(&log, &image, size, why))
			assert_true(*why);
		boot_log__each(&log, on_record, &seen);
		assert_true(seen.n <= RECORDS);
		boot_log__close(&log);
	}
}

static void a_file_without_end_is_refused(void **state)
{
	struct boot_log log;
	char why[BOOT_LOG_WHY];

	assert_int_equal(boot_log__open(&log, "/dev/zero", why), -EFBIG);
	assert_int_equal(boot_log__open(&log, "/no/such/file", why), -ENOENT);
	assert_int_equal(boot_log__open(&log, "/dev/null", why), -EBADMSG);
	assert_non_null(strstr(why, "not a boot log"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_log_is_read),
		cmocka_unit_test(a_hole_is_within_the_log),
		cmocka_unit_test(a_log_cut_anywhere_is_good_up_to_there),
		cmocka_unit_test(what_is_no_boot_log_is_refused),
		cmocka_unit_test(a_damaged_record_ends_the_log),
		cmocka_unit_test(damaged_operations_end_the_log),
		cmocka_unit_test(no_damage_at_all_is_followed),
		cmocka_unit_test(a_file_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
