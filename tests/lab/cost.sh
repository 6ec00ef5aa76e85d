# SPDX-License-Identifier: GPL-2.0-only
# What a fork costs on this kernel, with nothing traced: seven runs.  The layout of
# an address space decides how many page tables a fork copies.
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
