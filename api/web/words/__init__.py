"""The words of the pages, in Vietnamese and English: a file a page, `common` for what several say.

A word with a figure in it is written for Jinja's `format` filter: `{{ w.confirmed_of | format(ready=39, all=40) }}`.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from api.problems import Language


@cache
def words(tongue: Language) -> dict[str, str]:
    """All words in one language, of every file here. Raises ValueError where two pages give the same name."""
    found: dict[str, str] = {}
    for page in iter_modules(__path__):
        for name, (vi, en) in import_module(f"{__name__}.{page.name}").WORDS.items():
            if name in found:
                raise ValueError(f"the word {name!r} stands twice")
            found[name] = en if tongue == "en" else vi
    return found
