"""Checks of the installation, each with its finding and a remedy.

A check may find its room broken in any way: it fails with a sentence, and the others go on.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from rag.citations import lexical_support
from rag.cli.layout import count
from rag.cli.render import Paragraph, StyledText, in_line
from rag.errors import RagError, SettingsError
from rag.keys import system_keyring
from rag.privacy import without_secrets
from rag.schema import Candidate, Passage, ScoredSentence

if TYPE_CHECKING:
    from rag.chat import ChatModel, ChatSpec
    from rag.citations import Support
    from rag.embedding import Encoder
    from rag.pipeline import Rag
    from rag.reader import Reader
    from rag.settings import Settings

FindingState = Literal["ok", "warn", "fail"]

_STYLES: dict[FindingState, str] = {"ok": "green", "warn": "yellow", "fail": "bold red"}
_DISTRIBUTION = "footnote-rag"
_REINSTALL = "Install it again: pip install --force-reinstall footnote-rag, or make install."
_MANY_FILES = 100_000
_LITTLE_SPACE = 500_000_000
_NO_SPACE = 50_000_000
_TRIAL_TEXTS = ("The cat sleeps on the sofa.", "A cat is napping.", "Taxes rose in March.")
_IDENTICAL = 0.999
"""Cosine of texts that differ; above it the encoder tells nothing apart."""
_PATIENCE = 30.0
"""Seconds that a language model may take for one word."""
_MODEL = "Language model"
_FROM_ENVIRONMENT = "keys are read from the environment"
_LOCKS = {
    "flock": "flock",
    "Windows": "a lock of Windows",
    "lock file": "a file beside the index, since this system has no locks",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check."""

    name: str = ""
    """Of the check."""
    state: FindingState
    message: str
    """What there is, as a phrase or sentence."""
    remedy: str = ""
    """What to do; empty where nothing needs doing."""


DoctorCheck: TypeAlias = "Callable[[Settings], Finding]"


def examine(
    settings: Settings,
    *,
    environ: Mapping[str, str],
    checks: Mapping[str, DoctorCheck] | None = None,
) -> Iterator[Finding]:
    """Run every check in order and yield its finding, without any secret of the environment.

    Args:
        settings: what would be used to answer.
        environ: where the values of keys and tokens are found, to be left out.
        checks: by name; all there are by default.
    """
    for name, check in (checks_for(settings) if checks is None else checks).items():
        finding = _run(check, settings)
        yield replace(
            finding,
            name=name,
            message=without_secrets(finding.message, environ),
            remedy=without_secrets(finding.remedy, environ),
        )


def checks_for(settings: Settings) -> Mapping[str, DoctorCheck]:
    """Return every check by its name, with one for each language model where there are several."""
    from rag.chat import chat_specs

    with suppress(SettingsError):  # trying the model tells it
        specs = chat_specs(settings.llm, base_url=settings.llm_base_url)
        if len(specs) > 1:
            one_each = {f"{_MODEL} {one.name}": partial(check_model, spec=one) for one in specs}
            return {name: check for name, check in CHECKS.items() if name != _MODEL} | one_each
    return CHECKS


def finding_lines(finding: Finding) -> Iterator[Paragraph]:
    """Lay a finding out."""
    yield Paragraph(
        pieces=(
            StyledText(text=f"{finding.state:<4} ", style=_STYLES[finding.state]),
            StyledText(text=f"{finding.name}: ", style="bold"),
            StyledText(text=in_line(finding.message)),
        )
    )
    if finding.remedy:
        yield Paragraph.of(f"To mend it: {in_line(finding.remedy)}", indent=5)


def _run(check: DoctorCheck, settings: Settings) -> Finding:
    try:
        return check(settings)
    except RagError as exc:
        return Finding(state="fail", message=str(exc))  # our errors say what to do
    except Exception as exc:  # noqa: BLE001  (a broken installation fails in any way)
        return Finding(state="fail", message=f"{type(exc).__name__}: {exc}", remedy=_REINSTALL)


def check_python(_: Settings) -> Finding:
    """Check that this Python is of a supported version."""
    message = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding(state="ok", message=message)
    return Finding(state="warn", message=message, remedy="Use Python 3.11, 3.12 or 3.13.")


def check_packages(_: Settings) -> Finding:
    """Check that every required package is installed in a fitting version."""
    try:
        required = metadata.requires(_DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        message = "Footnote runs from a folder that is not installed, so its packages are unknown."
        return Finding(state="warn", message=message, remedy="make install")
    faults = [fault for line in required if (fault := _package_fault(line))]
    if faults:
        return Finding(state="fail", message="; ".join(faults), remedy=_REINSTALL)
    version = metadata.version(_DISTRIBUTION)
    return Finding(state="ok", message=f"{_DISTRIBUTION} {version} with all it needs")


def _package_fault(line: str) -> str:
    """Return the fault of a required package; '' if there is none."""
    from packaging.requirements import Requirement

    wanted = Requirement(line)
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return ""
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return f"{wanted.name} is missing"
    if wanted.specifier.contains(version, prereleases=True):
        return ""
    return f"{wanted.name} is {version}, wanted {wanted.specifier}"


def check_settings(settings: Settings) -> Finding:
    """Tell where each setting came from, and whether a settings file was left out."""
    names = [name for name in type(settings).model_fields if name in settings.origins]
    said = [f"{_value(settings, name)} from {settings.origins[name]}" for name in names]
    usual = [_value(settings, name) for name in type(settings).model_fields if name not in names]
    message = "; ".join([*said, f"by default: {', '.join(usual)}"])
    if settings.left_out is not None:
        left = settings.left_out
        message = f"{message}; those in {str(left.path)!r} are left out: {left.why}"
        return Finding(state="warn", message=message, remedy=left.remedy)
    return Finding(state="ok", message=message)


def _value(settings: Settings, name: str) -> str:
    """Return a setting with its value; without it where it is a secret."""
    value = getattr(settings, name)
    if hasattr(value, "get_secret_value"):
        return f"{name} ({'set' if value else 'none'})"
    return f"{name} {str(value) if isinstance(value, Path) else repr(value)}"


def check_system(settings: Settings) -> Finding:
    """Check the features of the operating system that the program can do without."""
    from rag.index.lock import lock_kind
    from rag.sources.worker import limits_supported

    folder = _existing(settings.index_dir.absolute())
    if not os.access(folder, os.W_OK | os.X_OK):
        message = f"{folder} cannot be written to, so what is indexed stays as it is"
        return Finding(state="warn", message=message, remedy="Allow writing to it.")
    kind = lock_kind(folder)
    if kind == "none":
        message = f"the disk of {folder} supports no locks, so nothing can be indexed there"
        remedy = "Put the index on a disk of this machine, with --index or RAG_INDEX_DIR."
        return Finding(state="fail", message=message, remedy=remedy)
    message = f"one writer at a time by {_LOCKS[kind]}"
    if limits_supported():
        return Finding(state="ok", message=f"{message}; parsers with limits on memory and time")
    message = f"{message}; no limit on the memory of parsers, only on their time"
    remedy = "Take in documents of strangers on Linux, where memory can be limited."
    return Finding(state="warn", message=message, remedy=remedy)


def check_scans(settings: Settings) -> Finding:
    """Check that scans and images can be read, in the languages that are wanted."""
    from rag.errors import SourceError
    from rag.sources.ocr import OFF, chosen_languages, install_command

    if settings.ocr == OFF:
        return Finding(state="ok", message="turned off: images and pages without text are left out")
    try:
        languages = chosen_languages(settings.ocr)
    except SourceError:
        message = "images and pages without text cannot be read: Tesseract, or a language of it, is not installed"
        return Finding(state="warn", message=message, remedy=install_command(settings.ocr))
    return Finding(
        state="ok", message=f"Tesseract reads images and pages without text in {languages}"
    )


def check_documents(settings: Settings) -> Finding:
    """Check that the folder of the documents exists and can be read."""
    folder = settings.seeds_dir.absolute()
    remedy = "Put documents there, or name their folder with --seeds or RAG_SEEDS_DIR."
    if not folder.is_dir():
        return Finding(state="warn", message=f"{folder} is no folder", remedy=remedy)
    if not os.access(folder, os.R_OK | os.X_OK):
        remedy = "Allow reading it."
        return Finding(state="fail", message=f"{folder} cannot be read", remedy=remedy)
    n_files = sum(path.is_file() for path in islice(folder.rglob("*"), _MANY_FILES))
    if not n_files:
        return Finding(state="warn", message=f"{folder} is empty", remedy=remedy)
    return Finding(state="ok", message=f"{count(n_files, 'file')} in {folder}")


def check_index(settings: Settings) -> Finding:
    """Check that the index opens, fits the settings and holds every source as it was written."""
    folder = settings.index_dir.absolute()
    if not settings.store.get_secret_value() and not any(folder.glob("*.sqlite")):
        return Finding(state="warn", message=f"nothing is indexed in {folder}", remedy="rag sync")
    from rag.pipeline import Rag

    # Without the language model: what is wrong with it is said where it is tried.
    with Rag.open(settings.model_copy(update={"llm": ""}), sync=False) as rag:
        finding = try_index(rag)
        n_unread = _unread(settings, {one.source_id for one in rag.sources()})
    if finding.state == "ok" and n_unread:
        message = f"{finding.message}; {count(n_unread, 'file')} of the documents not among them"
        finding = replace(finding, state="warn", message=message, remedy="rag sync tells why.")
    if finding.state != "fail" and folder.exists() and not os.access(folder, os.W_OK):
        remedy = "Allow writing, or choose another place with --index or RAG_INDEX_DIR."
        return replace(finding, state="warn", message=f"{folder} is read-only", remedy=remedy)
    return finding


def check_store(settings: Settings) -> Finding:
    """Tell where what is indexed is kept, and check that a server that keeps it can be reached."""
    url = settings.store.get_secret_value()
    if not url:
        return Finding(state="ok", message=f"files in {settings.index_dir.absolute()}")
    from rag.pipeline.build import load_postgres

    reached = load_postgres().reach(url)
    if reached.remedy:
        return Finding(state="warn", message=reached.message, remedy=reached.remedy)
    return Finding(state="ok", message=reached.message)


def _unread(settings: Settings, known: Collection[str]) -> int:
    """Return how many files of the folder of the documents are no sources: not read yet, unreadable, or duplicates."""
    from rag.sources.files import Root, find_files

    with suppress(RagError):
        files, reports = find_files(Root(path=settings.seeds_dir.resolve(), prefix=""))
        names = {*(one.source_id for one in files), *(one.source_id for one in reports)}
        return len(names - {*known})
    return 0


def try_index(rag: Rag) -> Finding:
    """Check that the whole index can be read and searched."""
    known = rag.sources()
    for info in known:
        rag.source(info.source_id)  # its checksum is verified
    rag.search("A trial.", 1)
    there = rag.statistics()
    place = there.get("store") or rag.settings.index_dir.absolute()
    message = (
        f"{count(len(known), 'source')} and {count(int(str(there['passages'])), 'passage')}"
        f" in {place}, state {there['generation']}"
    )
    faults = rag.faults()
    if faults:
        remedy = "rag sync --rebuild"
        return Finding(state="fail", message="; ".join([message, *faults]), remedy=remedy)
    if not known:
        return Finding(state="warn", message=message, remedy="Add documents, then: rag sync")
    return Finding(state="ok", message=message)


def check_model(settings: Settings, *, spec: ChatSpec | None = None) -> Finding:
    """Check that a language model replies; by default the first that is configured."""
    from rag.chat import ChatLimits, chat_specs, load_chat_model

    specs = chat_specs(settings.llm, base_url=settings.llm_base_url) if spec is None else (spec,)
    if not specs:
        return Finding(state="ok", message="none is configured; answers quote the documents")
    patience = _PATIENCE
    if "llm_first_token" in settings.origins:
        patience = settings.llm_first_token
    limits = ChatLimits(first=patience, idle=patience, total=2 * patience)
    context = settings.window or settings.llm_tokens
    key = system_keyring().given(specs[0].provider, specs[0].base_url, settings.llm_key)
    model = load_chat_model(specs[0], context=context, limits=limits, key=key)
    finding, kept = try_model(model), {"KEPT_KEY": key or ""}
    return replace(finding, message=without_secrets(finding.message, kept))


def check_keyring(settings: Settings) -> Finding:
    """Tell whether the system keeps keys, and of which models it does."""
    from rag.chat import chat_specs

    keyring = system_keyring()
    if not keyring.name:
        return Finding(state="ok", message=f"none, {keyring.why_not}; {_FROM_ENVIRONMENT}")
    kept = []
    with suppress(SettingsError):  # trying the model tells it
        specs = chat_specs(settings.llm, base_url=settings.llm_base_url)
        kept = [one.name for one in specs if keyring.find(one.provider, one.base_url)]
    said = f"it keeps the key of {', '.join(kept)}" if kept else "it keeps no key of the models"
    return Finding(state="ok", message=f"{keyring.name}; {said}; others: {_FROM_ENVIRONMENT}")


def try_model(model: ChatModel) -> Finding:
    """Check that a model replies to a message; where it does not, say what its server has and says."""
    from rag.chat import tried

    trial = tried(model)
    return Finding(state=trial.state, message=trial.message, remedy=trial.remedy)


def check_disk(settings: Settings) -> Finding:
    """Check that the disk has room for an index."""
    folder = _existing(settings.index_dir.absolute())
    free = shutil.disk_usage(folder).free
    message = f"{free / 1e9:.1f} GB are free in {folder}"
    remedy = "Free some space, or choose another place with --index or RAG_INDEX_DIR."
    if free < _NO_SPACE:
        return Finding(state="fail", message=message, remedy=remedy)
    if free < _LITTLE_SPACE:
        return Finding(state="warn", message=message, remedy=remedy)
    return Finding(state="ok", message=message)


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def check_tokens(_: Settings) -> Finding:
    """Check that the tokenizer works without a network."""
    from rag.tokens import TokenCounter

    counter = TokenCounter()
    counter.count("A trial.")
    return Finding(state="ok", message=f"{counter.name}, in the package")


def check_encoder(settings: Settings) -> Finding:
    """Check that the encoder loads from its files and works."""
    from rag.embedding import load_encoder

    return try_encoder(load_encoder(settings.encoder))


def try_encoder(encoder: Encoder) -> Finding:
    """Check that an encoder's vectors tell similar texts from others."""
    vectors = encoder.encode_queries(_TRIAL_TEXTS)
    alike, unlike = float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2])
    if not unlike < alike < _IDENTICAL:
        message = f"{encoder.name} finds no likeness where there is ({alike:.2f}, {unlike:.2f})"
        remedy = "Choose another model with RAG_ENCODER, or leave it unset and install again."
        return Finding(state="fail", message=message, remedy=remedy)
    return Finding(state="ok", message=f"{encoder.name}, {encoder.dimension} dimensions")


def check_reader(settings: Settings) -> Finding:
    """Check that the reader loads and works."""
    from rag.reader import load_reader

    return try_reader(load_reader(settings.reader))


def try_reader(reader: Reader) -> Finding:
    """Check that a reader gives a sentence a probability."""
    (reading,) = reader.read("Who wrote the letter?", [_trial_candidate()])
    if not 0 <= reading.probability <= 1:
        message = f"{reader.name} is {reading.probability!r} sure, which is no probability"
        return Finding(state="fail", message=message, remedy=_REINSTALL)
    return Finding(state="ok", message=reader.name)


def check_support(settings: Settings) -> Finding:
    """Check that the support scorer loads and works."""
    if settings.support == "words":
        return try_support("by words alone", lexical_support)
    from rag.reader import load_support

    # By itself: beside words, a model that tells nothing would go unnoticed.
    model = load_support(settings.support)
    return try_support(model.name, model.support)


def try_support(name: str, support: Support) -> Finding:
    """Check that a claim is better supported by its source than by an unrelated sentence."""
    same, other = support(
        "Anna wrote the letter.", ["The letter was written by Anna.", "It rains."]
    )
    if not 0 <= other < same <= 1:
        message = f"{name} finds no support where there is ({same:.2f}, {other:.2f})"
        remedy = "Choose another model with RAG_SUPPORT, or leave it unset and install again."
        return Finding(state="fail", message=message, remedy=remedy)
    return Finding(state="ok", message=name)


def _trial_candidate() -> Candidate:
    text = "Anna wrote the letter."
    sentence = ScoredSentence(start=0, end=len(text), text=text, dense=0.6, lexical=0.9)
    passage = Passage(
        passage_id=f"trial#0-{len(text)}",
        source_id="trial",
        start=0,
        end=len(text),
        text=text,
        n_tokens=5,
    )
    return Candidate(passage=passage, dense=0.6, lexical=3.0, fused=0.8, sentences=(sentence,))


CHECKS: Mapping[str, DoctorCheck] = {
    "Python": check_python,
    "Settings": check_settings,
    "System": check_system,
    "Packages": check_packages,
    "Tokenizer": check_tokens,
    "Encoder": check_encoder,
    "Reader": check_reader,
    "Verdicts": check_support,
    "Scans": check_scans,
    "Documents": check_documents,
    "Disk": check_disk,
    "Store": check_store,
    "Index": check_index,
    "Keyring": check_keyring,
    _MODEL: check_model,
}
"""In the order in which a person mends things."""
