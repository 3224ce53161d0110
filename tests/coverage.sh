#!/bin/sh
# coverage.sh BUILD_DIR UNIT_PROGRAMS PROPERTY_PROGRAM - runs the tests and prints the line and branch coverage of
# compiler/; lines without coverage go to build/coverage.txt.
#
# A line that no test can reach says so: "/* unreachable: why */" on that line. COVERAGE_STRICT=1, as in `make test`, fails
# on any other line without coverage, below 95 % of the lines (those with a reason count as not covered), and below 85 %
# of the branches.
build=$1 units=$2 property=$3
status=0
# shellcheck disable=SC2086
sh tests/unit.sh $units || status=1
if [ -e tests/golden.sh ]; then
	sh tests/golden.sh "$build/tentc" || status=1
fi
if [ -e tests/schema.sh ]; then
	sh tests/schema.sh "$build/tentc" || status=1
fi
if [ -n "$property" ]; then
	# Fewer than in its own gate: new cases stop reaching new lines long before.
	COUNT=${COUNT:-1000} COUNT_DIGEST=20 "$property" || status=1
fi

# An excuse needs a reason of two words at least, and there is one kind of excuse.
excuses=$(grep -rnE 'unreachable:' compiler --include='*.[ch]' | grep -vE '/\* unreachable: [^ ]+ [^*]+\*/')
excuses=$excuses$(grep -rnE 'GCOVR?_EXCL|LCOV_EXCL' compiler --include='*.[ch]')
if [ -n "$excuses" ]; then
	echo "$excuses"
	echo "coverage: the lines above leave out code without a reason: write /* unreachable: why */"
	status=1
fi

gcovr --root . --object-directory "$build" --filter 'compiler/.*\.[ch]$' --exclude-throw-branches \
	--exclude-lines-by-pattern '.*/\* unreachable: .*' --exclude-branches-by-pattern '.*/\* unreachable: .*' \
	--json "$build/coverage.json" "$build" >"$build/gcovr.log" 2>&1 || {
	cat "$build/gcovr.log"
	exit 1
}
python3 - "$build/coverage.json" build/coverage.txt <<'END' || status=1
import json, os, sys

lines = covered = branches = taken = excused = 0
out = open(sys.argv[2], "w")
for file in sorted(json.load(open(sys.argv[1]))["files"], key=lambda f: f["file"]):
    text = open(file["file"]).read().split("\n")
    for line in file["lines"]:
        if "/* unreachable: " in text[line["line_number"] - 1]:
            excused += 1
            continue
        if line.get("gcovr/noncode"):
            continue
        lines += 1
        covered += line["count"] > 0
        branches += len(line["branches"])
        taken += sum(b["count"] > 0 for b in line["branches"])
        if not line["count"]:
            out.write("%s:%d:%s\n" % (file["file"], line["line_number"], text[line["line_number"] - 1]))
out.close()
by_line = 100 * covered / max(lines + excused, 1)
by_branch = 100 * taken / max(branches, 1)
missing = lines - covered
strict = os.environ.get("COVERAGE_STRICT", "") not in ("", "0")
wrong = []
if strict and missing:
    print(open(sys.argv[2]).read(), end="")
    wrong.append("the lines above are reached by no test: test them, or write /* unreachable: why */ on each")
if strict and by_line < 95:
    wrong.append("%.1f %% of the lines are covered, at least 95 %% have to be" % by_line)
if strict and by_branch < 85:
    wrong.append("%.1f %% of the branches are covered, at least 85 %% have to be" % by_branch)
for fault in wrong:
    print("coverage: " + fault)
print("coverage: lines %.1f %% (%d of %d), branches %.1f %% (%d of %d); %d lines without, %d with a reason"
      % (by_line, covered, lines + excused, by_branch, taken, branches, missing, excused))
sys.exit(bool(wrong))
END
exit $status
