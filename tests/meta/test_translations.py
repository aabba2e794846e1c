"""Every sentence is in the Norwegian catalogue, and none reaches a page without going through it."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import jinja2.nodes
import pytest
from babel.messages import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask import Flask

from marketplace.config import ROOT
from marketplace.i18n import translate
from tests.conftest import Client
from tests.meta.test_pages import connection, crawl, visitor  # noqa: F401 - fixtures

CATALOGUE = ROOT / "marketplace/translations/nb/LC_MESSAGES/messages.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z.0-9]*[sdf]|\{\w+\}")
HELP = "run script/translations, then translate what is new in the catalogue"


def ids_of(message: Message) -> tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, list | tuple) else (message.id,)


def strings_of(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, list | tuple) else (message.string or "",)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Every sentence of the code and the templates."""
    template = tmp_path_factory.mktemp("translations") / "messages.pot"
    subprocess.run(
        ["script/translations", "extract", str(template)],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable},
        check=True,
    )
    with template.open("rb") as file:
        return read_po(file)


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="nb")


def test_every_sentence_is_translated(extracted: Catalog, catalogue: Catalog) -> None:
    sentences = {ids_of(message) for message in extracted if message.id}
    translated = {ids_of(message) for message in catalogue if all(strings_of(message)) and not message.fuzzy}
    assert sorted(sentences - translated) == [], HELP


def test_no_translation_outlives_its_sentence(extracted: Catalog, catalogue: Catalog) -> None:
    sentences = {ids_of(message) for message in extracted}
    assert [message.id for message in catalogue if message.id and ids_of(message) not in sentences] == [], HELP
    assert list(catalogue.obsolete) == [], HELP


def test_no_translation_is_a_guess(catalogue: Catalog) -> None:
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


def test_translations_say_the_same_values(catalogue: Catalog) -> None:
    """A singular may leave its number out, since it is one."""
    wrong = []
    for message in catalogue:
        *singular, last = ids_of(message)
        for text in strings_of(message):
            said, meant = set(PLACEHOLDER.findall(text)), set(PLACEHOLDER.findall(last))
            if said != meant and not (singular and said == set(PLACEHOLDER.findall(singular[0]))):
                wrong.append((message.id, text))
    assert wrong == []


def test_plurals_have_both_forms(catalogue: Catalog) -> None:
    assert catalogue.num_plurals == 2
    assert [message.id for message in catalogue if message.pluralizable and len(strings_of(message)) != 2] == []


def test_translations_begin_and_end_like_their_sentences(catalogue: Catalog) -> None:
    """No space is lost or won at the ends, and what is a whole sentence in one language is one in the other."""
    stops = {".": ".!?", "!": ".!?", "?": "?", ":": ":", "…": "…"}
    wrong = []
    for message in catalogue:
        for source, text in zip(ids_of(message), strings_of(message), strict=True):
            if not source:
                continue
            if text != text.strip() or "  " in text or (text[-1:] in ".:?!" and source[-1:] not in ".:?!,"):
                wrong.append((source, text))
            if source[-1:] in stops and text[-1:] not in stops[source[-1:]]:
                wrong.append((source, text))
    assert wrong == []


def test_the_compiled_catalogue_is_of_today(catalogue: Catalog) -> None:
    """script/bootstrap compiles it; here it is for who has changed the catalogue since."""
    compiled = CATALOGUE.with_suffix(".mo")
    assert compiled.exists(), "run script/translations compile"
    with compiled.open("rb") as file:
        held = {ids_of(message): strings_of(message) for message in read_mo(file) if message.id}
    wanted = {ids_of(message): strings_of(message) for message in catalogue if message.id}
    assert held == wanted, "run script/translations compile"


@pytest.mark.parametrize(("locale", "shown"), [("nb", "59,89012 og 12\xa0000 og 2026"), ("en", "59.89012 and 12,000")])
def test_numbers_in_messages_are_written_as_the_language_writes_them(app: Flask, locale: str, shown: str) -> None:
    from flask_babel import force_locale

    params = {"degrees": Decimal("59.89012"), "limit": 12_000, "year": 2026}
    sentence = "%(degrees)s og %(limit)s og %(year)s" if locale == "nb" else "%(degrees)s and %(limit)s"
    with app.test_request_context(), force_locale(locale):
        assert translate(sentence, params) == shown


# --- What the sources say outside of gettext

TEMPLATES = ROOT / "templates"
UNTRANSLATED = {"styleguide", "styleguide.py"}  # seen in development and tests only
NAMES = {
    "Masseflyt",
    "English",
    "Norsk",
    "Subject:",
    "Excel",
    "CSV",
    "SHA-256",
    # of software, licences and their makers, on the page of sources
    "Designsystemet",
    "Digitaliseringsdirektoratet",
    "Leaflet",
    "Leaflet-Geoman",
    "Volodymyr Agafonkin",
    "Protomaps",
    "Big Sky Software",
    "Inter",
    "Rasmus Andersson",
    "Schibsted Grotesk",
    "Bakken & Bæck, Schibsted",
    "Open Government Licence v3.0",
    "ODbL.",
    "EPSG:4326 (WGS 84)",
}
SHOWN_ATTRIBUTES = ("alt", "title", "placeholder", "aria-label", "label", "data-mf-confirm")
GETTEXT = {"_", "_l", "gettext", "ngettext", "lazy_gettext", "N_"}
LETTERS = re.compile(r"[^\W\d_]{2,}")
# What a person reads begins with a capital and is a word, or is several words.
READS_AS_TEXT = re.compile(r"[A-ZÆØÅ][a-zæøå]+(?:[ ,.?!:].*)?|[a-zæøå]+(?: [a-zæøå]+){2,}[.?!]?")


def templates() -> list[Path]:
    return sorted(
        path
        for path in TEMPLATES.rglob("*")
        if path.suffix in {".html", ".txt"} and path.relative_to(TEMPLATES).parts[0] not in UNTRANSLATED
    )


class Texts(HTMLParser):
    """What a visitor reads: text, and the attributes that are shown or read out. Scripts are kept apart."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "style", "code"}:
            self._open.append(tag)
        for name, value in attributes:
            if value and name in SHOWN_ATTRIBUTES:
                self._keep(value)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            self._keep(data)
        elif self._open[-1] == "script":
            self.scripts.append(data)

    def _keep(self, text: str) -> None:
        plain = " ".join(text.split())
        if LETTERS.search(plain):
            self.texts.append(plain)


def texts_of(html: str) -> Texts:
    parser = Texts()
    parser.feed(html)
    parser.close()
    return parser


def without_jinja(source: str) -> str:
    """The mark-up alone; a tag whose name is an expression becomes a div."""
    source = re.sub(r"\{% block main_class %\}.*?\{% endblock %\}", "", source)
    source = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", source, flags=re.DOTALL)
    source = re.sub(r"(</?)\{\{.*?\}\}", r"\1div", source, flags=re.DOTALL)
    return re.sub(r"\{\{.*?\}\}", "", source, flags=re.DOTALL)


def test_templates_hold_no_text_outside_of_gettext() -> None:
    bare = []
    for path in templates():
        markup = without_jinja(path.read_text())
        texts = texts_of(markup).texts if path.suffix == ".html" else markup.split("\n")
        bare += [
            (path.name, text) for text in texts if LETTERS.search(text) and text.strip(" –·,") not in NAMES | UNITS
        ]
    assert bare == []


UNITS = {"t/m³", "km", "mm", "kr", "mg/kg"}


def bare_strings(node: jinja2.nodes.Node) -> Iterator[str]:
    """Strings in a template's expressions that read as text and are not given to gettext."""
    for child in node.iter_child_nodes():
        if isinstance(child, jinja2.nodes.Call):
            name = getattr(child.node, "name", None)
            if name in GETTEXT:
                continue
        text = child.value if isinstance(child, jinja2.nodes.Const) else None
        if isinstance(text, str) and READS_AS_TEXT.fullmatch(text) and text not in NAMES:
            yield text
        yield from bare_strings(child)


def test_templates_give_no_bare_text_to_their_macros() -> None:
    environment = jinja2.Environment(autoescape=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do"])
    bare = []
    for path in templates():
        tree = environment.parse(path.read_text())
        bare += [(path.name, text) for text in bare_strings(tree) if not is_macro_language(text)]
    assert bare == []


def is_macro_language(text: str) -> bool:
    """Names of WTForms' fields, which templates tell apart."""
    return text.endswith(("Field", "Widget"))


TELLERS = {
    "flash",
    "field_error",
    "FieldError",
    "DomainError",
    "InvalidInput",
    "NotFound",
    "Forbidden",
    "Conflict",
    "TooManyAttempts",
    "StopValidation",
    "ValidationError",
    "Required",
    "Length",
}


def modules(*folders: str) -> list[Path]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if path.name not in UNTRANSLATED)


def test_python_tells_people_nothing_outside_of_gettext() -> None:
    bare = []
    for path in modules("marketplace"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in TELLERS:
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                bare += [
                    (path.name, node.lineno, each.value)
                    for each in given
                    if isinstance(each, ast.Constant) and isinstance(each.value, str) and " " in each.value
                ]
    assert bare == []


# Words of one language that are not words of the other.
NORWEGIAN = re.compile(
    r"\b(og|ikke|som|på|eller|ditt|deg|velg|skriv|ingen|være|blir|denne|dette|annonsen?|overskudd|behov|mengden?"
    r"|prosjektet|kommunene|utkast|innlogging|brukernavn|epost|e-post|mottaker|avgiver|tilgjengelig)\b",
    re.IGNORECASE,
)
ENGLISH = re.compile(
    r"\b(the|and|your|you|with|this|that|from|has|have|not|is|are|was|which|who|what|than|listings?|surplus|demands?"
    r"|quantity|needs?|nothing|choose|enter|save|close|delete|search|nearest|available|within|at least|at most)\b",
    re.IGNORECASE,
)
# Norwegian is here by what they are about: texts and names of the demo, stop words of the search, fields of registers,
# headings and words of tables that people hand in.
HOLDS_NORWEGIAN = {
    "demo.py",
    "lab_headings.py",
    "lab_values.py",
    "listing_columns.py",
    "plan_columns.py",
    "scale_draws.py",
    "scale_rows.py",
    "search_words.py",
    "ticket_columns.py",
    "enhetsregisteret.py",
}


def docstrings(tree: ast.Module) -> set[int]:
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def test_sources_are_in_english() -> None:
    """Norwegian stands in the catalogue, so that nobody reads it in the other language."""
    norwegian = []
    for path in modules("marketplace", "geo"):
        if path.name in HOLDS_NORWEGIAN:
            continue
        tree = ast.parse(path.read_text())
        explaining = docstrings(tree)
        norwegian += [
            (path.name, node.lineno, node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explaining
            if " " in node.value and "@" not in node.value and NORWEGIAN.search(node.value)
        ]
    for path in [*templates(), *sorted((ROOT / "marketplace/static/js").glob("*.js"))]:
        source = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        norwegian += [(path.name, found.group()) for found in NORWEGIAN.finditer(source)]
    assert norwegian == []


JS_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`')


def test_scripts_take_their_words_from_the_page() -> None:
    """A string with a word that is said to people is not in JavaScript: it comes from the page's translations."""
    bare = []
    for path in sorted((ROOT / "marketplace/static/js").glob("*.js")):
        source = re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.MULTILINE)
        bare += [
            (path.name, text)
            for text in (found.group()[1:-1] for found in JS_STRING.finditer(source))
            if re.fullmatch(r"[A-Z][a-z]+( [a-z]+)+[.?!:]?", text)
        ]
    assert bare == []


# --- What pages say


@pytest.fixture(scope="module")
def english(catalogue: Catalog) -> re.Pattern[str]:
    """What a Norwegian page never says: our sentences in English, and words that are English only."""
    sentences = {source for message in catalogue for source in ids_of(message) if source}
    translated = {text for message in catalogue for text in strings_of(message)}
    return re.compile(f"(?:{_any_of(sentences - translated)})|.*{ENGLISH.pattern}.*", re.IGNORECASE)


@pytest.fixture(scope="module")
def norwegian(catalogue: Catalog) -> re.Pattern[str]:
    """What an English page never says: our sentences in Norwegian. Names and what people write may be Norwegian."""
    sentences = {source for message in catalogue for source in ids_of(message) if source}
    translated = {text for message in catalogue for text in strings_of(message)}
    return re.compile(_any_of(translated - sentences))


def _any_of(sentences: set[str]) -> str:
    """A pattern of any of the sentences with whatever values; those of values alone say nothing of the language."""
    patterns = []
    for sentence in sorted(sentences):
        fixed = PLACEHOLDER.split(sentence)
        if sum(len(LETTERS.findall(part)) for part in fixed) >= (2 if len(fixed) > 1 else 1):
            patterns.append(".+".join(re.escape(part) for part in fixed))
    return "|".join(patterns)


def said_on(html: str) -> Iterator[str]:
    found = texts_of(html)
    yield from found.texts
    for script in found.scripts:
        for text in re.findall(r'"(?:[^"\\]|\\.)*"', script):
            plain = PLACEHOLDER.sub("", json.loads(text))
            if " " in plain:
                yield plain


def left_on(pages: Iterable[tuple[str, str]], foreign: re.Pattern[str]) -> list[str]:
    return sorted(
        {
            f"{path}: {text}"
            for path, html in pages
            for text in said_on(html)
            if text not in SAME_IN_BOTH and foreign.fullmatch(text)
        }
    )


SAME_IN_BOTH = {"English", "Norsk", "Time"}  # the last is a municipality


def test_the_nets_catch(client: Client, english: re.Pattern[str], norwegian: re.Pattern[str]) -> None:
    assert left_on([("/about", client.get("/about").text)], norwegian) != []
    assert left_on([("/about", client.in_english().get("/about").text)], english) != []


@pytest.mark.parametrize("visitor", ["anonymous", "contractor", "municipality"], indirect=True)
def test_norwegian_pages_say_nothing_in_english(visitor: Client, english: re.Pattern[str]) -> None:  # noqa: F811
    assert left_on(crawl(visitor), english) == []


@pytest.mark.parametrize("visitor", ["anonymous", "contractor"], indirect=True)
def test_english_pages_say_nothing_in_norwegian(visitor: Client, norwegian: re.Pattern[str]) -> None:  # noqa: F811
    assert left_on(crawl(visitor.in_english()), norwegian) == []


WRONG = {
    "name": "www.navn.no",
    "email": "kari",
    "org_number": "1",
    "kind": "none",
    "material_key": "gold",
    "position": "{}",
    "site": "[]",
}


@pytest.mark.parametrize("path", ["/signup", "/login", "/password/forgotten"])
def test_refusals_of_strangers_are_in_norwegian(client: Client, path: str, english: re.Pattern[str]) -> None:
    answer = client.post(path, data=WRONG)
    assert answer.status_code == 422
    assert left_on([(path, answer.text)], english) == []


@pytest.mark.parametrize("visitor", ["contractor"], indirect=True)
def test_refusals_of_members_are_in_norwegian(visitor: Client, english: re.Pattern[str]) -> None:  # noqa: F811
    pages = []
    for path in ("/organisations/new", "/projects/new", "/listings/new", "/account", "/account/password"):
        answer = visitor.post(path, data=WRONG)
        assert answer.status_code == 422, path
        pages.append((path, answer.text))
    assert left_on(pages, english) == []
