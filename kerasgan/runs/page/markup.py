"""HTML from Python calls; what is not HTML already is escaped."""

import html
import re

_EMPTY = {"img", "input", "wbr"}  # These have no closing tag.
# HTML has no characters for these, not even escaped ones.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Html(str):
    """Text that is HTML; any other text is escaped where it is put in."""


def escape(content):
    """Anything -> Html that shows its text."""
    if isinstance(content, Html):
        return content
    # Names of files may hold bytes that are no characters.
    text = str(content).encode(errors="backslashreplace").decode()
    return Html(html.escape(_UNPRINTABLE.sub("\ufffd", text)))


def join(*contents):
    """Html and text, one after the other; None is nothing."""
    return Html("".join(escape(c) for c in contents if c is not None))


def element(tag, *contents, **attributes):
    """`element("p", "a < b", class_="note")` -> `<p class="note">a &lt; b</p>`.

    An underscore in an attribute's name is a hyphen, one at its end is
    nothing; values None and False leave the attribute out, True has no value.
    """
    words = [tag]
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            words.append(key)
        elif value is not None and value is not False:
            words.append(f'{key}="{escape(value)}"')
    opening = f"<{' '.join(words)}>"
    if tag in _EMPTY:
        return Html(opening)
    return Html(f"{opening}{join(*contents)}</{tag}>")


def link(address, text=None):
    """A link where the address is one of the web, or else its text."""
    text = address if text is None else text
    if re.match(r"https?://", str(address)):
        return element("a", text, href=address, rel="noreferrer")
    return escape(text)


def breakable(text):
    """A name that may be broken after its underscores only."""
    first, *others = str(text).split("_")
    parts = [escape(first)]
    for part in others:
        parts += ["_", element("wbr"), part]
    return element("span", *parts, class_="name")


def command(line):
    """A command line that is broken after spaces and commas only."""
    parts = []
    for part in re.split("(?<=[ ,])", line):
        parts += [element("span", part), element("wbr")]
    return element("code", *parts)


def table(headers, bodies, class_="cards"):
    """A table of headers and of what `table_body` gave for the same.

    On a narrow screen each row of `cards` becomes a card, whose cells have
    the headers beside them; the roles keep it a table for those who hear it.
    """
    row = [
        element("th", header, scope="col", role="columnheader")
        for header in headers
    ]
    head = element("thead", element("tr", *row, role="row"), role="rowgroup")
    return element("table", head, *bodies, class_=class_, role="table")


def table_body(headers, rows, *others):
    """Rows of cells, of which the first names the row; then other rows."""
    return element(
        "tbody",
        *[_row(headers, cells) for cells in rows],
        *others,
        role="rowgroup",
    )


def _row(headers, cells):
    named = zip(headers[1:], cells[1:], strict=True)
    return element(
        "tr",
        element("th", cells[0], scope="row", role="rowheader"),
        *[
            element("td", cell, role="cell", data_label=header)
            for header, cell in named
        ],
        role="row",
    )


def properties(rows):
    """(title, value) pairs as a table of two columns."""
    return element(
        "table",
        *[
            element(
                "tr",
                element("th", breakable(title), scope="row"),
                element("td", value),
            )
            for title, value in rows
        ],
        class_="properties",
    )


def details(summary, *contents):
    """What is shown when its summary is opened."""
    return element("details", element("summary", summary), *contents)
