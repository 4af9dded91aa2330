"""Read real instrument files and the cases that failed as a user would. `python benchmarks/check_cases.py [--full]`.

Each file of `data/instruments` that has an oracle is imported and compared with it; each case of `cases` is tried as
its page says; 200 generated clean tables (`clean_tables.py`) are read. Verdicts: *right*; *refused rightly* (exit 2 or
3, with the next step); *asked* (exit 2, both readings and the option); *refused* (it should have been read, but nothing
wrong was written); *WRONG* (exit 0 and not what is right). A file that asks only which vessels its samples are of is
asked; where the answer that the message names then gives the oracle's values, the table says so. The last line is one
JSON object; exit 1 where anything is WRONG.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from case_checks import TRIES, Answer, Try
from clean_tables import clean_tables, found_wrong
from machine import stamp
from oracle_values import differences, oracle
from perfusio.cli.entry import main as main_of_perfusio
from perfusio.errors import QuestionOpen, UnreadableSource
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.table import parse_table

ROOT = Path(__file__).resolve().parent.parent
FROM_ENVIRONMENT = "PERFUSIO_SHARED"
EACH_ITS_OWN = ("--vessel-pattern", "(?P<reactor>.+)")
ONE_TIME = ("--sampled-at", "2031-03-02T09:00")
SAME_VALUES = {"missing_date_time.csv": "SampleResults2022-06-28_142558.json"}
"""A file without its date, but with the time at which the sample was taken, and the oracle of the whole one."""
N_CLEAN = 200
Row = tuple[str, str, str]


def called(arguments: list[str], folder: Path, out: Path) -> Answer:
    """Run perfusio in this process, from its entry on, or a script of a case beside it, in a folder."""
    if arguments[0].endswith(".py"):
        command = [sys.executable, *arguments]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, check=False)
        except subprocess.TimeoutExpired:
            return Answer(1, "no answer within 900 s", out)
        return Answer(done.returncode, done.stdout + done.stderr, out)
    said, before, typed = io.StringIO(), Path.cwd(), sys.argv
    os.chdir(folder)
    sys.argv = ["perfusio", *arguments]
    try:
        with redirect_stdout(said), redirect_stderr(said):
            main_of_perfusio()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        os.chdir(before)
        sys.argv = typed
    return Answer(code, said.getvalue(), out)


def case(tried: Try, shared: Path, scratch: Path) -> tuple[str, str]:
    """Try one command of a case; return the verdict and what was seen."""
    folder = Path(tempfile.mkdtemp(dir=scratch)) / "case"
    shutil.copytree(shared / "cases" / tried.case, folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    out = folder.parent / "out.csv"
    places = {"OUT": str(out), "DIR": str(folder.parent / "run"), "RUNS": str(folder.parent / "run" / "runs.csv")}
    for line in tried.before:
        called([places.get(word, word) for word in line.split()], folder, out)
    answer = called([places.get(word, word) for word in tried.command.split()], folder, out)
    return _verdict(tried, answer)


def _verdict(tried: Try, answer: Answer) -> tuple[str, str]:
    first = next((line for line in answer.text.splitlines() if line.startswith("perfusio:")), "")
    if answer.code == 0:
        return ("right", "") if _holds(tried, answer) else ("WRONG", answer.text.strip().splitlines()[-1][:110])
    is_told = bool(tried.words) and all(re.search(w, answer.text, re.IGNORECASE) for w in tried.words)
    if tried.command.split()[0].endswith(".py") and "ImportError" in answer.text.replace("ModuleNotFound", "Import"):
        return "refused", f"its script names a module that has moved: {answer.text.strip().splitlines()[-1][:80]}"
    if answer.code not in (2, 3) or "Traceback" in answer.text or "not foreseen" in answer.text:
        return "WRONG", f"exit {answer.code}: {answer.text.strip()[-110:]}"
    if not is_told:
        return "refused", first[10:120]
    return ("asked" if answer.code == 2 else "refused rightly"), ""


def _holds(tried: Try, answer: Answer) -> bool:
    try:
        return tried.is_right(answer)
    except (KeyError, IndexError, ValueError):
        return False


def instrument(path: Path, scratch: Path) -> tuple[str, str]:
    """Import one instrument file and compare it with its oracle."""
    out = Path(tempfile.mkdtemp(dir=scratch)) / "out.csv"
    stated = path.with_name(SAME_VALUES[path.name]) if path.name in SAME_VALUES else path.with_suffix(".json")
    truths = oracle(stated) if stated.exists() else {}
    answer = called(["import", str(path), "--out", str(out)], path.parent, out)
    if answer.code == 0 and not stated.exists():
        return "WRONG", "was read, and it is broken on purpose"
    if answer.code == 0:
        return _compared(answer, truths)
    if answer.code not in (2, 3) or "not foreseen" in answer.text:
        return "WRONG", f"exit {answer.code}: {answer.text.strip()[-110:]}"
    text = answer.text.strip().splitlines()[0][10:130]
    if not stated.exists():
        return "refused rightly", text
    if not truths:
        return "refused rightly", "holds no quantity of the process"
    answers = [*(EACH_ITS_OWN if "--vessel-pattern" in answer.text else ()),
               *(ONE_TIME if "--sampled-at" in answer.text else ())]  # fmt: skip
    if answer.code == 2 and answers:
        again = called(["import", str(path), "--out", str(out), *answers], path.parent, out)
        if again.code == 0:
            verdict, why = _compared(again, truths)
            return ("asked", "then right") if verdict == "right" else (verdict, why)
        text = f"asked, then: {again.text.strip().splitlines()[0][10:120]}"
    return "refused", text


def _compared(answer: Answer, truths: dict[str, object]) -> tuple[str, str]:
    found = differences(answer.out, truths)  # type: ignore[arg-type]
    return ("WRONG", f"{len(found)} differences: {'; '.join(found[:2])}") if found else ("right", "")


def where(arguments: argparse.Namespace) -> Path | None:
    """Return the folder of cases and data: the option, the environment, or beside the checkout."""
    said = arguments.shared or os.environ.get(FROM_ENVIRONMENT)
    places = [Path(said)] if said else [ROOT.parent / "shared", ROOT.parent.parent / "shared"]
    return next((p.resolve() for p in places if (p / "cases").is_dir()), None)


def main() -> int:
    """Print the table; exit 1 where anything is silently wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, help=f"folder of cases and data; else ${FROM_ENVIRONMENT} or ../shared")
    parser.add_argument("--full", action="store_true", help="also the cases that simulate a run (minutes)")
    parser.add_argument("--only", default="", help="only names that contain this")
    arguments = parser.parse_args()
    shared = where(arguments)
    if shared is None:
        print(f"skipped: there is no folder of cases. Give --shared or {FROM_ENVIRONMENT}.")
        print(json.dumps({"benchmark": "cases", "skipped": True}))
        return 0
    print(stamp())
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        files = sorted(p for p in (shared / "data" / "instruments").glob("*/*") if p.suffix != ".json")
        for path in (p for p in files if arguments.only in str(p)):
            rows.append((f"{path.parent.name}/{path.name}", *instrument(path, scratch)))
            _show(rows[-1])
        n_files = len(rows)
        for tried in TRIES:
            if arguments.only in tried.case and (arguments.full or not tried.is_long):
                name = f"{tried.case[:2]} {tried.command.replace(' --out OUT', '')}"
                rows.append((name, *case(tried, shared, scratch)))
                _show(rows[-1])
    clean = [] if arguments.only else _clean_tables()
    for layout in dict.fromkeys(name for name, _, _ in clean):
        verdicts = [verdict for name, verdict, _ in clean if name == layout]
        _show((f"clean tables: {layout}", verdicts[0] if len(set(verdicts)) == 1 else "", f"{len(verdicts)} tables"))
    for row in (r for r in clean if r[1] != "right"):
        _show(row)
    print(json.dumps(_summary(rows[:n_files], rows[n_files:], clean, full=arguments.full)))
    rows += clean
    return int(any(verdict == "WRONG" for _, verdict, _ in rows))


def _clean_tables() -> list[Row]:
    """Read generated clean tables as an import does: at most 2 % may be asked about."""
    options, found = ReadOptions(is_part=True, may_stay_open=True), list[Row]()
    for written in clean_tables(N_CLEAN):
        try:
            wrong = found_wrong(parse_table(written.content, "f.csv", options), written.truth)
        except QuestionOpen as error:
            found.append((written.layout, "asked", str(error)[:110]))
        except UnreadableSource as error:
            found.append((written.layout, "refused", str(error)[:110]))
        else:
            found.append((written.layout, "WRONG" if wrong else "right", "; ".join(wrong[:2])))
    return found


def _show(row: Row) -> None:
    name, verdict, seen = row
    print(f"{name[-62:]:62}  {verdict:16} {seen}", flush=True)


def _summary(files: list[Row], cases: list[Row], clean: list[Row], *, full: bool) -> dict[str, object]:
    def count(rows: list[Row]) -> dict[str, int]:
        kinds = ("right", "refused rightly", "asked", "refused", "WRONG")
        return {kind: sum(verdict == kind for _, verdict, _ in rows) for kind in kinds}

    counts = {"files": count(files), "cases": count(cases), "clean_tables": count(clean)}
    return {"benchmark": "cases", "mode": "full" if full else "quick", **counts}


if __name__ == "__main__":
    sys.exit(main())
