# SPDX-License-Identifier: Apache-2.0
# camca: one Makefile, no recursion. Everything built lies under $(BUILD).
#   make help    the targets
BUILD   ?= build
PREFIX  ?= /usr/local
CC      ?= gcc
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)
SAY      = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n')

VERSION := 0.1.0
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
           -Wmissing-prototypes -Wformat=2 -Wvla
ifeq ($(CI),true)
WARN    += -Werror
endif
SAN     ?=
HARDEN  := $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
CFLAGS  ?= -O2 -g
P11CF   := $(shell pkg-config --cflags p11-kit-1 2>/dev/null)
XMLCF   := $(shell pkg-config --cflags libxml-2.0 2>/dev/null)
OPT      = $(CFLAGS)
ALLCF    = -std=c11 -D_GNU_SOURCE -I. -DCAMCA_VERSION='"$(VERSION)"' \
           -DCAMCA_PREFIX='"$(PREFIX)"' $(WARN) $(HARDEN) $(OPT) $(SAN) \
           -MMD -MP -pthread $(P11CF) $(XMLCF)
ALLLD    = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SAN) $(LDFLAGS) -pthread

BASE    := $(wildcard ca/base/*.c)
HSM     := $(wildcard hsm/*.c)
STORE   := $(wildcard ca/store/*.c)
ISSUE   := $(wildcard ca/issue/*.c)
ADMIT   := $(wildcard ca/admit/*.c)
STATUS  := $(wildcard ca/status/*.c)
CUSTODY := $(wildcard ca/custody/*.c)
VAULT   := $(wildcard ca/vault/*.c)
JOB     := $(wildcard ca/job/*.c)
AUTH    := $(filter-out ca/authority/main.c,$(wildcard ca/authority/*.c))
CMD     := $(wildcard ca/cmd/*.c)
GATE    := $(filter-out enroll/gate/main.c,$(wildcard enroll/gate/*.c enroll/est/*.c enroll/ocsp/*.c))
ANCHOR  := $(filter-out enroll/anchor/main.c,$(wildcard enroll/anchor/*.c)) enroll/gate/process.c
WITNESS := $(filter-out ca/witness/main.c,$(wildcard ca/witness/*.c))
VERIFY  := $(filter-out ca/verify/main.c,$(wildcard ca/verify/*.c))
RENEW   := $(filter-out enroll/renew/main.c,$(wildcard enroll/renew/*.c))
ONVIF   := $(wildcard enroll/onvif/*.c)
AGENT   := $(filter-out enroll/agent/main.c,$(wildcard enroll/agent/*.c)) enroll/gate/process.c
FAKECAM := $(wildcard tests/fake-camera/*.c)
CALIB   := $(STORE) $(ISSUE) $(ADMIT) $(STATUS) $(CUSTODY) $(VAULT) $(JOB) $(AUTH) $(HSM)

obj      = $(patsubst %.c,$(BUILD)/%.o,$(1))

L_BASE  := -ljansson -lyaml -lcrypto
L_CA    := -lp11 -lsqlite3 -ljansson -lyaml -lcsv -lcrypto
L_GATE  := -lmicrohttpd -lgnutls -ljansson -lyaml -lcrypto
L_CMD   := -ljansson -lyaml -lqrencode -lcrypto
L_RENEW := -lssl -lcrypto
L_VERIFY := -lcrypto
L_ANCHOR := -lcurl -ljansson -lyaml -lcrypto
L_ONVIF := -lcurl -lxml2 -lssl -lcrypto
L_AGENT := -ljansson -lcurl -lxml2 -lssl -lcrypto
L_WITNESS := -lmicrohttpd -lcrypto
L_FAKECAM := -lxml2 -ljansson -lssl -lcrypto

PROGRAMS := camcad camca-gate camca camca-renew camca-verify camca-anchor camca-witness \
            camca-agent camca-fake-camera
BINS     := $(addprefix $(BUILD)/,$(PROGRAMS))
TESTSRC  := $(shell find tests/unit -name 'test_*.c' 2>/dev/null)
TESTBINS := $(patsubst %.c,$(BUILD)/%,$(TESTSRC))
FUZZSRC  := $(wildcard tests/fuzz/fuzz_*.c)
FUZZBINS := $(patsubst %.c,$(BUILD)/%,$(FUZZSRC))

# As many compilers as there are processors, unless make was told how many.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: all help tests check check-asan check-tsan fuzz fuzz-smoke bench lint \
        format demo install clean tools
all: $(BINS)

help:
	@echo 'all check check-asan check-tsan fuzz-smoke bench lint format demo install clean'
	@echo 'V=1 shows commands; BUILD=DIR builds elsewhere; DESTDIR and PREFIX are honoured'

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(ALLCF) -c -o $@ $<

define archive
$(BUILD)/lib$(1).a: $(call obj,$(2))
	@mkdir -p $$(@D)
	$(SAY) AR $$@
	$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(eval $(call archive,base,$(BASE)))
$(eval $(call archive,ca,$(CALIB)))
$(eval $(call archive,gate,$(GATE)))
$(eval $(call archive,renew,$(RENEW)))
$(eval $(call archive,verify,$(VERIFY)))
$(eval $(call archive,anchor,$(ANCHOR)))
$(eval $(call archive,witness,$(WITNESS)))
$(eval $(call archive,onvif,$(ONVIF)))
$(eval $(call archive,agent,$(AGENT)))

$(BUILD)/camcad: $(call obj,ca/authority/main.c) $(BUILD)/libca.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALLLD) -o $@ $^ $(L_CA) -ldl
$(BUILD)/camca-gate: $(call obj,enroll/gate/main.c) $(BUILD)/libgate.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALLLD) -o $@ $^ $(L_GATE)
$(BUILD)/camca: $(call obj,$(CMD)) $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALLLD) -o $@ $^ $(L_CMD)
$(BUILD)/camca-renew: $(call obj,enroll/renew/main.c) $(BUILD)/librenew.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALLLD) -o $@ $^ $(L_RENEW)
$(BUILD)/camca-verify: $(call obj,ca/verify/main.c) $(BUILD)/libverify.a $(BUILD)/libca.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALLLD) -o $@ $^ $(L_VERIFY)

$(BUILD)/camca-anchor: $(call obj,enroll/anchor/main.c) $(BUILD)/libanchor.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALLLD) -o $@ $^ $(L_ANCHOR)
$(BUILD)/camca-witness: $(call obj,ca/witness/main.c) $(BUILD)/libwitness.a $(BUILD)/libca.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALLLD) -o $@ $^ $(L_WITNESS)
$(BUILD)/camca-agent: $(call obj,enroll/agent/main.c) $(BUILD)/libagent.a $(BUILD)/librenew.a $(BUILD)/libonvif.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALLLD) -o $@ $^ $(L_AGENT)
$(BUILD)/camca-fake-camera: $(call obj,$(FAKECAM)) $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALLLD) -o $@ $^ $(L_FAKECAM)

# Unit tests and fuzzers are half of what is compiled, and that takes half the
# time where nothing is optimised; what they test keeps the flags of the product.
# gold links a test in a quarter of the time.
$(BUILD)/tests/unit/%.o $(BUILD)/tests/fuzz/%.o: OPT = \
    $(if $(SAN),$(CFLAGS),$(patsubst -O2,-O0,$(CFLAGS)) -U_FORTIFY_SOURCE)
TESTLD   = $(ALLLD) $(if $(SAN),,$(GOLD))
GOLD    := $(if $(shell command -v ld.gold),-fuse-ld=gold)

# A unit test links the archive of its own part of the tree.
$(BUILD)/tests/unit/ca/base/%: $(BUILD)/tests/unit/ca/base/%.o $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(TESTLD) -o $@ $^ -lcmocka $(L_BASE)
$(BUILD)/tests/unit/ca/verify/%: $(BUILD)/tests/unit/ca/verify/%.o $(BUILD)/libverify.a $(BUILD)/libca.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(TESTLD) -o $@ $^ -lcmocka $(L_VERIFY)
$(BUILD)/tests/unit/ca/witness/%: $(BUILD)/tests/unit/ca/witness/%.o $(BUILD)/libwitness.a $(BUILD)/libca.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(TESTLD) -o $@ $^ -lcmocka $(L_WITNESS)
$(BUILD)/tests/unit/enroll/anchor/%: $(BUILD)/tests/unit/enroll/anchor/%.o $(BUILD)/libanchor.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(TESTLD) -o $@ $^ -lcmocka $(L_ANCHOR)
$(BUILD)/tests/unit/ca/%: $(BUILD)/tests/unit/ca/%.o $(BUILD)/libca.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(TESTLD) -o $@ $^ -lcmocka $(L_CA) -ldl
$(BUILD)/tests/unit/hsm/%: $(BUILD)/tests/unit/hsm/%.o $(BUILD)/libca.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(TESTLD) -o $@ $^ -lcmocka $(L_CA) -ldl
$(BUILD)/tests/unit/enroll/renew/%: $(BUILD)/tests/unit/enroll/renew/%.o $(BUILD)/librenew.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(TESTLD) -o $@ $^ -lcmocka $(L_RENEW)
$(BUILD)/tests/unit/enroll/onvif/%: $(BUILD)/tests/unit/enroll/onvif/%.o $(BUILD)/libonvif.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(TESTLD) -o $@ $^ -lcmocka $(L_ONVIF)
$(BUILD)/tests/unit/enroll/agent/%: $(BUILD)/tests/unit/enroll/agent/%.o $(BUILD)/libagent.a $(BUILD)/librenew.a $(BUILD)/libonvif.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(TESTLD) -o $@ $^ -lcmocka $(L_AGENT)
$(BUILD)/tests/unit/enroll/%: $(BUILD)/tests/unit/enroll/%.o $(BUILD)/libgate.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(TESTLD) -o $@ $^ -lcmocka $(L_GATE)

# Programs that only tests use: load generators, mocks of peers, fuzzers.
TOOLSRC := $(wildcard tests/bench/*.c tests/tools/*.c)
TOOLS   := $(patsubst %.c,$(BUILD)/%,$(TOOLSRC)) \
           $(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/faults/*_fault.c))
$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/libca.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALLLD) -o $@ $^ $(L_CA) -lmicrohttpd -lgnutls -lssl -lcrypto -ldl
$(BUILD)/tests/tools/%: $(BUILD)/tests/tools/%.o $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALLLD) -o $@ $^ -ljansson -lyaml -lssl -lcrypto
$(BUILD)/tests/tools/custody_%: $(BUILD)/tests/tools/custody_%.o $(BUILD)/libverify.a $(BUILD)/libca.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALLLD) -o $@ $^ $(L_CA) -ldl
$(BUILD)/tests/tools/onvif_%: $(BUILD)/tests/tools/onvif_%.o $(BUILD)/libonvif.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALLLD) -o $@ $^ $(L_ONVIF)
$(BUILD)/tests/faults/%.so: tests/faults/%.c
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(filter-out -fPIE,$(ALLCF)) -fPIC -shared -o $@ $< -ldl -pthread
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/libverify.a $(BUILD)/libca.a $(BUILD)/libgate.a $(BUILD)/librenew.a $(BUILD)/libonvif.a $(BUILD)/libbase.a
	$(SAY) LD $@
	$(Q)$(CC) $(TESTLD) -o $@ $^ $(L_CA) $(L_GATE) $(L_RENEW) $(L_ONVIF) -ldl

tools: $(TOOLS)
.SECONDARY: $(addsuffix .o,$(TESTBINS) $(TOOLS) $(FUZZBINS))
tests: $(TESTBINS) $(TOOLS) $(FUZZBINS)
fuzz: $(FUZZBINS)

check:
	$(Q)scripts/setup --test
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all tests
	$(Q)BUILD=$(BUILD) scripts/check
check-asan:
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) BUILD=$(BUILD)/asan CFLAGS='-O1 -g -fno-omit-frame-pointer' \
	    SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' all tests
	$(Q)BUILD=$(BUILD)/asan TEST_TIMEOUT=1800 EVENTUALLY=120 scripts/check unit fuzz functional faults
check-tsan:
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) BUILD=$(BUILD)/tsan CFLAGS='-O1 -g' SAN='-fsanitize=thread' all tests
	$(Q)BUILD=$(BUILD)/tsan TEST_TIMEOUT=1800 EVENTUALLY=120 scripts/check tsan
fuzz-smoke: fuzz
	$(Q)BUILD=$(BUILD) scripts/check fuzz
bench:
	$(Q)scripts/setup --test
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all tools >&2
	$(Q)BUILD=$(BUILD) scripts/bench $(BENCH)
lint:
	$(Q)scripts/lint
format:
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')
demo:
	$(Q)scripts/setup
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all
	$(Q)BUILD=$(BUILD) scripts/demo

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin \
	    $(DESTDIR)$(PREFIX)/share/camca $(DESTDIR)$(PREFIX)/share/man/man1 \
	    $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man8 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install $(BUILD)/camca $(BUILD)/camca-renew $(BUILD)/camca-verify $(DESTDIR)$(PREFIX)/bin
	install $(BUILD)/camcad $(BUILD)/camca-gate $(BUILD)/camca-anchor \
	    $(BUILD)/camca-witness $(BUILD)/camca-agent \
	    $(BUILD)/camca-fake-camera \
	    $(DESTDIR)$(PREFIX)/sbin
	cp -R policies $(DESTDIR)$(PREFIX)/share/camca/
	install -m 644 docs/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 docs/*.5 $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 docs/*.8 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 scripts/camca.bash-completion \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/camca

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
