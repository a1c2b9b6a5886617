"""Several processes train as one does: the same weights, one writer, and an end that all of them share."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tunesmith.cli.main import app
from tunesmith.engine.device import join
from tunesmith.errors import InputError, Interrupted
from tunesmith.jobs.train import train
from tunesmith.models.tinywriters import save_tiny_writer
from tunesmith.runs.store import Run

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs signals"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
AT_MOST = 240
"""Seconds after which what hangs is ended."""
DIVIDED = ("divided", "divided few", "divided writing")
"""Recipes that divide the weights among processes, if there are several."""
LAUNCHED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID")


@pytest.fixture(scope="module")
def recipes(quick: dict[str, Any], rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Recipes without dropout, whose random numbers are drawn in each process, in full precision.

    A large epsilon keeps AdamW from making whole steps of what is zero but for rounding. A batch of seven leaves two
    processes unlike parts, and the last of an epoch is smaller still.
    """
    place = tmp_path_factory.mktemp("writing")
    said = [{"prompt": text, "response": f"it was {label}"} for text, label in rows[::2]]
    (place / "said.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said), encoding="utf-8")
    long = [f"{' '.join([text] * (1 + at % 3))},{label}\n" for at, (text, label) in enumerate(rows)]
    (place / "long.csv").write_text("".join(["text,label\n", *long]), encoding="utf-8")
    writer = save_tiny_writer(place / "tiny", [text for text, _ in rows], family="qwen2")
    (place / "corpus.txt").write_text("".join(f"{text}, {at}\n" for at, (text, _) in enumerate(rows)), encoding="utf-8")
    calm = {
        "precision": "fp32",
        "optimizer": {"learning_rate": 5e-3, "head_learning_rate": 1e-2, "epsilon": 1e-3},
        "stop": {"epochs": 2, "patience": None},
    }
    still = {"dropout": {"hidden": 0.0, "attention": 0.0, "classifier": 0.0}}
    plain = {**quick, **calm, "batching": {"size": 7}}
    found: dict[str, Any] = {
        "plain": {**plain, "strategies": [still, "l2sp", "fgm", {"average": {"kind": "ema"}}, "unfreeze"]},
        "accumulated": {**plain, "batching": {"size": 7, "accumulate": 3, "tokens": 16}, "strategies": [still]},
        "writing": {
            **{key: value for key, value in plain.items() if key != "head"}, "task": "chat", "strategies": [],
            "model": str(writer), "data": {"train": str(place / "said.jsonl")}, "text": {"max_tokens": 64},
            "generate": {"max_tokens": 4}, "evaluate": {"resamples": 20, "forgetting": "off"},
        },
        "masked": {
            "task": "masked", "model": quick["model"], "data": {"train": str(place / "corpus.txt")},
            "text": {"max_tokens": 16}, "stop": {"epochs": 1, "patience": None}, "evaluate": {"resamples": 20},
        },
        "budget": {**plain, "stop": {"epochs": 100_000, "seconds": 1.0, "patience": None, "refit": False}},
        "not finite": {
            **plain,
            "optimizer": {"learning_rate": 1e30, "head_learning_rate": 1e30, "clip_norm": None},
        },
        "too few": {**plain, "batching": {"size": 1}},
        "divided": {
            **plain, "batching": {"size": 7, "accumulate": 3, "divide": True, "save_memory": True},
            "strategies": [
                still, "layerwise_lr", "unfreeze", "distil_from_base", "rdrop", "fgm", "smoothing", "trust_region",
            ],
            "stop": {**calm["stop"], "refit": False}, "evaluate": {**plain["evaluate"], "forgetting": "auto"},
        },
        "divided few": {  # of long rows, which take one to three passes when they are looked at
            **plain, "strategies": [still, "lora", "replay"],
            "batching": {"size": 7, "divide": True, "predict_size": 1},
            "data": {"train": str(place / "long.csv")}, "text": {"max_tokens": 8, "long": "window", "overlap": 2},
        },
        "indivisible": {
            **plain, "batching": {"size": 7, "divide": True}, "strategies": ["average", "ewc", "l2sp", "mixout"],
        },
    }  # fmt: skip
    found["divided masked"] = {**found["masked"], "batching": {"size": 7, "divide": True}}
    found["divided writing"] = {**found["writing"], "batching": {"size": 7, "divide": True}}
    return found


@pytest.fixture(scope="module")
def one(recipes: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of one process."""
    place = tmp_path_factory.mktemp("one")
    for name in ("plain", "accumulated", "writing", *DIVIDED):
        train(recipes[name], folder=place / name)
    return place


@pytest.fixture(scope="module")
def two(recipes: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two processes, and what each of them has to tell."""
    place = tmp_path_factory.mktemp("two")
    with pytest.raises(Interrupted):
        train(recipes["plain"], folder=place / "from-one", progress=_signal_at_step(5))
    with pytest.raises(Interrupted):
        train(recipes["divided"], folder=place / "divided-from-one", progress=_signal_at_step(5))
    (place / "recipes.json").write_text(json.dumps(recipes), encoding="utf-8")
    script = Path(__file__).with_name("two_processes.py")
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(
        [sys.executable, *words, str(place / "recipes.json"), str(place)], env=environment(), timeout=AT_MOST,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (place / "told-1.json").exists(), done.stderr[-4000:]
    return place


def environment(**more: str) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if name not in LAUNCHED}
    return {**known, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", **more}


def told(place: Path, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place / f"told-{number}.json").read_text(encoding="utf-8"))
    return found


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model" / "model.safetensors")


def apart(one: Path, other: Path) -> float:
    """The largest difference between weights."""
    before, after = weights(one), weights(other)
    assert before.keys() == after.keys()
    return max(float((before[name] - after[name]).abs().max()) for name in before)


def test_processes_add_up_what_each_has(two: Path) -> None:
    for number in (0, 1):
        found = told(two, number)["sums"]
        assert found["sums"] == [2.0, 1.0]
        assert found["any"] == [False, True]
        assert found["told"] == 0
        assert found["gathered"] == [[0, 0], [1, 10]]
        assert found["gradients"] == [[3.0, 3.0], [5.0, 5.0], None, None]
        assert found["share"] == ([0, 2, 4], [1, 3])[number]


@pytest.mark.parametrize("name", ["plain", "accumulated", "writing"])
def test_two_processes_end_with_the_weights_of_one(name: str, one: Path, two: Path) -> None:
    assert apart(one / name, two / name) < 1e-5
    assert all(told(two, number)[f"{name} alike"] for number in (0, 1))


@pytest.mark.parametrize("name", ["plain", "accumulated", "writing"])
def test_dev_and_test_come_out_the_same(name: str, one: Path, two: Path) -> None:
    alone, shared = Run.load(one / name).report(), Run.load(two / name).report()
    for part in ("dev", "test"):
        assert alone[part].keys() == shared[part].keys()
        for metric, score in alone[part].items():
            assert shared[part][metric]["value"] == pytest.approx(score["value"], abs=1e-4)
    assert [seen["step"] for seen in shared["history"]] == [seen["step"] for seen in alone["history"]]
    for before, after in zip(alone["history"], shared["history"], strict=True):
        assert after["train_loss"] == pytest.approx(before["train_loss"], abs=1e-4)
    assert shared["speed"]["tokens"] == alone["speed"]["tokens"]
    rows = [(row.get("text"), row.get("predicted")) for row in alone["samples"] + alone["errors"]]
    assert [(row.get("text"), row.get("predicted")) for row in shared["samples"] + shared["errors"]] == rows


def test_one_process_writes(one: Path, two: Path) -> None:
    for name in ("plain", "accumulated", "writing"):
        kinds = [event["kind"] for event in Run.load(two / name).events()]
        assert kinds == [event["kind"] for event in Run.load(one / name).events()]
        machine = Run.load(two / name).lock["machine"]
        assert (machine["processes"], machine["divided"]) == (2, False)
        assert [told(two, number)[name] for number in (0, 1)] == ["Run", "Followed"]
    assert sorted(path.name for path in (two / "plain").iterdir()) == sorted(
        path.name for path in (one / "plain").iterdir()
    )


def test_two_go_on_where_one_stopped(one: Path, two: Path) -> None:
    assert apart(one / "plain", two / "from-one") < 1e-5
    found = [event for event in Run.load(two / "from-one").events() if event["kind"] == "finding"]
    assert any(event["code"] == "K414" and "processes: 1 → 2" in event["message"] for event in found)


def test_one_goes_on_where_two_stopped(recipes: Any, one: Path, two: Path) -> None:
    for number in (0, 1):
        assert told(two, number)["stopped"].startswith("K503"), "a signal to one of them is heeded by both"
        assert "step 5 of select" in told(two, number)["stopped"]
    train(recipes["plain"], folder=two / "from-two", resume=True)
    assert apart(one / "plain", two / "from-two") < 1e-5


@pytest.mark.parametrize("name", ["masked", "divided masked"])
def test_two_adapt_to_running_text_and_train_its_head_first(name: str, two: Path) -> None:
    assert [told(two, number)[name] for number in (0, 1)] == ["Run", "Followed"]
    run = Run.load(two / name)
    assert [event["name"] for event in run.events() if event["kind"] == "stage"][:2] == ["head", "select"]
    assert "forgetting" in run.report()


def test_a_budget_of_seconds_ends_all_at_the_same_step(two: Path) -> None:
    assert [told(two, number)["budget"] for number in (0, 1)] == ["Run", "Followed"]
    assert 1.0 <= Run.load(two / "budget").report()["history"][-1]["seconds"] < 10.0


def test_all_stop_where_the_loss_is_not_a_number(two: Path) -> None:
    assert told(two, 0)["not finite"].startswith("K501")
    assert told(two, 0)["not finite"] == told(two, 1)["not finite"]


def test_more_processes_than_rows_in_a_step_are_refused(two: Path) -> None:
    for number in (0, 1):
        assert told(two, number)["too few"].startswith("K542 batching.size: 2 processes share the 1 rows")
    assert not (two / "too-few").exists(), "a folder without results is not left behind"


def test_the_first_ends_with_a_message_when_another_is_gone(two: Path) -> None:
    assert told(two, 0)["lost"].startswith("K541")
    assert "--resume" in told(two, 0)["lost"]


@pytest.fixture
def start(recipes: Any, tmp_path: Path) -> Any:
    """Start a training that would go on for hours, and return once both processes are at work."""
    long = {**recipes["plain"], "stop": {"epochs": 100_000, "patience": None}, "strategies": []}
    (tmp_path / "recipe.json").write_text(json.dumps(long), encoding="utf-8")
    words = [sys.executable, "-m", "tunesmith", "train", "recipe.json", "--out", "run", "--processes", "2"]

    def start() -> subprocess.Popen[str]:
        started = subprocess.Popen(
            words, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        end = time.monotonic() + AT_MOST / 2
        while _evaluations(tmp_path / "run") < 2 and started.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        assert started.poll() is None, started.communicate()
        return started

    return start


def test_a_killed_process_ends_the_training_with_a_message(start: Any) -> None:
    started = start()
    os.kill(_worker(started.pid, 1), signal.SIGKILL)
    out, err = started.communicate(timeout=60)
    assert started.returncode == 1
    assert "K541 process 2 of 2: it ended before its time: signal SIGKILL." in err
    assert out == ""


def test_ctrl_c_saves_and_says_once_how_to_go_on(start: Any) -> None:
    started = start()
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=60)
    assert started.returncode == 3
    assert err.count("K503 run: stopped at step") == 1
    assert "Traceback" not in err
    assert out == ""


def test_accelerate_launch_trains_and_one_process_prints(recipes: Any, tmp_path: Path) -> None:
    short = {**recipes["accumulated"], "stop": {"epochs": 1, "patience": None, "refit": False}}
    (tmp_path / "recipe.json").write_text(json.dumps(short), encoding="utf-8")
    launcher = "accelerate.commands.launch --multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no"
    words = [*launcher.split(), "--dynamo_backend", "no", "-m", "tunesmith", "train", "recipe.json", "--out", "run"]
    done = subprocess.run(
        [sys.executable, "-m", *words, "--json"], cwd=tmp_path, env=environment(), timeout=AT_MOST, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["folder"] == "run"
    assert done.stderr.count("select: 61 rows") == 1
    assert Run.load(tmp_path / "run").lock["machine"]["processes"] == 2


def test_accelerate_launch_divides_the_weights_of_every_training_of_a_script(recipes: Any, tmp_path: Path) -> None:
    short = {**recipes["accumulated"], "stop": {"steps": 4, "patience": None, "refit": False}}
    (tmp_path / "recipe.json").write_text(json.dumps(short), encoding="utf-8")
    script = """
        import tunesmith

        if __name__ == "__main__":
            for name in ("run", "again"):
                tunesmith.train("recipe.json", folder=name)
    """
    (tmp_path / "both.py").write_text(textwrap.dedent(script), encoding="utf-8")
    words = "accelerate.commands.launch --use_fsdp --num_processes 2 --num_machines 1 --mixed_precision no"
    done = subprocess.run(
        [sys.executable, "-m", *words.split(), "--dynamo_backend", "no", "both.py"], cwd=tmp_path, env=environment(),
        timeout=AT_MOST, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name in ("run", "again"):
        machine = Run.load(tmp_path / name).lock["machine"]
        assert (machine["processes"], machine["divided"]) == (2, True)


@pytest.mark.parametrize(
    ("words", "known", "message"),
    [
        (["--processes", "0"], {}, "K542 --processes: 0 processes"),
        (["--processes", "8"], {}, "K542 batching.size: 8 processes share the 7 rows"),
        (["--processes", "2"], {"RANK": "0", "WORLD_SIZE": "2"}, "K543 --processes: a launcher has started 2"),
        (["--processes", "2", "--set", "strategies=[nothing_known]"], {}, "K2"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(
    words: list[str], known: dict[str, str], message: str, recipes: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    Path("recipe.json").write_text(json.dumps(recipes["plain"]), encoding="utf-8")
    done = CliRunner().invoke(app, ["train", "recipe.json", "--out", "run", *words])
    assert done.exit_code == 2
    assert message in done.stderr
    assert not Path("run").exists()


def test_ways_of_dividing_that_are_not_there_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    with pytest.raises(InputError, match=r"K544 accelerate launch: the launcher asks for DeepSpeed"):
        join()


@pytest.mark.parametrize("name", DIVIDED)
def test_divided_weights_end_as_those_of_one_process(name: str, one: Path, two: Path) -> None:
    for number in (0, 1):
        assert told(two, number)[name] == ["Run", "Followed"][number]
        assert told(two, number)[f"{name} in parts"], "each held less than all"
        assert told(two, number)[f"{name} alike"]
    assert apart(one / name, two / name) < 1e-5
    alone, shared = Run.load(one / name).report(), Run.load(two / name).report()
    assert [seen["step"] for seen in shared["history"]] == [seen["step"] for seen in alone["history"]]
    for before, after in zip(alone["history"], shared["history"], strict=True):
        assert after["train_loss"] == pytest.approx(before["train_loss"], abs=1e-4)
        if "general" in before:
            assert after["general"] == pytest.approx(before["general"], abs=1e-4)
    assert shared["speed"]["tokens"] == alone["speed"]["tokens"]
    assert shared["model"]["trained_parameters"] == alone["model"]["trained_parameters"]


def test_divided_weights_go_on_from_whole_ones_and_whole_ones_from_them(recipes: Any, one: Path, two: Path) -> None:
    assert apart(one / "divided", two / "divided-from-one") < 1e-5
    train(recipes["divided"], folder=two / "one-from-divided", resume=True)
    assert apart(one / "divided", two / "one-from-divided") < 1e-5


def test_what_needs_whole_weights_is_refused_where_they_are_divided(two: Path) -> None:
    for number in (0, 1):
        found = told(two, number)["indivisible"]
        for name in ("average", "ewc", "l2sp", "mixout"):
            assert f"K546 recipe: strategies.{name}" in found


def test_a_verb_that_several_would_do_alike_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "other"}.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["predict", str(tmp_path), "a text"])
    assert done.exit_code == 2
    assert "K545" in done.stderr


def _evaluations(folder: Path) -> int:
    events = folder / "events.jsonl"
    return events.read_text(encoding="utf-8").count('"kind": "dev"') if events.exists() else 0


def _worker(parent: int, number: int) -> int:
    """Return the process that `parent` started as number `number`."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children = [int(pid) for pid, above in (line.split() for line in listed.splitlines()) if int(above) == parent]
    return sorted(children)[number]  # they are started in their order


def _signal_at_step(number: int) -> Any:
    def listen(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == number:
            os.kill(os.getpid(), signal.SIGINT)

    return listen
