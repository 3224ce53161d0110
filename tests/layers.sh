#!/bin/sh
# layers.sh BUILD_DIR FILE.d... - a room includes only from itself and from rooms to its left, seen in the compiler's own
# dependency files.
build=$1
shift
for d; do
	[ -e "$d" ] || { echo "layers: $d is missing"; exit 1; }
done
awk -v build="$build/" '
BEGIN {
	n = split("compiler/base compiler/tree compiler/contract compiler/transform kube webhook registrars controller cli", rooms, " ")
	for (i = 1; i <= n; i++)
		rank[rooms[i]] = i
}
# No call leaves the process on the request path: admission and what provisions services do not know each other.
function apart(own, other) {
	return other == "webhook" && (own == "registrars" || own == "controller")
}
function room(path,	parts) {
	split(path, parts, "/")
	return parts[1] == "compiler" ? parts[1] "/" parts[2] : parts[1]
}
# Joined lines of the rule "object: source headers"; the rules behind it, one for each header (-MP), have no prerequisites.
FNR == 1 { first = 1 }
{
	line = $0
	more = sub(/\\$/, "", line)
	count = split(line, words, " ")
	for (i = 1; i <= count && first; i++) {
		if (words[i] ~ /:$/) {
			target = substr(words[i], 1, length(words[i]) - 1)
			sub("^" build, "", target)
			own = room(target)
			if (!(own in rank)) {
				printf "layers: %s: room \"%s\" is not in the list\n", target, own
				bad = 1
			}
			files++
		} else if (words[i] !~ /^\//) {
			other = room(words[i])
			if (!(other in rank) || rank[other] > rank[own] || apart(own, other)) {
				sub(/\.o$/, ".c", target)
				printf "layers: %s includes %s, and %s is not to the left of %s\n", target, words[i], other, own
				bad = 1
			}
		}
	}
	if (!more)
		first = 0
}
END {
	if (!bad)
		printf "layers: %d files include only from the left\n", files
	exit bad
}' "$@"
