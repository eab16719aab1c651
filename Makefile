# A thin face on the `cytogate` command. `make help` says what there is.

# What a user may choose on make's command line. Of the environment the design alone is taken: it has a NAME of its own, a
# board a BOARD, which pynq reads.
DESIGN ?= qatom128
LEVEL = rtl
WAVES =
NAME = dcnn
SCALE = small
PART =
ARGS =
JOBS = 2
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CYTOGATE := $(BIN)/cytogate
GIVEN_BOARD = $(if $(filter BOARD,$(GIVEN)),--board '$(BOARD)')
READY := $(VENV)/.ready

# What may stand on make's command line: ours, and what tools and tests read from their environment.
OURS := DESIGN LEVEL WAVES BOARD NAME SCALE PART ARGS JOBS
VARIABLES := $(OURS) PYTHON CXX CYTOGATE_DATA CYTOGATE_VITIS_RTL XILINX_VITIS XILINX_VIVADO TF_CONFIG \
    TF_CPP_MIN_LOG_LEVEL
GIVEN := $(foreach each,$(.VARIABLES),$(if $(findstring command line,$(origin $(each))),$(each)))
UNKNOWN := $(filter-out $(VARIABLES),$(GIVEN))
$(if $(UNKNOWN),$(error there is no variable $(UNKNOWN); did you mean one of these: $(VARIABLES)))

# Benches of the RTL, longest first.
RTL_BENCHES := pipeline event_remarks stream_unit engine_networks two_sided_rtl causal_rtl cosim rtl bright_field \
    rtl_units packets kernel_registers
RECORDS := out/coverage/records
COUNTED := $(RTL_BENCHES:%=$(RECORDS)/%/.counted)
PARTS := tests proofs journeys

# Which of ours a target takes; given to another one, they would be passed over without a word.
TAKES_DESIGN := csim cosim synth estimate bitstream emulate simulate train bench
TAKES_LEVEL := cosim
TAKES_WAVES := cosim
TAKES_BOARD := cosim synth bitstream emulate
TAKES_NAME := experiment
TAKES_SCALE := experiment
TAKES_PART := test-full $(PARTS:%=test-full-%)
TAKES_JOBS := prove coverage test mutants $(COUNTED) $(TAKES_PART)
TAKES_ARGS := $(TAKES_DESIGN) stream experiment $(TAKES_JOBS)
PASSED_OVER := $(foreach goal,$(or $(MAKECMDGOALS),help),$(foreach each,$(filter $(OURS),$(GIVEN)),\
    $(if $(filter $(goal),$(TAKES_$(each))),,$(goal):$(each))))
WRONG := $(subst :, ,$(firstword $(PASSED_OVER)))
$(if $(WRONG),$(error make $(firstword $(WRONG)) takes no $(lastword $(WRONG)); it takes \
    $(or $(strip $(foreach each,$(OURS),$(if $(filter $(firstword $(WRONG)),$(TAKES_$(each))),$(each)))),none of $(OURS))))

# TensorFlow's log says nothing that a user can act on.
export TF_CPP_MIN_LOG_LEVEL ?= 3
export KERAS_BACKEND = tensorflow

.DEFAULT_GOAL := help
.PHONY: help setup csim cosim synth estimate bitstream emulate stream simulate train experiment prove coverage test test-full mutants lint docs release header bench clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'
	@echo
	@echo "  DESIGN=NAME or DESIGN=FOLDER chooses a design (default $(DESIGN)); ARGS='...' is handed to the verb, see cytogate VERB --help."

# What a target needs beside Cytogate itself: extras of pyproject.toml, installed by hash when they are first asked for.
WITH_ALL := $(patsubst %,$(VENV)/.with-%,design rtl formal codesign stream cluster emulate dev)
WITH_DESIGN := $(VENV)/.with-design
# One at a time: several extras bring the same packages.
INSTALL = flock $(VENV)/.lock $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --use-pep517 --no-build-isolation

setup: $(WITH_ALL) $(VENV)/.with-docs ## Install everything into .venv; the other targets install what they need themselves

$(READY): pyproject.toml lock.txt
	@command -v $(PYTHON) >/dev/null || { echo "cytogate: $(PYTHON) was not found; on Debian: apt install python3"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "cytogate: $(PYTHON) is older than 3.11; set PYTHON=python3.11 or newer"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "cytogate: $(PYTHON) lacks venv; on Debian: apt install python3-venv"; exit 2; }
	@command -v $${CXX:-g++} >/dev/null || { echo "cytogate: $${CXX:-g++} was not found; on Debian: apt install g++"; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@grep -E '#.* (build|board)( |$$)' lock.txt >$(VENV)/board.txt
	@$(INSTALL) --require-hashes -r $(VENV)/board.txt
	@$(INSTALL) -e .
	@rm -rf cytogate.egg-info  # an old one hides verbs that were added since
	@touch $@

$(VENV)/.with-%: $(READY) lock.txt
	@echo "Installing what '$*' needs into $(VENV) (once) ..."
	@grep -E '#.* $*( |$$)' lock.txt >$(VENV)/$*.txt
	@$(INSTALL) --require-hashes -r $(VENV)/$*.txt
	@touch $@

csim: $(WITH_DESIGN) ## The main job: frames to class in C-simulation, every value compared
	@$(CYTOGATE) csim --design '$(DESIGN)' $(ARGS)

cosim: $(WITH_DESIGN) $(VENV)/.with-rtl ## A kernel at its pins under cocotb: LEVEL=dpi|rtl|vitis, WAVES=1 for a waveform
	@$(CYTOGATE) cosim --design '$(DESIGN)' --level '$(LEVEL)' $(GIVEN_BOARD) $(if $(WAVES),--waves) $(ARGS)

synth: $(WITH_DESIGN) $(VENV)/.with-rtl ## Area by yosys against the board's budget (ARGS=--fmax adds an ECP5 clock)
	@$(CYTOGATE) synth --design '$(DESIGN)' $(GIVEN_BOARD) $(ARGS)

estimate: $(WITH_DESIGN) ## Clocks, rates and resources on every board, before anything is built
	@$(CYTOGATE) estimate --design '$(DESIGN)' $(ARGS)

bitstream: $(WITH_DESIGN) ## Bitstream and bundle by Vitis and Vivado: BOARD=pynq-z2|kv260|zcu104
	@$(CYTOGATE) bitstream --design '$(DESIGN)' $(GIVEN_BOARD) $(ARGS)

emulate: $(WITH_DESIGN) ## A bundle for an emulated board, to be used like a real one
	@$(CYTOGATE) emulate --design '$(DESIGN)' $(GIVEN_BOARD) $(ARGS)

stream: $(WITH_DESIGN) $(VENV)/.with-stream $(VENV)/.with-emulate ## Cells through the accelerator to events: ARGS='--input FILE --bundle FILE --device NAME'
	@$(CYTOGATE) stream $(ARGS)

simulate: $(WITH_DESIGN) ## Write simulated cells to a file
	@$(CYTOGATE) simulate --design '$(DESIGN)' $(ARGS)

train: $(WITH_DESIGN) ## Train the quantized network and its float form (resumes when interrupted)
	@$(CYTOGATE) train --design '$(DESIGN)' $(ARGS)

experiment: $(WITH_DESIGN) ## A paper's experiment as a page: NAME=meng2017|meng2018|dcnn|topgan|dcae|jurkat|grades|mhsma|laws, SCALE=small|full
	@$(CYTOGATE) experiment '$(NAME)' --scale '$(SCALE)' $(ARGS)

prove: $(WITH_DESIGN) $(VENV)/.with-rtl $(VENV)/.with-formal ## Formal proofs of small RTL modules, and that they find faults (minutes; resumes)
	@$(CYTOGATE) prove --mutants --jobs $(JOBS) $(ARGS)

# Of each bench those tests that are plain, and longer ones that reach planned points. What a bench has counted stays
# until one of its sources changes, so that a run that was interrupted goes on: the RTL and what writes more of it, what
# drives and watches pins, and the contract that says what is to come out.
SHARED_TESTS := cosim.py networks.py
BENCH_SOURCES := $(wildcard fpga/rtl/*.sv fpga/dpi/* hls/contract/*.py hls/engine/*.py model/contract/*.py) \
    $(filter-out sim/formal/%,$(wildcard sim/*.py sim/*/*.py sim/*/*.sv)) \
    $(filter-out tests/test_%,$(wildcard tests/*.py tests/*.sv)) $(addprefix tests/test_,$(SHARED_TESTS))

coverage: $(WITH_ALL) ## What the benches reach of the RTL, counted, against their plan (an hour; resumes)
	@$(MAKE) --no-print-directory --keep-going --output-sync --jobs=$(JOBS) $(COUNTED)
	@$(CYTOGATE) coverage $(RECORDS)

$(RECORDS)/%/.counted: tests/test_%.py $(BENCH_SOURCES)
	@rm -rf $(@D)
	@CYTOGATE_COVERAGE=$(@D) CYTOGATE_FULL=1 $(BIN)/python -m pytest -m 'not full or covers' $< $(ARGS)
	@touch $@

bench: $(WITH_ALL) ## Speed beside planned pyFFTW and Keras, and decisions before viewers
	@$(CYTOGATE) bench --design '$(DESIGN)' $(ARGS)

test: $(WITH_ALL) ## The tests (under 25 minutes on two cores)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m 'not full' $(ARGS)

# The tutorials as a stranger follows them are a part of their own: they train and compile for minutes. Mutants are a
# series of their own.
OF_tests := -m 'not full'
OF_proofs := -m 'full and not mutants' --ignore tests/test_tutorials.py
OF_journeys := -m full tests/test_tutorials.py

test-full: $(WITH_ALL) $(VENV)/.with-docs ## The tests and the longer proofs, or a PART of them: tests|proofs|journeys; needs the real data
	$(if $(filter-out $(PARTS),$(PART)),$(error there is no part $(PART); choose PART=tests, proofs or journeys))
	@failed=0; for part in $(or $(PART),$(PARTS)); do \
	  echo "test-full, part $$part"; $(MAKE) --no-print-directory test-full-$$part || failed=1; done; exit $$failed

.PHONY: $(PARTS:%=test-full-%)
$(PARTS:%=test-full-%): test-full-%:
	@CYTOGATE_FULL=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(OF_$*) $(ARGS)

mutants: $(WITH_ALL) ## Faults put into kernels and modules one at a time, each to be seen (an hour or more; resumes)
	@failed=0; CYTOGATE_FULL=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m mutants $(ARGS) || [ $$? = 5 ] || failed=1; \
	  $(BIN)/python -m tests.mutants && exit $$failed

lint: $(WITH_ALL) ## Style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@mkdir -p out/typed/cytogate && for room in model hls host sim; do ln -sfn ../../../$$room out/typed/cytogate/$$room; done
	@$(BIN)/mypy

docs: $(WITH_ALL) $(VENV)/.with-docs ## These pages as a site in out/docs/html; a warning is an error
	@$(BIN)/python -m docs.build

release: $(WITH_ALL) ## Wheel and source archive into out/release
	@rm -rf out/release build cytogate.egg-info
	@$(BIN)/python -m build --no-isolation --outdir out/release . >/dev/null
	@rm -rf build cytogate.egg-info
	@ls out/release

header: $(WITH_DESIGN) ## Write the contract's C++ headers of the built-in designs
	@$(CYTOGATE) header

# Each is made again by the command that made it. Runs of streams, trained networks, searches, tables and maps of one's own
# files, pages of experiments and bundles are not: what they came of may be gone, or took days.
BUILT := adopt bench cosim coverage csim data docs explain prove release synth tests typed

clean: ## Remove what can be built again; what was installed, trained or recorded is kept
	@rm -rf $(BUILT:%=out/%)
	@for each in out/*; do [ ! -e "$$each" ] || echo "kept: $$each"; done
