#!/bin/sh
# Compiles the examples beside it, and shows what was there before and what is there after: sh examples/demo.sh TENTC
set -eu
tentc=$(realpath "$1")
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

say() { printf '\n%s\n' "$*"; }
shown() { sed 's/^/    /' | cut -c 1-100; }
contract() { sed -n '/^contract:/,/^---/p' "$1" | sed '/^---/d'; }
added_objects() {
	awk '/^kind:/ {kind = $2} /^  name:/ && kind != "" {printf "%-16s %s\n", kind, $2; kind = ""}' "$1" | sed 1d
}

say '1. A workflow says what it needs: the end of examples/workflow.yaml'
contract examples/workflow.yaml | shown
say '   $ tentc compile examples/workflow.yaml --enclave demo'
"$tentc" compile examples/workflow.yaml --enclave demo >"$out/workflow.yaml"
contract "$out/workflow.yaml" | shown
say '   and behind it, the documents'
sed -n '/^kind: Secret/,/^---/p' "$out/workflow.yaml" | sed '/^---/d' | shown
printf '    ...\n    NetworkPolicy    order-desk-netpol\n'

say '2. A Deployment says it in an annotation: $ tentc compile examples/shop.yaml'
"$tentc" compile examples/shop.yaml >"$out/shop.yaml" 2>"$out/warnings"
echo '   What its pods gain, up to the lists of keys:'
sed '/^---/,$d' "$out/shop.yaml" | diff -u examples/shop.yaml - |
	sed -n -e '/^+.*\(items:\|- key:\|path: tent\|path: contract\|tentacular.io.filled\)/d' -e 's/^+\([^+]\)/+\1/p' | shown
say '   and behind it, the documents'
added_objects "$out/shop.yaml" | shown

say '3. Compiling that again changes nothing'
"$tentc" compile "$out/shop.yaml" 2>/dev/null | cmp - "$out/shop.yaml"
echo '    equal, byte for byte'

say '4. A mistake is shown where it is: tentacular-postgress'
sed 's/tentacular-postgres:/tentacular-postgress:/' examples/shop.yaml >"$out/typo.yaml"
(cd "$out" && "$tentc" compile typo.yaml) 2>&1 | shown
say 'README.md says where to go from here.'
