"""K4xx: runs."""

from __future__ import annotations

from tunesmith.errors.codes.code import Code

RUNS: dict[str, Code] = {
    "K320": Code(
        "Dialogues or sources are longer than the window",
        "What a model is trained on at once is bounded, because time and memory grow with it. Of a dialogue the oldest "
        "turns, then the longest of the others, are cut, and the answer is kept; a source loses its end.",
        "Raise text.max_tokens where the beginning of long dialogues, or the end of long sources, matters.",
    ),
    "K321": Code(
        "Answers are longer than the window",
        "An answer, or a text that is to be written, is learnt without its end where it does not fit, and the model "
        "does not learn from it where to stop.",
        "Raise text.max_tokens, or shorten the answers.",
    ),
    "K322": Code(
        "Nothing of a row carries loss",
        "Only what the assistant says is learnt. Where the window cuts all of it off, or the chat template leaves it "
        "out, the row would teach nothing.",
        "Raise text.max_tokens, or shorten or remove the rows that are named.",
    ),
    "K323": Code(
        "A model has no chat template",
        "Models that have learnt to follow instructions bring the template of their dialogues along. One that has not "
        "is given a plain template, which is saved with it.",
        "Nothing need be done; a model tuned to follow instructions learns from fewer rows.",
    ),
    "K325": Code(
        "A model has to be told its languages",
        "NLLB, mBART and their like mark what they read and what they write with a token for its language; without it "
        "they write in another one.",
        "Set text.source_language and text.target_language to codes of the model; the message lists them.",
    ),
    "K327": Code(
        "A tokenizer without a token that hides others",
        "An encoder is adapted by hiding tokens from it, which needs a token that stands for what is hidden.",
        "Take an encoder that was pretrained so, such as BERT, or a decoder, which needs no such token.",
    ),
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
}
