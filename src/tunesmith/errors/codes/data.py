"""K1xx: data."""

from __future__ import annotations

from tunesmith.errors.codes.code import Code

DATA: dict[str, Code] = {
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
    "K134": Code(
        "Weak labels or weights where rows have no label",
        "Rows can be weakly labelled or weighed in classify, multilabel, pair and regress.",
        "Leave data.weak and data.weight out.",
    ),
    "K135": Code(
        "A weight that is none",
        "A weight is a number from 0; a row of weight 2 counts as if it stood there twice.",
        "Write a number from 0 in every row of the column.",
    ),
    "K136": Code(
        "Weak rows whose text has a checked label",
        "They may be rows that are chosen or tested by, so they are not learnt from.",
        "Nothing need be done.",
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
}
