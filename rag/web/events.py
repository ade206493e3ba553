"""What the page's events do, of the collection that the page belongs to, for whoever sits before it.

Gradio hands each event the request that it came with; that one tells both.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_type_hints

import gradio as gr

from rag.errors import RagError
from rag.web.collections import OpenCollection, OpenCollections, Person, named_in, person_of
from rag.web.mistakes import status_of

if TYPE_CHECKING:
    from starlette.types import Scope

T = TypeVar("T")

_REQUEST = "request"


class Events(Generic[T]):
    """Turns methods of a class into events of the page.

    Args:
        collections: those of the server.
        make: makes an object of the class, for a collection and whoever wants something of it.
    """

    def __init__(
        self, collections: OpenCollections, make: Callable[[OpenCollection, Person], T]
    ) -> None:
        self._collections = collections
        self._make = make

    def __call__(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Return an event that calls a method of the class with what Gradio hands to it.

        Its first argument is the request; the others are those of the method.
        """
        if inspect.isasyncgenfunction(method):

            async def happens(request: gr.Request, *inputs: Any) -> AsyncIterator[Any]:  # noqa: ANN401
                async with aclosing(method(self._of(request), *inputs)) as updates:
                    async for update in updates:
                        yield update

            event: Callable[..., Any] = happens
        elif inspect.iscoroutinefunction(method):

            async def comes(request: gr.Request, *inputs: Any) -> Any:  # noqa: ANN401
                return await method(self._of(request), *inputs)

            event = comes
        else:

            def is_done(request: gr.Request, *inputs: Any) -> Any:  # noqa: ANN401
                return method(self._of(request), *inputs)

            event = is_done
        return _described(event, method)

    def _of(self, request: gr.Request) -> T:
        try:
            return self._make(*visited(self._collections, request))
        except RagError as exc:
            raise refused(exc) from exc


def visited(
    collections: OpenCollections, request: gr.Request, wanted: object = None
) -> tuple[OpenCollection, Person]:
    """Return what the page that sends a request belongs to, and who sits before it.

    Args:
        collections: those of the server.
        request: as Gradio hands it on.
        wanted: the collections that the call itself names, if it does.

    Raises:
        RagError: there is no such collection.
    """
    scope: Scope | None = request.request.scope if request.request is not None else None
    person = person_of(scope)
    collections.check_session(request.session_hash, person)
    return collections.chosen(wanted or named_in(scope), person), person


def refused(exc: RagError) -> gr.Error:
    """Return what Gradio is told of an error."""
    return gr.Error(str(exc), title=status_of(exc).phrase, print_exception=False)


def _described(event: Callable[..., Any], method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the event with the method's name, words and arguments, by which Gradio knows what to hand to it."""
    _, *arguments = inspect.signature(method).parameters.values()
    request = Parameter(_REQUEST, Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.Request)
    try:
        hints = get_type_hints(method)
    except NameError:  # known to the type checker alone: nothing that Gradio hands in
        hints = {}
    described: Any = event
    described.__name__ = method.__name__
    described.__doc__ = method.__doc__
    described.__signature__ = Signature([request, *arguments])
    described.__annotations__ = {**hints, _REQUEST: gr.Request}
    return event
