"""When two spellings are one entity: keys, kinds, stop words and the shapes of identifiers. No corpus statistics here."""

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum

from destiny_assets.domain.chunks import stable_id


class EntityKind(StrEnum):
    """What an entity is; part of its key, so that a person and a term of one spelling stay apart."""

    DOCUMENT = "document"
    PERSON = "person"
    IDENTIFIER = "identifier"
    NAME = "name"
    TERM = "term"


_FOLDED = re.compile(r"[\W_]+")
_LATIN_MARKS = re.compile("[\u0300-\u036f]")


def _words(listed: str) -> list[str]:
    return listed.split()


STOP_WORDS = frozenset(
    _words(
        """
        despite a about above according across after again against all almost along already also although always among
        an and another any anyone anything are around as at available away back be because been before behind
        being below best better between both but by can cannot could current currently did do does doing done
        down during each either else enough etc even ever every everyone everything example examples few first
        following for former from full fully further general given gives had has have having he hence her here
        hers him his how however i if in indeed instead into is it its itself just last later latter least
        less let like likely made make makes many may maybe me mean means might mine more moreover most much
        must my neither never new next no non none nor not note nothing now of off often old on once one only
        onto or other others otherwise our out over own per perhaps please possible quite rather really same
        second see seems several shall she should similar similarly simply since so some someone something
        sometimes still such than that the their theirs them then there thereby therefore these they thing
        things third this those though three through thus to together too two under unless unlike until up
        upon us use used useful uses using usually various very via was we well were what whatever when
        whenever where whereas whether which while who whole whose why will with within without would yes yet
        you your yours
        """
    )
)
"""English function words and the vague words of prose; a term made of these alone names nothing."""

CALENDAR_WORDS = frozenset(
    _words(
        """
        apr april aug august dec december feb february fri friday jan january jul july jun june mar march may
        mon monday nov november oct october sat saturday sep sept september sun sunday thu thursday tue
        tuesday wed wednesday
        """
    )
)

FORM_WORDS = frozenset(
    _words(
        """
        aim aims data finding findings interpretation main measure measures objective objectives outcome outcomes
        participants patients population setting settings study studies
        abstract acceptance acknowledgement acknowledgements acknowledgment acknowledgments additional
        alternative alternatives answer appendix approach art author authors background backward backwards bar
        baz benefits bibliography change changelog changes chapter closing comments compatibility conclusion
        conclusions consequences considerations contents context contributing contributors copyright created
        date decision decisions deferral definition definitions description design details discussion
        discussions eggs existing false faq figure file files fixme foo future goals guide hello history
        how-to idea ideas implementation implications install installation introduction ipsum issue issues
        license limitations links list lists lorem methods motivation name names none notes notice null
        objections open overview page part prerequisites prior problem pronouncement proposal proposals
        proposed prototype purpose question questions qux rationale readme reasons recommendation
        recommendations reference references rejected rejection related relevant requirements results sample
        scope section security see-also solution spam specification status step steps summary support table
        terminology title todo true type usage version versions withdrawal work world xxx
        """
    )
)
"""Words that name a part of a document or a form's field rather than something a document is about."""


def folded(text: str) -> str:
    """The spelling that decides equality: NFKC, casefolded, every run of punctuation and white space one space."""
    return _FOLDED.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def entity_key(kind: EntityKind, name: str) -> str:
    """The key of an entity, ``kind:folded name``.

    An identifier keeps its case and punctuation, since there they matter; a person loses accents, since writers do
    (``Marc-Andre`` is ``Marc-André``).
    """
    if kind is EntityKind.PERSON:
        name = _LATIN_MARKS.sub("", unicodedata.normalize("NFKD", name))
    return f"{kind}:{name if kind is EntityKind.IDENTIFIER else folded(name)}"


def entity_id(key: str) -> str:
    """The id that follows from a key and nothing else."""
    return stable_id("entity", key)


_DOMAINS = frozenset(
    {"com", "org", "net", "edu", "gov", "io", "dev", "example", "invalid", "uk", "de", "fr", "eu", "info"}
)
_FILE_ENDINGS = (
    "py|pyi|pyc|c|h|cc|cpp|rs|go|js|ts|java|rb|sh|md|rst|adoc|txt|toml|cfg|ini|ya?ml|json|xml|html?|css|sql|csv|zip"
    "|whl|so|dll|exe|conf|log|pdf|docx?|pptx?|xlsx?|odt|ipynb"
)
_FILE_ENDING = re.compile(r"\.(?:" + _FILE_ENDINGS + r")(?![\w/-]|\.\w)")
_FILE_START = re.compile(r"(?:\.{1,2}/)*[\w-]+(?:[./][\w-]+)*\Z")
_SHAPES = re.compile(
    r"(?P<path>(?:[\w.-]+/)+[\w-]+\.[A-Za-z]\w{0,4})"
    r"|(?P<file>[\w-]+(?:\.[\w-]+)*\.(?:" + _FILE_ENDINGS + r"))"
    r"|(?P<dunder>__\w+__(?:\.\w+)*)"
    r"|(?P<dotted>[A-Za-z_]\w*(?:\.[A-Za-z_]\w{1,})+)"
    r"|(?P<constant>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"
    r"|(?P<snake>_{0,2}[a-zA-Z]\w*_\w*[a-zA-Z0-9])"
    r"|(?P<camel>[A-Z]+[a-z0-9]+(?:[A-Z][a-z0-9]*)+|[a-z]+[0-9]*(?:[A-Z][a-z0-9]*)+|[A-Z]{2,}[a-z]{3,})"
    r"|(?P<acronym>[A-Z][A-Z0-9]{1,9}(?:-\d{1,5})?)"
)


# An index of PostgreSQL holds no key of over 2,700 bytes; the longest identifiers that people write are paths.
_LONGEST_IDENTIFIER = 200


def identifier_shape(token: str) -> str | None:
    """The shape of an identifier (path, file, dunder, dotted, constant, snake, camel, acronym), None for an ordinary
    word, and for one of over 200 characters, which nobody named.
    """
    found = _SHAPES.fullmatch(token) if len(token) <= _LONGEST_IDENTIFIER else None
    if found is None or (found.lastgroup == "dotted" and token.rpartition(".")[2] in _DOMAINS):
        return None
    return found.lastgroup


def is_informative(name: str) -> bool:
    """Whether a name says something: three letters, and a word that is neither a stop word nor a part of a document."""
    words = folded(name).split()
    if sum(character.isalpha() for character in name) < 3:
        return False
    return any(
        word not in STOP_WORDS
        and word not in FORM_WORDS
        and word not in CALENDAR_WORDS
        and len(word) > 1
        and not word.isdigit()
        for word in words
    )


def file_names(text: str) -> Iterator[tuple[int, int]]:
    """The spans of file names and relative paths in a text, in order; an address's own path is none."""
    for ending in _FILE_ENDING.finditer(text):
        end = ending.end()
        window = max(0, end - 100)
        start = max(text.rfind(" ", window, end), text.rfind("\n", window, end), window - 1) + 1
        if "://" in text[start:end]:
            continue
        found = _FILE_START.search(text, start, ending.start())
        if found and (found.start() == start or text[found.start() - 1] not in "/@."):
            yield found.start(), end
