"""K5xx: training."""

from __future__ import annotations

from tunesmith.errors.codes.code import Code

TRAINING: dict[str, Code] = {
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
        "or makes the model surer than it is right. While the dev score is not told apart from the best one, later "
        "weights are kept all the same, and a temperature mends the confidence.",
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
    "K541": Code(
        "A process of the training has ended",
        "Several processes train together, and none can go on without the others. One of them failed, was killed, or "
        "ran out of memory.",
        "Put right what the message names, if it names something, and --resume: it goes on from the last checkpoint, "
        "with as many processes as you like.",
    ),
    "K542": Code(
        "A number of processes that cannot be",
        "Each process takes at least one row of a step, and a GPU of its own where there are some.",
        "Take fewer processes, or raise batching.size.",
    ),
    "K543": Code(
        "Two launchers for one training",
        "`--processes` starts the processes itself; under another launcher each of them would start more.",
        "Use one of the two.",
    ),
    "K544": Code(
        "DeepSpeed and Megatron are not there",
        "They divide work and weights among processes in ways of their own. Here each process takes a part of the "
        "rows, and holds all weights or a part of them (FSDP).",
        "Launch with --use_fsdp or with `batching.divide: true` to divide the weights, else with --multi_gpu or "
        "`--processes`.",
    ),
    "K545": Code(
        "The verb works in one process",
        "Several of them would do the same work, and write the same files.",
        "Start it without the launcher; `train` and `adapt` are those that several processes share.",
    ),
    "K546": Code(
        "Something needs whole weights, and they are divided",
        "With `batching.divide: true`, or under `accelerate launch --use_fsdp`, each process holds a part of the "
        "weights while it trains.",
        "Leave out what is named, or let each process hold all weights. Where the model does not fit: lora, "
        "batching.save_memory, quantise.",
    ),
}
