#!/bin/sh
# demo.sh TENTC - what tentc does, shown on the two files beside this one.
set -eu
tentc=$(realpath "$1")
cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

title() {
	printf '\n=== %s\n\n' "$1"
}

title 'before: examples/workflow.yaml, as its author wrote it'
cat examples/workflow.yaml

title 'after: tentc compile --enclave demo examples/workflow.yaml'
"$tentc" compile --enclave demo examples/workflow.yaml

# The second file is longer: what it gained says more than the whole of it.
title 'a Deployment, before and after: tentc compile examples/shop.yaml'
"$tentc" compile examples/shop.yaml >"$tmp/shop.yaml" 2>"$tmp/warnings"
diff -u --label examples/shop.yaml --label compiled examples/shop.yaml "$tmp/shop.yaml" | cut -c 1-120 || true

title 'and what it says about it'
cat "$tmp/warnings"

title 'a second compile changes nothing'
"$tentc" compile "$tmp/shop.yaml" 2>/dev/null | cmp - "$tmp/shop.yaml"
echo 'equal, byte for byte'

title 'names in every service follow from enclave and name alone: tentc identity demo shop'
"$tentc" identity demo shop
