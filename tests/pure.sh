#!/bin/sh
# pure.sh ALLOW OBJECT... - the library imports only what the list allows, and owns no mutable global of any section.
# For release objects: sanitizers and coverage add data of their own.
allow=$1
shift
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

nm -g --defined-only "$@" | awk 'NF == 3 {print $3}' | sort -u >"$tmp/defined"
nm -A -u "$@" | awk '{sub(/:$/, "", $1); print $1, $NF}' | sort -u >"$tmp/wanted"

awk -v allow="$allow" -v defined="$tmp/defined" '
BEGIN {
	while ((getline line < allow) > 0) {
		sub(/#.*/, "", line)
		if (split(line, f, " ") == 2) {
			rows++
			name[rows] = f[1]
			room[rows] = f[2]
		}
	}
	while ((getline line < defined) > 0)
		own[line] = 1
}
function allowed(symbol, object,	i, stem) {
	for (i = 1; i <= rows; i++) {
		stem = name[i]
		if (sub(/\*$/, "", stem) ? index(symbol, stem) != 1 : symbol != stem)
			continue
		if (room[i] == "any" || index(object, "/compiler/" room[i] "/"))
			return 1
	}
	return 0
}
!($2 in own) {
	imports[$2] = 1
	if (!allowed($2, $1)) {
		printf "pure: %s imports %s, which %s does not grant it\n", $1, $2, allow
		bad = 1
	}
}
END {
	for (symbol in imports)
		count++
	if (!bad)
		printf "pure: %d imported symbols, all allowed\n", count
	exit bad
}' "$tmp/wanted"
imports=$?

# .data.rel.ro is const: pointers that the loader sets once. Names first, to say who it is; then bytes, which cannot hide.
objdump -t "$@" | awk '
/file format/ { object = $1; sub(/:$/, "", object) }
NF < 4 { next }
$(NF - 2) ~ /^(\.t?(data|bss)(\..*)?|\*COM\*)$/ && $(NF - 2) !~ /^\.data\.rel\.ro/ && $(NF - 1) !~ /^0+$/ {
	printf "pure: %s owns a mutable global: %s (%s)\n", object, $NF, $(NF - 2)
}'
bytes=$(size -A "$@" | awk '$1 ~ /^\.t?(data|bss)(\.|$)/ && $1 !~ /^\.data\.rel\.ro/ {s += $2} END {print s + 0}')
common=$(nm "$@" | awk 'NF == 3 && $2 == "C"' | wc -l)
echo "pure: $bytes bytes of mutable globals"
[ $imports -eq 0 ] && [ "$bytes" = 0 ] && [ "$common" = 0 ]
