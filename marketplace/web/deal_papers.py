"""The papers of a deal, for both its sides: the agreement, and the statement that closes it."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace import db
from marketplace.errors import NotFound
from marketplace.models import Deal
from marketplace.permissions import Permission
from marketplace.queries.statements import statement_for_page
from marketplace.web.access import requires
from marketplace.web.agreement_sheet import AgreementSheet, agreement_sheet
from marketplace.web.deal_page import load_deal
from marketplace.web.printed import pdf_of, pdf_response
from marketplace.web.statement_sheet import StatementSheet, statement_sheet

bp = Blueprint("deal_papers", __name__, url_prefix="/deals/<id:deal_id>")


@bp.get("/agreement.pdf")
@requires(Permission.VIEW_DEAL, subject=load_deal)
def agreement(deal: Deal) -> ResponseReturnValue:
    sheet = agreement_sheet(deal)
    return pdf_response(agreement_pdf(sheet), name=f"{_('Agreement')} {sheet.number} {sheet.material}")


@bp.get("/statement.pdf")
@requires(Permission.VIEW_DEAL, subject=load_deal)
def statement(deal: Deal) -> ResponseReturnValue:
    found = statement_for_page(db.session, deal_id=deal.id)
    if found is None:
        raise NotFound
    sheet = statement_sheet(found)
    return pdf_response(statement_pdf(sheet), name=f"{_('Statement')} {sheet.number} {sheet.material}")


def agreement_pdf(sheet: AgreementSheet) -> bytes:
    return pdf_of(
        "agreement",
        {"sheet": _without_moment(sheet), "words": _words(_("Agreement on surplus masses"))},
        title=_("Agreement: %(title)s", title=sheet.title),
        made_at=sheet.made_at,
        head=_("Deal no. %(number)s", number=sheet.number),
        foot=sheet.as_of,
        author=sheet.parties[0].name,
    )


def statement_pdf(sheet: StatementSheet) -> bytes:
    return pdf_of(
        "statement",
        {"sheet": _without_moment(sheet), "words": _words(_("Statement of delivered masses"))},
        title=_("Statement: %(title)s", title=sheet.title),
        made_at=sheet.made_at,
        head=_("Deal no. %(number)s", number=sheet.number),
        foot=sheet.foot,
        author=sheet.parties[0].name,
    )


def _without_moment(sheet: AgreementSheet | StatementSheet) -> dict[str, object]:
    """What is printed; the moment is the document's own."""
    return {name: getattr(sheet, name) for name in sheet.__dataclass_fields__ if name != "made_at"}


def _words(eyebrow: str) -> dict[str, str]:
    """The headings and labels of both papers."""
    return {
        "eyebrow": eyebrow,
        "qr_alt": _("Code that opens this passport's page"),
        "passport": _("Material passport"),
        "org_number": _("Org. no."),
        "contact": _("Contact"),
        "signatures": _("Signatures"),
        "not_signed": _("Not signed yet"),
        "signed_how": _("Signed in Masseflyt by a logged-in account that may act for the organisation."),
        "terms": _("What is agreed"),
        "lot": _("The lot"),
        "proof": _("The number of the proof that the lot rests on"),
        "origin": _("From"),
        "destination": _("To"),
        "lot_is_from": _("Where the lot began"),
        "practical": _("On site"),
        "recovery": _("Recovery or disposal"),
        "avoided": _("What was avoided"),
        "ledger": _("Ledger"),
        "avoided_figure": _("Avoided"),
        "range": _("Range"),
        "answered_by": _("Answered by"),
        "document": _("Document"),
        "documents": _("Documents"),
        "file": _("The file's own number"),
        "deviation": _("Why it is not what was agreed:"),
        "statement_number": _("The number of this statement: another one if anything in it were changed"),
        "tickets": _("The loads"),
        "tickets_note": _("Corrected and voided tickets are left out; the times are those of Norway."),
        "number": _("Ticket"),
        "loaded": _("Loaded"),
        "vehicle": _("Vehicle"),
        "tonnes": _("Tonnes"),
        "weighed": _("Weighed or estimated"),
        "carrier": _("Carrier"),
        "confirmed": _("Confirmed by"),
        "sum": _("Sum"),
    }
