"""Languages of what families read: English as written in the code, others from catalogues that people translate.

A catalogue is a `.po` file in `locale/`; it is compiled when it is first needed, so that what is shown is always what
the translators see. To add a language: copy `locale/es` to `locale/<code>`, translate, and name it in `LANGUAGES`.
"""

import gettext
import io
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES: Mapping[str, str] = MappingProxyType({"en": "English", "es": "Español"})
"""Code and own name of each language."""


@cache
def words_in(language: str) -> gettext.NullTranslations:
    """The translations into a language; English is the text itself.

    Raises:
        FileNotFoundError: the language has no catalogue.
    """
    if language == "en":
        return gettext.NullTranslations()
    source = files("ews_serve").joinpath("locale", language, "LC_MESSAGES", "ews.po")
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(source.read_bytes()), locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
