"""A seeded sample of the mutants of each room is noticed; `make mutants` tries all of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("mutate.py")
N, SEED = 3, 1
LOOK = """
import json, sys
sys.path.insert(0, sys.argv[1])
import mutate
n, survivors = mutate.tried(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
sys.stdout.write(json.dumps([n, survivors]))
"""


def tried(room, *, before=""):
    """Try mutants in a program of its own, which can fork; `before` is run there first."""
    script = LOOK.replace("import mutate\n", f"import mutate\n{before}\n")
    command = [sys.executable, "-c", script, str(PROGRAM.parent), room, str(N), str(SEED)]
    unmeasured = {k: v for k, v in os.environ.items() if not k.startswith("SLIPCOVER")}  # pytest is run in there
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=unmeasured)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("room", ["admission", "alarm levels", "fold", "volume rule"])
def test_a_sample_of_mutants_is_noticed(room):
    n, survivors = tried(room)
    assert n == N
    assert len(survivors) <= 1, survivors  # of all, at most one in ten survives


def test_tests_that_look_at_nothing_notice_nothing(tmp_path):
    (tmp_path / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    before = f"mutate.ROOMS['volume rule'] = (['perfusio.process.rules'], ['{tmp_path}/test_nothing.py'])"
    n, survivors = tried("volume rule", before=before)
    assert len(survivors) == n == N


def test_tests_that_fail_on_the_code_as_it_is_prove_nothing(tmp_path):
    (tmp_path / "test_wrong.py").write_text("def test_wrong():\n    assert False\n")
    before = f"mutate.ROOMS['volume rule'] = (['perfusio.process.rules'], ['{tmp_path}/test_wrong.py'])"
    with pytest.raises(AssertionError, match="fail on the code as it is"):
        tried("volume rule", before=before)
