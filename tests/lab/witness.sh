# SPDX-License-Identifier: GPL-2.0-only
# xenpin and bpftrace watch the same forks in the same boot.
. guest-lib.sh

events='
tracepoint:xen:xen_mmu_alloc_ptpage /comm == "forks"/ { @alloc[args->pfn, args->level] = count(); }
tracepoint:xen:xen_mmu_release_ptpage /comm == "forks"/ { @release[args->pfn, args->level] = count(); }
tracepoint:xen:xen_mmu_pgd_pin /comm == "forks"/ { @mm_pin = count(); }
tracepoint:xen:xen_mmu_pgd_unpin /comm == "forks"/ { @mm_unpin = count(); }'

# 0. The function that pins without a batch is gone with the boot code.
grep -wE 'pin_pagetable_pfn|_sinittext|_einittext' /proc/kallsyms >$OUT/unbatched

# 1. One for one, with each way to attach to a tracepoint.
for way in default raw_tp; do
	via="--via $way"
	[ $way != default ] || via=
	start exact-$way xenpin trace --json $via || exit 1
	exact=$pid
	count_with_bpftrace "$events" || exit 1
	forks -q 211
	stop_bpftrace
	stop exact-$way $exact
	cp /tmp/bpftrace.out $OUT/exact-$way.bpftrace
done

# 2. A ring of one page cannot hold a storm; a second trace can, and bpftrace counts.
start ample xenpin trace --json --ring-pages 512 --comm forks
ample=$pid
start tiny xenpin trace --json --ring-pages 1 --comm forks
tiny=$pid
count_with_bpftrace "$events" || exit 1
forks -q 500 & one=$!
forks -q 497
wait $one
stop_bpftrace
stop tiny $tiny
stop ample $ample
cp /tmp/bpftrace.out $OUT/tiny.bpftrace

# 3. What is lost on one CPU makes no finding of what another tells meanwhile.
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	run lossy-$i xenpin trace --json --ring-pages 1 -- forks -q 300
done

tar -C $OUT -cf /root/out.tar .
