# SPDX-License-Identifier: GPL-2.0-only
# What Xen refuses, as the early ring of a kernel with the series has it.
. guest-lib.sh

refuse refused
run records xenpin boot --records
tar -C $OUT -cf /root/out.tar .
