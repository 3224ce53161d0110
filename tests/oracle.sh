#!/bin/sh
# Does tentc read YAML as Kubernetes does? sh tests/oracle.sh BUILD
#
# tests/oracle/ holds both readers and the texts: every case of the yaml-test-suite, scalars that are generated as values
# and as keys, in block and in flow style, mutated manifests, mutated cases of the suite: 4 million readings of
# 1,000,000 scalars, and some more; and 5,000 random patches that tentc edits into texts: Kubernetes has to read the patched
# tree there. SCALARS= and SEED= choose how many, and which. A difference is one that tests/oracle/differences.txt lists, or a failure; docs/dialect.md has a row
# for each that is listed.
set -u
[ $# -eq 1 ] || { echo "usage: sh tests/oracle.sh BUILD" >&2; exit 2; }
cd "$(dirname "$0")/.." || exit 2
build=$(realpath "$1")/tests/oracle
LC_ALL=C
export LC_ALL

names='s/^\([a-z][a-z-]*\)	.*/\1/p'
rows='s/^| `\([a-z][a-z-]*\)` |.*/\1/p'
sed -n "$names" tests/oracle/differences.txt | sort >"$build/listed"
sed -n "$rows" docs/dialect.md | sort >"$build/described"
if ! diff "$build/listed" "$build/described"; then
	echo "check-oracle: docs/dialect.md (>) and tests/oracle/differences.txt (<) do not list the same differences"
	exit 1
fi

if ! command -v go >/dev/null; then
	echo "check-oracle: skipped: there is no go"
	exit 0
fi
# Modules that are not there are fetched; nothing else needs the network.
if ! (cd tests/oracle && go mod download k8s.io/apimachinery sigs.k8s.io/yaml go.yaml.in/yaml/v2) >"$build/modules" 2>&1; then
	wanted=$(sed -n 's/^go //p' tests/oracle/go.mod)
	echo "check-oracle: skipped: no Go modules with $(go env GOVERSION), go $wanted or newer is wanted:" \
		"$(tail -n 1 "$build/modules")"
	exit 0
fi
# Named one by one: go takes read.c for a part of a package.
(cd tests/oracle && GOFLAGS=-mod=readonly go build -o "$build/oracle" ./*.go) || exit 1

corpus=${TENTC_CORPUS:-../shared/corpus}
if [ ! -d "$corpus/yaml-test-suite" ]; then
	echo "skipped: no yaml-test-suite (set TENTC_CORPUS)"
	corpus=
fi
exec "$build/oracle" compare -reader "$build/read" -differences tests/oracle/differences.txt -corpus "$corpus" \
	-manifests testdata/corpus/online-boutique/kubernetes-manifests.yaml -scalars "${SCALARS:-1000000}" -seed "${SEED:-1}"
