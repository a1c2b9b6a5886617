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
    "K101": Code(
        "A file cannot be read",
        "Nothing can be learnt from a file that is not there, is empty or is damaged.",
        "Check the path, the rights and the size of the file; copy or download it again.",
    ),
    "K102": Code(
        "Another encoding than UTF-8, or unreadable characters",
        "No text file says how it is encoded. It was found from the bytes; a wrong guess shows as odd letters.",
        "Look at a few texts. If letters are wrong, save the file as UTF-8.",
    ),
    "K103": Code(
        "Not a table",
        "Rows were expected: lines of cells, or objects with the same keys.",
        "Save the data as csv, tsv, json, jsonl, parquet, xlsx or conll.",
    ),
    "K104": Code(
        "A torn row",
        "A row with too few or too many cells has usually lost half of a text, or holds a part of its neighbour.",
        "Quote the cells that hold delimiters or line breaks, or set data.on_bad_row to error, skip or keep.",
    ),
    "K105": Code(
        "Surplus cells joined into the text",
        "Text with unquoted delimiters falls apart into cells. Where it is plain what belongs together, it is joined.",
        "Nothing need be done; write the file with quotes to be sure.",
    ),
    "K106": Code(
        "Columns are missing or ambiguous",
        "Guessing between two columns that could both be meant would train on the wrong one without a word.",
        "Name the column: --set data.text=COLUMN, --set data.label=COLUMN (text_a and text_b for pairs).",
    ),
    "K107": Code(
        "An unknown label",
        "A label that no train row has cannot be learnt; mostly it is a typing error.",
        "Fix the row, or map the label under data.labels.",
    ),
    "K108": Code(
        "A row without text",
        "There is nothing to read in it.",
        "Fill or remove the row, or set data.on_bad_row to error, skip or keep.",
    ),
    "K109": Code(
        "A row without label",
        "It cannot be learnt from, nor scored.",
        "Label or remove the row. Unlabelled rows are for `tunesmith predict`.",
    ),
    "K110": Code(
        "A stray quote",
        "A quote that opens a cell and never closes it swallows the rows behind it. It was read as plain text.",
        "Look at the rows; double a quote that belongs to the text, or quote the whole cell.",
    ),
    "K111": Code(
        "No header",
        "The first row looks like data, so the columns were numbered: column1, column2, …",
        "Set data.header to true or false if that is wrong, or write a header.",
    ),
    "K112": Code(
        "Column names made up",
        "Columns without a name, or with one that was there before, can only be spoken of with a name of their own.",
        "Nothing need be done unless such a column is meant; then use the name in the message.",
    ),
    "K113": Code(
        "Labels written in several ways",
        "Labels that differ only in case or spaces are meant to be the same; apart, they would be two classes.",
        "Nothing need be done; clean the file, or map the labels under data.labels, to be sure.",
    ),
    "K114": Code(
        "Labels written as decimal numbers",
        "0.0 and 1.0 are what spreadsheets make of the classes 0 and 1.",
        "Nothing need be done; map them to words under data.labels for a report that is easier to read.",
    ),
    "K115": Code(
        "One class only",
        "There is nothing to tell apart. The file may be the head of one that is sorted by label.",
        "Take rows of all classes.",
    ),
    "K116": Code(
        "Tiny classes",
        "What has a handful of examples is hardly learnt, and its score is chance.",
        "Label more rows of these classes, or merge them under data.labels.",
    ),
    "K117": Code(
        "Uneven classes",
        "A model that always says the largest class already looks good in accuracy.",
        "Judge by macro-F1, which counts every class alike.",
    ),
    "K118": Code(
        "Repeated texts",
        "Rows that are there twice count twice, and make a score too good where they stand in train and test.",
        "Remove the repetitions if they come from a mistake. Splits made here keep them on one side.",
    ),
    "K119": Code(
        "Nearly the same texts",
        "Texts that differ in a few characters are as good as repeated.",
        "Nothing need be done: splits made here keep them on one side (data.near_duplicates).",
    ),
    "K120": Code(
        "The same text with different labels",
        "At most one of the labels can be right, so nothing that is learnt from the text alone can get all of them.",
        "Decide which label is right, or, if several are, list them in one row and train with `task: multilabel`.",
    ),
    "K121": Code(
        "The same text in train and test",
        "A model may know such a row by heart; the score says too little about new text.",
        "Remove the rows from one of the files.",
    ),
    "K122": Code(
        "Nearly the same text in train and test",
        "A model may know the near twin by heart; the score says too little about new text.",
        "Look at the rows and remove those that come from the same source.",
    ),
    "K123": Code(
        "The file is sorted by label",
        "The head of such a file has one class only. Rows are shuffled here, so training is safe.",
        "Nothing need be done; beware of taking the first rows of the file as a sample.",
    ),
    "K124": Code(
        "Texts longer than the window",
        "What does not fit into the window is not read.",
        "Raise text.max_tokens, or set text.long to window.",
    ),
    "K125": Code(
        "Rows in another script",
        "Most models know few scripts well, and rows in another language are often misplaced.",
        "Look at the rows; choose a multilingual model if they belong to the data.",
    ),
    "K126": Code(
        "A column that gives the label away",
        "Who knows this column knows the label. It is not used, but it shows that the label may be derived from it.",
        "Make sure that it is not known when the model is used, and that it does not occur in the text.",
    ),
    "K127": Code(
        "The label is not a number",
        "Regression learns from numbers.",
        "Fix the rows, or train with `task: classify`.",
    ),
    "K128": Code(
        "Too few rows",
        "Nothing can be trained or measured on so little.",
        "Give more rows, or look at the findings that say why rows were left out.",
    ),
    "K129": Code(
        "A hub data set cannot be had",
        "It was neither in the local cache nor reachable.",
        "Check the name and the network, or download the files and name them.",
    ),
    "K130": Code(
        "A line that is not an object",
        "Every line of a jsonl file is one JSON object.",
        "Mend the line, or set data.on_bad_row to skip.",
    ),
    "K131": Code(
        "Rows cannot be written",
        "The output must be a file whose kind can be told from its suffix, with the same columns in every row.",
        "Give a path that ends in .csv, .jsonl or .parquet (each also .gz but parquet), in a folder that exists.",
    ),
    "K132": Code(
        "Ids that repeat",
        "An id names one row; where it repeats, row numbers are used.",
        "Name another column under data.id, or none.",
    ),
    "K133": Code(
        "A time that cannot be read",
        "Rows can only be ordered by time where every one has a time.",
        "Write times as 2024-03-31 or 2024-03-31T12:00, or as numbers.",
    ),
    "K140": Code(
        "Tokens and tags of different length",
        "Every word has one tag. Where the numbers differ, nobody can say which tag belongs to which word.",
        "Mend the rows, or set data.on_bad_row to error, skip or keep (then missing tags are O).",
    ),
    "K141": Code(
        "Spans that cannot be read, or are not within the text",
        "A span has a start, an end behind its last character, and a label: 0 <= start < end <= length of the text.",
        'Write [[0, 7, "PRODUCT"]] or [{"start": 0, "end": 7, "label": "PRODUCT"}]; count characters from 0.',
    ),
    "K142": Code(
        "Spans that overlap",
        "Every word gets one tag, so of spans that share words one only can be learnt: the longest was kept.",
        "Mark every stretch once, or train one model for each layer of spans.",
    ),
    "K143": Code(
        "Spans that cover another text than they say",
        "The text was probably changed after it was marked, or the offsets count something else than characters.",
        "Export the marks again with the text that they were made on.",
    ),
    "K144": Code(
        "Spans that begin or end within a word",
        "A model marks whole words, so it can never get such a span exactly right. It is scored as it is given.",
        "Mark whole words; look for offsets that are off by one.",
    ),
    "K145": Code(
        "Spans with white space at their ends",
        "It is no part of what was meant, and was taken off.",
        "Nothing need be done.",
    ),
    "K146": Code(
        "Broken sequences of tags",
        "A tag goes on a span that has not begun, as I-PER after O. It was read as the beginning of a new one.",
        "Look at the rows and mend the tags.",
    ),
    "K147": Code(
        "Kinds of span with few examples",
        "What has a handful of examples is hardly learnt, and its score is chance.",
        "Mark more of them, or merge the kinds under data.labels.",
    ),
    "K148": Code(
        "Empty tokens",
        "A word without a character cannot be read. It was left out with its tag.",
        "Nothing need be done; clean the file to be sure.",
    ),
    "K149": Code(
        "Marks that do not open or close",
        "Half a mark marks nothing, so it was read as text, and the model will see it.",
        "Mend the marks: [words](KIND) or <KIND>words</KIND>. They do not nest; a backslash makes a bracket text.",
    ),
    "K150": Code(
        "Questions without an answer",
        "Where some have none, the model learns to say so. Where none has one, there is nothing to learn.",
        "Nothing need be done if they cannot be answered from their context; else fill the answers in.",
    ),
    "K151": Code(
        "Answers that cannot be read",
        "An answer is a text, with the place where it starts if that is known; several stand in a list.",
        'Write "text", ["text", …], [{"text": "…", "answer_start": 0}, …] or {"text": […], "answer_start": […]}.',
    ),
    "K152": Code(
        "Answers that do not stand where they should",
        "A start that is off by one teaches the wrong words. The nearest place with that text was taken.",
        "Count starts in characters (code points) from 0 in the context as it stands in the file, or leave them out.",
    ),
    "K153": Code(
        "Answers that do not stand in their context",
        "Only a stretch of the context can be pointed at. Such an answer is scored by its text and not learnt from.",
        "Copy answers from the context, letter by letter.",
    ),
    "K154": Code(
        "Answers that stand in several places",
        "Without a start the first place was taken, and that may be the wrong one.",
        "Give the start of each answer (answer_start).",
    ),
    "K155": Code(
        "Long answers",
        "An answer of more than a third of its context points at hardly anything, and its score is easy to get.",
        "Mark the shortest stretch that answers the question, or give longer contexts.",
    ),
    "K156": Code(
        "The same context on both sides of a split",
        "A model that has learnt from a context knows its way about in it; on new contexts it scores lower.",
        "Move all questions about a context to one side. Splits that are made here do so.",
    ),
    "K157": Code(
        "One question, different answers",
        "The same question about the same context stands in several rows with different answers.",
        "Put the answers into one row if all are right; else keep the right one.",
    ),
    "K160": Code(
        "Pairs of equal texts",
        "Equal texts have a similarity of 1 in every model, so there is nothing to learn or measure.",
        "Nothing need be done for a few; remove them if they come from a mistake.",
    ),
    "K161": Code(
        "One pair, different scores",
        "The same two texts, in whichever order, stand in several rows with different scores.",
        "Decide which score is right, or give the mean in one row.",
    ),
    "K162": Code(
        "A negative that is no negative",
        "A text cannot be drawn near and pushed away at the same time.",
        "Give a negative that differs from the other two texts, or remove the row.",
    ),
    "K163": Code(
        "Texts that belong to several others",
        "In-batch ranking takes the partners of the other rows as negatives; where they are shared, some of those are "
        "right answers.",
        "Nothing need be done for a few; else keep one row for each text.",
    ),
    "K164": Code(
        "Every pair has the same score",
        "Without pairs that are more and pairs that are less alike, no similarity can be learnt from scores.",
        "Give pairs with different scores, or only pairs that belong together and no score column.",
    ),
    "K170": Code(
        "A row without a text to write",
        "What is to be written is what is learnt; a row that says nothing of it teaches silence.",
        "Fill or remove the row, or set data.on_bad_row to error or skip.",
    ),
    "K171": Code(
        "Dialogues that cannot be read",
        "A dialogue is a list of turns, each with a role and a text. Calls of tools and pictures are no part of it.",
        'Write [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}], or remove the rows.',
    ),
    "K172": Code(
        "Roles out of order",
        "Models are trained on a system prompt, then user and assistant in turn; most templates refuse anything else. "
        "Two turns of the assistant in a row may be one message in two parts, or two answers to choose from.",
        "Mend the rows, or set data.on_bad_row to keep, which joins turns of one speaker by a line break.",
    ),
    "K173": Code(
        "Dialogues that were brought into order",
        "Turns of one speaker in a row were joined; turns that nobody answers, or that answer nobody, teach nothing.",
        "Nothing need be done; look at a few of the rows if there are many.",
    ),
    "K174": Code(
        "One prompt, several answers",
        "Several answers may all be right. They then weigh more than others, and a score against one of them is low.",
        "Nothing need be done if all are right; else keep the right one.",
    ),
    "K175": Code(
        "Texts to write that are much longer than the rest",
        "They take most of the time and memory of their batch, and are often not what the others are.",
        "Look at the rows; shorten or remove them if they come from a mistake.",
    ),
    "K176": Code(
        "Texts to write in another script",
        "What is written in training is what the model will write: a few rows in another language are often misplaced.",
        "Look at the rows, and remove those that do not belong to the data.",
    ),
    "K177": Code(
        "Secrets or personal data in the texts",
        "A model that writes may write again what it has read: addresses, numbers of phones, cards and accounts, keys.",
        "Mask them with data.redact (email, phone, card, iban, key, or all), and take keys that were real out of use.",
    ),
    "K178": Code(
        "Secrets and personal data were masked",
        "As data.redact asks, placeholders such as [EMAIL] stand in their place in all files.",
        "Nothing need be done.",
    ),
    "K179": Code(
        "Too little general text",
        "What was forgotten is measured on half of it, and on a handful of texts nothing can be told from chance.",
        "Give more text in data.general, or leave it out: 320 texts come with the package.",
    ),
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
    # K3xx models
    "K301": Code(
        "No model can be loaded from a folder",
        "A model is config.json, tokenizer.json and *.safetensors that belong together; one of them is missing, torn "
        "or of a kind that transformers does not know.",
        "Take a name that `tunesmith models` lists, or fetch the folder again.",
    ),
    "K302": Code(
        "The architecture has no head for classification",
        "transformers ships no sequence-classification class for it, so there is nothing to load.",
        "Set `head: pooled`: mean pooling and a linear layer fit every encoder.",
    ),
    "K303": Code(
        "The tokenizer has no fast version",
        "Windows over long texts and exact offsets come from the tokenizers library.",
        "Choose a model with a tokenizer.json, or convert the tokenizer with transformers.",
    ),
    "K304": Code(
        "Weights of the body are missing from the files",
        "They would start from noise, and the result would look like a bad model rather than a bad download.",
        "The files do not belong to the config.json beside them; fetch the model again.",
    ),
    "K305": Code(
        "The model does not know the writing of the rows",
        "Characters that its tokenizer has no piece for all become the same unknown token: it cannot tell them apart.",
        "Take a model of the language; `tunesmith models` says what each was made for.",
    ),
    "K306": Code(
        "The architecture is code in the folder",
        "Loading such a model runs whatever Python its author put beside the weights; that is never done here.",
        "Choose a model of an architecture that transformers has; mostly the authors offer one.",
    ),
    "K307": Code(
        "The model does not write in this way",
        "Dialogues need a decoder (causal LM), translations and summaries an encoder with a decoder; a model that was "
        "made for something else would write noise.",
        "Choose another model or another task, as the message says; `tunesmith models` lists models.",
    ),
    "K308": Code(
        "No encoder-decoder can be made of these models",
        "A decoder started from an encoder must be able to look at the other one's states, and both must read the same "
        "tokens.",
        "Take the same encoder for both sides, of an architecture such as BERT, RoBERTa or XLM-RoBERTa.",
    ),
    "K309": Code(
        "The tokenizer lacks what the task needs",
        "Rows of one batch are filled up with a padding token, and some models are told their languages by a token.",
        "Take a language code that the message suggests, or another model.",
    ),
    "K310": Code(
        "No such model",
        "A model is a folder, a known name or a hub id written owner/name.",
        "`tunesmith models` lists the known names; the message suggests the nearest.",
    ),
    "K311": Code(
        "The folder holds no usable model",
        "A model folder has config.json, a tokenizer and model.safetensors (or its parts and their index).",
        "Give the folder that has them; copy or download it again if a part is missing.",
    ),
    "K312": Code(
        "The weights are a pickle",
        "Loading a pickle can run any code that its author wrote; safetensors files hold numbers only.",
        "Use a model with safetensors weights, or convert it once with the command in the message.",
    ),
    "K313": Code(
        "The hub cannot give this model",
        "The id is misspelt, or the model is private, gated, or has no safetensors weights.",
        "Check the id; accept the model's terms on its page and log in with `hf auth login`.",
    ),
    "K314": Code(
        "The model could not be fetched",
        "It is not on this machine, and neither the hub nor the package index could be reached for it.",
        "Run one of the commands in the message, on another machine if need be.",
    ),
    "K315": Code(
        "What was downloaded is not what was published",
        "Known models are pinned by hash, so that nobody can put other weights in their place.",
        "Try again; if it stays so, ask whoever runs your package mirror.",
    ),
    "K316": Code(
        "The model cannot be stored",
        "A model takes from a hundred megabytes to a few gigabytes in the cache.",
        "Free some space, or set TUNESMITH_CACHE to a folder that can be written.",
    ),
    "K317": Code(
        "No adapter, or one for another model",
        "An adapter is a change of the weights of one model. On another one it is noise, or does not fit at all.",
        "Give the folder of the adapter and that of the model it was trained on; its adapter_config.json names it.",
    ),
    # K4xx runs
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
    # K5xx training
    "K501": Code(
        "The loss is not a finite number",
        "A rate that is too high, half precision or a broken row made the weights overflow; going on would lose them.",
        "Lower optimizer.learning_rate, set `precision: fp32`, or look at the rows that the message names. The last "
        "checkpoint is from before.",
    ),
    "K502": Code(
        "fp16 needs a GPU",
        "Its small range needs loss scaling, which is a matter of GPUs.",
        "Set `precision: auto`.",
    ),
    "K503": Code(
        "The run was interrupted",
        "Somebody pressed Ctrl-C or asked the process to end. The state was written between two steps.",
        "Run the command that the message prints; the result is the same as without the interruption.",
    ),
    "K504": Code(
        "An adapter finds no such layers",
        "Adapters stand at the linear layers of a model's blocks, and every architecture names them its own way.",
        "Leave `targets` out to take all of them, or take names that the message lists.",
    ),
    "K505": Code(
        "The architecture cannot trade time for memory",
        "Gradient checkpointing needs blocks that transformers can compute twice.",
        "Take smaller micro-batches (batching.accumulate), shorter windows or another model.",
    ),
    "K507": Code(
        "There are no biases to train",
        "bitfit trains the biases of the body, and many newer architectures (Llama, T5, ModernBERT) have none.",
        "Take lora, which finds its layers in every architecture, or a model with biases, such as BERT.",
    ),
    "K508": Code(
        "More blocks than the model has",
        "reinit draws the highest blocks of the body anew, and there are not as many as it was asked for.",
        "Write a smaller number; 1 to 3 are usual.",
    ),
    "K509": Code(
        "The model has no such dropout",
        "Many models that write leave out no hidden states, and a model without a head of its own has no classifier.",
        "Leave the option out that the message names.",
    ),
    "K513": Code(
        "A head without a bias",
        "The nearest mean of a class is a linear layer whose bias holds the length of the mean; without one the start "
        "would be another classifier.",
        "Take `probe_start`, or `head: pooled`, whose last layer has a bias.",
    ),
    "K516": Code(
        "An adapter that the architecture cannot carry",
        "A prefix is given to a model as keys and values, which not every architecture takes from outside.",
        "Take one of the adapters that the message names.",
    ),
    "K517": Code(
        "Weights of four bits need a GPU",
        "The kernels that compute with them are made for GPUs.",
        "Train on a machine with a CUDA GPU, or leave `quantise` out.",
    ),
    "K519": Code(
        "Dev loss turned",
        "While train loss fell, dev loss began to rise: what was learnt from there on holds for the train rows only, "
        "or makes the model surer than it is right. The weights that are kept are those with the best dev score all "
        "the same, and a temperature mends the confidence.",
        "Hold the model back (l2sp, layerwise_lr, freeze), train for fewer epochs, or give more rows.",
    ),
    "K520": Code(
        "Train loss far below dev loss",
        "Where the weights were kept, the train rows are known much better than the dev rows.",
        "More rows help most; strategies that hold the model back help some. While dev scores rise it is no fault.",
    ),
    "K521": Code(
        "Rows learnt by heart",
        "These rows were wrong as long as dev loss fell and became known afterwards, when nothing was learnt any more "
        "that holds for other rows. They are unlike all others, or their labels are wrong.",
        "Look at their labels first. Where many are wrong, `noisy_labels` keeps them from being learnt.",
    ),
    "K522": Code(
        "The model has no head that foresees hidden words",
        "A pattern asks a masked language model which word is hidden. Sentence encoders are published without the head "
        "that says it, and one of random weights would say nothing.",
        "Take a masked language model: distilroberta-base, modernbert-base, xlm-roberta-base, or a folder of BERT.",
    ),
    "K523": Code(
        "A tokenizer without a mask token",
        "A pattern hides a word behind a token that was there in pretraining, and the tokenizer has none.",
        "Take a masked language model with its own tokenizer, or another head.",
    ),
    "K524": Code(
        "Words of a pattern that the model cannot tell apart",
        "Two labels are said by the same tokens, or the tokenizer has no piece for a word.",
        "Choose another word under pattern.words; a common one that is a single token is best.",
    ),
    # K6xx bundles and prediction
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
    "K620": Code(
        "The runs cannot be compared",
        "They have measured different things, so no figure stands in all of their reports.",
        "Compare runs of one task.",
    ),
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
