"""A run folder: what it takes, what it refuses, what it keeps."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tunesmith.core.report import Score
from tunesmith.errors import InputError, RunError
from tunesmith.recipe.schema import Data, Recipe
from tunesmith.runs.list import list_runs, remove_run
from tunesmith.runs.store import Run, open_run

COMMAND = "tunesmith train rows.csv"


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))  # the temporary folder may lie in a repository
    Path("rows.csv").write_text("text,label\ngood,yes\n", encoding="utf-8")


def recipe_of(seed: int = 13, train: str = "rows.csv") -> Recipe:
    return Recipe(task="classify", data=Data(train=train), seed=seed)


def begin(folder: Path | None = Path("run"), *, finish: bool = False, seed: int = 13) -> Path:
    with open_run(folder, recipe_of(seed), resume=False, command=COMMAND) as run:
        run.write_lock({"train": "rows.csv"}, threads=1)
        run.log("step", step=1, loss=0.5)
        if finish:
            run.write_report({"comparison": {"verdict": "fine"}})
            run.finish()
        return run.folder


def codes_of(error: InputError | RunError) -> list[str]:
    return [fault.code for fault in error.faults]


def refuse(folder: Path | None, *, resume: bool, seed: int = 13, train: str = "rows.csv") -> InputError | RunError:
    with (
        pytest.raises((InputError, RunError)) as caught,
        open_run(folder, recipe_of(seed, train), resume=resume, command=COMMAND),
    ):
        pass
    return caught.value


def test_a_run_says_what_was_asked_on_what_it_stands_and_what_happened() -> None:
    folder = begin()
    run = Run.load(folder)
    document = yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8"))
    assert document == recipe_of().model_dump(mode="json")
    assert run.recipe.digest() == recipe_of().digest() == run.lock["recipe_digest"]
    lock = run.lock
    assert (lock["command"], lock["seed"], lock["machine"]["threads"]) == (COMMAND, 13, 1)
    assert {"tunesmith", "python", "torch", "transformers"} <= lock["versions"].keys()
    assert lock["machine"]["cores"] >= 1
    assert lock["machine"]["cpu"]
    assert lock["git"] is None
    assert lock["files"]["train"]["bytes"] == 20
    assert len(lock["files"]["train"]["sha256"]) == 64
    events = list(run.events())
    assert [event["kind"] for event in events] == ["opened", "step"]
    assert events[1]["loss"] == 0.5
    assert events[0]["seconds"] <= events[1]["seconds"] == run.seconds
    assert not run.is_finished


def test_the_lock_names_the_commit_and_whether_it_is_dirty() -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "rows.csv"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert Run.load(begin(Path("a"))).lock["git"] == {"commit": head, "dirty": False}
    Path("rows.csv").write_text("text,label\n", encoding="utf-8")
    assert Run.load(begin(Path("b"))).lock["git"] == {"commit": head, "dirty": True}


def test_without_a_folder_each_run_gets_its_own() -> None:
    folders = [begin(None, seed=seed) for seed in range(3)]
    assert len(set(folders)) == 3
    assert {folder.parent for folder in folders} == {Path("runs")}
    assert all("-classify-rows" in folder.name for folder in folders)
    for train, stem in (("-", "stdin"), ("hub:a/b.c", "b"), ("x/é è.csv.gz", "é-è")):
        with open_run(None, recipe_of(train=train), resume=False, command="") as run:
            assert run.folder.name.endswith(f"-classify-{stem}")


def test_documents_and_report_come_back_and_nan_becomes_null() -> None:
    with open_run(Path("run"), recipe_of(), resume=False, command=COMMAND) as run:
        assert run.kept("baselines") is None
        run.keep("baselines", {"best": -float("inf"), "names": ["é"]})
        assert run.kept("baselines") == {"best": -float("inf"), "names": ["é"]}
        with pytest.raises(InputError, match="--resume"):
            run.report()
        run.write_report({"test": {"macro_f1": Score(0.5, float("nan"), 0.6, 10)}})
        run.log("step", loss=float("nan"), rows=(1, 2))
        run.write_recipe(recipe_of(seed=14))
    assert run.report() == {"test": {"macro_f1": {"value": 0.5, "low": None, "high": 0.6, "n": 10}}}
    assert list(run.events())[-1]["loss"] is None
    assert run.recipe.seed == 14
    assert not list(Path("run").rglob("*.fresh"))


def test_a_run_is_not_written_over() -> None:
    folder = begin()
    error = refuse(folder, resume=False)
    assert codes_of(error) == ["K401"]
    assert "--resume" in str(error)
    assert "--out" in str(error)
    assert "finished run" in str(refuse(begin(Path("done"), finish=True), resume=False))


@pytest.mark.parametrize("resume", [True, False])
def test_a_folder_of_something_else_is_refused_and_left_alone(resume: bool) -> None:
    Path("photos").mkdir()
    Path("photos/cat.png").write_bytes(b"x")
    assert codes_of(refuse(Path("photos"), resume=resume)) == ["K402"]
    assert os.listdir("photos") == ["cat.png"]
    assert codes_of(refuse(Path("rows.csv"), resume=resume)) == ["K402"]


def test_resume_continues_and_the_time_of_work_goes_on() -> None:
    folder = begin()
    before = Run.load(folder)
    seconds, lock = before.seconds, before.lock
    with open_run(folder, recipe_of(), resume=True, command="again") as run:
        assert not run.is_finished
        assert run.seconds >= seconds
        run.write_lock({"train": "rows.csv"}, threads=1)
        run.finish()
    assert [event["kind"] for event in run.events()] == ["opened", "step", "resumed", "finished"]
    assert run.lock == lock
    with open_run(folder, recipe_of(), resume=True, command="once more") as run:
        assert run.is_finished
    assert list(run.events())[-1]["kind"] == "finished"


def test_resume_starts_a_run_where_there_is_none() -> None:
    with open_run(Path("new"), recipe_of(), resume=True, command=COMMAND):
        pass
    assert Run.load("new").recipe == recipe_of()
    assert codes_of(refuse(None, resume=True)) == ["K412"]


def test_resume_after_a_kill_in_the_first_moments() -> None:
    Path("run/state").mkdir(parents=True)
    Path("run/.lock").touch()
    Path("run/events.jsonl").write_bytes(b'{"time": "2026')
    folder = begin()
    assert [event["kind"] for event in Run.load(folder).events()] == ["repaired", "opened", "step"]


def test_resume_with_another_recipe_lists_what_differs() -> None:
    folder = begin()
    error = refuse(folder, resume=True, seed=14, train="other.csv")
    assert codes_of(error) == ["K403", "K403"]
    assert "data.train: rows.csv → other.csv" in str(error)
    assert "seed: 13 → 14" in str(error)


def test_resume_takes_the_resolved_recipe_too() -> None:
    folder = begin()
    resolved = recipe_of().model_copy(update={"class_weights": True})
    with open_run(folder, recipe_of(), resume=True, command="") as run:
        run.write_recipe(resolved)
    for recipe in (resolved, recipe_of()):
        with open_run(folder, recipe, resume=True, command="") as run:
            assert run.recipe == resolved


@pytest.mark.parametrize("change", ["text,label\ngood,no!\n", "", None])
def test_a_changed_data_file_is_named(change: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = begin().resolve()
    if change is None:
        Path("rows.csv").unlink()
    else:
        Path("rows.csv").write_text(change, encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    error = refuse(folder, resume=True)
    assert codes_of(error) == ["K404"]
    assert "rows.csv" in str(error)
    assert ("is gone" if change is None else "has changed") in str(error)


def test_changed_data_that_is_no_file_is_named() -> None:
    with open_run(Path("run"), recipe_of(), resume=False, command="") as run:
        run.write_lock({"train": {"path": "-", "sha256": "a" * 64}, "dev": "rows.csv"})
    with open_run(Path("run"), recipe_of(), resume=True, command="") as run:
        run.write_lock({"train": {"path": "-", "sha256": "a" * 64}, "dev": "rows.csv"})
        with pytest.raises(InputError, match="the train data has changed"):
            run.write_lock({"train": {"path": "-", "sha256": "b" * 64}, "dev": "rows.csv"})
        with pytest.raises(InputError, match="the dev data is not asked for any more"):
            run.write_lock({"train": {"path": "-", "sha256": "a" * 64}})


def test_other_circumstances_are_a_finding() -> None:
    folder = begin()
    lock = Run.load(folder).lock
    lock["versions"]["torch"] = "1.0"
    (folder / "lock.json").write_text(json.dumps(lock), encoding="utf-8")
    with open_run(folder, recipe_of(), resume=True, command="") as run:
        run.write_lock({"train": "rows.csv"}, threads=2)
    finding = list(run.events())[-1]
    assert (finding["kind"], finding["code"], finding["count"]) == ("finding", "K414", 2)
    assert "versions.torch: 1.0 → " in finding["message"]
    assert "machine.threads: 1 → 2" in finding["message"]


@pytest.mark.parametrize("torn", [b'{"time": "2026-01-01", "seco', b"\0" * 50, b'{"half"\n\0\0', b"[1]\n"])
def test_torn_last_lines_are_cut_off_on_resume(torn: bytes) -> None:
    folder = begin()
    with (folder / "events.jsonl").open("ab") as file:
        file.write(torn)
    if not torn.endswith(b"\n") and b"\n" not in torn:
        assert [event["kind"] for event in Run.load(folder).events()] == ["opened", "step"]
    with open_run(folder, recipe_of(), resume=True, command="") as run:
        run.log("step", step=2)
    events = list(run.events())
    assert [event["kind"] for event in events] == ["opened", "step", "repaired", "resumed", "step"]
    assert events[2]["bytes_removed"] == len(torn)


def test_a_damaged_line_in_the_middle_is_named() -> None:
    folder = begin()
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "events.jsonl").write_bytes(b"?".join([b"", *lines]))
    with pytest.raises(RunError, match=r"events\.jsonl line 1"):
        list(Run.load(folder).events())


def test_bad_input_leaves_no_run_behind_and_a_fault_with_results_does() -> None:
    def work(*, with_results: bool) -> None:
        with open_run(Path("run"), recipe_of(), resume=False, command="") as run:
            run.write_lock({"train": "rows.csv"})
            if with_results:
                run.checkpoints("train").folder.mkdir(parents=True)
            Run.load("no such run")

    with pytest.raises(InputError):
        work(with_results=False)
    assert os.listdir() == ["rows.csv"]
    with pytest.raises(InputError):
        work(with_results=True)
    stopped = list(Run.load("run").events())[-1]
    assert (stopped["kind"], stopped["error"]) == ("stopped", "InputError")


def test_an_interrupted_run_can_be_resumed() -> None:
    def work() -> None:
        with open_run(Path("run"), recipe_of(), resume=False, command=""):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    with open_run(Path("run"), recipe_of(), resume=True, command="") as run:
        assert [event["kind"] for event in run.events()] == ["opened", "stopped", "resumed"]


def test_a_name_that_is_no_run_gets_the_nearest_suggested() -> None:
    begin(Path("runs/reviews"))
    with pytest.raises(InputError, match='Did you mean "reviews"'):
        Run.load(Path("runs/review"))
    with pytest.raises(InputError, match="tunesmith runs"):
        Run.load(Path("nowhere/at/all"))


HOLDER = """
import sys, time
from pathlib import Path
from tunesmith.recipe.schema import Data, Recipe
from tunesmith.runs.store import open_run
import os
with open_run(Path("run"), Recipe(task="classify", data=Data(train="rows.csv")), resume=True, command=""):
    if os.fork() == 0:  # a worker that outlives its parent must not keep the lock
        time.sleep(600)
    print("open", flush=True)
    time.sleep(600)
"""


def test_a_second_process_is_refused_and_a_killed_one_holds_nothing() -> None:
    folder = begin()
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        error = refuse(folder, resume=True)
        assert codes_of(error) == ["K405"]
        assert f"process {holder.pid} on {os.uname().nodename}" in str(error)
        assert list_runs(Path())[0]["status"] == "running"
        with pytest.raises(RunError):
            remove_run(folder)
        assert folder.exists()
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        with open_run(folder, recipe_of(), resume=True, command=""):
            assert list_runs(Path())[0]["status"] == "running"
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
        if holder.stdout:
            holder.stdout.close()


def test_the_same_process_is_refused_too() -> None:
    with open_run(Path("run"), recipe_of(), resume=False, command=""):
        assert codes_of(refuse(Path("run"), resume=True)) == ["K405"]
        assert codes_of(refuse(Path("run"), resume=True)) == ["K405"]  # the refusal did not drop the lock
    with open_run(Path("run"), recipe_of(), resume=True, command=""):
        pass


def test_runs_are_listed_and_removed() -> None:
    assert list_runs(Path("runs")) == []
    begin(Path("runs/a"))
    begin(Path("runs/b"), finish=True)
    begin(Path("runs/c"))
    Path("runs/c/recipe.yaml").write_text("task: [", encoding="utf-8")
    Path("runs/notes").mkdir()
    lines = list_runs(Path("runs"))
    assert [(line["name"], line["status"]) for line in lines] == [
        ("a", "unfinished"), ("b", "finished"), ("c", "unfinished"),
    ]  # fmt: skip
    assert lines[0]["task"] == "classify"
    assert lines[0]["data"] == "rows.csv"
    assert lines[0]["bytes"] > 100
    assert "recipe.yaml" in lines[2]["fault"]
    with pytest.raises(InputError):
        remove_run(Path("runs/notes"))
    remove_run(Path("runs/a"))
    assert sorted(os.listdir("runs")) == ["b", "c", "notes"]
