"""The form of the settings in which a chat model is connected: who provides it, where, its key, its name.

What it does is in `connecting`. A key goes from the page to the server, and never back.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import gradio as gr

from rag.web.connecting import PROVIDERS, WITH_ADDRESS, WITH_KEY, Told, Wanted
from rag.web.escaping import escape

if TYPE_CHECKING:
    from rag.web.connecting import Connecting

Patch: TypeAlias = Any
"""What Gradio takes as a new state of a component."""

_MOST_CHARS = 2000
_INTRO = (
    '<h3>Connect a language model</h3><p class="fn-note">It is sent your questions and the passages found'
    " for them, and every sentence that it writes is checked against them. It answers on every page that is"
    " opened from then on. Without one, answers quote your documents.</p>"
)
NO_CONNECTING = (
    '<p class="fn-note">A language model is connected where the server runs: this page is open to others'
    " too, so it cannot be done here. Set <code>RAG_LLM</code> there, or <code>llm</code> in its"
    " settings file.</p>"
)
"""Stands where the form would."""
_PROXIED = (
    "This page came over another machine or a proxy, so that nobody knows whether you run the server. Open it"
    " at 127.0.0.1 on the machine that it runs on, or set RAG_LLM there."
)
_ADDRESS = {
    "openai": (
        "https://api.openai.com/v1",
        "Empty for OpenAI itself. Of a server of your own (llama.cpp, vLLM, LM Studio): its URL with /v1 at"
        " the end.",
    ),
    "ollama": ("http://127.0.0.1:11434", "Empty for the one on this machine."),
}
"""What stands in the empty field of an address, and what is said of it."""
_MODEL = {
    "openai": "Choose from the server’s list, or write the name.",
    "anthropic": "Choose from its list, or write the name.",
    "ollama": "Choose from those that it has fetched, or write the name.",
    "huggingface": "A folder with a text-generation model as safetensors; it runs in this process.",
}
_KEY = "It is sent to this provider at this address, and shown to nobody."
_FORWARDED = frozenset(("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"))
_GOOD = {"ok": "fn-good", "warn": "", "fail": "fn-bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelForm:
    """The components that events read and write."""

    provider: gr.Radio
    address: gr.Textbox
    key: gr.Textbox
    model: gr.Dropdown
    listing: gr.Button
    test: gr.Button
    use: gr.Button
    said: gr.Markdown
    used: gr.State
    """The name of the model that was connected last."""


def lay_out_form() -> ModelForm:
    """Lay out the form."""
    named = [(words, name) for name, words in PROVIDERS.items()]
    with gr.Column(elem_id="fn-connect"):
        gr.Markdown(_INTRO)
        provider = gr.Radio(named, value="openai", label="Provider", elem_id="fn-connect-provider")
        address = gr.Textbox(
            "",
            label="Address",
            placeholder=_ADDRESS["openai"][0],
            info=_ADDRESS["openai"][1],
            max_length=_MOST_CHARS,
            elem_id="fn-connect-address",
            html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False),
        )
        key = gr.Textbox(
            "",
            label="Key",
            type="password",
            info=_KEY,
            max_length=_MOST_CHARS,
            elem_id="fn-connect-key",
            # Browsers heed "off" for no field of a password.
            html_attributes=gr.InputHTMLAttributes(autocomplete="new-password"),
        )
        model = gr.Dropdown(
            [],
            label="Model",
            info=_MODEL["openai"],
            allow_custom_value=True,
            interactive=True,
            elem_id="fn-connect-model",
        )
        with gr.Row(elem_id="fn-connect-do"):
            listing = gr.Button("List its models", size="sm")
            test = gr.Button("Test", size="sm")
            use = gr.Button("Use it", size="sm", variant="primary")
        said = gr.Markdown("", elem_id="fn-connect-said")
    return ModelForm(
        provider=provider,
        address=address,
        key=key,
        model=model,
        listing=listing,
        test=test,
        use=use,
        said=said,
        used=gr.State(""),
    )


def wire_form(blocks: gr.Blocks, form: ModelForm, connecting: Connecting) -> None:
    """Say what happens when something is filled in; nothing of it is a public endpoint."""
    does = Filling(connecting)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    slow = quiet | {"concurrency_id": "connect", "concurrency_limit": 1}
    place, all_of_it = [form.provider, form.address], [form.provider, form.address, form.model]
    filled = [form.address, form.key, form.model, form.said]
    wanted = [*all_of_it, form.key]
    blocks.load(does.fill, None, [form.provider, *filled], concurrency_limit=None, **quiet)
    form.provider.input(does.provide, form.provider, filled, **quiet)
    form.address.blur(does.tell_key, place, form.key, **quiet)
    form.listing.click(does.offer_models, wanted, [form.model, form.said], **slow)
    form.test.click(does.test, wanted, form.said, **slow)
    form.use.click(does.use, wanted, [form.key, form.said, form.used], **slow)


class Filling:
    """What the form's events do."""

    def __init__(self, connecting: Connecting) -> None:
        self._connecting = connecting

    async def fill(self, request: gr.Request) -> tuple[Patch, ...]:
        """Fill in what answers now."""
        current = self._connecting.current if is_from_here(request) else None
        if current is None:
            return gr.skip(), *await self.provide("openai", request)
        address, key, model, said = await self.provide(
            current.provider, request, address=current.base_url
        )
        address["value"], model["value"] = current.base_url, current.model
        return gr.update(value=current.provider), address, key, model, said

    async def provide(
        self, provider: str, request: gr.Request, *, address: str = ""
    ) -> tuple[Patch, ...]:
        """Ask for what a provider wants; what was typed for another is taken away, its key above all."""
        shown, hint = _ADDRESS.get(provider, ("", ""))
        return (
            gr.update(
                value="", visible=provider in WITH_ADDRESS, placeholder=shown, info=hint or None
            ),
            gr.update(value="", **await self._of_key(provider, address, request)),
            gr.update(
                value=None,
                choices=[],
                label="Folder" if provider == "huggingface" else "Model",
                info=_MODEL.get(provider),
            ),
            "",
        )

    async def tell_key(self, provider: str, address: str, request: gr.Request) -> Patch:
        """Say which key is sent to an address where none is typed."""
        return gr.update(**await self._of_key(provider, address, request))

    async def _of_key(self, provider: str, address: str, request: gr.Request) -> dict[str, Any]:
        known = ""
        if is_from_here(request):
            known = await asyncio.to_thread(self._connecting.key_at, provider, address)
        said = f"{known} Type another to replace it." if known else _KEY
        return {"visible": provider in WITH_KEY, "info": said}

    async def offer_models(
        self, provider: str, address: str, model: str | None, key: str, request: gr.Request
    ) -> AsyncIterator[tuple[Patch, ...]]:
        """Offer the models that a server has."""
        if not is_from_here(request):
            yield gr.skip(), _html(_refused())
            return
        yield gr.skip(), _html(_under_way("Asking the server for its models…"))
        wanted = Wanted(provider=provider, address=address, model=model or "", key=key)
        names, said = await asyncio.to_thread(self._connecting.models, wanted)
        chosen = model if model or len(names) != 1 else names[0]
        choices = gr.update(choices=list(names), value=chosen) if names else gr.skip()
        yield choices, _html(said)

    async def test(
        self, provider: str, address: str, model: str | None, key: str, request: gr.Request
    ) -> AsyncIterator[Patch]:
        """Ask a model for one word."""
        if not is_from_here(request):
            yield _html(_refused())
            return
        yield _html(_under_way("Asking it for one word…"))
        wanted = Wanted(provider=provider, address=address, model=model or "", key=key)
        yield _html(await asyncio.to_thread(self._connecting.test, wanted))

    async def use(
        self, provider: str, address: str, model: str | None, key: str, request: gr.Request
    ) -> AsyncIterator[tuple[Patch, ...]]:
        """Have a model answer from now on, and take its key out of the page."""
        if not is_from_here(request):
            yield gr.skip(), _html(_refused()), gr.skip()
            return
        under_way = _under_way("Asking it for one word, and connecting it…")
        yield gr.skip(), _html(under_way), gr.skip()
        wanted = Wanted(provider=provider, address=address, model=model or "", key=key)
        said = await asyncio.to_thread(self._connecting.use, wanted)
        if said.state == "fail":
            yield gr.skip(), _html(said), gr.skip()
            return
        info = await self._of_key(provider, address, request)
        yield gr.update(value="", **info), _html(said), wanted.spec().name


def is_from_here(request: gr.Request | None) -> bool:
    """Tell whether a request was made on this machine, and not by way of another."""
    if request is None or request.client is None:
        return False
    headers: Mapping[str, str] = request.headers
    try:
        is_near = ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
    return is_near and not any(name.lower() in _FORWARDED for name in headers)


def _refused() -> Told:
    return Told(state="fail", message=_PROXIED)


def _under_way(message: str) -> Told:
    return Told(state="warn", message=message)


def _html(said: Told) -> str:
    """Return what came of it as HTML; lines for a settings file to be copied."""
    paragraphs = [said.message, *said.remedy.splitlines()]
    text = "".join(f"<p>{escape(one)}</p>" for one in paragraphs if one)
    if said.lines:
        lines = "".join(f"<code>{escape(one)}</code>" for one in said.lines.splitlines())
        text += f'<div class="fn-lines">{lines}</div>'
    return f'<div class="fn-trial {_GOOD[said.state]}" role="status">{text}</div>'
