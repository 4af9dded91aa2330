# Two commands do everything: `make demo` runs the main job, `make test` passes the tests.
PY    ?= python3
VENV  ?= .venv
FIND  := $(or $(UV_FIND_LINKS),$(PIP_FIND_LINKS),$(shell $(PY) -m pip config get global.find-links 2>/dev/null))
comma := ,
empty :=
# pip separates several find-links by blanks, uv by commas; without a folder of wheels PyTorch's CPU index serves.
UVENV := UV_TORCH_BACKEND=$(or $(UV_TORCH_BACKEND),cpu)
ifneq ($(wildcard $(addsuffix /torch-*,$(FIND))),)
UVENV := UV_FIND_LINKS="$(subst $(empty) $(empty),$(comma),$(strip $(FIND)))"
endif
UV    := $(UVENV) $(VENV)/bin/uv pip install -q --python $(VENV)/bin/python -c constraints.txt
RUN   := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
