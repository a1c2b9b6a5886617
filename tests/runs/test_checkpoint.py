"""A checkpoint is there, old or new, whatever happens."""

from __future__ import annotations

import errno
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tunesmith.errors import RunError
from tunesmith.runs.checkpoint import Checkpoints


def tensors_of(step: int) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((4, 3), float(step)), "rng": torch.tensor([step], dtype=torch.uint8)}


def save(checkpoints: Checkpoints, step: int, name: str = "last") -> None:
    checkpoints.save(name, tensors_of(step), {"step": step})


def step_of(checkpoints: Checkpoints, name: str = "last") -> int:
    found = checkpoints.load(name)
    assert found is not None
    tensors, state = found
    assert torch.equal(tensors["weight"], tensors_of(state["step"])["weight"])
    return int(state["step"])


def spoil(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def test_every_kind_of_tensor_comes_back_bit_for_bit(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    given = {
        "view": base[1:],
        "shared": base,
        "transposed": base.T,
        "strided": base[:, ::2],
        "bfloat16": torch.randn(5).bfloat16(),
        "half": torch.randn(3).half(),
        "double": torch.randn(1, dtype=torch.float64),
        "bool": torch.tensor([True, False, True]),
        "integers": torch.tensor([-(2**62), 7]),
        "int8": torch.tensor([-3, 3], dtype=torch.int8),
        "random state": torch.get_rng_state(),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
        "nan": torch.tensor([math.nan, -math.inf, -0.0]),
        "leaf": torch.nn.Parameter(torch.ones(2)),
    }
    state = {"best": -math.inf, "rate": 0.1 + 0.2, "names": ["é", "中"], "none": None}
    checkpoints = Checkpoints(tmp_path / "stage")
    checkpoints.save("last", given, state)
    found = checkpoints.load("last")
    assert found is not None
    assert found[1] == state
    assert found[0].keys() == given.keys()
    for name, tensor in given.items():
        back = found[0][name]
        assert (back.dtype, back.shape) == (tensor.dtype, tensor.shape), name
        flat, expected = back.reshape(-1), tensor.detach().contiguous().reshape(-1)
        assert torch.equal(flat.view(torch.uint8), expected.view(torch.uint8)), name
    assert len(load_file(tmp_path / "stage/last/tensors.safetensors")) == len(given)


def test_the_one_before_is_kept_and_nothing_else(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.load("last") is None
    assert checkpoints.size == 0
    for step in range(4):
        save(checkpoints, step)
    save(checkpoints, 9, "best")
    assert sorted(os.listdir(tmp_path)) == ["best", "last", "last.previous"]
    assert (step_of(checkpoints), step_of(checkpoints, "last.previous"), step_of(checkpoints, "best")) == (3, 2, 9)
    assert checkpoints.size == sum(f.stat().st_size for f in tmp_path.rglob("*") if f.is_file())
    checkpoints.remove()
    assert checkpoints.load("last") is None
    assert not tmp_path.exists()


@pytest.mark.parametrize("file", ["tensors.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("how", ["changed", "cut", "gone"])
def test_a_damaged_checkpoint_is_noticed_and_the_one_before_used(tmp_path: Path, file: str, how: str) -> None:
    for step in (1, 2):
        save(Checkpoints(tmp_path), step)
    broken = tmp_path / "last" / file
    if how == "changed":
        spoil(broken)
    elif how == "cut":
        os.truncate(broken, broken.stat().st_size // 2)
    else:
        broken.unlink()
    checkpoints = Checkpoints(tmp_path)
    assert step_of(checkpoints) == 1
    (finding,) = checkpoints.warnings
    assert (finding.code, finding.severity) == ("K407", "warning")
    assert file in finding.message
    assert "last.previous" in finding.message


def test_a_damaged_checkpoint_never_pushes_out_the_good_one(tmp_path: Path) -> None:
    for step in (1, 2):
        save(Checkpoints(tmp_path), step)
    spoil(tmp_path / "last/state.json")
    save(Checkpoints(tmp_path), 3)  # without a load before it
    checkpoints = Checkpoints(tmp_path)
    assert (step_of(checkpoints), step_of(checkpoints, "last.previous")) == (3, 1)
    assert checkpoints.warnings == []


def test_both_damaged_is_an_error_that_names_both(tmp_path: Path) -> None:
    for step in (1, 2):
        save(Checkpoints(tmp_path), step)
    spoil(tmp_path / "last/state.json")
    spoil(tmp_path / "last.previous/tensors.safetensors")
    with pytest.raises(RunError) as caught:
        Checkpoints(tmp_path).load("last")
    assert [fault.code for fault in caught.value.faults] == ["K408", "K408"]
    assert "last.previous" in str(caught.value)
    assert "checkpoints" in caught.value.faults[0].remedy


class Failing:
    """Counts the calls that need room on the disk, and lets the n-th fail after it did half its work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fail_at: int, code: int) -> None:
        self.calls, self.fail_at, self.code = 0, fail_at, code
        for name in ("open", "write", "fsync", "rename"):
            monkeypatch.setattr(os, name, self.wrap(name, getattr(os, name)))

    def wrap(self, name: str, real: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            if name == "open" and not args[1] & os.O_CREAT:
                return real(*args, **options)
            self.calls += 1
            if self.calls == self.fail_at:
                if name == "write":
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                raise OSError(self.code, os.strerror(self.code))
            return real(*args, **options)

        return call


def two_saved(folder: Path) -> Checkpoints:
    checkpoints = Checkpoints(folder)
    save(checkpoints, 1)
    save(checkpoints, 2)
    return checkpoints


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_disk_at_any_step_leaves_the_old_or_the_new(tmp_path: Path, code: int) -> None:
    checkpoints = two_saved(tmp_path / "counted")
    with pytest.MonkeyPatch.context() as patch:
        whole = Failing(patch, 0, code)
        save(checkpoints, 3)
    # Three files are opened, written and synced (the tensors in three pieces), two folders synced, three renames.
    assert whole.calls == 3 + 5 + 3 + 2 + 3
    for fail_at in range(1, whole.calls + 1):
        folder = tmp_path / str(fail_at)
        checkpoints = two_saved(folder)
        with pytest.MonkeyPatch.context() as patch:
            Failing(patch, fail_at, code)
            with pytest.raises(RunError) as caught:
                save(checkpoints, 3)
        (fault,) = caught.value.faults
        assert fault.code == ("K410" if code == errno.EIO else "K409")
        assert "--resume" in fault.remedy
        assert not [name for name in os.listdir(folder) if name.startswith(".")]
        after = Checkpoints(folder)
        assert step_of(after) == (3 if fail_at == whole.calls else 2)  # the last call syncs the finished renames
        assert after.warnings == []
        save(after, 4)
        assert step_of(Checkpoints(folder)) == 4


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from tunesmith.runs.checkpoint import Checkpoints

folder, kills = Path(sys.argv[1]), int(sys.argv[2])
drawn, last, moved = random.Random(5), -1, 0
for kill in range(kills):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        checkpoints, step = Checkpoints(folder), last
        while True:
            step += 1
            checkpoints.save("last", {"w": torch.full((3000,), float(step))}, {"step": step})
            os.write(write, b".")
    os.close(write)
    for _ in range(drawn.randrange(1, 4)):
        os.read(read, 1)
    time.sleep(drawn.random() * 0.006)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    acknowledged = 0
    while chunk := os.read(read, 1000):
        acknowledged += len(chunk)
    os.close(read)
    checkpoints = Checkpoints(folder)
    tensors, state = checkpoints.load("last")
    assert not checkpoints.warnings, checkpoints.warnings
    assert bool((tensors["w"] == state["step"]).all()), state
    assert state["step"] >= last + acknowledged, (state, last, acknowledged)
    moved += state["step"] > last
    last = state["step"]
print(kills, moved)
"""


def test_kill_at_random_moments_always_leaves_a_checkpoint(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "stage"), "20"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["20", "20"]


def test_a_kill_while_checkpoints_are_deleted_leaves_none_or_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "checkpoints" / "stage"
    folder.mkdir(parents=True)
    save(Checkpoints(folder), 1)

    def torn(path: Path) -> None:
        next(file for file in sorted(Path(path).rglob("*")) if file.is_file()).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tunesmith.runs.checkpoint.shutil.rmtree", torn)
        with pytest.raises(KeyboardInterrupt):
            Checkpoints(folder).remove()
    assert Checkpoints(folder).load("last") is None, "what is half deleted is not found"
    save(Checkpoints(folder), 2)
    Checkpoints(folder).remove()
    assert list(folder.parent.iterdir()) == []
