"""The types that a notebook's parameters may have, as annotations in the text of the notebook, and what fits them.

Known are ``int``, ``float``, ``str``, ``bool``, ``Path`` (given as text), ``list`` and ``tuple`` with or without the
types of their items, and ``X | Y`` with ``None`` among them. Nothing is evaluated or converted: a ``bool`` is no
``int``, text is no number; an ``int`` is good enough for a ``float``, and a list for a ``tuple``, because YAML and
papermill have no tuples.
"""

import ast
from collections.abc import Callable

Check = Callable[[object], bool]

PLAIN: dict[str, Check] = {
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "Path": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "tuple": lambda value: isinstance(value, list | tuple),
    "None": lambda value: value is None,
}


def fits(value: object, annotation: str) -> bool:
    """Return whether a value has the type that an annotation such as "list[int] | None" says.

    Raises
    ------
    ValueError
        If the annotation is none of those known here.
    """
    return _check(ast.parse(annotation, mode="eval").body)(value)


def type_of(value: object) -> str:
    """Return the annotation of a plain value; "None" for None, the class's name for what has no annotation here."""
    return "None" if value is None else type(value).__name__


def _check(node: ast.expr) -> Check:
    match node:
        case ast.Name(id=name) if name in PLAIN:
            return PLAIN[name]
        case ast.Constant(value=None):
            return PLAIN["None"]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _either(_check(left), _check(right))
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return _each(PLAIN["list"], _check(item))
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[item, ast.Constant(value=last)])) if (
            last is Ellipsis
        ):
            return _each(PLAIN["tuple"], _check(item))
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=items)):
            return _in_order([_check(item) for item in items])
        case ast.Subscript(value=ast.Name(id="tuple"), slice=item):
            return _in_order([_check(item)])
    raise ValueError(
        f"the type {ast.unparse(node)} is unknown; known are {', '.join(PLAIN)}, list[X], tuple[X, ...], X | Y"
    )


def _either(first: Check, second: Check) -> Check:
    return lambda value: first(value) or second(value)


def _each(outer: Check, item: Check) -> Check:
    return lambda value: outer(value) and isinstance(value, list | tuple) and all(map(item, value))


def _in_order(items: list[Check]) -> Check:
    def check(value: object) -> bool:
        if not isinstance(value, list | tuple) or len(value) != len(items):
            return False
        return all(item(x) for item, x in zip(items, value, strict=True))

    return check
