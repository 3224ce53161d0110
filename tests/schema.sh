#!/bin/sh
# schema.sh TENTC - schema/NAME.json is what `tentc schema NAME` prints; with UPDATE=1 it is written.
tentc=$1 bad=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
for name in contract config output record; do
	if ! "$tentc" schema $name >"$tmp/$name.json"; then
		echo "schema: tentc schema $name fails"
		bad=1
	elif [ -n "$UPDATE" ]; then
		mkdir -p schema && cp "$tmp/$name.json" schema/$name.json
	elif ! diff -u schema/$name.json "$tmp/$name.json"; then
		echo "schema: schema/$name.json is stale: run make schema"
		bad=1
	fi
done
exit $bad
