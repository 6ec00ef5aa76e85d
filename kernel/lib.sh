# shellcheck shell=bash disable=SC2034,SC2154 # shared variables
# SPDX-License-Identifier: GPL-2.0-only
# Shared by kernel/build and kernel/deb.  Sets: root, cache, lab_config, deb, debver, linux,
# work, src, obj.

# Raise when a change of these scripts must make old results stale.
build_format=2

# In include/; the kernel has them in include/xen/xenpin.
shared_headers=(record.h boot_log.h kinds.def probes.def)

root=$(cd "$here/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/xenpin/kernel

# What a failure ends with: 3 when sid has a kernel that its hooks were not written for.
failure=1

say() { echo "kernel: $*" >&2; }
die() { echo "kernel: $*" >&2; exit $failure; }

# Run, and show what it said only when it fails.
quiet()
{
	local out

	out=$("$@" 2>&1 </dev/null) || { echo "$out" >&2; die "failed: $*"; }
}

need()
{
	local tool missing=

	for tool; do
		command -v "$tool" >/dev/null || missing+=" $tool"
	done
	[ -z "$missing" ] || die "not installed:$missing"
}

# Debian's package of the sources: its path, its version, and the kernel's.
find_source()
{
	[ -e "$here/hooks/$1.patch" ] ||
		die "no series for $1; there is: $(cd "$here/hooks" && echo *.patch | sed 's/\.patch//g')"
	lab_config=("$here/config/lab.config")
	[ ! -e "$here/config/lab-$1.config" ] || lab_config+=("$here/config/lab-$1.config")
	deb=$("$here/source" linux-source "$1") || exit 1
	debver=${deb##*/linux-source-}
	linux=${debver%%_*}
	debver=${debver#*_}
	debver=${debver%_*}
	known=$(sed -n '1s/^Linux //p' "$here/hooks/$1.patch")
	[ -z "$known" ] || [ "$known" = "$linux" ] || moved_on
}

moved_on()
{
	failure=3
	say "$kver has Linux $linux now, and hooks/$kver.patch was written for $known: it may fit, or not"
}

# What a result depends on, and the files that are named.
hash_inputs()
{
	(
		cat /dev/null "$@"
		echo "$build_format $name $debver"
		cat "${lab_config[@]}"
		if [ "$name" != "plain-$kver" ]; then
			cat "$here/config/xenpin.config" "$here/hooks/$kver.patch"
			(cd "$here/tree" && find . -type f | sort | xargs -d '\n' tail -n +1)
			(cd "$root/include" && cat "${shared_headers[@]}")
			cat "$root/bpf/boot.bpf.c" "$root/bpf/bound.h"
		fi
	) | sha256sum | cut -c 1-16
}

# One at a time, in a directory that a failed or interrupted run leaves to the
# next one to delete, and never to use.
make_work()
{
	mkdir -p "$cache"
	exec 9>"$cache/work-$1.lock"
	flock -n 9 || { say "another build of $1 is running, waiting"; flock 9; }
	work=$cache/work-$1
	rm -rf "$work"
	mkdir -p "$work/obj"
	src=$work/src
	obj=$work/obj
	trap 'rc=$?; [ $rc != 0 ] || rm -rf "$work"; [ $rc = 0 ] || [ $failure = 1 ] || exit $failure' EXIT
	make_huge_pages
}

unpack_source()
{
	say "unpack linux-source-$linux $debver"
	mkdir "$src"
	dpkg-deb --fsys-tarfile "$deb" |
		tar -xO --wildcards "./usr/src/linux-source-$linux.tar.xz" |
		tar -xJ -C "$src" --strip-components=1
}

# What every kernel has in common: the files of tree/ and our headers.
add_tree()
{
	cp -r "$here/tree/." "$src/"
	mkdir -p "$src/include/xen/xenpin"
	(cd "$root/include" && cp "${shared_headers[@]}" "$src/include/xen/xenpin/")
}

# And what is changed of its files.  Without fuzz: a hook in the wrong place compiles as well.
apply_hooks()
{
	local hooks=$here/hooks/$kver.patch out

	if patch -d "$src" -p1 -R --dry-run -sf --fuzz=0 <"$hooks" >/dev/null 2>&1; then
		say "already applied: hooks/${hooks##*/}"
	elif out=$(patch -d "$src" -p1 -N -r - --fuzz=0 --no-backup-if-mismatch <"$hooks" 2>&1); then
		say "applied: hooks/${hooks##*/}"
	else
		grep -E '^patching file|^\|\+\+\+ |FAILED|can.t find|malformed' <<<"$out" |
			grep -B 1 -vE '^patching file' >&2 || echo "$out" >&2
		die "does not apply to linux-source-$linux $debver: hooks/${hooks##*/}"
	fi
}

apply_series()
{
	add_tree
	apply_hooks
}

# The early program, as a header that the kernel includes: skeleton.
skeleton=arch/x86/xen/xenpin_boot.lskel.h

# make_skeleton FILE
make_skeleton()
{
	say "boot programs: clang, bpftool gen skeleton -L"
	# A jump table would be a map of its own.
	quiet clang -O2 -g -mcpu=v3 --target=bpf -fno-jump-tables -D__TARGET_ARCH_x86 \
		-Wall -Werror -Wno-gnu-variable-sized-type-not-at-end \
		-I "/usr/include/$(gcc -print-multiarch)" -I "$root/include" \
		-c "$root/bpf/boot.bpf.c" -o "$work/boot.bpf.o"
	bpftool gen skeleton -L "$work/boot.bpf.o" name xenpin_boot \
		>"$1" || die "bpftool gen skeleton failed"
}

# Sets with_huge_pages, to stand before a command: its compilers take a quarter less time.
make_huge_pages()
{
	quiet gcc -O2 -shared -fPIC -o "$work/hugepages.so" "$here/hugepages.c"
	with_huge_pages=(env "LD_PRELOAD=$work/hugepages.so" GLIBC_TUNABLES=glibc.malloc.hugetlb=1)
}

# For programs that the build itself needs: where strchr() of a constant string is constant, as in glibc
# 2.43, those of older kernels do not compile with their own -Werror.
host_flags="-g -O2 -Wno-error=discarded-qualifiers"

# kconfig drops what it cannot satisfy without a word.  Of two fragments that disagree the later one counts.
check_config()
{
	local config=$1 line bad=; shift
	local -A wanted=()

	while read -r line; do
		[[ $line != CONFIG_* ]] || wanted[${line%%=*}]=$line
	done < <(cat "$@")
	for line in "${wanted[@]}"; do
		case $line in
		*=n)	! grep -q "^${line%n}" "$config" || bad+=" $line" ;;
		*)	grep -qxF "$line" "$config" || bad+=" $line" ;;
		esac
	done
	[ -z "$bad" ] || die "kconfig did not accept:$bad"
}

# progress LOG COMMAND...: one line that counts on a terminal, now and then a
# line elsewhere; the log's end when it fails.
progress()
{
	local log=$1 start=$SECONDS next=$SECONDS every=30 end='\n' pid n; shift

	[ ! -t 2 ] || { every=1; end='\r'; }
	nice -n 10 "${with_huge_pages[@]}" "$@" >"$log" 2>&1 </dev/null 9>&- &
	pid=$!
	trap 'kill $pid 2>/dev/null; exit 130' INT TERM HUP
	while kill -0 $pid 2>/dev/null; do
		sleep 1
		((SECONDS >= next)) || continue
		next=$((SECONDS + every))
		n=$(grep -cE '^  (CC|AS|LD|AR) ' "$log" || :)
		printf "kernel: %4d objects, %3d s, %-40.40s$end" "$n" $((SECONDS - start)) \
			"$(tail -n 1 "$log" | tr -s ' ')" >&2
	done
	printf '\n' >&2
	trap - INT TERM HUP
	wait $pid || { tail -n 25 "$log" >&2; die "failed after $((SECONDS - start)) s: $*"; }
	say "done in $((SECONDS - start)) s"
}
