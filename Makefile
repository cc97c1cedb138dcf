# The few commands that people type. `make run` and `make test` bring everything they need.

CARGO ?= cargo
OUT := reports/out
TARGET := $(shell rustc -vV | sed -n 's/^host: //p')
OCIDIFF := target/dist/ocidiff
# Beside the default set: versions with faults that tests are about.
FOR_TESTS := crun@0.17 crun@1.21
# Most tests wait for containers: with as many threads as processors these idle.
THREADS := $(shell echo $$((2 * $$(nproc))))
# Where tests note what they could not do on this machine.
SKIPS := target/tests/skipped

# What builds, installing and tests need beside the Rust toolchain: youki is built from its crate, versions of other
# suites are patched to find their own libraries, and tests start a dockerd and a Podman of their own in private namespaces.
APT := busybox-static chromium-headless-shell clang docker.io libelf-dev libseccomp-dev patchelf pkg-config podman python3-venv zlib1g-dev strace

# What `make vm` installs beside: the machine, and what unpacks modules; the kernels that it brings.
APT_VM := qemu-system-x86 util-linux xz-utils zstd
KERNELS ?= 5.10 6.1 6.12 7.2

# A package's service must not start on this machine.
NO_SERVICES := policy=/usr/sbin/policy-rc.d; [ -e $$policy ] || { trap "rm -f $$policy" EXIT; printf '\043!/bin/sh\nexit 101\n' >$$policy && chmod 755 $$policy; };
# Holds the dependencies to deny.toml; built once for all checkouts, beside the runtimes.
DENY_VERSION := 0.20.2
DENY := $(or $(OCIDIFF_HOME),$(HOME)/.cache/ocidiff)/tools/cargo-deny-$(DENY_VERSION)/bin/cargo-deny
# Breaks the code in small ways, and sees whether its own tests notice.
MUTANTS_VERSION := 27.1.0
MUTANTS := $(or $(OCIDIFF_HOME),$(HOME)/.cache/ocidiff)/tools/cargo-mutants-$(MUTANTS_VERSION)/bin/cargo-mutants
# What says how a case is judged: the loaders of the corpus, comparison, recognition, verdicts.
JUDGES := --file 'harness/src/judge/**' --file 'harness/src/corpus/**'
# The folder that cargo-deny looks for the database of rustsec.org in: the name has the address's hash.
ADVISORY_DB := advisory-db-3157b0e258782691

# Holds a manifest for Kubernetes against the API's schemas, which it brings along.
VALIDATE := kubernetes-validate==1.37.0
# Holds the workflows against GitHub's schema, which it brings along.
WORKFLOWS := check-jsonschema==0.39.0
# Brings axe-core, which the pages are held against in a browser: one file of script, nothing of Python is run.
AXE := axe-playwright-python==0.1.8

.PHONY: run test lint deny mutants-own bench setup runtimes vm dist clean help

help:           ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 12

setup:          ## bring what is missing: Debian packages, checkers of manifests and workflows, axe-core
	@missing=""; for package in $(APT); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q '^install ok installed' || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  if command -v apt-get >/dev/null; then $(NO_SERVICES) apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
	  else echo "not a Debian machine: install by hand what these packages have:$$missing"; fi; fi
	@tool=target/tools/kubernetes-validate; \
	[ "$$($$tool/bin/python -m pip freeze 2>/dev/null | grep -cE '^($(VALIDATE)|$(WORKFLOWS))$$')" = 2 ] || \
	  { python3 -m venv $$tool && $$tool/bin/python -m pip install -q --disable-pip-version-check '$(VALIDATE)' '$(WORKFLOWS)'; }
	@axe=target/tools/axe; [ -d $$axe/$(subst -,_,$(subst ==,-,$(AXE))).dist-info ] || \
	  target/tools/kubernetes-validate/bin/python -m pip install -q --disable-pip-version-check --no-deps --upgrade --target $$axe '$(AXE)'

dist: setup     ## the program as one static file: target/dist/ocidiff
	RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static" $(CARGO) build --release --locked --package ocidiff --target $(TARGET)
	@mkdir -p target/dist && cp target/$(TARGET)/release/ocidiff $(OCIDIFF).part && mv $(OCIDIFF).part $(OCIDIFF) && ls -l $(OCIDIFF)

runtimes: dist  ## install the default runtimes into the store
	$(OCIDIFF) runtimes install

vm: runtimes    ## what virtual machines of other kernels need: qemu, Debian's kernels in the store
	@missing=""; for package in $(APT_VM); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q '^install ok installed' || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then $(NO_SERVICES) apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; fi
	$(OCIDIFF) kernels install $(KERNELS)

run: runtimes   ## run every case under runc, crun and youki; the reports go to reports/out/
	@mkdir -p $(OUT)
	$(OCIDIFF) run --json $(OUT)/events.jsonl; status=$$?; \
	if [ -f $(OUT)/events.jsonl ]; then \
	  $(OCIDIFF) report $(OUT)/events.jsonl --format markdown --output $(OUT)/report.md && \
	  $(OCIDIFF) report $(OUT)/events.jsonl --format html --output $(OUT)/report.html && \
	  $(OCIDIFF) report $(OUT)/events.jsonl --format junit --output $(OUT)/junit.xml; fi; \
	exit $$status

test: runtimes  ## every test: unit tests, harness tests, the corpus; what was not made, and why, and where the time went
	$(OCIDIFF) runtimes install $(FOR_TESTS)
	@mkdir -p $(dir $(SKIPS)) && rm -f $(SKIPS) && touch $(SKIPS)
	@{ OCIDIFF_TEST_ALL=1 OCIDIFF_SKIPS=$(CURDIR)/$(SKIPS) OCIDIFF_DIST=$(CURDIR)/$(OCIDIFF) RUST_TEST_THREADS=$(THREADS) $(CARGO) test --locked --workspace 2>&1; echo $$? >$(SKIPS).status; } \
	  | tee $(SKIPS).log; sort $(SKIPS) | sed 's/^/  /'; echo "tests that were not made, or only in part: $$(wc -l <$(SKIPS))"; \
	echo "seconds by what was run:"; \
	sed -nE 's/^ *Running .*deps\/(.*)-[0-9a-f]+\)$$/\1/p; s/^ *Doc-tests (.*)/\1:documentation/p; s/.*; finished in ([0-9.]+)s.*/\1/p' $(SKIPS).log \
	  | paste - - | awk '$$2 >= 1 {printf "%8.1f  %s\n", $$2, $$1}' | sort -rn; \
	exit $$(cat $(SKIPS).status)

lint: setup     ## formatting, clippy, workflows, the figures of the house, known files and findings
	$(CARGO) fmt --all --check
	target/tools/kubernetes-validate/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) test --locked --quiet --package ocidiff --test it house -- --nocapture
	$(CARGO) run --locked --quiet --package ocidiff -- lint

deny: $(DENY)   ## licences, sources and (ADVISORIES=DIR, a clone of rustsec/advisory-db) known faults of all dependencies
	@# Building here brings the crates of this platform alone; deny looks at those of every platform.
	$(CARGO) fetch --quiet --locked
	PATH=$(dir $(DENY)):$$PATH $(CARGO) deny --offline --locked check licenses bans sources
	@if [ -n "$(ADVISORIES)" ]; then \
	  set -e; dbs=$$(mktemp -d); trap 'rm -rf "$$dbs"' EXIT; \
	  git clone -q "$(ADVISORIES)" $$dbs/$(ADVISORY_DB); sed "s|^\[advisories\]|&\ndb-path = \"$$dbs\"|" deny.toml >$$dbs/deny.toml; \
	  PATH=$(dir $(DENY)):$$PATH $(CARGO) deny --offline --locked --config $$dbs/deny.toml check advisories; \
	else echo "known faults were not looked for: make deny ADVISORIES=DIR, a clone of rustsec/advisory-db"; fi

$(DENY):
	$(CARGO) install --quiet --locked --version $(DENY_VERSION) --root $(dir $(@D)) cargo-deny

mutants-own: $(MUTANTS) ## breaks in our own code that the unit tests of its crate do not notice; hours (SHARD=0/20 for a part)
	@export PATH=$(dir $(MUTANTS)):$$PATH; status=0; \
	of() { name=$$1; shift; $(CARGO) mutants --output target/mutants/$$name $(if $(SHARD),--shard $(SHARD)) "$$@" -- --lib || status=$$?; }; \
	mkdir -p target/mutants; of model --package ocidiff-model; of judge --package ocidiff $(JUDGES); exit $$status

$(MUTANTS):
	$(CARGO) install --quiet --locked --version $(MUTANTS_VERSION) --root $(dir $(@D)) cargo-mutants

bench: runtimes ## the numbers, side by side, from one run; on a quiet machine
	OCIDIFF_DIST=$(CURDIR)/$(OCIDIFF) $(CARGO) bench --locked --package ocidiff --bench numbers

clean:          ## what cargo and reports made
	$(CARGO) clean
	rm -rf $(OUT)
