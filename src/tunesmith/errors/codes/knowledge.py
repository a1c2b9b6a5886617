"""K8xx: knowledge."""

from __future__ import annotations

from tunesmith.errors.codes.code import Code

KNOWLEDGE: dict[str, Code] = {
    "K801": Code(
        "A rule votes on an unknown label",
        "A vote for a label that no row has can decide nothing; mostly it is a typing error.",
        "Take a label of the data; the message lists them.",
    ),
    "K802": Code(
        "A pattern is no regular expression",
        "A pattern that cannot be read would never fire, and nobody would notice.",
        "Put a backslash before ( ) [ ] . * + ? that are meant as such, or look for words in place of a pattern.",
    ),
    "K803": Code(
        "A rule never fires",
        "It says nothing of these rows: a condition is too narrow, a term is spelt otherwise, or the data has none.",
        "Look at the conditions; leave the rule out if it is not needed.",
    ),
    "K804": Code(
        "Two rules contradict each other",
        "Where both fire, one is wrong, and their votes cancel out.",
        "Give one of them a condition more (`unless`, `length`, `column`), a smaller `strength`, or leave it out.",
    ),
    "K805": Code(
        "A list of words cannot be used",
        "A rule that looks for the terms of a list needs the file, and terms in it.",
        "Check the name, which starts at the folder of the rules, and that the file holds a term a line.",
    ),
    "K806": Code(
        "A rule is not complete, or says too much",
        "A rule votes for one label or against one, and fires where something is found.",
        "Give it `label` or `against`, and `list`, `words`, `pattern`, `length` or `column`.",
    ),
    "K807": Code(
        "A rule is right less often than chance",
        "On rows whose label is known its votes are wrong more often than those of somebody who does not look.",
        "Look at the rows that are shown; turn it round with `against`, narrow it, or leave it out.",
    ),
    "K808": Code(
        "Rules cannot vote in this task",
        "A rule votes for or against the one label of a row, which `classify` and `pair` have, or marks spans of a "
        "text, which `tag` has.",
        "Leave `knowledge.rules` out, or train with one of these tasks.",
    ),
    "K809": Code(
        "A model can have no memory",
        "The rows of a memory speak for the one label of a text, beside those that the model was trained on.",
        "Give the folder of a run of `classify` or `pair` whose data is where it was.",
    ),
    "K810": Code(
        "A rule looks at the label itself",
        "It would be right on every row whose label is known, and silent on all others.",
        "Leave the condition out, or look at another column.",
    ),
    "K811": Code(
        "A run cannot be given other rules, or be trained again",
        "Rules are set beside a finished model by the answers that its run kept; the new run has the model of another.",
        "Train with --rules, or give the run that was trained.",
    ),
    "K812": Code(
        "A rule of `tag` names no kind of spans",
        "In `tag` a rule says that the place where a term stands is a span of a kind; a vote against one, or a rule "
        "that is to learn what it speaks for, says of no place what it is.",
        "Name the kind under `label`; `unless`, `length` and `column` say where a rule does not hold.",
    ),
    "K813": Code(
        "A rule of `tag` marks no place",
        "A span stands somewhere in a text; a length or a column is true of the row as a whole.",
        "Give the rule `list`, `words` or `pattern`, and keep the rest as conditions.",
    ),
    "K814": Code(
        "A rule marks wrongly more often than rightly",
        "Less than half of what it marks in labelled rows are spans of its kind with just these bounds; such a rule "
        "gets the weight 0, and its terms are not learnt from.",
        "Leave out terms that mean something else as well, add longer ones, or narrow the rule with `unless`.",
    ),
    "K816": Code(
        "An entry of a glossary is wrong",
        "A glossary is a table with the columns term, definition, aliases and class, or a YAML list with these keys; "
        "only the term is needed.",
        "Mend the line that the message names.",
    ),
    "K817": Code(
        "A term or an alias stands twice in a glossary",
        "Where a text has it, nobody could say which entry is meant.",
        "Keep one of the two; letter case and spaces do not tell terms apart.",
    ),
    "K818": Code(
        "A class of a glossary is no label",
        "The terms of a class vote for the label of that name; for a label that no row has they can decide nothing.",
        "Take a label of the data; the message lists them.",
    ),
    "K819": Code(
        "A glossary has no effect",
        "Its terms do not stand in the rows, what it holds is not asked for, or the task does not read whole rows.",
        "Do what the message says, or leave `knowledge.glossary` out.",
    ),
    "K820": Code(
        "Rules for fewer than two labels",
        "To label rows is to tell one label from another.",
        "Write rules for at least two labels.",
    ),
    "K821": Code(
        "A column that is there already",
        "Rows are written with all their columns, a label and a weight; none of them is overwritten.",
        "Name another column with --label, or leave it out of the file.",
    ),
    "K822": Code(
        "Shares of other labels than the data has",
        "To correct for shares, each label of the data needs one.",
        "Write `knowledge.priors` with every label as the data spells it, and no other.",
    ),
    "K823": Code(
        "Shares that do not sum to 1",
        "Every row has exactly one label, so the shares of all labels are a whole.",
        "Mend the shares in `knowledge.priors`; a hundredth more or less is taken as rounding.",
    ),
    "K824": Code(
        "No confidence meets the wished error rate",
        "Answers are given from the lowest confidence at which dev rows make it sure, at 90 %, that no more of them "
        "are wrong than wished. With no error at all that takes 45 rows for 5 %.",
        "Give more dev rows, or a higher rate; the curve in the report says what the model can do.",
    ),
    "K825": Code(
        "An error rate or shares where rows have no one label",
        "To leave an answer out, it must be right or wrong as a whole, and have one probability; shares are those of "
        "labels that exclude each other.",
        "Leave `knowledge.error` and `knowledge.priors` out, or train `classify` or `pair` on rows with classes.",
    ),
}
