# A thin face on the `cytogate` command. `make help` says what there is.

DESIGN ?= qatom128
LEVEL ?= rtl
NAME ?= dcnn
SCALE ?= small
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CYTOGATE := $(BIN)/cytogate
READY := $(VENV)/.ready
ARGS ?=
JOBS ?= 2

# What may stand on make's command line: ours, and what tools and tests read from their environment.
VARIABLES := DESIGN LEVEL WAVES BOARD NAME SCALE PART ARGS JOBS PYTHON CXX CYTOGATE_DATA CYTOGATE_VITIS_RTL XILINX_VITIS \
    XILINX_VIVADO TF_CONFIG TF_CPP_MIN_LOG_LEVEL
GIVEN := $(foreach each,$(.VARIABLES),$(if $(findstring command line,$(origin $(each))),$(each)))
UNKNOWN := $(filter-out $(VARIABLES),$(GIVEN))
$(if $(UNKNOWN),$(error there is no variable $(UNKNOWN); did you mean one of these: $(VARIABLES)))

# TensorFlow's log says nothing that a user can act on.
export TF_CPP_MIN_LOG_LEVEL ?= 3
export KERAS_BACKEND = tensorflow

.DEFAULT_GOAL := help
.PHONY: help setup csim cosim synth estimate bitstream emulate stream simulate train experiment test test-full lint header bench clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'
	@echo
	@echo "  DESIGN=NAME or DESIGN=FOLDER chooses a design (default $(DESIGN)); ARGS='...' is handed to the verb, see cytogate VERB --help."

setup: $(READY) ## Install everything into .venv; the other targets do it themselves

$(READY): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "cytogate: $(PYTHON) was not found; on Debian: apt install python3"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "cytogate: $(PYTHON) is older than 3.11; set PYTHON=python3.11 or newer"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "cytogate: $(PYTHON) lacks venv; on Debian: apt install python3-venv"; exit 2; }
	@command -v $${CXX:-g++} >/dev/null || { echo "cytogate: $${CXX:-g++} was not found; on Debian: apt install g++"; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (a few minutes, once) ..."
	@$(BIN)/python -m pip install --quiet --use-pep517 --disable-pip-version-check -c constraints.txt -e '.[design,rtl,codesign,stream,cluster,emulate,dev]'
	@rm -rf cytogate.egg-info  # an old one hides verbs that were added since
	@touch $@

csim: $(READY) ## The main job: frames to class in C-simulation, every word compared
	@$(CYTOGATE) csim --design '$(DESIGN)' $(ARGS)

cosim: $(READY) ## A kernel at its pins under cocotb: LEVEL=dpi|rtl|vitis, WAVES=1 for a waveform
	@$(CYTOGATE) cosim --design '$(DESIGN)' --level $(LEVEL) $(if $(WAVES),--waves) $(ARGS)

synth: $(READY) ## Area by yosys against the board's budget (ARGS=--fmax adds an ECP5 clock)
	@$(CYTOGATE) synth --design '$(DESIGN)' $(ARGS)

estimate: $(READY) ## Clocks, rates and resources on every board, before anything is built
	@$(CYTOGATE) estimate --design '$(DESIGN)' $(ARGS)

bitstream: $(READY) ## Bitstream and bundle by Vitis and Vivado: BOARD=pynq-z2|kv260|zcu104
	@$(CYTOGATE) bitstream --design '$(DESIGN)' $(if $(BOARD),--board $(BOARD)) $(ARGS)

emulate: $(READY) ## A bundle for a board that is none, to be used like a real one
	@$(CYTOGATE) emulate --design '$(DESIGN)' $(ARGS)

stream: $(READY) ## Cells through the accelerator to events: ARGS='--input FILE --bundle FILE --device NAME'
	@$(CYTOGATE) stream $(ARGS)

simulate: $(READY) ## Write simulated cells to a file
	@$(CYTOGATE) simulate --design '$(DESIGN)' $(ARGS)

train: $(READY) ## Train the quantized network and its float form (resumes when interrupted)
	@$(CYTOGATE) train --design '$(DESIGN)' $(ARGS)

experiment: $(READY) ## A paper's experiment as a page: NAME=meng2017|meng2018|dcnn|topgan|dcae|jurkat|grades|mhsma, SCALE=small|full
	@$(CYTOGATE) experiment $(NAME) --scale $(SCALE) $(ARGS)

bench: $(READY) ## Speed beside planned pyFFTW and Keras, and decisions before viewers
	@$(CYTOGATE) bench --design '$(DESIGN)' $(ARGS)

test: $(READY) ## The tests (under 25 minutes on two cores)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m 'not full' $(ARGS)

# The tutorials as a stranger follows them are a part of their own: they train and compile for minutes.
PARTS := tests proofs journeys
OF_tests := -m 'not full'
OF_proofs := -m full --ignore tests/test_tutorials.py
OF_journeys := -m full tests/test_tutorials.py

test-full: $(READY) ## The tests and the longer proofs, or a PART of them: tests|proofs|journeys; needs the real data
	$(if $(filter-out $(PARTS),$(PART)),$(error there is no part $(PART); choose PART=tests, proofs or journeys))
	@failed=0; for part in $(or $(PART),$(PARTS)); do \
	  echo "test-full, part $$part"; $(MAKE) --no-print-directory test-full-$$part || failed=1; done; exit $$failed

.PHONY: $(PARTS:%=test-full-%)
$(PARTS:%=test-full-%): test-full-%:
	@CYTOGATE_FULL=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(OF_$*) $(ARGS)

lint: $(READY) ## Style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@mkdir -p out/typed/cytogate && for room in model hls host sim; do ln -sfn ../../../$$room out/typed/cytogate/$$room; done
	@$(BIN)/mypy

header: $(READY) ## Write the contract's C++ headers of the built-in designs
	@$(CYTOGATE) header

clean: ## Remove what was built, not what was installed
	rm -rf out
