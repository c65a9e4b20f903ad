# Thin on purpose: every target is a command that can be typed as well.
# `make check` is what CI runs.

GO ?= go

.PHONY: build test lint check lab

build: ## a static, stripped binary in dist/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o dist/fipctl ./cmd/fipctl

test:
	$(GO) test ./...

lint:
	@unformatted=$$(gofmt -l cmd internal pkg); \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

check:
	.ci/run

lab:
	$(GO) run ./cmd/fipctl lab
