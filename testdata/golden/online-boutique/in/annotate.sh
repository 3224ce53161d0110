# Puts the annotations of contracts.yaml behind `name:` of the Deployments that they are for.
awk '
	FILENAME == ARGV[1] && /^[a-z]+:$/ {name = substr($1, 1, length($1) - 1); next}
	FILENAME == ARGV[1] {text[name] = text[name] $0 "\n"; next}
	/^---/ {deployment = 0}
	/^kind: Deployment/ {deployment = 1}
	{print}
	deployment && /^  name: / && $2 in text {
		printf "  annotations:\n    tentacular.io/contract: |\n%s", text[$2]
		delete text[$2]
	}
' contracts.yaml "$1"
