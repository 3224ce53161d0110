#!/bin/sh
# Compiles the examples, and shows what was there before and what is there after: sh examples/demo.sh TENTC
set -eu
tentc=$(realpath "$1")
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

say() { printf '\n%s\n\n' "$*"; }
shown() { sed 's/^/    /' | cut -c 1-100; }
contract() { sed -n '/^contract:/,/^---/p' "$1" | sed '/^---/d'; }
objects() {
	awk '/^kind:/ {kind = $2} /^  name:/ && kind != "" {printf "%s %s\n", kind, $2; kind = ""}' "$1"
}

say '1. A workflow says what it needs. Before, examples/workflow.yaml:'
contract workflow.yaml | shown
say '   $ tentc compile examples/workflow.yaml --enclave demo'
"$tentc" compile workflow.yaml --enclave demo >"$out/workflow.yaml"
echo '   After:'
echo
contract "$out/workflow.yaml" | shown
say '   And with it:'
objects "$out/workflow.yaml" | shown

say '2. A Deployment says so in an annotation, examples/shop.yaml.'
echo '   $ tentc compile examples/shop.yaml --config examples/exoskeleton.yaml'
"$tentc" compile shop.yaml --config exoskeleton.yaml >"$out/shop.yaml"
say '   What it adds to the Deployment (the start of each line):'
diff -u shop.yaml "$out/shop.yaml" | sed -e 1,3d -e '/^+---/,$d' -e '/^+  *items:/,$d' | grep '^+' | shown
say '   And with it:'
objects "$out/shop.yaml" | grep -v -e '^Deployment' -e '^Service ' | shown

say '3. A mistake is shown where it is. tentacular-postgress instead of tentacular-postgres:'
sed 's/tentacular-postgres:/tentacular-postgress:/' shop.yaml >"$out/typo.yaml"
(cd "$out" && "$tentc" compile typo.yaml) 2>&1 | shown || true
say 'See README.md for where to go from here.'
