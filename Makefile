# The few commands that people type. `make run` and `make test` install everything they need.

CARGO ?= cargo
OUT := reports/out
TARGET := $(shell rustc -vV | sed -n 's/^host: //p')
OCIDIFF := target/dist/ocidiff
# Installed for tests besides the default set: versions with faults that tests are about.
FOR_TESTS := crun@0.17 crun@1.21
# Most tests wait for containers, so with only as many threads as processors the processors would be idle.
THREADS := $(shell echo $$((2 * $$(nproc))))
# The file in which tests note what they could not do on this machine.
SKIPS := target/tests/skipped

# What builds, installations and tests need besides the Rust toolchain: youki is built from its crate, versions from other
# suites are patched to find their own libraries, and tests start their own dockerd and Podman in private namespaces.
APT := busybox-static chromium-headless-shell clang docker.io libelf-dev libseccomp-dev patchelf pkg-config podman python3-venv zlib1g-dev strace

# What `make vm` installs as well: the virtual machine, what unpacks kernel modules, and the kernels themselves.
APT_VM := qemu-system-x86 util-linux xz-utils zstd
KERNELS ?= 5.10 6.1 6.12 7.2

# Keeps a package's service from starting on this machine.
NO_SERVICES := policy=/usr/sbin/policy-rc.d; [ -e $$policy ] || { trap "rm -f $$policy" EXIT; printf '\043!/bin/sh\nexit 101\n' >$$policy && chmod 755 $$policy; };
# Checks the dependencies against deny.toml; built once for all checkouts, next to the store.
DENY_VERSION := 0.20.2
DENY := $(or $(OCIDIFF_HOME),$(HOME)/.cache/ocidiff)/tools/cargo-deny-$(DENY_VERSION)/bin/cargo-deny
# Breaks the code in small ways, to see whether its own tests notice.
MUTANTS_VERSION := 27.1.0
MUTANTS := $(or $(OCIDIFF_HOME),$(HOME)/.cache/ocidiff)/tools/cargo-mutants-$(MUTANTS_VERSION)/bin/cargo-mutants
# The code that decides how a case is judged: the loaders of the corpus, comparison, recognition, verdicts.
JUDGES := --file 'harness/src/judge/**' --file 'harness/src/corpus/**'
# The folder in which cargo-deny looks for the database of rustsec.org; its name contains a hash of the address.
ADVISORY_DB := advisory-db-3157b0e258782691

# Checks Kubernetes manifests against the API's schemas, which come with it.
VALIDATE := kubernetes-validate==1.37.0
# Checks the workflows against GitHub's schema, which comes with it.
WORKFLOWS := check-jsonschema==0.39.0
# Contains axe-core, with which the pages are checked in a browser: one script file is used, and none of the Python code.
AXE := axe-playwright-python==0.1.8

.PHONY: run test lint deny mutants-own bench setup runtimes vm dist clean help

help:           ## list these commands
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 12

setup:          ## install what is missing: Debian packages, checkers for manifests and workflows, axe-core
	@missing=""; for package in $(APT); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q '^install ok installed' || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  if command -v apt-get >/dev/null; then $(NO_SERVICES) apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
	  else echo "not a Debian machine: install by hand what these packages contain:$$missing"; fi; fi
	@tool=target/tools/kubernetes-validate; \
	[ "$$($$tool/bin/python -m pip freeze 2>/dev/null | grep -cE '^($(VALIDATE)|$(WORKFLOWS))$$')" = 2 ] || \
	  { python3 -m venv $$tool && $$tool/bin/python -m pip install -q --disable-pip-version-check '$(VALIDATE)' '$(WORKFLOWS)'; }
	@axe=target/tools/axe; [ -d $$axe/$(subst -,_,$(subst ==,-,$(AXE))).dist-info ] || \
	  target/tools/kubernetes-validate/bin/python -m pip install -q --disable-pip-version-check --no-deps --upgrade --target $$axe '$(AXE)'

dist: setup     ## build the program as one static file: target/dist/ocidiff
	RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static" $(CARGO) build --release --locked --package ocidiff --target $(TARGET)
	@mkdir -p target/dist && cp target/$(TARGET)/release/ocidiff $(OCIDIFF).part && mv $(OCIDIFF).part $(OCIDIFF) && ls -l $(OCIDIFF)

runtimes: dist  ## install the default runtimes into the store
	$(OCIDIFF) runtimes install

vm: runtimes    ## install what virtual machines with other kernels need: qemu, and Debian's kernels in the store
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

test: runtimes  ## run every test: unit tests, harness tests, the corpus; list what was not run, why, and where the time went
	$(OCIDIFF) runtimes install $(FOR_TESTS)
	@mkdir -p $(dir $(SKIPS)) && rm -f $(SKIPS) && touch $(SKIPS)
	@{ OCIDIFF_TEST_ALL=1 OCIDIFF_SKIPS=$(CURDIR)/$(SKIPS) OCIDIFF_DIST=$(CURDIR)/$(OCIDIFF) RUST_TEST_THREADS=$(THREADS) $(CARGO) test --locked --workspace 2>&1; echo $$? >$(SKIPS).status; } \
	  | tee $(SKIPS).log; sort $(SKIPS) | sed 's/^/  /'; echo "tests that were not run, or only in part: $$(wc -l <$(SKIPS))"; \
	echo "seconds by test binary:"; \
	sed -nE 's/^ *Running .*deps\/(.*)-[0-9a-f]+\)$$/\1/p; s/^ *Doc-tests (.*)/\1:documentation/p; s/.*; finished in ([0-9.]+)s.*/\1/p' $(SKIPS).log \
	  | paste - - | awk '$$2 >= 1 {printf "%8.1f  %s\n", $$2, $$1}' | sort -rn; \
	exit $$(cat $(SKIPS).status)

lint: setup     ## check formatting, clippy, workflows, the code's figures, known files and findings
	$(CARGO) fmt --all --check
	target/tools/kubernetes-validate/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) test --locked --quiet --package ocidiff --test it house -- --nocapture
	$(CARGO) run --locked --quiet --package ocidiff -- lint

deny: $(DENY)   ## check licences, sources and (ADVISORIES=DIR, a clone of rustsec/advisory-db) known faults of all dependencies
	@# A build here downloads the crates for this platform only; deny looks at those for every platform.
	$(CARGO) fetch --quiet --locked
	PATH=$(dir $(DENY)):$$PATH $(CARGO) deny --offline --locked check licenses bans sources
	@if [ -n "$(ADVISORIES)" ]; then \
	  set -e; dbs=$$(mktemp -d); trap 'rm -rf "$$dbs"' EXIT; \
	  git clone -q "$(ADVISORIES)" $$dbs/$(ADVISORY_DB); sed "s|^\[advisories\]|&\ndb-path = \"$$dbs\"|" deny.toml >$$dbs/deny.toml; \
	  PATH=$(dir $(DENY)):$$PATH $(CARGO) deny --offline --locked --config $$dbs/deny.toml check advisories; \
	else echo "known faults were not looked for; for that, run make deny ADVISORIES=DIR with a clone of rustsec/advisory-db"; fi

$(DENY):
	$(CARGO) install --quiet --locked --version $(DENY_VERSION) --root $(dir $(@D)) cargo-deny

mutants-own: $(MUTANTS) ## list breaks in our own code that its crate's unit tests do not notice; takes hours (SHARD=0/20 for a part)
	@export PATH=$(dir $(MUTANTS)):$$PATH; status=0; \
	of() { name=$$1; shift; $(CARGO) mutants --output target/mutants/$$name $(if $(SHARD),--shard $(SHARD)) "$$@" -- --lib || status=$$?; }; \
	mkdir -p target/mutants; of model --package ocidiff-model; of judge --package ocidiff $(JUDGES); exit $$status

$(MUTANTS):
	$(CARGO) install --quiet --locked --version $(MUTANTS_VERSION) --root $(dir $(@D)) cargo-mutants

bench: runtimes ## measure all figures in one run; needs a quiet machine
	OCIDIFF_DIST=$(CURDIR)/$(OCIDIFF) $(CARGO) bench --locked --package ocidiff --bench numbers

clean:          ## remove what cargo and reports made
	$(CARGO) clean
	rm -rf $(OUT)
