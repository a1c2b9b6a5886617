"""K2xx: recipe."""

from __future__ import annotations

from tunesmith.errors.codes.code import Code

RECIPE: dict[str, Code] = {
    "K201": Code(
        "There is no such key",
        "A key that nobody reads would look as if it had worked, so unknown keys are refused.",
        "Take the near name that the message suggests, or look the key up in the output of `tunesmith init`.",
    ),
    "K202": Code(
        "A key is missing",
        "Everything has a default but the data: no guess can say which file was meant.",
        "Add the key; `tunesmith init` writes a recipe with all of them.",
    ),
    "K203": Code(
        "Not one of the choices",
        "The key takes one of a few words.",
        "Use one of the words that the message lists.",
    ),
    "K204": Code(
        "A value of the wrong kind",
        "The value is of another type than the key takes, or out of its range.",
        "Write a value as the message describes it.",
    ),
    "K205": Code(
        "The recipe is not YAML",
        "The file could not be read as YAML (1.2, core schema) or JSON.",
        "Look at the line that is named and at the one before it: indentation, colons, quotes, brackets.",
    ),
    "K206": Code(
        "A key stands twice",
        "Only one of the two values could be used, and which one would be a matter of chance.",
        "Keep one of the two lines.",
    ),
    "K207": Code(
        "There is no such task or strategy",
        "The name is neither one of ours nor offered by an installed package.",
        "Take the near name that the message suggests, or install the package that offers it.",
    ),
    "K208": Code(
        "An override that cannot be read",
        "`--set` takes KEY=VALUE, where KEY is the dotted path of a key of the recipe.",
        "Write it like `--set optimizer.learning_rate=1e-4`; quote it where the shell would split it.",
    ),
    "K209": Code(
        "A task or strategy cannot be loaded",
        "Its name is known, but the module that holds it cannot be imported.",
        "Reinstall or update the package that offers it, or leave it out.",
    ),
    "K210": Code(
        "Two settings contradict each other",
        "Each is fine alone; together they ask for something that cannot be done.",
        "Change one of the two as the message says.",
    ),
    "K211": Code(
        "A recipe cannot be read",
        "The file or folder does not exist, may not be read, or is not text.",
        "Check the name and where you are; paths on the command line start in the current folder.",
    ),
    "K212": Code(
        "Strategies that do not go together",
        "One would undo the other, or has nothing to act on once the other is there.",
        "Leave one of the two out; docs/strategies has a table of what goes together.",
    ),
    "K213": Code(
        "A strategy for another kind of task",
        "The strategy looks at classes, numbers or tokens that the task does not have, and would do nothing.",
        "Leave it out; its page says which tasks it works with.",
    ),
    "K214": Code(
        "A pattern that cannot be read",
        "A pattern says where a text stands, `{text}` (of a pair `{text_a}` and `{text_b}`), and where the word that "
        "is to be foreseen, `{mask}`; each stands in it once. It has to leave room for the text, too.",
        "Write one such as `{text} It was {mask}.`.",
    ),
    "K215": Code(
        "The words of a pattern do not belong to the labels",
        "Each label is said by one word. Words for some labels alone, or for labels that the rows do not have, are "
        "mostly a slip.",
        "Name a word for every label, or leave pattern.words out: then the names of the labels are taken.",
    ),
    "K217": Code(
        "A strategy has no texts to work on",
        "What keeps a model near to what it was looks at texts from outside the domain while the task is learnt.",
        "Name a file of such texts under data.general, or take l2sp or mixout, which need none.",
    ),
    "K218": Code(
        "The checkpoint has no language head",
        "What a model says of tokens can only be kept where its checkpoint holds the head that says it. Sentence "
        "encoders are published without one.",
        "Set `match: direction`, which keeps the vectors of texts.",
    ),
}
