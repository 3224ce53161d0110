#!/bin/sh
# messages.sh TENTC - every message has a golden case and a line in docs/messages.md, and no golden case shows a message that
# there is none of. The table of messages speaks for itself: `tentc help messages` prints it. UPDATE=1 writes the document.
tentc=$1 bad=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

"$tentc" help messages >"$tmp/messages.md" || exit 1
sed -nE 's/^- \*\*(TC[0-9]+)\*\* .*/\1/p' "$tmp/messages.md" | sort >"$tmp/known"
{
	cat testdata/golden/*/want.err | grep -oE '\[TC[0-9]+\]$'
	cat testdata/golden/admit-*/want.out | grep -oE '\[TC[0-9]+\]'
} | tr -d '[]' | sort -u >"$tmp/shown"
[ -s "$tmp/known" ] || { echo "messages: tentc help messages lists none" && exit 1; }

for id in $(comm -23 "$tmp/known" "$tmp/shown"); do
	echo "messages: no golden case shows $id"
	bad=1
done
for id in $(comm -13 "$tmp/known" "$tmp/shown"); do
	echo "messages: a golden case shows $id, which is no message"
	bad=1
done
uniq -d "$tmp/known" | grep . && bad=1

if [ -n "${UPDATE:-}" ]; then
	mkdir -p docs && cp "$tmp/messages.md" docs/messages.md
elif ! diff -u docs/messages.md "$tmp/messages.md"; then
	echo "messages: docs/messages.md is stale: run make messages"
	bad=1
fi
[ $bad -ne 0 ] || echo "messages: $(wc -l <"$tmp/known") messages, each with a golden case"
exit $bad
