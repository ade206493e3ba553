"""Models of Hugging Face that are chosen by a setting: a folder, or a name on the hub.

Only weights as safetensors are taken, no pickle and no code. The network is used only for a name that is neither a
folder nor in the hub's cache on this machine.
"""

from __future__ import annotations

from pathlib import Path

from rag.errors import ModelError

_FILES = ("*.json", "*.jinja", "*.safetensors", "*.txt", "*.model")
"""What is fetched: weights, vocabularies, templates and configuration."""


def model_folder(name: str, *, what: str, remedy: str) -> Path:
    """Return the folder of a model whose weights are safe to read.

    Args:
        name: a folder, or a name on the hub.
        what: such as "reader", for the message.
        remedy: a sentence on what to do, for the message.

    Raises:
        ModelError: there is no such model, it cannot be fetched, or its weights are no safetensors.
    """
    here = _is_path(name)
    folder = Path(name).expanduser().resolve() if here else _fetched(name, what, remedy)
    if not _has_weights(folder):
        raise ModelError(
            f"There is no model in {str(folder)!r} that is safe to read: it needs config.json and"
            f" weights as safetensors (model.save_pretrained). {remedy}"
        )
    return folder


def first_line(exc: Exception) -> str:
    """Return what is wrong without the advice that libraries append to it."""
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0].rstrip(".")


def _is_path(name: str) -> bool:
    """Tell a folder from a name on the hub, which has at most one slash and no dot before it."""
    return Path(name).exists() or name.startswith((".", "~", "/")) or name.count("/") > 1


def _has_weights(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


def _fetched(name: str, what: str, remedy: str) -> Path:
    """Return the folder in the hub's cache, fetched where it is not there or not whole."""
    from huggingface_hub import snapshot_download

    for offline in (True, False):
        try:
            folder = Path(
                snapshot_download(name, allow_patterns=list(_FILES), local_files_only=offline)
            )
        except Exception as exc:  # the hub raises errors of several libraries
            if offline:
                continue
            raise ModelError(
                f"The {what} {name!r} is no folder, and cannot be fetched from the Hugging Face hub"
                f" ({first_line(exc)}). {remedy}"
            ) from exc
        if _has_weights(folder):
            break
    return folder
