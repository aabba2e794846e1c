"""Free text search: the words a person typed, and which listings have them.

Every word must be found. A word is found as the beginning of a word, whatever its ending ("masser" finds "masse"), and
from four letters on inside one, since Norwegian writes compounds in one word ("stein" finds "sprengstein"). A word that
no open listing has is taken for a typing error, and the nearest word that listings do have is looked for in its place.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, exists, false, func, literal, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from geo.materials import taxonomy
from marketplace.models import Listing, Municipality
from marketplace.queries.open_listings import TODAY, is_open

MOST_WORDS = 8
LONGEST_WORD = 40

SHORTEST_INSIDE = 4
"""Shorter ones are in the middle of too many words: "and" in "sand", "ren" in "grense"."""

SHORTEST_MISSPELT = 4
LIKELY_TEXTS = 20
"""How many of the most similar texts are looked through."""

LANGUAGE: ColumnElement[Any] = literal_column("'norwegian'::regconfig")
STEMMER: ColumnElement[Any] = literal_column("'norwegian_stem'::regdictionary")
_PUNCTUATION = "".join(chr(n) for n in range(33, 127) if not chr(n).isalnum()) + "«»“”„’–—…·"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word as it was typed, the word it is taken for, and that word's stem."""

    typed: str
    sought: str
    stem: str

    @property
    def is_corrected(self) -> bool:
        return self.typed != self.sought

    @property
    def is_sought_inside(self) -> bool:
        """Whether it is looked for inside other words, too."""
        return len(self.stem) >= SHORTEST_INSIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """The words to search for, and those that are too common to tell listings apart."""

    words: tuple[Word, ...] = ()
    ignored: tuple[str, ...] = ()


def split_words(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, each once, without the punctuation around them: at most `MOST_WORDS`."""
    plain = unicodedata.normalize("NFC", text).casefold()
    bare = (each.strip(_PUNCTUATION)[:LONGEST_WORD] for each in plain.split())
    return tuple(dict.fromkeys(each for each in bare if any(map(str.isalnum, each))))[:MOST_WORDS]


def look_up_words(session: Session, text: str, *, today: date) -> LookedUp:
    """The words of `text`, those that no open listing has exchanged for the nearest that one has."""
    written = words_as_written(session, text)
    known = _known(session, written.words, today=today)
    return LookedUp(
        words=tuple(word if is_known else _corrected(session, word, today=today) for word, is_known in known),
        ignored=written.ignored,
    )


def words_as_written(session: Session, text: str) -> LookedUp:
    """The words of `text` whether or not any listing has them: for who waits until one does."""
    typed = split_words(text)
    if not typed:
        return LookedUp()
    stems = _stems(session, typed)
    return LookedUp(
        words=tuple(Word(typed=each, sought=each, stem=stem) for each, stem in zip(typed, stems, strict=True) if stem),
        ignored=tuple(each for each, stem in zip(typed, stems, strict=True) if not stem),
    )


# Conditions -------------------------------------------------------------------------------------------------------


def word_found(place: int, *, is_inside: bool) -> ColumnElement[bool]:
    """Whether a listing's text has the word at a place in the search. Both ways are answered by an index."""
    return or_(_begins_a_word(place), _inside_a_word(place)) if is_inside else _begins_a_word(place)


def word_values(place: int, word: Word) -> dict[str, object]:
    """What `word_found` is asked with."""
    values: dict[str, object] = {f"word_{place}_begins": beginning(word)}
    if word.is_sought_inside:
        values[f"word_{place}_inside"] = inside(word)
    return values


def beginning(word: Word) -> str:
    """What `begins_a_word` is asked with."""
    quoted = word.sought.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*"


def inside(word: Word) -> str | None:
    """What `inside_a_word` is asked with; None for a word too short to look for inside others."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", word.stem) + "%" if word.is_sought_inside else None


def begins_a_word(query: ColumnElement[str]) -> ColumnElement[bool]:
    return Listing.search_vector.bool_op("@@")(func.to_tsquery(LANGUAGE, query))


def inside_a_word(pattern: ColumnElement[str]) -> ColumnElement[bool]:
    return Listing.search_text.ilike(pattern)


def _begins_a_word(place: int) -> ColumnElement[bool]:
    return begins_a_word(bindparam(f"word_{place}_begins", type_=String()))


def _inside_a_word(place: int) -> ColumnElement[bool]:
    return inside_a_word(bindparam(f"word_{place}_inside", type_=String()))


# What was typed ---------------------------------------------------------------------------------------------------


def _stems(session: Session, words: tuple[str, ...]) -> list[str]:
    """The stem of each word; "" for a word too common to search for."""
    lexemes = session.execute(select(*(func.ts_lexize(STEMMER, word, type_=ARRAY(String)) for word in words))).one()
    return [_stem(word, found) for word, found in zip(words, lexemes, strict=True)]


def _stem(word: str, lexemes: list[str] | None) -> str:
    if lexemes is None:
        return word
    if not lexemes:
        return ""
    return lexemes[0] if word.startswith(lexemes[0]) else word


def _known(session: Session, words: Sequence[Word], *, today: date) -> Iterable[tuple[Word, bool]]:
    """Each word with whether any open listing has it.

    The two ways are asked apart: joined by OR the planner reads the whole table for a word that is nowhere.
    """
    if not words:
        return []
    ways = [
        or_(
            exists().where(is_open(TODAY), _begins_a_word(place)),
            exists().where(is_open(TODAY), _inside_a_word(place)) if word.is_sought_inside else false(),
        )
        for place, word in enumerate(words)
    ]
    values = {name: value for place, word in enumerate(words) for name, value in word_values(place, word).items()}
    return zip(words, session.execute(select(*ways), {"today": today, **values}).one(), strict=True)


# Typing errors ----------------------------------------------------------------------------------------------------


def _corrected(session: Session, word: Word, *, today: date) -> Word:
    """The word taken for the nearest one that materials and municipalities are called by, else that a listing has."""
    if len(word.typed) < SHORTEST_MISSPELT:
        return word
    meant = nearest_word(word.typed, _names(session)) or nearest_word(
        word.typed, _words_of(_similar_texts(session, word.typed, today=today))
    )
    if meant is None:
        return word
    corrected = Word(typed=word.typed, sought=meant, stem=_stems(session, (meant,))[0] or meant)
    ((_, is_known),) = _known(session, [corrected], today=today)
    return corrected if is_known else word


def nearest_word(typed: str, candidates: Iterable[str]) -> str | None:
    """The candidate fewest slips away from what was typed, the first where several are; None where all are far.

    One slip is forgiven up to five letters, two from six on. The first letter is rarely wrong: it counts as one more.
    """
    most = 1 if len(typed) < 6 else 2
    best: tuple[int, str] | None = None
    for candidate in dict.fromkeys(candidates):
        if abs(len(candidate) - len(typed)) > most:
            continue
        slips = slips_between(typed, candidate) + (candidate[0] != typed[0])
        if slips <= most and (best is None or slips < best[0]):
            best = slips, candidate
    return best[1] if best else None


def slips_between(one: str, other: str) -> int:
    """How many letters left out, put in, mistaken or exchanged with the next lie between two words.

    Optimal string alignment distance (Damerau 1964; no part is edited twice).
    """
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, start=1):
        row = [i]
        for j, wanted in enumerate(other, start=1):
            slips = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and wanted == one[i - 2]:
                slips = min(slips, rows[-2][j - 2] + 1)
            row.append(slips)
        rows.append(row)
    return rows[-1][-1]


def _names(session: Session) -> Iterable[str]:
    materials = (name for each in taxonomy().materials.values() for name in (each.name_no, each.name_en))
    municipalities = session.scalars(select(Municipality.name).order_by(Municipality.number))
    return _words_of((*materials, *municipalities))


def _similar_texts(session: Session, typed: str, *, today: date) -> list[str]:
    """The texts of the open listings most similar to a word in some part; the connection says how similar at least."""
    likeness = func.word_similarity(typed, Listing.search_text)
    return list(
        session.scalars(
            select(Listing.search_text)
            .where(is_open(TODAY), literal(typed).bool_op("<%")(Listing.search_text))
            .order_by(likeness.desc(), Listing.id)
            .limit(LIKELY_TEXTS),
            {"today": today},
        )
    )


def _words_of(texts: Iterable[str]) -> Iterable[str]:
    return (word for text in texts for word in _WORD.findall(text.casefold()))
