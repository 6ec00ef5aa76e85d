# SPDX-License-Identifier: GPL-2.0-only
# What a fork costs on this kernel, with nothing traced: seven runs.  The layout of
# an address space decides how many page tables a fork copies.  Then the same while an
# empty program hears of each multicall that pins or unpins, and how often that ran.
echo 0 >/proc/sys/kernel/randomize_va_space
early=/sys/kernel/xenpin/early
if [ -e $early ]; then
	echo "early=$(cat $early)"
	echo 0 >$early || exit 1
	echo "early=$(cat $early)"
	sleep 1
fi
dmesg | grep 'xenpin'
forks -q 50
for run in 1 2 3 4 5 6 7; do
	echo "fork_ns=$(forks 499)"
done

[ -e $early ] || exit 0
for run in 1 2 3 4 5 6 7; do
	echo "heard_fork_ns=$(hear xenpin_batch forks 499 2>/dev/null)"
done
echo 1 >/proc/sys/kernel/bpf_stats_enabled
hear xenpin_batch forks -q 10 2>&1
