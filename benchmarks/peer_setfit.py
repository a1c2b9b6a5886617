"""Train SetFit on one cell's rows and write what it says of others; run by a Python that has setfit, not by ours.

    python benchmarks/peer_setfit.py FOLDER MODEL SEED

FOLDER holds `train.csv` and `test.csv` with columns `text` and `label`; the answers go to `answers.json` beside them,
one a row of `test.csv`, with the seconds of training and the peak of memory. All settings are SetFit's own, but for
the number of pairs: its paper's 20 alike and 20 unlike ones a row (Tunstall et al. 2022, section 4), since by default
it makes all there are, which are over a hundred thousand of 384 rows in six classes.
"""

from __future__ import annotations

import csv
import json
import resource
import sys
import time
from pathlib import Path

ITERATIONS = 20


def main() -> None:
    """Train, predict and write."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    folder, model, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    train, test = (list(csv.DictReader((folder / f"{part}.csv").open(encoding="utf-8"))) for part in ("train", "test"))
    labels = sorted({row["label"] for row in train})
    start = time.perf_counter()
    body = SetFitModel.from_pretrained(model, labels=labels)
    body.model_body.max_seq_length = 128
    rows = Dataset.from_dict({"text": [row["text"] for row in train], "label": [row["label"] for row in train]})
    args = TrainingArguments(
        output_dir=str(folder / "setfit"),
        batch_size=16,
        seed=seed,
        save_strategy="no",
        report_to="none",
        num_iterations=ITERATIONS,
    )
    Trainer(model=body, args=args, train_dataset=rows).train()
    seconds = time.perf_counter() - start
    answers = [str(answer) for answer in body.predict([row["text"] for row in test])]
    found = {"answers": answers, "seconds": seconds,
             "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}  # fmt: skip
    (folder / "answers.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
