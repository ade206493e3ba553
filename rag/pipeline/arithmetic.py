"""What a sum comes to: numbers, brackets and + - * /, reckoned exactly and without running anything. Pure."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal, DecimalException, localcontext

MOST_CHARS = 200
"""Of a sum."""
_DIGITS = 12
"""That a result is given with; a longer or smaller one is none that a document leads to."""
_OPERATORS: Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def reckoned(written: str) -> str | None:
    """Return what a sum such as "3 * (12.50 + 4)" comes to, as digits; None where it is none."""
    if len(written) > MOST_CHARS:
        return None
    try:
        tree = ast.parse(written.replace("×", "*").replace("÷", "/").strip(), mode="eval")
        with localcontext(prec=_DIGITS):
            value = +_value(tree.body, written)
            return f"{value:f}" if abs(value.adjusted()) < _DIGITS else None
    except (SyntaxError, ValueError, RecursionError, MemoryError, DecimalException):
        return None


def _value(node: ast.expr, written: str) -> Decimal:
    """Return the value of a part of a sum.

    Raises:
        ValueError: it is something else than numbers and the four operations.
    """
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left, written), _value(right, written))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, written)
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return Decimal(str(value))
    raise ValueError(f"No sum: {written!r}.")
