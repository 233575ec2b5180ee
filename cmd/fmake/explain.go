package main

import (
	"bufio"
	"os"

	"fmake/exec"
	"fmake/exec/explain"
	"fmake/exec/jsonout"
	"fmake/makefile"
)

// question is one name that --explain or --explain-miss asks about.
type question struct {
	name string
	miss bool // why the cache has nothing for it, too
}

// explain makes the session walk over what is to be explained, instead of making its
// goals, and answer then.
func (p *program) explain(o *exec.Options) {
	o.Considered = p.explained
	for _, q := range p.own.explain {
		if p.build.Walks(q.name) {
			o.Consider = append(o.Consider, q.name)
		}
	}
}

// explained answers all questions.
func (p *program) explained(walked map[string]*makefile.File) {
	answers := make([]*explain.Answer, 0, len(p.own.explain))
	for _, q := range p.own.explain {
		a := p.build.Explain(q.name, walked[q.name])
		if q.miss {
			p.build.ExplainMiss(a, walked[q.name])
		}
		answers = append(answers, a)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	if p.own.json {
		var w jsonout.Writer
		explain.WriteJSON(&w, answers)
		out.Write(w.Bytes())
		return
	}
	for i, a := range answers {
		if i > 0 {
			out.WriteString("\n")
		}
		a.Print(out)
	}
}
