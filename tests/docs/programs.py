"""Scripts of the repository as programs, run where the tests run: imports take longer than most of them."""

import contextlib
import io
import os
import runpy
import sys
import traceback
from subprocess import CompletedProcess
from unittest.mock import patch

ENV = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def ran(script, *arguments, cwd=".", **environment):
    """Return how `python script arguments` ends in a folder, and what it prints."""
    out, err = io.StringIO(), io.StringIO()
    argv = [str(script), *map(str, arguments)]
    with (
        contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
        patch.dict(os.environ, ENV | environment), patch.object(sys, "argv", argv),
        patch.object(sys, "path", [str(script.parent), *sys.path]),
    ):  # fmt: skip
        code = _ended(script)
    return CompletedProcess(argv, code, out.getvalue(), err.getvalue())


def _ended(script):
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:  # noqa: BLE001 - told as an interpreter would
        traceback.print_exc()
        return 1
    return 0
