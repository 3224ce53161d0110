# Root keys and credentials.

case_ "keygen: one line, another each time"
run keygen
want_rc 0
want_no_err
grep -Eqx 'k1: [A-Za-z0-9+/]{43}=' "$T/out" || complain "not a line of a key file"
[ "$(wc -l <"$T/out")" -eq 1 ] || complain "more than a line"
cp "$T/out" one
run keygen --key-id prod-2
grep -Eqx 'prod-2: [A-Za-z0-9+/]{43}=' "$T/out" || complain "not with that id"
[ "$(cut -d' ' -f2 one)" != "$(cut -d' ' -f2 "$T/out")" ] || complain "the same key twice"
run keygen --key-id K1
want_rc 2
want_no_out

case_ "keygen -o: mode 0600 whatever the umask; nothing is overwritten"
for mask in 000 022 077 777; do
	(umask $mask && "$TENTC" keygen -o key.$mask) || complain "failed with umask $mask"
	[ "$(stat -c %a key.$mask)" = 600 ] || complain "mode $(stat -c %a key.$mask) with umask $mask"
done
cp key.022 want
run keygen -o key.022
want_rc 2
want_err '"key.022" exists already, and a root key is never overwritten'
want_file want key.022
ln -s nothing link
run keygen -o link
want_rc 2
[ ! -e nothing ] || complain "wrote through a link"
run keygen -o absent/key
want_rc 2

case_ "keygen: a failed write leaves no half key"
(ulimit -f 0 && "$TENTC" keygen -o key 2>&1) | grep -q 'cannot write to key: file too large' || complain "no message"
[ -z "$(ls -A)" ] || complain "something was left"

case_ "--root-key-file: missing, broken, without the key"
plain a >a.yaml
run compile a.yaml --root-key-file no.key
want_rc 2
want_err 'cannot read "no.key": no such file or directory [TC500]'
echo 'k1: SECRETSECRET' >bad.key
run compile a.yaml --root-key-file bad.key
want_rc 2
want_err '[TC400]'
if grep -q SECRET "$T/err"; then complain "shows the file"; fi
"$TENTC" keygen --key-id k7 >other.key
"$TENTC" keygen --key-id k9 >>other.key
run compile a.yaml --root-key-file other.key
want_rc 2
want_err '"other.key" has no key "k1", it has: k7, k9 [TC401]'

case_ "credentials: in the Secret and nowhere else"
tentacle shop >shop.yaml
"$TENTC" keygen -o root.key
run compile shop.yaml
want_rc 0
if grep -q 'tentacular-postgres.password: ' "$T/out"; then complain "a credential without a key"; fi
run compile shop.yaml --root-key-file root.key
want_rc 0
cp "$T/out" first.yaml
password=$(sed -n 's/^ *tentacular-postgres\.password: *//p' first.yaml | tr -d '"')
plain=$(printf %s "$password" | base64 -d)
[ ${#plain} -eq 40 ] || { complain "no password of 40 characters"; password=none plain=none; }
run compile shop.yaml --root-key-file root.key -o out.yaml
want_rc 0
want_file first.yaml out.yaml
[ "$(stat -c %a out.yaml)" = 600 ] || complain "credentials that others can read"
# every way to fail after the key was read
root=$(cut -d' ' -f2 root.key)
sed -i 's/example/changed/' shop.yaml
sed 's/dependencies/dependency/' shop.yaml >wrong.yaml
mkdir -p d/out.yaml
for args in "shop.yaml -o out.yaml --check" "wrong.yaml" "shop.yaml missing.yaml" "shop.yaml -o d/out.yaml" \
	"shop.yaml -o nowhere/x" "shop.yaml --strict" "shop.yaml --format json"; do
	run compile $args --root-key-file root.key
	for text in "$root" "$plain" "$password"; do
		if grep -qF -- "$text" "$T/err"; then complain "stderr of $args shows a secret"; fi
	done
done

# What a file on disk holds is no less secret than what was derived, with the key and without.
case_ "credentials: in no diff and in no problem's line"
tentacle shop >shop.yaml
"$TENTC" keygen -o root.key
"$TENTC" keygen -o other.key
keys='s/^.*tentacular-[a-z]*\.\(password\|uri\|secret_key\|token\)"\{0,1\}: *//p'
# no_secrets FILE: no value of FILE's credentials in what the last run printed.
no_secrets() {
	sed -n "$keys" "$1" | tr -d '"' >values
	[ "$(wc -l <values)" -ge 4 ] || complain "only $(wc -l <values) credentials in $1"
	while read -r value; do
		for text in "$value" "$(printf %s "$value" | base64 -d)"; do
			if grep -qF -- "$text" "$T/out" "$T/err"; then complain "shows a secret"; fi
		done
	done <values
}
"$TENTC" compile shop.yaml --root-key-file root.key -o out.yaml 2>/dev/null
"$TENTC" compile shop.yaml --root-key-file other.key -o other.yaml 2>/dev/null
run compile shop.yaml -o out.yaml --check
want_rc 1
want_err "out.yaml differs"
no_secrets out.yaml
for key in password uri; do
	grep -qx -- "-  tentacular-postgres.$key: <redacted>" "$T/out" || complain "no line for $key"
done
grep -qx -- '-  tentacular-rustfs.access_key: <redacted>' "$T/out" || complain "no line for the access key"
run compile shop.yaml -o out.yaml --check --root-key-file other.key
want_rc 1
no_secrets out.yaml
no_secrets other.yaml
for mark in - +; do
	grep -qx -- "$mark  tentacular-nats.token: <redacted>" "$T/out" || complain "no line with $mark"
done
cp out.yaml same.yaml
run compile shop.yaml -o same.yaml --check --root-key-file root.key
want_rc 0
want_no_out
run compile shop.yaml -o missing.yaml --check --root-key-file root.key
want_rc 1
no_secrets out.yaml
grep -qx -- '+  tentacular-nats.token: <redacted>' "$T/out" || complain "no diff of the missing file"
# a key twice; no colon; no quote at the end; a tag that does not fit
sed '/tentacular-[a-z]*\.[a-z_]*: /{p;}' out.yaml >twice.yaml
sed '/tentacular-postgres\.uri: /s/:/ /' out.yaml >colon.yaml
sed '/tentacular-nats\.token: /s/: /: "/' out.yaml >quote.yaml
sed '/tentacular-nats\.token: /s/: /: !!int /' out.yaml >tag.yaml
for file in twice colon quote tag; do
	for args in "" "--root-key-file root.key"; do
		run compile $file.yaml $args
		want_rc 3
		want_no_out
		no_secrets out.yaml
	done
done
run compile twice.yaml
want_err 'key "tentacular-nats.token" is there twice [TC014]'
want_err ' |   tentacular-nats.token: <redacted>'
"$TENTC" compile shop.yaml --root-key-file root.key --format json 2>/dev/null >out.json
sed 's/\("tentacular-nats.token":"[^"]*"\)/\1,\1/; s/\("tentacular-postgres.password":\)"/\1/' out.json |
	grep '"kind":"Secret"' >twice.json
run compile twice.json
want_rc 3
no_secrets out.yaml

# /proc/PID/environ belongs to root when a process may not be dumped: seen best by a user who is not root.
case_ "no credential is in a command line or a core dump"
user=
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	user="setpriv --reuid=65534 --regid=65534 --clear-groups"
	chmod 777 .
fi
cp "$TENTC" "$T/tentc"
mkfifo pipe
chmod 666 pipe
$user "$T/tentc" keygen -o root.key
$user "$T/tentc" compile pipe --root-key-file root.key >"$T/out" 2>"$T/err" &
pid=$!
root=$(cut -d' ' -f2 root.key)
sleep 0.3
if [ ! -r /proc/$pid/cmdline ]; then
	skip "needs /proc"
elif ldd "$TENTC" | grep -q 'libasan\|libclang_rt'; then
	skip "a sanitizer build may be looked into"
else
	if grep -qF -- "$root" /proc/$pid/cmdline; then complain "the key is in argv"; fi
	tr '\0' ' ' </proc/$pid/cmdline | grep -q 'compile pipe' || complain "looked at another process"
	if [ -n "$user" ] || [ "$(id -u)" -ne 0 ]; then
		[ "$(stat -c %u /proc/$pid/environ)" -eq 0 ] || complain "the process can be dumped"
	fi
fi
: >pipe
wait $pid
