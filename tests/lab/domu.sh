# SPDX-License-Identifier: GPL-2.0-only
. guest-lib.sh
run features xenpin features --json
run trace xenpin trace --json -- forks -q 31
tar -C $OUT -cf /root/out.tar .
