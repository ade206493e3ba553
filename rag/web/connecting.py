"""A chat model that is chosen in the page: what its server has, whether it replies, and that it answers from now on.

Knows nothing of the web. No key leaves here but to the server that it is for: one of the environment goes to no address
that only the page has named, and one that was kept goes to the address that it was kept for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit

from rag.chat import (
    ChatLimits,
    ChatModel,
    ChatServer,
    ChatSpec,
    chat_specs,
    limits_for,
    listed_models,
    load_chat_model,
    tried,
    unlisted,
)
from rag.config import setting_lines, write_own
from rag.errors import ChatError, RagError, SettingsError
from rag.keys import Keyring
from rag.privacy import without_secrets

if TYPE_CHECKING:
    from rag.settings import Settings
    from rag.web.opening import Answering, Factory, Opening

PROVIDERS: Mapping[str, str] = {
    "openai": "OpenAI, or a server that speaks its protocol",
    "anthropic": "Anthropic",
    "ollama": "Ollama",
    "huggingface": "A folder on this machine",
}
"""Those that can be chosen, and what people call them."""
WITH_ADDRESS = frozenset(("openai", "ollama"))
"""Those that may run at an address of their own. Others' libraries send keys of the environment to any."""
WITH_KEY = frozenset(("openai", "anthropic"))

_PATIENCE = 30.0
"""Seconds that a model may take for one word, unless the settings give it more or less."""
_NAMES = ("llm", "llm_base_url", "llm_key")
"""Settings that are written."""
_ANY = "any"
"""Stands for a model whose name is not known yet."""


class Load(Protocol):
    """Makes a chat model; see `rag.chat.load_chat_model`."""

    def __call__(
        self,
        spec: ChatSpec,
        /,
        *,
        context: int = 0,
        limits: ChatLimits | None = None,
        key: str | None = None,
    ) -> ChatModel:
        """Make it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A chat model as a person has filled it in."""

    provider: str
    address: str = ""
    model: str = ""
    key: str = field(default="", repr=False)

    def spec(self, *, model: str = "") -> ChatSpec:
        """Return what was filled in, checked.

        Args:
            model: stands for one that is not filled in.

        Raises:
            SettingsError: it cannot work; the message says what to fill in.
        """
        if self.provider not in PROVIDERS:
            raise SettingsError(f"There is no provider {self.provider!r}.")
        name = self.model.strip() or model
        if not name:
            what = "the folder" if self.provider == "huggingface" else "the model's name"
            raise SettingsError(f"Write {what} first.")
        if self.provider == "huggingface":
            name = _folder(name)
        address = _address(self.address) if self.provider in WITH_ADDRESS else ""
        spec = ChatSpec(provider=self.provider, model=name, base_url=address)
        if not name.isprintable() or _read_again(_written([spec])) != [spec]:
            raise SettingsError(f"{name!r} cannot be the name of a model.")
        return spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of something that was tried; without any key."""

    state: Literal["ok", "warn", "fail"]
    message: str
    remedy: str = ""
    """What to do; empty where nothing needs doing."""
    lines: str = ""
    """To be put into a settings file by hand; empty where they stand there."""


class Connecting:
    """Connects chat models to a server that runs.

    Args:
        opening: hands out the pipeline once it is open.
        settings: what the server was started with.
        without: opens the pipeline without any chat model, where the settings' one is why it does not open.
        environ: where keys are found, to be left out of what is said.
        keyring: finds that of the system.
        load: makes a chat model.
    """

    def __init__(
        self,
        opening: Opening,
        settings: Settings,
        *,
        without: Factory,
        environ: Mapping[str, str],
        keyring: Callable[[], Keyring],
        load: Load = load_chat_model,
    ) -> None:
        self._opening = opening
        self._settings = settings
        self._without = without
        self._environ = environ
        self._keyring = keyring
        self._load = load
        self._held: dict[tuple[str, str], str] = {}
        """Keys of this run, by provider and address."""
        self._specs = _specs_of(settings)
        self._known = frozenset((one.provider, one.base_url) for one in self._specs)
        self._one_by_one = Lock()

    @property
    def current(self) -> ChatSpec | None:
        """The chat model that answers unless another is chosen, if it is one that can be chosen here."""
        first = self._specs[0] if self._specs else None
        return first if first is not None and first.provider in PROVIDERS else None

    def key_at(self, provider: str, address: str) -> str:
        """Say which key a server is sent where none is typed; a phrase, never the key itself."""
        try:
            place = (provider, _address(address) if provider in WITH_ADDRESS else "")
        except SettingsError:
            return ""
        if provider not in WITH_KEY:
            return ""
        if place in self._held:
            return "The key that was typed in before is used."
        if self._keyring().find(*place):
            return f"The key in the system’s keyring ({self._keyring().name}) is used."
        variable = variable_of(provider)
        if self._environ.get(variable) and self._environment_may(place):
            return f"{variable} of the environment is used."
        return ""

    def models(self, wanted: Wanted) -> tuple[tuple[str, ...], Told]:
        """Return the models that a server lists, and what there is to say of it."""
        try:
            is_folder = wanted.provider == "huggingface"
            spec = wanted.spec() if is_folder else replace(wanted, model="").spec(model=_ANY)
            model = self._load(spec, limits=self._limits(), key=self._key(wanted, spec))
        except RagError as exc:
            return (), self._said(wanted, Told(state="fail", message=str(exc)))
        server: ChatServer | None = getattr(model, "server", None)
        names = listed_models(server) if server is not None else ()
        if server is None or names is None:
            message = unlisted(server) if server is not None else "There is no list of models."
            return (), self._said(wanted, Told(state="fail", message=message))
        if not names:
            what = "Fetch one: ollama pull llama3.2" if spec.provider == "ollama" else ""
            return (), Told(state="warn", message="The server has no models.", remedy=what)
        n = f"{len(names):,} models" if len(names) > 1 else "one model"
        return names, Told(state="ok", message=f"The server has {n}. Choose under Model.")

    def test(self, wanted: Wanted) -> Told:
        """Ask a model for one word, and say what is wrong where there is none."""
        try:
            return self._try(wanted, self._loaded(wanted, self._limits()))
        except RagError as exc:
            return self._said(wanted, Told(state="fail", message=str(exc)))

    def use(self, wanted: Wanted) -> Told:
        """Have a model answer from now on, and in later starts where that can be written down; try it first."""
        with self._one_by_one:
            try:
                model = self._loaded(wanted, limits_for(self._settings.llm_first_token))
                trial = self._try(wanted, model)
                if trial.state == "fail":
                    return replace(trial, message=f"Nothing was changed. {trial.message}")
                self._answering().use(model)
            except RagError as exc:
                return self._said(wanted, Told(state="fail", message=str(exc)))
            return self._said(wanted, self._kept(wanted, wanted.spec()))

    def _answering(self) -> Answering:
        """Return the pipeline; where a chat model is why it does not open, open it without one."""
        try:
            return self._opening.wait()
        except (ChatError, SettingsError):
            self._opening.restart(self._without)
            return self._opening.wait()

    def _loaded(self, wanted: Wanted, limits: ChatLimits) -> ChatModel:
        spec, settings = wanted.spec(), self._settings
        context = settings.window or settings.llm_tokens
        return self._load(spec, context=context, limits=limits, key=self._key(wanted, spec))

    def _limits(self) -> ChatLimits:
        patience = _PATIENCE
        if "llm_first_token" in self._settings.origins:
            patience = self._settings.llm_first_token
        return ChatLimits(first=patience, idle=patience, total=2 * patience)

    def _key(self, wanted: Wanted, spec: ChatSpec) -> str | None:
        """Return the key for a server; '' for none at all, None for that of the environment."""
        place, found = (spec.provider, spec.base_url), ""
        if spec.provider in WITH_KEY:
            found = wanted.key.strip() or self._held.get(place) or self._keyring().find(*place)
        return found or (None if self._environment_may(place) else "")

    def _environment_may(self, place: tuple[str, str]) -> bool:
        """Tell whether keys of the environment may go to a place: the provider's own, or one that settings name."""
        _, address = place
        return not address or (place in self._known and self._settings.llm_key == "environment")

    def _try(self, wanted: Wanted, model: ChatModel) -> Told:
        trial = tried(model)
        return self._said(
            wanted, Told(state=trial.state, message=trial.message, remedy=trial.remedy)
        )

    def _said(self, wanted: Wanted, said: Told) -> Told:
        """Take every key out of what is said."""
        keys = [wanted.key.strip(), *self._held.values()]
        with suppress(SettingsError):
            spec = wanted.spec(model=_ANY)
            keys.append(self._keyring().find(spec.provider, spec.base_url))
        known = {f"{number}_KEY": key for number, key in enumerate(keys)}
        clean = partial(without_secrets, environ={**self._environ, **known})
        return replace(said, message=clean(said.message), remedy=clean(said.remedy))

    def _kept(self, wanted: Wanted, spec: ChatSpec) -> Told:
        """Keep what was chosen for later starts, as far as that may be, and say how far."""
        place, key = (spec.provider, spec.base_url), ""
        if spec.provider in WITH_KEY:
            key = wanted.key.strip() or self._held.get(place, "")
        keyring = self._keyring()
        is_kept = not key or keyring.keep(*place, key)
        if key:
            self._held[place] = key
        self._specs = [spec, *(one for one in self._specs if one.name != spec.name)]
        changes = self._changes(place, is_kept=is_kept)
        try:
            why_not = "" if is_kept else _without_keyring(keyring, spec.provider)
            why_not = why_not or self._why_not()
            if not why_not:
                path = write_own(changes)
                said = (
                    f"{spec.name} answers from now on, also after a restart: {str(path)!r} says so."
                )
                kept = f"Its key is in the system’s keyring ({keyring.name})." if key else ""
                return Told(state="ok", message=said, remedy=kept)
        except SettingsError as exc:
            why_not = f"{exc} To have it after a restart too, put this into a settings file:"
        said = f"{spec.name} answers from now on, until this server stops."
        return Told(state="ok", message=said, remedy=why_not, lines=setting_lines(changes))

    def _changes(self, place: tuple[str, str], *, is_kept: bool) -> dict[str, str]:
        """Return the settings by which a later start has the same models.

        Args:
            place: provider and address of the first.
            is_kept: whether its key, if it has one, need not come from the environment.
        """
        stays = self._settings.llm_key == "kept"
        only_kept = is_kept and (stays or not self._environment_may(place))
        return {
            "llm": _written(self._specs),
            "llm_base_url": "",
            "llm_key": "kept" if only_kept else "",
        }

    def _why_not(self) -> str:
        """Say why what was chosen is not written down, and what to do; '' where it may be."""
        if _read_again(_written(self._specs)) != self._specs:
            return "The models of this server cannot be named in one setting."
        overruling = self._settings.overruling(*_NAMES)
        if not overruling:
            return ""
        return (
            f"{overruling} wins over your own settings file. To have it after a restart too, say it there, or"
            " take that away and put this into your file:"
        )


def variable_of(provider: str) -> str:
    """Return the variable that a provider's key is in."""
    return f"{provider.upper()}_API_KEY"


def _without_keyring(keyring: Keyring, provider: str) -> str:
    """Say where a key is that no keyring keeps, and how it can be had in later starts."""
    why = keyring.why_not or "the system’s keyring did not take it"
    return (
        f"Its key is held in memory and written nowhere: {why}.\nTo have it after a restart too, set"
        f" {variable_of(provider)} in the environment and put this into a settings file; or install"
        " 'footnote-rag[keyring]', and connect it again."
    )


def _specs_of(settings: Settings) -> list[ChatSpec]:
    """Return the chat models of some settings; none where they name none that there can be."""
    try:
        return list(chat_specs(settings.llm, base_url=settings.llm_base_url))
    except SettingsError:
        return []


def _written(specs: list[ChatSpec]) -> str:
    """Return models as a setting names them, each with its own address."""
    return ",".join(f"{one.name}@{one.base_url}" if one.base_url else one.name for one in specs)


def _read_again(written: str) -> list[ChatSpec]:
    try:
        return list(chat_specs(written))
    except SettingsError:
        return []


def _address(text: str) -> str:
    """Return an address that can be asked, as it is written in settings; empty for the provider's own.

    Raises:
        SettingsError: it is none, or holds more than an address.
    """
    address = text.strip().rstrip("/")
    if not address:
        return ""
    try:
        parts = urlsplit(address)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port  # raises where it is no number
    except ValueError:
        is_whole = False
    if not is_whole or not address.isprintable() or any(char in address for char in " ,@?#"):
        raise SettingsError(
            "The address is none that can be asked. Write it as in http://127.0.0.1:8080/v1, without a"
            " login, a key or a question mark."
        )
    return address


def _folder(name: str) -> str:
    """Return the folder of a model; one that is to be fetched by its name is for the settings to say.

    Raises:
        SettingsError: there is none.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise SettingsError(
            f"There is no folder {name!r} on this machine. A model that is to be fetched is named in the"
            ' settings file, such as llm = "huggingface:Qwen/Qwen3-0.6B".'
        )
    return str(folder.absolute())
