"""Commands in processes of their own that start with everything imported: a server forks one for each.

As a program it is the server: a line of JSON in, {"argv", "cwd", "env", "path", "out"}; the exit code out.
"""

import json
import os
import sys

IMPORTED = (
    "perfusio.cli.app", "perfusio.cli.runs.run", "perfusio.cli.runs.resume", "perfusio.hybrid.model",
    "perfusio.bed.policy",
)  # fmt: skip


def main():
    """Serve until the input ends."""
    for name in IMPORTED:
        __import__(name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(json.loads(line))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def become(asked):
    """Be `python -m perfusio` with these arguments, in this folder, with these packages; does not return."""
    out = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(out, number)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.path[:0] = asked["path"]
    sys.argv = ["perfusio", *asked["argv"]]
    code = 1
    try:
        from perfusio.cli.entry import main as perfusio

        perfusio()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - told as an interpreter would
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
