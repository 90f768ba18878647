"""Errors of other libraries, in words that fit into a sentence of ours."""


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or what it is called if it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
