// SPDX-License-Identifier: GPL-2.0-only
/* What ends a trace, and how much time is left after it. */
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/signals.h"
#include "cmd/until.h"

/* What a trace does at its end, with the signal that ended it. */
static void end_by(int number)
{
	struct until until;

	assert_int_equal(until__begin(&until, NULL), 0);
	assert_false(until__over(&until, 0));
	assert_int_equal(kill(getpid(), number), 0);
	assert_true(until__over(&until, 1000));
	until__end(&until);
}

static void test_a_person_waits(void **state)
{
	end_by(SIGINT);
	usleep(900000);
	assert_false(signals__waiting());
}

static void test_a_second_signal_ends_what_is_left(void **state)
{
	end_by(SIGINT);
	assert_int_equal(kill(getpid(), SIGINT), 0);
	assert_true(signals__waiting());
	assert_int_equal(sigwaitinfo(&(sigset_t){ { 1UL << (SIGINT - 1) } }, NULL), SIGINT);
}

/* The last one, since it leaves no more time to anybody. */
static void test_sigterm_leaves_less_than_a_second(void **state)
{
	uint64_t begin = now_ns();
	bool waiting;

	end_by(SIGTERM);
	waiting = signals__waiting();
	/* On a machine that is busy the time may be over already. */
	if (now_ns() - begin < 500000000)
		assert_false(waiting);
	usleep(900000);
	assert_true(signals__waiting());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_person_waits),
		cmocka_unit_test(test_a_second_signal_ends_what_is_left),
		cmocka_unit_test(test_sigterm_leaves_less_than_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
