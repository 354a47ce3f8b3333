# A thin front for the two commands of the README; CMake does the work.

build: dependencies
	cmake --preset release $(QUIET)
	cmake --build build -j $(shell nproc)

dependencies:
	scripts/dependencies.sh build test

# Trains, packs, verifies, simulates and reports Sparse BD-Net beside its
# baseline on Fashion-MNIST: runs/demo/report.html.
demo: build
	scripts/dependencies.sh demo
	build/setun reproduce bdnet --budget demo --data fashion-mnist \
	    --variants baseline,dense,wpc --out runs/demo \
	    --results runs/demo/results.json

check: build
	tests/run.sh build

# The same tests under sanitizers.
check-asan check-tsan: check-%: dependencies
	cmake --preset $* $(QUIET)
	cmake --build build-$* -j $(shell nproc)
	tests/run.sh build-$*

# Kernels for ARM, and packed models on them, under an emulator, where it and a
# compiler are installed (docs/dependencies.md).
check-neon: build
	tests/neon.sh build-neon build

# Inference beside oneDNN, ONNX Runtime and PyTorch: results/bench/kernels.json
# and networks.json.
ROUNDS = 5
bench: build
	scripts/dependencies.sh bench
	bench/bench.sh build $(ROUNDS)

# Training step beside Debian's PyTorch: results/bench/train.json.
bench-train: build
	scripts/dependencies.sh bench
	bench/bench-train.sh build $(ROUNDS)

# The same beside a busy process on one core: results/bench/neighbour.json.
bench-neighbour: build
	scripts/dependencies.sh bench
	bench/bench-neighbour.sh build $(ROUNDS)

# Time that machines take to execute and to predict: results/bench/simulate.json.
bench-simulate: build
	bench/bench-simulate.sh build 3

# Design points that sweeps cost: results/bench/sweep.json, and those that all
# are mapped anew: results/bench/sweep-mapped.json.
bench-sweep bench-sweep-mapped: build
	bench/bench-sweep.py build 3

# The models beside other tools and published macros: results/validate.json.
# Rungs whose figures are not shipped need the folder REFERENCE.
REFERENCE = ../shared/reference
validate: build
	build/setun validate --results results/validate.json \
	    $(addprefix --reference ,$(wildcard $(REFERENCE)))

# Published costs of accelerators beside ours, without training:
# results/compare-ID.json.
compare: build
	for id in $(basename $(notdir $(wildcard share/setun/comparisons/*.yaml))); \
	    do build/setun compare $$id \
	    --results results/compare-$$id.json || exit 1; done

# Fills the tables of README.md and docs/ from the files under results/.
docs: build
	scripts/update-docs.sh build/setun

install: build
	cmake --install build

clean:
	rm -rf build build-debug build-asan build-tsan build-clang build-neon

# No "Entering directory" lines from the makes below.
MAKEFLAGS += --no-print-directory
QUIET = --log-level=WARNING

.PHONY: build dependencies demo check check-asan check-tsan check-neon bench \
	bench-train bench-neighbour bench-simulate bench-sweep bench-sweep-mapped \
	validate compare docs install clean
