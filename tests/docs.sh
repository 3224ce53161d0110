#!/bin/sh
# Is what the documents say true? sh tests/docs.sh TENTC
#
# Every fenced block says by its tag how it is tried:
#   yaml contract   a workflow.yaml: compiles with --enclave demo
#   yaml becomes    what the contract above it becomes, the objects that follow left out
#   yaml manifest   manifests with a contract: compile
#   yaml config     an ExoskeletonConfig: is accepted
#   yaml            other YAML: passes through byte for byte
#   console         lines that begin with "$ " are run beside examples/, what follows each is its whole output
#   sh, text, json, diff, make and so on are not run
# In what is compared, a line "..." stands for any lines. Besides: the table of configuration keys is that of the code
# (UPDATE=1 writes it anew), the man page knows every command and option, the keys of the Secret, the metrics and the
# alerts are all described, and links lead somewhere. The last line counts; the exit status is 1 when something was not
# true.
set -u
[ $# -eq 1 ] || { echo "usage: sh tests/docs.sh TENTC" >&2; exit 2; }
TENTC=$(realpath "$1") || exit 2
cd "$(dirname "$0")/.." || exit 2
root=$PWD
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
LC_ALL=C
export LC_ALL
passed=0 failed=0

# verdict STATUS WHAT: counts, and shows $tmp/why for what failed.
verdict() {
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $2"
		sed 's/^/    /' "$tmp/why"
	fi
}

compile() { "$TENTC" compile "$@" >"$tmp/out" 2>"$tmp/why"; }

first_document() { sed '/^---/,$d' "$1"; }

# console FILE: the commands of a block, each with the output that is shown.
console() {
	rm -rf "$tmp/run"
	mkdir "$tmp/run"
	cp -R examples "$tmp/run/"
	awk -v dir="$tmp/run" '
		/^\$ / { n++; print substr($0, 3) >(dir "/" n ".cmd"); printf "" >(dir "/" n ".shown"); next }
		{ print >(dir "/" n ".shown") }' "$1"
	for cmd in "$tmp"/run/*.cmd; do
		(
			cd "$tmp/run" || exit 2
			PATH=$tmp/bin:$PATH
			sh -c "$(cat "$cmd")"
		) >"$tmp/out" 2>&1 </dev/null
		if ! awk -f tests/match.awk "${cmd%.cmd}.shown" "$tmp/out" >>"$tmp/why"; then
			echo "    of: $(cat "$cmd")" >>"$tmp/why"
			return 1
		fi
	done
}

try_fence() {
	: >"$tmp/why"
	case $2 in
	yaml-contract)
		cp "$1" "$tmp/workflow.yaml"
		compile "$tmp/workflow.yaml" --enclave demo
		;;
	yaml-becomes)
		compile "$tmp/workflow.yaml" --enclave demo && first_document "$tmp/out" >"$tmp/first" &&
			awk -f tests/match.awk "$1" "$tmp/first" >"$tmp/why"
		;;
	yaml-manifest)
		cp "$1" "$tmp/manifest.yaml"
		compile "$tmp/manifest.yaml" && ! grep TC212 "$tmp/why"
		;;
	yaml-config)
		cp "$1" "$tmp/exoskeleton.yaml"
		compile examples/workflow.yaml --enclave demo --config "$tmp/exoskeleton.yaml"
		;;
	yaml)
		cp "$1" "$tmp/other.yaml"
		compile "$tmp/other.yaml" && diff -u "$1" "$tmp/out" >"$tmp/why"
		;;
	console) console "$1" ;;
	sh | text | json | diff | make | c | dockerfile) return 2 ;;
	*)
		echo "the tag \"$2\" is not one that tests/docs.sh knows" >"$tmp/why"
		return 1
		;;
	esac
}

check_fences() {
	rm -rf "$tmp/fences"
	mkdir "$tmp/fences"
	awk -f tests/fences.awk -v dir="$tmp/fences" "$1" >"$tmp/list"
	while read -r name line tag; do
		try_fence "$tmp/fences/$name" "$tag"
		status=$?
		[ $status -eq 2 ] || verdict $status "$1:$line: $tag"
	done <"$tmp/list"
}

# Links to files of the repository.
check_links() {
	grep -oE '\]\([^)#: ]+[)#]' "$1" | tr -d '()#]' | while read -r link; do
		[ -e "$(dirname "$1")/$link" ] || echo "no such file: $link"
	done >"$tmp/why"
	[ ! -s "$tmp/why" ]
	verdict $? "$1: links"
}

# What stands between the two marks is what the code prints.
check_table() {
	doc=docs/configuration.md
	"$TENTC" schema config | awk -f tests/config_table.awk >"$tmp/rows"
	{
		echo '| key | default | meaning |'
		echo '|---|---|---|'
		cat "$tmp/rows"
	} >"$tmp/table"
	if [ -n "${UPDATE:-}" ]; then
		awk -v table="$tmp/table" '
			/^<!-- end of the table -->/ { inside = 0 }
			!inside { print }
			/^<!-- table, written by/ { inside = 1; while ((getline row <table) > 0) print row }' $doc >"$tmp/doc"
		cat "$tmp/doc" >$doc
	fi
	sed -n '/^<!-- table, written by/,/^<!-- end of the table -->/p' $doc | grep '^|' >"$tmp/there"
	[ -s "$tmp/rows" ] && diff -u "$tmp/there" "$tmp/table" >"$tmp/why"
	verdict $? "$doc: the table (make docs writes it)"
}

# The man page writes a dash as \-.
check_manual() {
	sed 's/\\-/-/g' docs/tentc.1 >"$tmp/manual"
	"$TENTC" help | sed -n 's/^  \([a-z]*\)   *[a-z].*/\1/p' >"$tmp/commands"
	{
		grep -q . "$tmp/commands" || echo "tentc help lists no command"
		while read -r command; do
			grep -q "tentc $command" "$tmp/manual" || echo "lacks the command $command"
			"$TENTC" help "$command" | grep -oE '^  (-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' |
				while read -r option; do
					grep -qF -- "$option" "$tmp/manual" || echo "lacks $option of $command"
				done
		done <"$tmp/commands"
		version=$("$TENTC" version)
		grep -q "\"$version\"" docs/tentc.1 || echo "is not of \"$version\""
		grep -q "^## ${version#tentc }" CHANGELOG.md || echo "CHANGELOG.md has no ${version#tentc }"
	} >"$tmp/why"
	[ ! -s "$tmp/why" ]
	verdict $? "docs/tentc.1: commands, options, version"
}

# Every key that a Secret may have, as the volume of a workload with all services lists them.
check_keys() {
	cat >"$tmp/all.yaml" <<'END'
apiVersion: v1
kind: Pod
metadata:
  name: all
  namespace: demo
  annotations:
    tentacular.io/contract: |
      dependencies:
        tentacular-postgres:
        tentacular-rustfs:
        tentacular-nats:
        tentacular-spire:
spec:
  containers:
  - name: all
    image: all
END
	compile "$tmp/all.yaml"
	sed -n 's/^ *- key: //p' "$tmp/out" >"$tmp/keys"
	{
		[ "$(wc -l <"$tmp/keys")" -gt 20 ] || echo "fewer keys than expected"
		while read -r key; do
			grep -qF "\`$key\`" docs/compiled-objects.md || echo "lacks $key"
		done <"$tmp/keys"
	} >"$tmp/why"
	[ ! -s "$tmp/why" ]
	verdict $? "docs/compiled-objects.md: keys of the Secret"
}

# Every metric that a program writes and every alert has its row; and an alert asks for metrics that there are.
check_metrics() {
	grep -ohE '"tentc_[a-z0-9_]+' webhook/*.c controller/*.c cli/cluster/*.c | tr -d '"' | sort -u >"$tmp/metrics"
	sed -n 's/^ *- alert: //p' deploy/*/prometheusrule.yaml >"$tmp/alerts"
	{
		[ "$(wc -l <"$tmp/metrics")" -gt 10 ] || echo "fewer metrics than expected"
		[ "$(wc -l <"$tmp/alerts")" -gt 5 ] || echo "fewer alerts than expected"
		cat "$tmp/metrics" "$tmp/alerts" | while read -r name; do
			grep -qE "^\|.*$name\b" docs/*.md || echo "no table of docs/*.md has $name"
		done
		grep -ohE '\btentc_[a-z0-9_]+' deploy/*/prometheusrule.yaml | sed -E 's/_(bucket|sum|count)$//' | sort -u |
			while read -r name; do
				grep -qx "$name" "$tmp/metrics" || echo "an alert asks for $name, which nobody writes"
			done
	} >"$tmp/why"
	[ ! -s "$tmp/why" ]
	verdict $? "docs/*.md: metrics and alerts"
}

mkdir "$tmp/bin"
ln -s "$TENTC" "$tmp/bin/tentc"
for doc in README.md CONTRIBUTING.md CHANGELOG.md docs/*.md; do
	check_fences "$doc"
	check_links "$doc"
done
check_table
check_manual
check_keys
check_metrics
cd "$root" || exit 2
echo "docs: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
