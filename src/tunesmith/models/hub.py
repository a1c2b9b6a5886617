"""Models from the Hugging Face hub, in its own cache, so that other tools share them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from tunesmith.models.folder import check_folder, is_model, pickles_only
from tunesmith.models.known import Unreachable

WANTED = ("*.json", "*.txt", "*.model", "*.spm", "*.jinja", "*.safetensors", "LICENSE*", "NOTICE*", "README.md")
_UNWANTED = ("onnx/*", "openvino/*", "coreml/*", "original/*")
_ANSWER_SECONDS = 10.0


def is_hub_id(name: str) -> bool:
    """Return whether `name` is written like `owner/name`."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name) is not None


def cached(repository: str) -> Path | None:
    """Return the folder of a hub model that was downloaded before, by whatever tool; no network is used."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(repository, local_files_only=True))
    except OSError:  # not there
        return None
    return folder if is_model(folder) else None


def fetch_from_hub(repository: str, say: Callable[[str], None]) -> Path:
    """Download configuration, tokenizer and safetensors weights, and return their folder.

    Raises:
        InputError: The hub has pickles only.
        Unreachable: The hub does not answer, or has no such model, or must not be asked.
    """
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(variable, "").upper() in ("1", "ON", "YES", "TRUE"):
            raise Unreachable(f"{variable} is set")
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        found = HfApi().model_info(repository, timeout=_ANSWER_SECONDS)
        names = [file.rfilename for file in found.siblings or ()]
        if not any(name.endswith(".safetensors") for name in names):
            pickles = sorted(name for name in names if name.endswith((".bin", ".pt", ".ckpt")))
            if pickles:
                raise pickles_only(repository, pickles, f"hf download {repository} --local-dir model, then convert it")
            raise Unreachable("it has no safetensors weights", missing=True)
        say(f"Downloading {repository} from the Hugging Face hub.")
        folder = snapshot_download(
            repository, revision=found.sha, allow_patterns=list(WANTED), ignore_patterns=list(_UNWANTED)
        )
    except GatedRepoError as error:
        raise Unreachable("it wants its terms accepted on its page, then `hf auth login`", missing=True) from error
    except RepositoryNotFoundError as error:
        raise Unreachable("it has no such model, or it is private (`hf auth login`)", missing=True) from error
    except (OSError, RuntimeError) as error:
        raise Unreachable(_short(error)) from error
    except Exception as error:
        # The client's network errors have no base class of their own: they are those of the HTTP library below it,
        # which was exchanged twice.
        if type(error).__module__.split(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2", "requests"):
            raise Unreachable(_short(error)) from error
        raise
    return check_folder(Path(folder))


def _short(error: Exception) -> str:
    return f"it does not answer ({type(error).__name__}: {str(error).strip().partition(chr(10))[0][:160]})"
