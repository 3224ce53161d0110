package main

import (
	"bufio"
	"fmt"
	"os/exec"
)

// compareEdits has tentc edit random patches into texts, and reads what comes out: it has to be the patched tree to
// Kubernetes too. Answers how many it is not.
func compareEdits(reader string, texts [][]byte, count int) (int, error) {
	cmd := exec.Command(reader, "edit")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	to, from := bufio.NewWriter(stdin), bufio.NewReader(stdout)
	edited, bad := 0, 0
	for i := range count {
		writeFrame(to, texts[i%len(texts)])
		to.WriteString("flush\n")
		if err := to.Flush(); err != nil {
			return 0, err
		}
		want, err := readFrame(from, nil)
		if err != nil {
			return 0, err
		}
		text, err := readFrame(from, nil)
		if err != nil {
			return 0, err
		}
		if len(want) == 0 {
			continue
		}
		edited++
		docs, _ := readStream(text)
		if len(docs) == 1 && judgeDocument(docs[0], string(want)).outcome == same {
			continue
		}
		if bad++; bad <= 10 {
			fmt.Printf("  edited: %q\n    tentc:      %s\n    Kubernetes: %+v\n", text, want, docs)
		}
	}
	fmt.Printf("edits: %d of %d patches made in the text; %d read otherwise\n", edited, count, bad)
	if edited*2 < count {
		return 0, fmt.Errorf("only %d of %d patches made in the text", edited, count)
	}
	stdin.Close()
	return bad, cmd.Wait()
}
