#!/bin/sh
# all.sh - every gate, one after the other, and one last line that counts. A gate is one test; the suites count their cases.
# The logs are in build/log. A failure does not keep the next gate from running. GATES='lint e2e' runs these alone.
gates='format-check check-unit check-golden check-cli check-layers check-pure check-ldd check-schema check-messages
	check-docs check-oracle property fuzz-replay clang asan lint valgrind coverage check-load e2e integration tsan asan-server'
gates=${GATES:-$gates}
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
passed=0 failed=0 skipped=0
# Here uncovered lines of compiler/ without a reason are a failure.
export COVERAGE_STRICT=1
mkdir -p build/log

# A suite's own count: the last "N passed, N failed, N skipped" of its log.
count() {
	sed -nE 's/.*[^0-9]([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$1" | tail -n 1
}

for gate in $gates; do
	log=build/log/$gate
	start=$(date +%s)
	make --no-print-directory -k -j"$jobs" "$gate" >"$log" 2>&1 </dev/null
	status=$?
	seconds=$(($(date +%s) - start))
	set -- 1 0 0
	case $gate in
	check-unit | check-golden | check-cli | check-docs | property | e2e | integration)
		# shellcheck disable=SC2046
		set -- $(count "$log")
		[ $# -eq 3 ] || set -- 1 0 0
		;;
	esac
	word=ok
	if grep -q "^$gate: skipped: " "$log"; then
		word=skipped
		set -- 0 0 1
	elif [ $status -ne 0 ]; then
		word=FAILED
		# What failed before anything could be counted is one failure.
		[ "$2" -gt 0 ] || set -- 0 1 0
	fi
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
	printf '%-8s %-14s %4d s  %s\n' $word "$gate" $seconds "$(grep -vE '^(make|  (CC|AR|LD) )' "$log" | tail -n 1 | cut -c 1-100)"
	[ $word != FAILED ] || grep -vE '^  (CC|AR|LD) ' "$log" | tail -n 60 | sed 's/^/    /'
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
