package makefile

// builtinSuffixes are the prerequisites that .SUFFIXES starts with. Their order
// is the order in which suffix rules become pattern rules, and so the order in
// which these are tried.
const builtinSuffixes = ".out .a .ln .o .c .cc .C .cpp .p .f .F .m .r .y .l .ym .yl" +
	" .s .S .mod .sym .def .h .info .dvi .tex .texinfo .texi .txinfo .w .ch .web .sh .elc .el"

// builtinRule is a rule of make's own: a suffix rule if deps is empty.
type builtinRule struct {
	target, deps, recipe string
	terminal             bool
}

// builtinSuffixRules are files of the database before anything is read, so that
// a makefile can replace the recipe of one by its own.
var builtinSuffixRules = [...]builtinRule{
	{target: ".c.ln", recipe: "$(LINT.c) -C$* $<"},
	{target: ".y.ln", recipe: "$(YACC.y) $< \n $(LINT.c) -C$* y.tab.c \n $(RM) y.tab.c"},
	{target: ".l.ln", recipe: "@$(RM) $*.c\n $(LEX.l) $< > $*.c\n$(LINT.c) -i $*.c -o $@\n $(RM) $*.c"},
	{target: ".c.o", recipe: "$(COMPILE.c) $(OUTPUT_OPTION) $<"},
	{target: ".cc.o", recipe: "$(COMPILE.cc) $(OUTPUT_OPTION) $<"},
	{target: ".C.o", recipe: "$(COMPILE.C) $(OUTPUT_OPTION) $<"},
	{target: ".cpp.o", recipe: "$(COMPILE.cpp) $(OUTPUT_OPTION) $<"},
	{target: ".p.o", recipe: "$(COMPILE.p) $(OUTPUT_OPTION) $<"},
	{target: ".f.o", recipe: "$(COMPILE.f) $(OUTPUT_OPTION) $<"},
	{target: ".F.o", recipe: "$(COMPILE.F) $(OUTPUT_OPTION) $<"},
	{target: ".m.o", recipe: "$(COMPILE.m) $(OUTPUT_OPTION) $<"},
	{target: ".r.o", recipe: "$(COMPILE.r) $(OUTPUT_OPTION) $<"},
	{target: ".s.o", recipe: "$(COMPILE.s) -o $@ $<"},
	{target: ".S.o", recipe: "$(COMPILE.S) -o $@ $<"},
	{target: ".mod.o", recipe: "$(COMPILE.mod) -o $@ $<"},
	{target: ".y.c", recipe: "$(YACC.y) $< \n mv -f y.tab.c $@"},
	{target: ".l.c", recipe: "@$(RM) $@ \n $(LEX.l) $< > $@"},
	{target: ".w.c", recipe: "$(CTANGLE) $< - $@"},
	{target: ".web.p", recipe: "$(TANGLE) $<"},
	{target: ".F.f", recipe: "$(PREPROCESS.F) $(OUTPUT_OPTION) $<"},
	{target: ".r.f", recipe: "$(PREPROCESS.r) $(OUTPUT_OPTION) $<"},
	{target: ".ym.m", recipe: "$(YACC.m) $< \n mv -f y.tab.c $@"},
	{target: ".lm.m", recipe: "@$(RM) $@ \n $(LEX.m) $< > $@"},
	{target: ".l.r", recipe: "$(LEX.l) $< > $@ \n mv -f lex.yy.r $@"},
	{target: ".S.s", recipe: "$(PREPROCESS.S) $< > $@"},
	{target: ".def.sym", recipe: "$(COMPILE.def) -o $@ $<"},
	{target: ".texinfo.info", recipe: "$(MAKEINFO) $(MAKEINFO_FLAGS) $< -o $@"},
	{target: ".texi.info", recipe: "$(MAKEINFO) $(MAKEINFO_FLAGS) $< -o $@"},
	{target: ".txinfo.info", recipe: "$(MAKEINFO) $(MAKEINFO_FLAGS) $< -o $@"},
	{target: ".tex.dvi", recipe: "$(TEX) $<"},
	{target: ".texinfo.dvi", recipe: "$(TEXI2DVI) $(TEXI2DVI_FLAGS) $<"},
	{target: ".texi.dvi", recipe: "$(TEXI2DVI) $(TEXI2DVI_FLAGS) $<"},
	{target: ".txinfo.dvi", recipe: "$(TEXI2DVI) $(TEXI2DVI_FLAGS) $<"},
	{target: ".w.tex", recipe: "$(CWEAVE) $< - $@"},
	{target: ".web.tex", recipe: "$(WEAVE) $<"},
	{target: ".o", recipe: "$(LINK.o) $^ $(LOADLIBES) $(LDLIBS) -o $@"},
	{target: ".c", recipe: "$(LINK.c) $^ $(LOADLIBES) $(LDLIBS) -o $@"},
	{target: ".cc", recipe: "$(LINK.cc) $^ $(LOADLIBES) $(LDLIBS) -o $@"},
	{target: ".C", recipe: "$(LINK.C) $^ $(LOADLIBES) $(LDLIBS) -o $@"},
	{target: ".cpp", recipe: "$(LINK.cpp) $^ $(LOADLIBES) $(LDLIBS) -o $@"},
	{target: ".p", recipe: "$(LINK.p) $^ $(LOADLIBES) $(LDLIBS) -o $@"},
	{target: ".f", recipe: "$(LINK.f) $^ $(LOADLIBES) $(LDLIBS) -o $@"},
	{target: ".F", recipe: "$(LINK.F) $^ $(LOADLIBES) $(LDLIBS) -o $@"},
	{target: ".m", recipe: "$(LINK.m) $^ $(LOADLIBES) $(LDLIBS) -o $@"},
	{target: ".r", recipe: "$(LINK.r) $^ $(LOADLIBES) $(LDLIBS) -o $@"},
	{target: ".s", recipe: "$(LINK.s) $^ $(LOADLIBES) $(LDLIBS) -o $@"},
	{target: ".S", recipe: "$(LINK.S) $^ $(LOADLIBES) $(LDLIBS) -o $@"},
	{target: ".mod", recipe: "$(COMPILE.mod) -o $@ -e $@ $^"},
	{target: ".sh", recipe: "cat $< >$@ \n chmod a+x $@"},
}

// builtinPatternRules come after all rules of the makefiles.
var builtinPatternRules = [...]builtinRule{
	{target: "(%)", deps: "%", recipe: "$(AR) $(ARFLAGS) $@ $<"},
	{target: "%.out", deps: "%", recipe: "@rm -f $@ \n cp $< $@"},
	{target: "%.c", deps: "%.w %.ch", recipe: "$(CTANGLE) $^ $@"},
	{target: "%.tex", deps: "%.w %.ch", recipe: "$(CWEAVE) $^ $@"},
	{target: "%", deps: "%,v", recipe: "$(CHECKOUT,v)", terminal: true},
	{target: "%", deps: "RCS/%,v", recipe: "$(CHECKOUT,v)", terminal: true},
	{target: "%", deps: "RCS/%", recipe: "$(CHECKOUT,v)", terminal: true},
	{target: "%", deps: "s.%", recipe: "$(GET) $(GFLAGS) $(SCCS_OUTPUT_OPTION) $<", terminal: true},
	{target: "%", deps: "SCCS/s.%", recipe: "$(GET) $(GFLAGS) $(SCCS_OUTPUT_OPTION) $<", terminal: true},
}
