"""K3xx: models."""

from __future__ import annotations

from tunesmith.errors.codes.code import Code

MODELS: dict[str, Code] = {
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
}
