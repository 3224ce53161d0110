#!/bin/sh
# run.sh BUILD_DIR - the webhook beside a bare libmicrohttpd responder and a Go webhook of equal function.
#
# One generator loads them in turns over TLS connections that stay open, with the review of review.sh. CPU is what the
# server's process used for each review, from /proc; x is times the bare responder's. Figures are the medians of ROUNDS=3;
# COUNT=20000 reviews each, a tenth of them for Go: the system counts CPU in steps of 10 ms. PACED=500 reviews a second are sent as well: closed loops on a busy machine measure its queues.
# Without Go (or with GO= empty) that row is missing, and it says so. The goals decide nothing.
set -eu
build=$1
here=$(dirname "$0")
rounds=${ROUNDS:-3}
count=${COUNT:-20000}
paced=${PACED:-500}
go=${GO-go}
load=$build/tests/e2e/load
[ -x "$load" ] || { echo "bench-webhook: skipped: $load is not built"; exit 0; }
dir=$(mktemp -d)
pids=
cleanup() {
	for pid in $pids; do kill "$pid" 2>/dev/null || true; done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

"$build/tentc" certs make -o "$dir" --name localhost,127.0.0.1 >"$dir/made" 2>&1
sh "$here/review.sh" 8192 >"$dir/review.json"
"$build/tentc" admit "$dir/review.json" >"$dir/answer.json"

# port NAME FILE PATTERN - waits for what a server says first.
port() {
	for _ in $(seq 100); do
		p=$(sed -n "s/$3/\\1/p" "$2" | head -n 1)
		[ -n "$p" ] && { echo "$p"; return; }
		sleep 0.1
	done
	echo "bench-webhook: $1 did not start" >&2
	cat "$2" >&2
	exit 1
}

# started NAME PID PORT
started() {
	pids="$pids $2"
	servers="$servers $1"
	eval "pid_$1=$2 port_$1=$3"
}

servers=
mkfifo "$dir/hold"
"$build/bench/webhook/bare" "$dir/tls.crt" "$dir/tls.key" "$dir/answer.json" <"$dir/hold" >"$dir/bare.out" 2>&1 &
bare_pid=$!
exec 9>"$dir/hold"
started bare "$bare_pid" "$(port bare "$dir/bare.out" '^port \([0-9]*\)$')"

"$build/tentc" serve --no-cluster --cert-dir "$dir" --listen 127.0.0.1:0 --metrics off --drain 0 2>"$dir/tentc.out" 9>&- &
tentc_pid=$!
started tentc "$tentc_pid" "$(port tentc "$dir/tentc.out" '.* listening .*[ "]port=\([0-9]*\).*')"

peer=${GO_WEBHOOK:-$build/bench/webhook/go-webhook}
case $peer in /*) ;; *) peer=$(pwd)/$peer ;; esac # it is built from another folder
if [ -z "${GO_WEBHOOK:-}" ] && [ -n "$go" ] && command -v "$go" >/dev/null; then
	echo "building the Go webhook (minutes, the first time)"
	(cd "$here/go" && "$go" build -o "$peer.new" . >"$dir/go.log" 2>&1 && mv "$peer.new" "$peer") || true
fi
if [ -x "$peer" ]; then
	# controller-runtime takes a fixed port only.
	go_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	"$peer" "$go_port" "$dir" >"$dir/go.out" 2>&1 9>&- &
	go_pid=$!
	started go "$go_pid" "$go_port"
	for _ in $(seq 100); do
		"$load" "$go_port" "$dir/review.json" 1 1 >/dev/null 2>&1 && break
		sleep 0.1
	done
else
	echo "the Go webhook: skipped: it cannot be built here (Go 1.25 or later, and the module proxy)"
fi

anonymous() {
	eval "awk '/^RssAnon/ {print \$2}' /proc/\$pid_$1/status"
}
for s in $servers; do
	eval "idle_$s=\$(anonymous $s)"
done

# run NAME CONNECTIONS COUNT [OPTION]... - a line: name, connections, reviews a second, p50, p99, longest, CPU, RssAnon
run() {
	case $1 in go) vary=1 ;; *) vary=0 ;; esac # the order of its patch is that of a Go map
	eval "$load \$port_$1 $dir/review.json $3 $2 pid=\$pid_$1 field=$1 vary=$vary ${4:-}" || exit 1
}
for s in $servers; do
	run "$s" 16 2000 >/dev/null # not counted: caches, and Go's heap, find their size
done
for round in $(seq "$rounds"); do
	for connections in 1 16 64; do
		for s in $servers; do
			[ "$s" = go ] && n=$((count / 10)) || n=$count
			run "$s" "$connections" "$n" >>"$dir/rows"
		done
	done
	for s in $servers; do
		run "$s" 16 $((paced * 2)) "rate=$paced" | sed 's/ 16 / paced /' >>"$dir/rows"
	done
done

idle="$(for s in $servers; do eval "echo $s \$idle_$s"; done)"
echo "$(wc -c <"$dir/review.json") bytes of a review, $(wc -c <"$dir/answer.json") of its answer; $count reviews, medians of $rounds rounds"
awk -v idle="$idle" -v paced="$paced" '
function median(key, field,	n, i, j, t, list) {
	n = split(values[key, field], list, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && list[j] + 0 < list[j - 1] + 0; j--) {
			t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
		}
	return list[int((n + 1) / 2)]
}
{
	if (!($1 in known)) { known[$1] = 1; order[++servers] = $1 }
	for (i = 3; i <= 8; i++)
		values[$1 " " $2, i] = values[$1 " " $2, i] " " $i
}
END {
	split(idle, words)
	for (i = 1; words[i] != ""; i += 2)
		anonymous[words[i]] = words[i + 1]
	printf "\n%-18s %-7s %9s %8s %8s %9s %7s\n", "connections", "server", "a second", "p50 us", "p99 us", "CPU us", "x"
	kinds = split("1 16 64 paced", kind, " ")
	for (k = 1; k <= kinds; k++)
		for (s = 1; s <= servers; s++) {
			key = order[s] " " kind[k]
			cpu = median(key, 7)
			if (s == 1)
				base = cpu
			label = kind[k] == "paced" ? "16, " paced " a second" : kind[k]
			printf "%-18s %-7s %9d %8d %8d %9.1f %6.2fx\n", s == 1 ? label : "", order[s], median(key, 3), median(key, 4),
				median(key, 5), cpu, base ? cpu / base : 0
		}
	printf "\n%-18s", "RssAnon idle, KiB"
	for (s = 1; s <= servers; s++)
		printf " %s %d;", order[s], anonymous[order[s]]
	printf " then"
	for (s = 1; s <= servers; s++)
		printf " %s %d;", order[s], median(order[s] " 64", 8)
	ours = median("tentc 16", 7)
	printf "\n\ngoals: CPU at most 3 x bare: %.2f", ours / median("bare 16", 7)
	if ("go" in known)
		printf "; at least 6 x less than go: %.2f", median("go 16", 7) / ours
	printf "; p99 at 16 under 1000 us: %d closed, %d paced; RssAnon idle under 6144 KiB: %d\n", median("tentc 16", 5),
		median("tentc paced", 5), anonymous["tentc"]
}' "$dir/rows"
