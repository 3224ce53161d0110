# Options, operands, help, and what a mistake is answered with.

case_ "no arguments: a short usage"
run
want_rc 2
want_no_out
want_err "usage: tentc COMMAND"

case_ "every help fits a screen of 24 lines and 80 columns"
for c in "" compile validate identity schema keygen admit serve certs register undeploy status list resume enclave doctor bootstrap version help; do
	run help $c
	want_rc 0
	want_no_err
	awk 'length > 80 {exit 1} END {exit NR > 24}' "$T/out" || complain "help $c is too large"
	grep -q '^examples:' "$T/out" || complain "help $c has no examples"
	cp "$T/out" "$T/help"
	[ -z "$c" ] || { run $c --help; want_file "$T/help" "$T/out"; run $c -h; want_file "$T/help" "$T/out"; }
done
run help
cp "$T/out" "$T/help"
for o in --help -h; do run $o; want_file "$T/help" "$T/out"; done

case_ "version"
for o in version --version -V; do
	run $o
	want_rc 0
	want_out "tentc 0.1.0"
done
run version --format json
want_out '{"name":"tentc","version":"0.1.0"}'

case_ "unknown commands and options name the nearest"
run compil x
want_rc 2
want_err 'unknown command "compil"; did you mean "compile"?'
run compile --enclav demo x
want_rc 2
want_err 'unknown option "--enclav"; did you mean "--enclave"?'
run compile -x x
want_rc 2
want_err 'unknown option "-x"; tentc help compile lists them'
run compile --namespace=demo x
want_rc 2
want_err 'unknown option "--namespace=demo"; give --enclave NAME'
run compile -f x
want_rc 2
want_err 'unknown option "-f"; give a FILE, without an option'
run keygen -n x
want_err 'unknown option "-n"; tentc help keygen lists them'
run compile --format toml x
want_rc 2
want_err 'option "--format" is "toml", allowed are yaml, json'
plain a >a.yaml
run a.yaml
want_rc 2
want_err 'to compile it: tentc compile a.yaml'

case_ "options: both forms of a value, anywhere, until --"
plain a >a.yaml
for args in "-o o.yaml a.yaml" "-oo.yaml a.yaml" "a.yaml --output o.yaml" "--output=o.yaml a.yaml" "-o=o.yaml -- a.yaml"; do
	rm -f o.yaml
	run compile $args
	want_rc 0
	want_file a.yaml o.yaml
done
plain b >-o
run compile -- -o
want_rc 0
want_file ./-o "$T/out"

case_ "options without a value, or with one too many"
run compile a.yaml -o
want_rc 2
want_err 'option "-o" needs a value: FILE|DIR'
run compile --enclave --strict a.yaml
want_rc 2
want_err 'option "--enclave" needs a value, not another option: "--strict"'
run compile --strict=yes a.yaml
want_rc 2
want_err 'option "--strict=yes" takes no value'
run compile --enclave Demo a.yaml
want_rc 2
want_err 'the enclave "Demo" has "D" as character 1'
run version now
want_rc 2
want_err '"now" is one argument too many'

case_ "no operand is an error even when something is piped in"
plain a | run compile
want_rc 2
want_err "give a FILE, a DIR, or - for standard input"
want_no_out

case_ "identity: text and JSON hold the same names"
run identity demo shop
want_rc 0
grep -q '^postgres  user  *tent_demo_shop$' "$T/out" || complain "no role"
grep -q '^spire  *id  *spiffe://tentacular.local/ns/demo/wf/shop$' "$T/out" || complain "no SPIFFE ID"
run identity demo shop --format=json
want_rc 0
grep -q '^{"enclave":"demo","name":"shop","services":{"postgres":{.*"user":"tent_demo_shop"' "$T/out" || complain "not that JSON"
run identity demo
want_rc 2
run identity demo a_b
want_rc 2
want_err 'has "_" as character 2'

case_ "schema"
for s in contract config output record; do
	run schema $s
	want_rc 0
	head -c 1 "$T/out" | grep -q '{' || complain "no JSON"
done
run schema both
want_rc 2
want_err "there are contract, config, output and record"

case_ "no colour but on a terminal"
run compile missing.yaml
want_rc 2
if grep -q "$(printf '\033')" "$T/err"; then complain "escape sequences"; fi

case_ "serve: what cannot be served says what to do"
run serve x
want_rc 2
want_err '"x" is one argument too many; usage: tentc serve'
grep -q ' $' "$T/err" && complain "a line ends with a space"
plain a >a.yaml
run serve --config a.yaml
grep -q '^tentc: [0-9]* errors\{0,1\}; nothing is served$' "$T/err" || complain "the last line is $(tail -n 1 "$T/err")"
run serve --no-cluster --cert-dir none
want_rc 2
want_err 'tentc certs make -o DIR --name HOST'
for o in cert-secret=a/b cert-life=90d service=a webhook=b; do
	run serve --no-cluster --cert-dir none --$o
	want_rc 2
	want_err "\"--cert-dir\" and \"--${o%%=*}\" contradict each other"
done
(unset KUBECONFIG KUBERNETES_SERVICE_HOST && HOME=/nonexistent && export HOME && run serve)
want_err 'without "--no-cluster" the API server has to be known: no cluster is configured'
want_err 'give --kubeconfig FILE'
run certs make -o certs --name 127.0.0.1
port=$((20000 + $$ % 20000))
run serve --no-cluster --cert-dir certs --listen 127.0.0.1:$port --metrics 127.0.0.1:$port
want_rc 2
want_err "port $port: the port is taken; give another one"
