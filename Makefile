# Builds and tests fmake. Works with GNU make and with fmake itself.

GO       = go
PREFIX   = /usr/local
DESTDIR  =
PROGRAMS = bin/fmake bin/fmake-engine bin/frun

.PHONY: build test check lint bench demo install clean FORCE

build: $(PROGRAMS)

# The go tool knows best what has to be compiled, and keeps an own cache.
bin/%: FORCE
	CGO_ENABLED=0 $(GO) build -trimpath -o $@ ./cmd/$*

FORCE:

# Everything that .ci/run runs, installing what the tests need (as root).
test:
	tests/run.sh

# The tests that need nothing but Go.
check: lint
	$(GO) test $$($(GO) list ./... | grep -v /tests)

lint:
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	test -z "$$($(GO) tool gofumpt -l .)" || { $(GO) tool gofumpt -d .; exit 1; }

bench: build
	$(GO) run ./tests/bench

demo: build
	tests/demo/run.sh bin/fmake

install: build
	install -d $(DESTDIR)$(PREFIX)/bin
	install $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin

clean:
	rm -rf bin
