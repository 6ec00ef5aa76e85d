# SPDX-License-Identifier: GPL-2.0-only
# Every BPF program before this kernel's verifier, as each compiler made it: verify-VERSION of clang.
. guest-lib.sh

for program in /root/verify-*; do
	run ${program#/root/} $program
done
uname -r >$OUT/release

tar -C $OUT -cf /root/out.tar .
