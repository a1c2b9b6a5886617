"""One labelled row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tunesmith.core.lazy import Lazy


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A marked stretch of a text: `text[start:end]`, in characters (Unicode code points), 0 ≤ start < end."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as the data give it; `start` is where it stands in the context, None where it does not stand there."""

    text: str
    start: int | None


Target: TypeAlias = str | float | tuple[str, ...] | tuple[Span, ...] | tuple[Answer, ...] | None
"""What is to be predicted, None where the row is unlabelled.

A class name, a number, several class names (`multilabel`), the marked spans of a text in order (`tag`; none where it is
empty), the answers that all count as right (`answer`; empty where the question has none), or the text to be written
(`seq2seq`; for `chat` what the assistant says last).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One row of data.

    Args:
        id: unique in its split; the `id` column where there is one, else the row number.
        source: where it came from, such as `train.csv row 412`; every message about the row uses it.
        weight: its share in the loss; 1.0 unless something (class weights, weak labels) says otherwise.
        target: what is to be predicted, None where the row has no label.
        columns: other columns of the row that somebody looks at, as strings; rules do.
    """

    id: str
    source: str
    weight: float = 1.0
    target: Target = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextExample(Example):
    """A row with one text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingExample(TextExample):
    """A row with one text from which another is to be written: `target`, which is no class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockExample(TextExample):
    """A block of running text, cut out of a corpus by its tokens.

    Args:
        text: what the tokens say; empty where nobody will read it.
        ids: its tokens, special ones at both ends counted in, as the model is to read them.
        starts: whether each of them begins a word; empty where nothing is masked.
        places: the tokens that are to be foreseen; None where they are drawn anew every time the block is trained on.
        due: the tokens that belong there.
    """

    ids: Sequence[int]
    starts: Sequence[bool] = ()
    places: Sequence[int] | None = None
    due: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExample(TextExample):
    """A row with one text whose words are given.

    Args:
        words: start and end of each word in the text, in order; empty where the text is to be parted here.
    """

    words: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PairExample(Example):
    """A row with two texts whose relation is to be judged."""

    text_a: str
    text_b: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TripletExample(PairExample):
    """A row with a text, one that belongs to it, and one that does not."""

    negative: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionExample(Example):
    """A question and the text that its answer is to be found in."""

    question: str
    context: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a dialogue."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueExample(Example):
    """A dialogue up to the point where the assistant speaks; `target` is what it says then.

    Args:
        messages: the turns so far, a system prompt first where there is one; the last is the user's.
    """

    messages: tuple[Message, ...]


def texts_of(example: Example) -> tuple[str, ...]:
    """Return the texts of `example`, one or more, in the order in which a model reads them."""
    if isinstance(example, DialogueExample):
        return tuple(message.content for message in example.messages)
    if isinstance(example, TextExample):
        return (example.text,)
    if isinstance(example, QuestionExample):
        return (example.question, example.context)
    assert isinstance(example, PairExample), f"no text in a {type(example).__name__}"
    both = (example.text_a, example.text_b)
    return (*both, example.negative) if isinstance(example, TripletExample) else both


class Examples(Lazy[Example]):
    """Examples that are made when they are asked for; their targets are known without them."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(other) != len(self):
            return False
        return all(one == two for one, two in zip(self, other, strict=True))

    @property
    @abstractmethod
    def targets(self) -> Sequence[Target]:
        """The target of each."""

    @property
    @abstractmethod
    def weights(self) -> Sequence[float]:
        """How much each counts."""

    @abstractmethod
    def pick(self, places: Sequence[int]) -> Sequence[Example]:
        """Return those at `places`, made when they are asked for, too."""

    @abstractmethod
    def weighted(self, weights: Mapping[Target, float]) -> Sequence[Example]:
        """Return the same with a weight for each, that of its target."""


def targets_of(examples: Sequence[Example]) -> Sequence[Target]:
    """Return the target of each example."""
    return examples.targets if isinstance(examples, Examples) else [example.target for example in examples]


def weights_of(examples: Sequence[Example]) -> Sequence[float]:
    """Return how much each example counts."""
    return examples.weights if isinstance(examples, Examples) else [example.weight for example in examples]


def pick_examples(examples: Sequence[Example], places: Sequence[int]) -> Sequence[Example]:
    """Return the examples at `places`."""
    return examples.pick(places) if isinstance(examples, Examples) else [examples[place] for place in places]


class TextsOf(Lazy[str]):
    """The first texts of examples, one after the other, made when they are asked for.

    Args:
        examples: that have as many texts or more.
        sides: texts of each.
    """

    def __init__(self, examples: Sequence[Example], sides: int = 1) -> None:
        self.examples, self.sides = examples, sides

    def __len__(self) -> int:
        return len(self.examples) * self.sides

    def __iter__(self) -> Iterator[str]:
        return (text for example in self.examples for text in texts_of(example)[: self.sides])

    def one(self, at: int) -> str:
        """Return the text at a place."""
        row, side = divmod(at, self.sides)
        return texts_of(self.examples[row])[side]


@dataclass(frozen=True, slots=True)
class Splits:
    """The rows of one run. `test` is empty where cross-validation stands in for it."""

    train: Sequence[Example]
    dev: Sequence[Example] = ()
    test: Sequence[Example] = ()
    general: Sequence[Example] = ()
