"""Bundle: a finished run in one zip file, with everything needed to check it on another machine.

It holds the record, its signed heads and the site's public key, the models that were saved, the files that samples came
from and setpoints went to, the configuration, the list of installed packages, the second verifier, and SHA256SUMS of
all of it, in the form that
``sha256sum -c`` reads. Without perfusio: unzip, ``sha256sum -c SHA256SUMS``, ``python verify_alone.py audit.jsonl``.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from perfusio.errors import AuditError, ChainBroken
from perfusio.events import ModelSaved, ModelWaiting
from perfusio.installed import packages
from perfusio.record.line import Record
from perfusio.record.places import whole
from perfusio.record.verification import verify_alone
from perfusio.record.verification.signed_heads import heads_of
from perfusio.record.verification.site_key import SiteKey
from perfusio.record.verification.verify import read_records

SUMS = "SHA256SUMS"
_MODELS = (ModelSaved.__name__, ModelWaiting.__name__)
_OF_THE_RUN = ("**/*.setpoints.csv", "forecast.png", "report.html", "source.json", "[Hh][Oo][Ll][Dd]*", "orders/**/*")
"""Other files that a run leaves in its folder: every setpoints file, how vessels were reached, orders of people."""
_READ_ME = """One run of perfusio, as it was when it ended.

  sha256sum -c SHA256SUMS                                    nothing was changed since it was packed
  python verify_alone.py audit.jsonl audit.heads site.pub    the record is what was written

Both say what an accident did. Whoever forges a record can forge a verifier, a key and sums to go with it: against that,
take verify_alone.py and site.pub from the site itself or from a copy of your own, and keep heads where nobody at the
rig may write.
"""
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # of a zip; when a file was packed says nothing


def write_bundle(run_dir: Path, out: Path | None = None) -> Path:
    """Pack a finished run.

    Args:
        run_dir: Its folder.
        out: The zip file; default: `bundle-<run>.zip` in the folder. One that is there is replaced.

    Returns:
        The file.

    Raises:
        AuditError: there is no record, it is not finished, or the bundle cannot be written.
        ChainBroken: the record does not verify.
    """
    log = run_dir / "audit.jsonl"
    records = list(read_records(log))
    if records[-1].event != "RunEnded":
        raise AuditError(f"{log} holds run {records[0].run}, which has not ended. A bundle closes a run: end it first.")
    files = dict(_files(run_dir, log, records))
    files[SUMS] = "".join(f"{sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items())).encode()
    out = out or run_dir / f"bundle-{records[0].run}.zip"
    draft = out.with_name(f".{out.name}.part")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in sorted(files.items()):
                archive.writestr(zipfile.ZipInfo(name, _EARLIEST), data, zipfile.ZIP_DEFLATED)
        draft.replace(out)
    except OSError as error:
        raise AuditError(f"The bundle cannot be written to {out}: {error.strerror}. Name another place.") from error
    return out


def _files(run_dir: Path, log: Path, records: list[Record]) -> Iterator[tuple[str, bytes]]:
    """Yield the name in the bundle and the bytes of each file."""
    yield log.name, log.read_bytes()
    if heads_of(log).exists():
        yield heads_of(log).name, heads_of(log).read_bytes()
        yield "site.pub", SiteKey.of_site().public.pem
        yield "README.txt", _READ_ME.encode()
    started = records[0].payload
    yield "config.json", json.dumps(started["config"], indent=1, sort_keys=True).encode() + b"\n"
    yield "environment.txt", "".join(f"{line}\n" for line in _environment()).encode()
    yield "verify_alone.py", Path(verify_alone.__file__).read_bytes()
    for place in sorted({p for pattern in _OF_THE_RUN for p in run_dir.glob(pattern) if p.is_file()}):
        yield place.relative_to(run_dir).as_posix(), place.read_bytes()
    for place in sorted(_setpoints_files(started["sources"], run_dir)):
        if place.parent != run_dir.resolve() and place.is_file():
            yield f"setpoints/{_outside(place)}", place.read_bytes()
    saved = {run_dir / r.payload["file"] for r in records if r.event in _MODELS and r.payload["file"]}
    for place in sorted(p for file in saved for p in file.parent.rglob("*") if p.is_file()):
        yield place.relative_to(run_dir).as_posix(), place.read_bytes()
    inputs = {s["path"] for s in started["sources"].values() if isinstance(s, dict) and isinstance(s.get("path"), str)}
    for place in sorted(whole(run_dir, said) for said in inputs):
        if place.is_file():
            yield f"inputs/{_outside(place)}", place.read_bytes()


def _setpoints_files(sources: Mapping[str, Any], run_dir: Path) -> set[Path]:
    """Return the setpoints files of all vessels: where a source says that it writes, else beside its source."""
    found = set()
    for source in sources.values():
        if not isinstance(source, dict):
            continue
        if isinstance(said := source.get("setpoints_path"), str):
            found.add(whole(run_dir, said))
        if isinstance(said := source.get("path"), str):
            place = whole(run_dir, said)
            folder = place if place.is_dir() else place.parent
            found |= {p for p in folder.glob("*.setpoints.csv") if place.is_dir() or p.name.startswith(place.stem)}
    return found


def _outside(place: Path) -> str:
    """Return a name for a file from anywhere: two of one name from two folders must not meet."""
    return f"{sha256(str(place.parent).encode()).hexdigest()[:8]}-{place.name}"


def _environment() -> list[str]:
    return [f"{name}=={version}" for name, version in packages()]


def check_bundle(bundle: Path) -> int:
    """Return how many files of a bundle are as they were packed; its record is for `perfusio verify`.

    Raises:
        AuditError: it cannot be read.
        ChainBroken: a file was changed, is missing, or was added.
    """
    try:
        with zipfile.ZipFile(bundle) as archive:
            found = {name: sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
            sums = archive.read(SUMS).decode()
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise AuditError(f"{bundle} cannot be read as a bundle: {error}. Give what perfusio bundle wrote.") from error
    packed = {name: digest for digest, _, name in (line.partition("  ") for line in sums.splitlines())}
    del found[SUMS]
    wrong = sorted(name for name in packed.keys() | found.keys() if packed.get(name) != found.get(name))
    if wrong:
        raise ChainBroken(f"{bundle}: {', '.join(wrong)} changed since it was packed, or came or went.", line=0)
    return len(packed)
