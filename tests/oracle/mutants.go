package main

import (
	"bytes"
	"regexp"
)

// splitManifests cuts a stream into its documents, separators included.
func splitManifests(text []byte) (docs [][]byte) {
	begin := 0
	for _, at := range regexp.MustCompile(`(?m)^---`).FindAllIndex(text, -1) {
		if at[0] > begin {
			docs = append(docs, text[begin:at[0]])
			begin = at[0]
		}
	}
	return append(docs, text[begin:])
}

var inserted = []string{"---\n", "--- # c\n", "--- x\n", "---", "...\n", "... # c\n", "%YAML 1.2\n", "# c\n", "\n", "\r\n", "- \n", "-\n", "  \n", "\t\n", ": \n", "? \n",
	"<<: *a\n", "<<: {a: 1}\n", "a: &a {k: v}\n", "k: *a\n", "a: |\n", "a: >-\n", "]\n", "{}\n", "[]\n", "{\n", "'\n", "\"\n", "\ufeff", "x\n", "x: y\n", "- x\n"}

// mutate changes bytes and lines, as editors, templates and broken pipes do.
func (r *rng) mutate(text []byte) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	at, other := r.below(len(lines)), r.below(len(lines))
	put := func(with ...[]byte) []byte {
		return bytes.Join([][]byte{bytes.Join(lines[:at], nil), bytes.Join(with, nil), bytes.Join(lines[at+1:], nil)}, nil)
	}
	line := lines[at]
	blanks := len(line) - len(bytes.TrimLeft(line, " "))
	switch r.below(16) {
	case 0:
		return put()
	case 1:
		return put(line, line)
	case 2:
		return put(line, lines[other])
	case 3:
		return put(lines[other])
	case 4:
		return put([]byte(pick(r, []string{" ", "  ", "\t", "- ", "    "})), line)
	case 5:
		return put(line[min(len(line), 1+r.below(2)):])
	case 6:
		return put(line[:blanks], []byte(pick(r, inserted)), line)
	case 7:
		return put([]byte(pick(r, inserted)), line)
	case 8: // another value behind the colon or the dash
		if i := bytes.IndexAny(line, ":-"); i >= 0 {
			return put(line[:i+1], []byte(" "+r.scalar()+"\n"))
		}
		return put([]byte(r.scalar()), line)
	case 9: // another key
		if i := bytes.IndexByte(line, ':'); i >= 0 {
			return put(line[:blanks], []byte(r.scalar()), line[i:])
		}
		return put(line, []byte(r.scalar()))
	case 10:
		if r.once(8) {
			return bytes.ReplaceAll(text, []byte("\n"), []byte(pick(r, []string{"\r\n", "\r", "\u0085", "\u2028"})))
		}
		return put(bytes.TrimRight(line, "\n"), []byte(pick(r, []string{"\r\n", "\r", " ", " \n", "\t\n", " # c\n", "#c\n", "\u2028", "\u0085"})))
	case 11:
		return text[:r.below(len(text)+1)]
	case 12: // any byte
		out := bytes.Clone(text)
		if len(out) > 0 {
			out[r.below(len(out))] = byte(r.next())
		}
		return out
	}
	i := r.below(len(text) + 1)
	j := min(len(text), i+r.below(3))
	return bytes.Join([][]byte{text[:i], []byte(pick(r, alphabet)), text[j:]}, nil)
}

// JSON as it is written by hand and by programs.
var jsonTexts = [][]byte{
	[]byte("{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"a\", \"labels\": null}, \"data\": {\"k\": \"v\"}}\n"),
	[]byte("{\n  \"a\": [1, -2, 3.5, 1e3, 1E-2, 0, -0, 18446744073709551615],\n  \"b\": [true, false, null],\n  \"c\": {}\n}\n"),
	[]byte("{\"s\": \"\\u00e9 \\ud83d\\ude00 \\n\\t\\/ \\\\ \\\" é\",\"t\":[],\"u\":[[],[{}]]}"),
	[]byte("{\"a\": 1}\n{\"b\": 2}\n"),
	[]byte("{\"a\": 1}{\"b\": {\"c\": \"d\"}}\r\n"),
	[]byte("  {\"ports\": [{\"port\": 80, \"name\": \"web\"}, {\"port\": 443}]}"),
	[]byte("{\"a\": 1, \"a\": 2}"),
	[]byte("{\"a\": 1}\n---\nb: 2\n"),
}

// Separators, byte order marks, and line breaks that only YAML knows.
var streamTexts = [][]byte{
	[]byte("---\n\r---\na: 1\n"),
	[]byte("---\n# c\r---\na: 1\n"),
	[]byte("---\n\u0085---\na: 1\n"),
	[]byte("\ufeff---\n\u2028---\na: 1\n---\nb: 2\n"),
	[]byte("\ufeff\ufeffa: 1\n"),
	[]byte("\ufeffa: 1\n---\n\ufeffb: 2\n"),
	[]byte("---\n---\n\r---\n# c\n"),
	[]byte("a: 1\n--- # c\nb: 2\n---\n...\n"),
	[]byte("a: 1\r\n---\r\nb: |\r\n  x\r\n---\r\n"),
}

const mutantsAtOnce = 500

func mutantSource(name string, count int, seed uint64, originals [][]byte) source {
	if len(originals) == 0 {
		count = 0
	}
	return source{name: name, chunks: (count + mutantsAtOnce - 1) / mutantsAtOnce, make: func(chunk int) [][]byte {
		r := newRng(seed, name, chunk)
		var out [][]byte
		for range mutantsAtOnce {
			i := r.below(len(originals))
			text := originals[i]
			if name == "manifests" { // a stream of up to three
				text = bytes.Join(originals[i:min(len(originals), i+1+r.below(3))], nil)
			}
			for n := 1 + r.below(3); n > 0; n-- {
				text = r.mutate(text)
			}
			out = append(out, text)
		}
		return out
	}}
}
