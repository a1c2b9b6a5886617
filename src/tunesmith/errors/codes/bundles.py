"""K6xx: bundles and prediction."""

from __future__ import annotations

from tunesmith.errors.codes.code import Code

BUNDLES: dict[str, Code] = {
    "K601": Code(
        "A model that reads one text was given two, or the reverse",
        "`pair`, `answer` and `embed` read two texts per row, the other tasks one; `embed` also takes single texts.",
        "Give as many texts per row as the model was trained on.",
    ),
    "K602": Code(
        "A folder holds no tuned model",
        "A bundle is a model folder with a tunesmith.json, as a finished run has it in `model/`.",
        "Name a finished run; `tunesmith runs` lists them.",
    ),
    "K603": Code(
        "A bundle is newer than this version",
        "Its format changed in a later version of tunesmith.",
        "pip install --upgrade tunesmith",
    ),
    "K604": Code(
        "Vectors were asked of a model that gives none",
        "Only a model of the `embed` task gives texts a vector; the others give labels, numbers, spans or answers.",
        "Train with `--task embed`, or ask this model for predictions.",
    ),
    "K605": Code(
        "The model before tuning cannot be had",
        "A model folder alone does not say what it was tuned from; the recipe in the run folder does.",
        "Name the run folder, and see that the base model is still where the recipe says.",
    ),
    "K606": Code(
        "A model holds no conversation",
        "Only models of the `chat` task write answers to what is said.",
        "Train with `--task chat`, or ask the model with `tunesmith predict`.",
    ),
    "K607": Code(
        "There is no adapter that can be merged",
        "`tunesmith merge` adds an adapter to the weights of its base model. A plain model holds all its weights, and "
        "what stands between weights (bottlenecks, prompts, prefixes) has no place in them.",
        "Use the folder as it is.",
    ),
    "K608": Code(
        "Something stands where a folder is to be written",
        "A model is written into a folder of its own, so that nothing of an older one stays in it.",
        "Name a new folder, or remove what is there.",
    ),
    "K609": Code(
        "A model that was adapted to running text was asked about rows",
        "It goes on being pretrained: it foresees tokens, and has no head that says anything of a row.",
        "Train a task on it: tunesmith train DATA --model RUN/model.",
    ),
    "K610": Code(
        "Nothing, or two things at once, to predict",
        "Texts come from the command line, from a file or from standard input, one of them at a time.",
        "Give one of the three.",
    ),
    "K611": Code(
        "There is no such column",
        "The column that was asked for is not in the file.",
        "Take one of those that the message lists.",
    ),
    "K612": Code(
        "The column of the text is not known",
        "The file has no column called like the one the model was trained on, and several others.",
        "Name the column with --text; twice for a model that reads pairs.",
    ),
    "K613": Code(
        "The knowledge of a bundle cannot be read",
        "Rules and memory stand in knowledge.json, and vectors in a file beside it; one is torn or was left behind.",
        "Copy the whole model folder again, or remove knowledge.json: the model then answers alone.",
    ),
    "K620": Code(
        "The runs cannot be compared",
        "They have measured different things, so no figure stands in all of their reports.",
        "Compare runs of one task.",
    ),
}
