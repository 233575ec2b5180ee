package main

import (
	"fmake/exec/flags"
	"fmake/exec/jsonout"
	"fmake/exec/story"
	"fmake/exec/verify"
)

// The statuses with which --verify makes a build end that has succeeded.
const (
	verifyDiffers = 1
	verifyTrouble = 2
)

// verify lets the recipes of this make run twice. Those of a make below can only if
// nothing runs beside it, which would see them vanish and come back.
func (p *program) verify() []story.Record {
	skip := verify.Finding{Kind: verify.Skipped, Target: "the make in " + p.session.Dir()}
	f := p.session.Flags()
	switch {
	case f.On(flags.JustPrint) || f.On(flags.Question) || f.On(flags.Touch):
		skip.Why = "with -n, -q or -t no recipe runs"
	case !p.top && !p.session.Serial():
		skip.Why = "others run beside it; leave -j away, or use fmake --verify -C there"
	default:
		findings, err := p.build.Verify(p.session.Again)
		if err != nil {
			findings = append(findings, verify.Finding{Kind: verify.Trouble, Why: err.Error()})
		}
		return verify.Records(findings)
	}
	return verify.Records([]verify.Finding{skip})
}

// showVerify prints what was found and returns the status for it.
func (p *program) showVerify(findings []verify.Finding) int {
	relative := relativeTo(p.session.Dir())
	if p.own.json {
		var w jsonout.Writer
		verify.WriteJSON(&w, findings, relative)
		p.session.Print(1, w.Bytes())
	} else {
		for _, line := range verify.Lines(findings, relative) {
			p.session.Warn(line)
		}
		p.session.Warn(verify.Summary(findings))
	}
	switch {
	case verify.Troubled(findings):
		return verifyTrouble
	case verify.Differ(findings):
		return verifyDiffers
	}
	return 0
}
