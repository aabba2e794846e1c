"""A region's figures, listings and facilities as files for other programs; for the public they are the open data."""

from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any, Final

from flask import Blueprint, Response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.http import dump_options_header

from marketplace import clock
from marketplace.errors import NotFound
from marketplace.exports import Format, metadata_json, write
from marketplace.permissions import Permission
from marketplace.web.access import requires
from marketplace.web.export_tables import Dataset, datasets_for, export_of, rights_text, rule_text
from marketplace.web.region_desk import region_title
from marketplace.web.region_requests import Asked, asked_of, asked_region

bp = Blueprint("exports", __name__, url_prefix="/regions/export")

PART_BYTES: Final = 256 * 1024
FORMAT_NAMES: Final = {
    Format.CSV: "CSV",
    Format.XLSX: "Excel",
    Format.GEOJSON: "GeoJSON",
    Format.GEOPACKAGE: "GeoPackage",
    Format.PARQUET: "Parquet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLink:
    name: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A table as the page offers it."""

    title: str
    text: str
    has_period: bool
    files: tuple[FileLink, ...]
    metadata_href: str


class Parts:
    """A file in parts, kept on disk without a name there until it is sent, so that memory does not grow with it.

    It is whole before the first part of it is sent: what goes wrong is still an answer of its own, and a visitor on a
    slow line keeps no connection to the database meanwhile.
    """

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed with the response, or with what is left of it
        for part in parts:
            self._file.write(part)
        self.size_bytes = self._file.tell()
        self._file.seek(0)

    def __iter__(self) -> Iterator[bytes]:
        while part := self._file.read(PART_BYTES):
            yield part

    def close(self) -> None:
        self._file.close()

    __del__ = close


@bp.get("")
@requires(Permission.PUBLIC)
def index() -> ResponseReturnValue:
    asked = asked_of(asked_region())
    return render_template(
        "exports/index.html",
        asked=asked,
        region_name=region_title(asked.region),
        offered=[_offered(dataset, asked) for dataset in datasets_for(asked.disclosure)],
        rights=rights_text(asked.disclosure),
        rule=rule_text(asked.disclosure),
    )


@bp.get("/<dataset>.<kind>")
@requires(Permission.PUBLIC)
def file(dataset: str, kind: str) -> ResponseReturnValue:
    """A table as a file."""
    asked = asked_of(asked_region())
    chosen, made = _dataset(dataset, asked), _format(kind)
    sent = Parts(write(export_of(chosen, asked), made))
    response = Response(sent, content_type=made.media_type)
    response.content_length = sent.size_bytes
    name = f"masseflyt-{chosen}-{asked.region.slug}-{clock.local_date(clock.now())}.{made}"
    response.headers["Content-Disposition"] = dump_options_header("attachment", {"filename": name})
    described = url_for(".metadata", dataset=chosen.value, **_parameters(asked))
    response.headers["Link"] = f'<{described}>; rel="describedby"; type="application/csvm+json"'
    return response


@bp.get("/<dataset>-metadata.json")
@requires(Permission.PUBLIC)
def metadata(dataset: str) -> ResponseReturnValue:
    """What is to be known of a table, for a program that reads it as CSV."""
    asked = asked_of(asked_region())
    chosen = _dataset(dataset, asked)
    csv_url = url_for(".file", dataset=chosen.value, kind=Format.CSV.value, **_parameters(asked))
    return Response(metadata_json(export_of(chosen, asked), csv_url=csv_url), content_type="application/csvm+json")


def _parameters(asked: Asked) -> dict[str, Any]:
    return {**asked.parameters}


def _dataset(text: str, asked: Asked) -> Dataset:
    """
    Raises:
        NotFound: there is none of that name, or none for the visitor.
    """
    found = next((each for each in datasets_for(asked.disclosure) if each.value == text), None)
    if found is None:
        raise NotFound
    return found


def _format(text: str) -> Format:
    found = next((each for each in Format if each.value == text), None)
    if found is None:
        raise NotFound
    return found


def _offered(dataset: Dataset, asked: Asked) -> Offered:
    titles = {
        Dataset.FLOWS: (
            _("Flows between municipalities"),
            _("Tonnes by material and level of the resource pyramid, and what they avoided, with ranges.")
            if asked.disclosure.is_full
            else _("Tonnes from each municipality to each other, and what they avoided, with ranges."),
        ),
        Dataset.DEALS: (
            _("Deliveries by deal and month"),
            _("Each deal of the region: material, tonnes, from where to where, between whom, and what it avoided."),
        ),
        Dataset.LISTINGS: (
            _("Open listings"),
            _("Surpluses, demands and receptions that are published now, without prices and contacts."),
        ),
        Dataset.FACILITIES: (
            _("Facilities"),
            _("Quarries, landfills, recycling plants and interim storage, what they take in and what room they have."),
        ),
    }
    title, text = titles[dataset]
    return Offered(
        title=title,
        text=text,
        has_period=dataset.has_period,
        files=tuple(
            FileLink(
                name=FORMAT_NAMES[kind],
                href=url_for(".file", dataset=dataset.value, kind=kind.value, **_parameters(asked)),
            )
            for kind in Format
        ),
        metadata_href=url_for(".metadata", dataset=dataset.value, **_parameters(asked)),
    )
