#!/bin/sh
# run.sh TENTC - speed and memory of whole processes beside their peers, all in one run.
#
# The programs beside it (bench/generate, bench/bare, bench/measure) are those of TENTC's build. Goals are printed beside
# the figures and decide nothing. DOCUMENTS=2000 and RUNS=21 may be set; KUBECTL= names another kubectl (empty: none),
# KUBECTL_SECONDS=120 is how long it may take.
set -eu
tentc=$1
tools=$(dirname "$tentc")/bench
documents=${DOCUMENTS:-2000}
runs=${RUNS:-21}
kubectl=${KUBECTL-kubectl}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
measure() { "$tools/measure" -o "$dir/rows" "$@"; }
bytes() { wc -c <"$1" | tr -d ' '; }

"$tools/generate" "$documents" >"$dir/plain.yaml"
"$tools/generate" "$documents" 10 >"$dir/tenth.yaml"
"$tools/generate" "$documents" "$documents" >"$dir/one.yaml"
"$tools/generate" $((10 * documents)) >"$dir/plain10.yaml"
"$tools/generate" $((10 * documents)) 10 >"$dir/tenth10.yaml"
cat >"$dir/small.yaml" <<END
name: myworkflow
version: "1.0"
contract:
  version: "1"
  dependencies:
    tentacular-postgres:
    tentacular-rustfs:
      protocol: http
    github:
      protocol: https
      host: api.github.com
END
"$tentc" compile "$dir/tenth.yaml" -o "$dir/compiled.yaml" 2>"$dir/warnings"
echo "$documents Deployments, $(bytes "$dir/plain.yaml") bytes; with contracts in one of ten $(bytes "$dir/tenth.yaml") bytes," \
	"compiled $(bytes "$dir/compiled.yaml")"
echo "medians of $runs runs of whole processes, in turns; x: times the first row of a table"

printf '\nnothing changes\n'
measure -n "$runs" -- 'bare libyaml events' '' "$tools/bare" "$dir/plain.yaml" \
	-- 'tentc, no contracts' 'CPU x at most 1.5' "$tentc" compile "$dir/plain.yaml"

printf '\none in ten changes\n'
measure -n "$runs" -- 'bare libyaml events' '' "$tools/bare" "$dir/tenth.yaml" \
	-- 'tentc, one in ten' 'CPU x at most 2.5' "$tentc" compile "$dir/tenth.yaml"

printf '\nwhat was compiled is compiled again\n'
measure -n "$runs" -- 'bare libyaml events' '' "$tools/bare" "$dir/compiled.yaml" \
	-- 'tentc, its own output' '' "$tentc" compile "$dir/compiled.yaml"

printf '\n10 times the documents\n'
measure -n $(((runs + 2) / 3)) -- 'tentc, no contracts' '' "$tentc" compile "$dir/plain.yaml" \
	-- 'tentc, no contracts, x 10' 'CPU x 10: linear' "$tentc" compile "$dir/plain10.yaml"
measure -n $(((runs + 2) / 3)) -- 'tentc, one in ten' '' "$tentc" compile "$dir/tenth.yaml" \
	-- 'tentc, one in ten, x 10' 'CPU x 10: linear' "$tentc" compile "$dir/tenth10.yaml"

printf '\none small file\n'
measure -n $((5 * runs)) -- 'bare libyaml events' '' "$tools/bare" "$dir/small.yaml" \
	-- 'tentc version' '' "$tentc" version \
	-- 'tentc compile' 'wall less than 2 ms' "$tentc" compile "$dir/small.yaml" --enclave demo

printf '\npeak memory, less that of tentc version, by the bytes of the input\n'
# The last row of a name counts; they differ by a page or two.
awk -F '\t' -v plain="$(bytes "$dir/plain.yaml")" -v tenth="$(bytes "$dir/tenth.yaml")" '
	{ peak[$1] = $4 * 1024 }
	function row(name, size) {
		printf "  %-38s %8.2f MiB  %5.2f x the input  goal: at most 8\n", name, (peak[name] - peak["tentc version"]) / 1048576,
			(peak[name] - peak["tentc version"]) / size
	}
	END {
		row("tentc, no contracts", plain)
		row("tentc, one in ten", tenth)
		row("tentc, no contracts, x 10", 10 * plain)
		row("tentc, one in ten, x 10", 10 * tenth)
	}' "$dir/rows"

printf '\none document changes: kubectl kustomize with one JSON patch\n'
if [ -z "$kubectl" ] || ! command -v "$kubectl" >"$dir/which"; then
	echo "  skipped: there is no ${kubectl:-kubectl}"
	exit 0
fi
mkdir "$dir/kustomize"
cp "$dir/one.yaml" "$dir/kustomize/in.yaml"
cat >"$dir/kustomize/kustomization.yaml" <<END
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [in.yaml]
patches:
- target: {kind: Deployment, name: catalog-00001}
  patch: '[{"op": "add", "path": "/metadata/labels/tier", "value": "back"}]'
END
# What kubectl is may be no more than a door to another one, which it looks for in a cluster first.
if ! "$kubectl" version --client >"$dir/version" 2>&1; then
	echo "  skipped: kubectl version --client says: $(head -n 1 "$dir/version")"
	exit 0
fi
echo "  $(tr '\n' ' ' <"$dir/version")"
measure -n 7 -t "${KUBECTL_SECONDS:-120}" -- 'tentc, one document changes' '' "$tentc" compile "$dir/one.yaml" \
	-- 'tentc, one in ten' '' "$tentc" compile "$dir/tenth.yaml" \
	-- 'kubectl kustomize' 'CPU x at least 200' "$kubectl" kustomize "$dir/kustomize"
