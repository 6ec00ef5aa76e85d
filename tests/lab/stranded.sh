# SPDX-License-Identifier: GPL-2.0-only
# After the damage: page tables that lost their flags are gone, by munmap() or with their
# process, and Xen still holds their pages.  What does every command say then?
. guest-lib.sh

# look NAME PFN: at the state that there is now.
look() {
	run $1-audit xenpin audit --json
	run $1-text xenpin audit
	run $1-page xenpin page $2 --json
	run $1-page-text xenpin page $2
	run $1-top xenpin top --batch --count 1
	run $1-trace xenpin trace --findings --json --duration 0.2
	rm -f /tmp/xenpin.prom
	start $1-export xenpin export --textfile /tmp --interval 1 || exit 1
	exporting=$pid
	wait_for /tmp/xenpin.prom || exit 1
	cp /tmp/xenpin.prom $OUT/$1.prom
	stop $1-export $exporting
}

# What is read-only for a reason; the lab's own kernel has no LDTs.
if grep -q ' T __x64_sys_modify_ldt$' /proc/kallsyms; then
	victim ldt >/tmp/ldt.out &
	wait_for_line ready /tmp/ldt.out || exit 1
fi
run sound xenpin audit --json

for order in unmap quit; do
	start_victim
	inject $order clear=3 levels=2 owners=2 seed=21 pid=$victim first=2 last=200 keep=1 hold=1
	page=$(sed -n 's/.*pfn=\(0x[0-9a-f]*\).*/\1/p' $OUT/$order.log | head -n 1)
	if [ $order = quit ]; then
		echo quit >&3
		wait $victim
	else
		order_victim $order
	fi
	look $order $page
	rmmod inject
done

# A read-only page that is sound: of the kernel's text, which is not relocated in a PV guest.
text=$(sed -n 's/^\([0-9a-f]*\) T _text$/0x\1/p' /proc/kallsyms)
text=$(printf 0x%x $(((text - 0xffffffff80000000) >> 12)))
run kernel-text xenpin page $text --json
run kernel-text-text xenpin page $text

tar -C $OUT -cf /root/out.tar .
