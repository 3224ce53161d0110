# match.awk - does a text look as a document shows it? awk -f tests/match.awk SHOWN TEXT
#
# A line of SHOWN that is "..." stands for any number of lines, also none. What differs is printed, and the exit status
# is 1. What follows a "..." is looked for from where the last piece ended, so the first place that fits is taken.
NR == FNR { shown[++nshown] = $0; next }
{ text[++ntext] = $0 }

function fits(at, from, to, i) {
	for (i = from; i <= to; i++)
		if (at + i - from > ntext || text[at + i - from] != shown[i])
			return 0
	return 1
}

function differ(what, i) {
	print "    " what
	for (i = 1; i <= ntext; i++)
		print "    | " text[i]
	exit 1
}

END {
	at = 1
	for (from = 1; from <= nshown + 1; from = to + 2) {
		to = from - 1
		while (to < nshown && shown[to + 1] != "...")
			to++
		# The last piece has to end where the text ends.
		if (to == nshown && from > 1) {
			if (to - from + 1 > ntext - at + 1)
				differ("the end is not as shown:")
			at = ntext - (to - from)
		}
		while (from > 1 && !fits(at, from, to))
			if (++at > ntext)
				differ("not there, from \"" shown[from] "\" on:")
		if (from == 1 && !fits(1, from, to))
			differ("does not begin as shown:")
		at += to - from + 1
	}
	if (at <= ntext)
		differ("goes on after what is shown:")
}
