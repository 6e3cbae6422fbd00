"""Messages for mistakes: the rule, what was received, the way out."""

import difflib


def unknown_name(argument, name, known):
    """A ValueError that lists the known names, those alike first."""
    known = sorted(known)
    alike = difflib.get_close_matches(str(name), known, n=3)
    names = [*alike, *(other for other in known if other not in alike)]
    return ValueError(
        f"`{argument}` must be one of {', '.join(names)}. "
        f"Received: {argument}={name!r}"
        + (f". Did you mean {alike[0]!r}?" if alike else "")
    )


class UnknownSplit(ValueError):
    """Data have no such split; whoever can do without it goes on."""
