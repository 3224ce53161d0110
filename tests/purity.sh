#!/bin/sh
# purity.sh PROPERTY - the same batch in four processes that have nothing in common but the input: other locales, time
# zones, addresses, memory contents, environments and folders. Their digests must agree.
program=$(realpath "$1") || exit 2
count=${COUNT_DIGEST:-400}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# A locale in which upper case, sorting and the decimal point are others; made here when its source is installed.
turkish=C.UTF-8
if localedef -i tr_TR -f UTF-8 "$tmp/tr_TR.UTF-8" >/dev/null 2>&1; then
	turkish=tr_TR.UTF-8
fi
fixed=
if setarch -R true 2>/dev/null; then
	fixed='setarch -R'
fi
padding=$(head -c 50000 /dev/zero | tr '\0' x)

run() (
	cd "$1" || exit 2
	shift
	env -i PATH="$PATH" "$@" "$program" --digest 1 "$count"
)
{
	run / LC_ALL=C TZ=UTC
	run "$tmp" LC_ALL=C.UTF-8 TZ=Asia/Kathmandu MALLOC_PERTURB_=165 PADDING="$padding"
	run /tmp LC_ALL="$turkish" LOCPATH="$tmp" TZ=America/St_Johns GLIBC_TUNABLES=glibc.malloc.mmap_threshold=4096:glibc.malloc.tcache_count=0
	# shellcheck disable=SC2086
	run "$tmp" LC_ALL="$turkish" LOCPATH="$tmp" TZ=:/nowhere MALLOC_PERTURB_=90 $fixed
} >"$tmp/digests"
if [ "$(wc -l <"$tmp/digests")" = 4 ] && [ "$(sort -u "$tmp/digests" | wc -l)" = 1 ]; then
	echo "purity: $(head -n 1 "$tmp/digests") four times (locales C, C.UTF-8, $turkish; addresses random and ${fixed:-random})"
	exit 0
fi
echo "purity: the digests of $count cases differ:"
cat "$tmp/digests"
exit 1
