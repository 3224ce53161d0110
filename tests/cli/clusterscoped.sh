# --cluster-scoped, and --format json.

case_ "--cluster-scoped: include, omit, a folder of their own"
mkdir -p k/sub
tentacle shop >k/sub/shop.yaml
plain a >k/a.yaml
run compile k -o all
want_rc 0
grep -q '^kind: ClusterSPIFFEID' all/sub/shop.yaml || complain "not included by default"
run compile k -o all2 --cluster-scoped include
want_file all/sub/shop.yaml all2/sub/shop.yaml
run compile k -o omitted --cluster-scoped=omit
want_rc 0
if grep -q ClusterSPIFFEID omitted/sub/shop.yaml; then complain "not omitted"; fi
run compile k -o apart --cluster-scoped cluster/ids
want_rc 0
want_file omitted/sub/shop.yaml apart/sub/shop.yaml
[ "$(find cluster -type f)" = cluster/ids/sub/shop.yaml ] || complain "other files than expected"
[ "$(grep -c '^kind:' cluster/ids/sub/shop.yaml)" -eq 1 ] || complain "something else is in there"
run compile k -o apart --cluster-scoped cluster/ids --check
want_rc 0
plain old >cluster/ids/old.yaml
run compile k -o apart --cluster-scoped cluster/ids --check
want_rc 1
want_err "cluster/ids/old.yaml is produced by nothing any more"
rm cluster/ids/old.yaml

case_ "--cluster-scoped DIR with standard output"
tentacle shop >shop.yaml
run compile shop.yaml --cluster-scoped ids
want_rc 0
if grep -q ClusterSPIFFEID "$T/out"; then complain "on standard output, too"; fi
want_files shop.yaml ids/shop.yaml
rm -r ids
"$TENTC" compile shop.yaml --cluster-scoped ids >/dev/full 2>"$T/err"
rc=$?
want_rc 2
want_files shop.yaml
[ ! -e ids ] || complain "the folder was left"

case_ "--cluster-scoped into the folder of -o"
tentacle shop >shop.yaml
run compile shop.yaml -o out/ --cluster-scoped out
want_rc 2
want_err '"out/shop.yaml" would be written from "shop.yaml" and from "shop.yaml"'
run compile shop.yaml -o "$PWD/out/" --cluster-scoped out
want_rc 2
want_files shop.yaml
run compile shop.yaml -o out/ --cluster-scoped out/cluster
want_rc 0
run compile shop.yaml -o out/ --cluster-scoped out/cluster --check
want_rc 0

case_ "--format json: one document a line"
tentacle shop >shop.yaml
plain a >a.yaml
run compile shop.yaml a.yaml --format json
want_rc 0
grep -q '^{"apiVersion":"apps/v1","kind":"Deployment"' "$T/out" || complain "no Deployment"
if grep -qv '^{.*}$' "$T/out"; then complain "something else than a document a line"; fi
run compile shop.yaml a.yaml --format json -o out
want_rc 0
want_files shop.yaml a.yaml out/shop.json out/a.json
