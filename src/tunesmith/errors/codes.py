"""Every code of a fault or finding: what it means, why it matters, what to do. `tunesmith why` and the docs print it.

K1xx data · K2xx recipe · K3xx models · K4xx runs · K5xx training · K6xx bundles and prediction · K7xx installation.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """The lasting explanation of one code; the fault itself says where and what came."""

    title: str
    why: str
    cure: str


CODES: dict[str, Code] = {
    # K1xx data
    # K2xx recipe
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
    # K3xx models
    # K4xx runs
    "K401": Code(
        "The folder already holds a run",
        "A run is evidence; another training must not write over it.",
        "Continue it with --resume if it did not finish, or choose another --out.",
    ),
    "K402": Code(
        "The folder is not empty and not a run",
        "tunesmith writes many files into --out and will not mix them with others.",
        "Choose a folder that does not exist yet.",
    ),
    "K403": Code(
        "The run began with another recipe",
        "Half of a run under one recipe and half under another would prove nothing about either.",
        "Resume with the same recipe and options as before (`recipe.yaml` in the run has them), or start a new run.",
    ),
    "K404": Code(
        "An input file changed since the run began",
        "The splits and every figure stand on the rows that were hashed into lock.json.",
        "Put the file back as it was, or start a new run.",
    ),
    "K405": Code(
        "Another process works on this run",
        "Two processes would write over each other's checkpoints.",
        "Wait for it or stop it, then --resume; a process that was killed holds nothing.",
    ),
    "K406": Code(
        "Not a run",
        "A run folder has recipe.yaml and events.jsonl.",
        "Give the folder that `train` printed; `tunesmith runs` lists them.",
    ),
    "K407": Code(
        "A damaged checkpoint was replaced by the one before it",
        "Every checkpoint carries hashes of its files; the disk or a copy changed a byte.",
        "Nothing need be done: the steps since then are repeated. Check the disk if it happens again.",
    ),
    "K408": Code(
        "A checkpoint cannot be used",
        "Neither the last checkpoint nor the one before it has the bytes that were written.",
        "Remove the folder `checkpoints` inside the run and --resume, which starts the training over.",
    ),
    "K409": Code(
        "The disk is full",
        "A checkpoint is written beside the old one before it takes its place, so both must fit.",
        "Free some space (`tunesmith runs` shows what each run takes), then --resume: nothing was lost.",
    ),
    "K410": Code(
        "A file of the run cannot be written",
        "The file system refused: permissions, a read-only or broken disk, a network share that went away.",
        "Put that right, then --resume.",
    ),
    "K411": Code(
        "A file of the run is damaged",
        "tunesmith writes these files whole or not at all; something else changed it.",
        "Restore it from a copy, or start another run.",
    ),
    "K412": Code(
        "--resume does not know which run",
        "Without --out every training gets a new folder.",
        "Add --out RUN; `tunesmith runs` lists them.",
    ),
    "K413": Code(
        "The run has no report yet",
        "The report is written at the end of a run.",
        "Continue the run with --resume.",
    ),
    "K414": Code(
        "The run goes on under other circumstances",
        "Other versions, hardware or code may change results in the last bits.",
        "Resume with what lock.json names if the weights must be the same bit for bit.",
    ),
    "K420": Code(
        "The work was interrupted",
        "Ctrl-C or a signal ended it before it was done; a training keeps its checkpoints.",
        "Run the command that the message prints.",
    ),
    # K5xx training
    # K6xx bundles and prediction
    # K7xx installation
    "K701": Code(
        "An optional library is missing",
        "Core dependencies stay few; what only some users need is an extra.",
        "Run the install line that the message prints, then the same command again.",
    ),
    "K710": Code(
        "There is no such word",
        "The command line takes one of a few words here.",
        "Take the near one that the message suggests, or look at the command's --help.",
    ),
    "K711": Code(
        "A file is already there",
        "Nothing is written over without being asked to.",
        "Choose another name, or add --force.",
    ),
    "K712": Code(
        "The command needs one thing more",
        "Without it the command could not know what to work on, or would destroy something unasked.",
        "Add what the message names.",
    ),
}
