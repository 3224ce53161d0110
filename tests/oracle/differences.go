package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// A row of the list: name, outcome, what tentc says, what Kubernetes says (regular expressions), an example that shows it,
// so that no row outlives its reason; and, where the two do not say enough, what the text holds.
type difference struct {
	name, outcome string
	tentc, oracle *regexp.Regexp
	example       []byte
	text          *regexp.Regexp
}

type differences struct{ rows []*difference }

func loadDifferences(path string) (*differences, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	known := &differences{}
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.FieldsFunc(line, func(c rune) bool { return c == '\t' })
		if len(columns) != 5 && len(columns) != 6 {
			return nil, fmt.Errorf("%s:%d: %d columns instead of 5 or 6", path, i+1, len(columns))
		}
		columns = append(columns, "") // any text
		d := &difference{name: columns[0], outcome: columns[1]}
		if d.tentc, err = regexp.Compile(columns[2]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
		if d.oracle, err = regexp.Compile(columns[3]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
		if d.text, err = regexp.Compile(columns[5]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
		example, err := strconv.Unquote(columns[4])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: the example: %w", path, i+1, err)
		}
		d.example = []byte(example)
		known.rows = append(known.rows, d)
	}
	return known, nil
}

// find answers the first row that allows it. Looser is only what kubectl, which does not read strictly, reads alike.
func (known *differences) find(v verdict, text []byte) *difference {
	if v.outcome == looser && (v.lenient == nil || !sameJSON([]byte(v.tentc), v.lenient)) {
		return nil
	}
	for _, d := range known.rows {
		if d.outcome == outcomes[v.outcome] && d.tentc.MatchString(v.tentc) && d.oracle.MatchString(v.oracle) &&
			d.text.Match(text) {
			return d
		}
	}
	return nil
}

func (known *differences) examples() source {
	var texts [][]byte
	for _, d := range known.rows {
		texts = append(texts, d.example)
	}
	return given("examples", texts)
}

// unshown counts the rows whose example does not show them.
func (known *differences) unshown(t *tally) int {
	n := 0
	for i, d := range known.rows {
		if t.shown[i] != d {
			fmt.Printf("  the example of %s does not show it: is the row still needed?\n", d.name)
			n++
		}
	}
	return n
}
