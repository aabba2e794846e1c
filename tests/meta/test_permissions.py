"""Every route against the permissions: seven kinds of visitor ask for each, and get what this table says.

`WHO_MAY` says in words what each visitor gets of a kind of thing; `ROUTES` says which kind each route is, and which
permission it declares. Both are written by hand, so that a slip in `marketplace/permissions.py` shows here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import pytest
from flask import Flask
from sqlalchemy import Connection
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from marketplace.models import (
    Appeal,
    GateLink,
    ImportBatch,
    Installation,
    Invitation,
    LabDraft,
    LabReport,
    Listing,
    OutboxMail,
    TicketFile,
    User,
)
from marketplace.permissions import RULES, VISIBILITY, Permission
from marketplace.queries.accounts import actor_of
from marketplace.queries.factor_sets import set_of_version
from marketplace.queries.regions import EVERYWHERE
from marketplace.queries.search_filters import SearchFilters
from marketplace.services.api_tokens import make_token
from marketplace.services.enquiries import token_of
from marketplace.services.gate_links import GateSigner
from marketplace.services.impact_records import freeze
from marketplace.services.invitations import hash_of
from marketplace.services.links import LinkSigner, Purpose
from marketplace.services.saved_searches import Sources, save_search
from marketplace.services.unsubscribe import unsubscribe_token
from marketplace.services.yearly_reports import make_yearly_report
from marketplace.types import (
    AlertFrequency,
    DealStatus,
    ImpactReason,
    ImportKind,
    ImportStatus,
    LabSource,
    ListingKind,
    ListingStatus,
    Role,
    Side,
)
from marketplace.web.access import UNDECLARED_ENDPOINTS, permission_of
from tests.conftest import NOW, Client
from tests.factories import Factory

ROLES = ("anonymous", "stranger", "viewer", "editor", "owner", "unconfirmed", "administrator")
"""A stranger owns another organisation; an unconfirmed owner's address has not been confirmed."""

WHO_MAY = """
                              anonymous  stranger   viewer     editor     owner      unconfirmed  administrator
anybody                       open       open       open       open       open       open         open
anybody logged in             log in     open       open       open       open       open         open
an editor somewhere           log in     open       forbidden  open       open       open         forbidden
members                       log in     forbidden  open       open       open       open         open
members themselves            log in     forbidden  open       open       open       open         forbidden
owners themselves             log in     forbidden  forbidden  forbidden  open       open         forbidden
owners                        log in     forbidden  forbidden  forbidden  open       open         open
owners, of a hidden thing     log in     not found  forbidden  forbidden  open       open         open
members, of a hidden thing    log in     not found  open       open       open       open         open
editors, of a public thing    log in     forbidden  forbidden  open       open       open         forbidden
editors, of a hidden thing    log in     not found  forbidden  open       open       open         forbidden
confirmed editors, in public  log in     forbidden  forbidden  open       open       forbidden    forbidden
confirmed editors             log in     not found  forbidden  open       open       forbidden    forbidden
confirmed editors elsewhere   log in     open       forbidden  open       open       forbidden    forbidden
administrators                log in     forbidden  forbidden  forbidden  forbidden  forbidden    open
a viewer, of their own        log in     not found  open       not found  not found  not found    not found
systems with a token          log in     log in     log in     log in     log in     log in       log in
"""

BY_TOKEN = "api."
"""Whose routes no cookie opens, so that no other site can use one; `tests/api` holds them."""

BY_SIGNED_LINK = ("gate.", "unsubscribe.")
"""Whose address is the secret: a page of theirs may be sent from a phone long after, or by a program for mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How a route is tried.

    `subject` names what its address names, one of `Subjects`. `methods` where not all of them are to be tried: what a
    mailed link does when it is posted depends on the link, not on a permission. `also` is a status that counts as open
    for what may be seen and is not there.
    """

    permission: Permission
    who: str
    subject: str = ""
    methods: frozenset[str] = frozenset({"GET", "POST"})
    arguments: dict[str, object] = field(default_factory=dict)
    also: HTTPStatus | None = None


GET_ONLY = frozenset({"GET"})
PUBLIC = Route(permission=Permission.PUBLIC, who="anybody")


def public(subject: str = "", **values: object) -> list[Route]:
    return [Route(permission=Permission.PUBLIC, who="anybody", subject=subject, **values)]  # type: ignore[arg-type]


def logged_in(permission: Permission = Permission.ACCOUNT) -> list[Route]:
    return [Route(permission=permission, who="anybody logged in")]


def administer(*subjects: str) -> list[Route]:
    """A page for administrators alone, about each of the subjects."""
    return of(Permission.ADMINISTER, *(("administrators", subject) for subject in subjects or ("",)))


def of(permission: Permission, *whos: tuple[str, str]) -> list[Route]:
    """The same route for several subjects: (who may, subject)."""
    return [Route(permission=permission, who=who, subject=subject) for who, subject in whos]


EDIT_FACILITY = of(
    Permission.EDIT_FACILITY,
    ("confirmed editors, in public", "own facility"),
    ("administrators", "facility of nobody"),
)
EDIT_LISTING = of(
    Permission.EDIT_LISTING,
    ("editors, of a hidden thing", "draft"),
    ("editors, of a public thing", "published listing"),
)

DOCUMENT = of(
    Permission.VIEW_DOCUMENT,
    ("anybody", "shared photo"),
    ("members, of a hidden thing", "photo for members"),
    ("members, of a hidden thing", "photo of a draft"),
)
EDIT_DOCUMENTS = of(
    Permission.EDIT_DOCUMENTS,
    ("editors, of a hidden thing", "draft"),
    ("editors, of a public thing", "published listing"),
)
EDIT_DOCUMENTS_OF_PROJECT = of(
    Permission.EDIT_DOCUMENTS,
    ("editors, of a hidden thing", "quiet project"),
    ("editors, of a public thing", "public project"),
)

VIEW_PLAN = of(Permission.VIEW_PLAN, ("members, of a hidden thing", "quiet project"), ("members", "public project"))
EDIT_PLAN = of(
    Permission.EDIT_PLAN,
    ("editors, of a hidden thing", "quiet project"),
    ("editors, of a public thing", "public project"),
)

VIEW_DEAL = of(
    Permission.VIEW_DEAL,
    ("members, of a hidden thing", "deal as giver"),
    ("members, of a hidden thing", "deal as taker"),
)
ACT_ON_DEAL = of(Permission.ACT_ON_DEAL, ("confirmed editors", "deal as giver"), ("confirmed editors", "deal as taker"))

KEEP_SEARCH = of(Permission.KEEP_SEARCH, ("a viewer, of their own", "search of the viewer"))

ROUTES: dict[str, list[Route]] = {
    # What anybody may see
    "front.index": public(),
    "front.about": public(),
    "front.sources": public(),
    "health.alive": public(),
    "health.ready": public(),
    "language.choose": public(also=HTTPStatus.NOT_FOUND),  # no language was chosen
    "geocode.search": public(),
    "basemap.archive": public(also=HTTPStatus.NOT_FOUND),  # no file is configured
    "basemap.tile": public(arguments={"z": 8, "x": 135, "y": 74}),
    "facilities.points": public(),
    "regions.index": public(),
    "regions.dashboard": public(),
    "regions.panel_csv": public(arguments={"key": "ways"}),
    "regions.deals": public(),
    "regions.deals_csv": public(),
    "flows.index": public(),
    "flows.data": public(),
    "flows.table_file": public(),
    "flows.alone": public(),
    "exports.index": public(),
    "exports.file": public(arguments={"dataset": "facilities", "kind": "csv"}),
    "exports.metadata": public(arguments={"dataset": "listings"}),
    "region_reports.index": public(),
    "region_reports.indicators_csv": public(),
    "region_reports.make": logged_in(),
    "region_reports.pdf": public("yearly report"),
    "region_reports.reduction": public(),
    "region_reports.reduction_csv": public(also=HTTPStatus.NOT_FOUND),  # only who sees all of the region has it
    "public_impact.show": public(),
    "search.index": public(),
    "search.points": public(),
    "styleguide.index": public(),
    "styleguide.maps": public(),
    "styleguide.points": public(),
    "styleguide.facilities": public(),
    # Accounts
    "sign_up.sign_up": public(),
    "sign_up.sent": public(),
    "sign_up.resend": public(),
    "sign_up.confirm": public("confirmation link", methods=GET_ONLY),
    "accounts.log_in": public(),
    "accounts.log_out": public(),
    "accounts.forgotten": public(),
    "accounts.reset_sent": public(),
    "accounts.reset": public("reset link", methods=GET_ONLY),
    "accounts.account": logged_in(),
    "accounts.change_password": logged_in(),
    "invitations.answer": public("invitation link", methods=GET_ONLY),
    "demo_log_ins.index": public("demo"),
    "demo_log_ins.log_in": public("example account"),
    # Searches that somebody keeps
    "saved_searches.index": logged_in(),
    "saved_searches.new": logged_in(),
    "saved_searches.change_paces": logged_in(),
    "saved_searches.edit": KEEP_SEARCH,
    "saved_searches.see": KEEP_SEARCH,
    "saved_searches.delete": KEEP_SEARCH,
    "unsubscribe.by_link": public("unsubscribe link"),
    # Organisations
    "organisations.mine": logged_in(),
    "organisations.new": logged_in(Permission.REGISTER_ORGANISATION),
    "organisations.look_up": logged_in(Permission.REGISTER_ORGANISATION),
    "organisations.show": of(Permission.VIEW_ORGANISATION, ("anybody", "organisation")),
    "organisations.edit": of(Permission.EDIT_ORGANISATION, ("owners", "organisation")),
    "organisations.refresh": of(Permission.EDIT_ORGANISATION, ("owners", "organisation")),
    "organisations.members": of(Permission.VIEW_MEMBERS, ("members", "organisation")),
    "audit.of_organisation": of(Permission.VIEW_LOG, ("members", "organisation")),
    "audit.file_of_organisation": of(Permission.VIEW_LOG, ("members", "organisation")),
    "audit.of_everything": of(Permission.ADMINISTER, ("administrators", "")),
    "audit.file_of_everything": of(Permission.ADMINISTER, ("administrators", "")),
    "organisations.invite": of(Permission.MANAGE_MEMBERS, ("owners", "organisation")),
    "organisations.change_role": of(Permission.MANAGE_MEMBERS, ("owners, of a hidden thing", "membership")),
    "organisations.remove_member": of(Permission.MANAGE_MEMBERS, ("owners, of a hidden thing", "membership")),
    "organisations.leave": of(Permission.LEAVE_ORGANISATION, ("members themselves", "organisation")),
    "organisations.resend_invitation": of(Permission.MANAGE_MEMBERS, ("owners, of a hidden thing", "invitation")),
    "organisations.revoke_invitation": of(Permission.MANAGE_MEMBERS, ("owners, of a hidden thing", "invitation")),
    # Projects and listings
    "projects.index": public(),
    "projects.new": of(Permission.CREATE_PROJECT, ("an editor somewhere", "")),
    "projects.show": of(
        Permission.VIEW_PROJECT, ("members, of a hidden thing", "quiet project"), ("anybody", "public project")
    ),
    "projects.edit": of(
        Permission.EDIT_PROJECT,
        ("editors, of a hidden thing", "quiet project"),
        ("editors, of a public thing", "public project"),
    ),
    "listings.index": logged_in(),
    "freshness.own": logged_in(),
    "freshness.one": EDIT_LISTING,
    "freshness.by_link": public("still stands link", methods=GET_ONLY),
    "listings.new": of(Permission.CREATE_LISTING, ("an editor somewhere", "")),
    "listings.show": of(
        Permission.VIEW_LISTING, ("members, of a hidden thing", "draft"), ("anybody", "published listing")
    ),
    "matches.of_listing": of(
        Permission.VIEW_LISTING, ("members, of a hidden thing", "draft"), ("anybody", "published listing")
    ),
    "listings.edit": EDIT_LISTING,
    "listings.pause": EDIT_LISTING,
    "listings.close": EDIT_LISTING,
    "listings.duplicate": EDIT_LISTING,
    "listings.delete": EDIT_LISTING,
    "passports.show": of(
        Permission.VIEW_PASSPORT, ("members, of a hidden thing", "draft passport"), ("anybody", "passport")
    ),
    "passports.pdf": of(
        Permission.VIEW_PASSPORT, ("members, of a hidden thing", "draft passport"), ("anybody", "passport")
    ),
    "passports.settings": EDIT_LISTING,
    "passports.renew": EDIT_LISTING,
    "listings.publish": of(Permission.PUBLISH_LISTING, ("confirmed editors", "draft")),
    # Photos and documents
    "documents.show": DOCUMENT,
    "documents.thumbnail": DOCUMENT,
    "documents.card": DOCUMENT,
    "documents.file": DOCUMENT,
    "documents.of_listing": EDIT_DOCUMENTS,
    "documents.arrange_listing": EDIT_DOCUMENTS,
    "documents.of_project": EDIT_DOCUMENTS_OF_PROJECT,
    "documents.arrange_project": EDIT_DOCUMENTS_OF_PROJECT,
    "documents.of_facility": of(Permission.EDIT_DOCUMENTS, ("editors, of a public thing", "own facility")),
    "documents.arrange_facility": of(Permission.EDIT_DOCUMENTS, ("editors, of a public thing", "own facility")),
    # Facilities
    "facilities.index": public(),
    "facilities.new": of(Permission.CREATE_FACILITY, ("an editor somewhere", "")),
    "facilities.show": of(Permission.VIEW_FACILITY, ("anybody", "own facility"), ("anybody", "facility of nobody")),
    "facilities.edit": EDIT_FACILITY,
    "facilities.report_capacity": EDIT_FACILITY,
    "facilities.close": EDIT_FACILITY,
    "facilities.reopen": EDIT_FACILITY,
    # A lot's quality
    "quality.show": of(
        Permission.VIEW_QUALITY, ("members, of a hidden thing", "draft"), ("members", "published listing")
    ),
    "quality.see_statements": EDIT_LISTING,
    "quality.see_background": EDIT_LISTING,
    "quality.state": EDIT_LISTING,
    "quality.withdraw_origin": EDIT_LISTING,
    "quality.state_background": EDIT_LISTING,
    "quality.remove_background": [replace(route, also=HTTPStatus.NOT_FOUND) for route in EDIT_LISTING],
    "lab_results.hand_in": EDIT_LISTING,
    "lab_results.preview": of(Permission.EDIT_LISTING, ("editors, of a hidden thing", "lab draft")),
    "lab_results.type_in": EDIT_LISTING,
    "lab_results.remove": of(Permission.EDIT_LISTING, ("editors, of a hidden thing", "lab report")),
    # Files of many rows
    "imports.index": logged_in(),
    "imports.new": of(Permission.CREATE_LISTING, ("an editor somewhere", "")),
    "imports.template": of(Permission.CREATE_LISTING, ("an editor somewhere", "")),
    "imports.show": of(Permission.VIEW_IMPORT, ("members, of a hidden thing", "file")),
    "imports.progress": of(Permission.VIEW_IMPORT, ("members, of a hidden thing", "file")),
    "imports.bad_rows": of(Permission.VIEW_IMPORT, ("members, of a hidden thing", "file")),
    "imports.apply": of(Permission.EDIT_IMPORT, ("editors, of a hidden thing", "file")),
    "imports.discard": of(Permission.EDIT_IMPORT, ("editors, of a hidden thing", "file")),
    # Deals
    "deal_impact.of_deal": of(Permission.VIEW_DEAL, ("members, of a hidden thing", "compared deal")),
    "deal_impact.of_match": of(Permission.VIEW_LISTING, ("anybody", "listing and what takes it")),
    "deals.index": logged_in(),
    "deals.show": VIEW_DEAL,
    "deals.accept": of(Permission.ACT_ON_DEAL, ("confirmed editors", "deal as giver")),
    "deals.decline": of(Permission.ACT_ON_DEAL, ("confirmed editors", "deal as giver")),
    "deals.withdraw": of(Permission.ACT_ON_DEAL, ("confirmed editors", "deal as taker")),
    "deals.counter": ACT_ON_DEAL,
    "deals.cancel": of(Permission.ACT_ON_DEAL, ("confirmed editors", "agreed deal")),
    "deal_requests.new": of(Permission.START_DEAL, ("confirmed editors elsewhere", "listing of others")),
    "deal_requests.send_on": of(Permission.ACT_ON_DEAL, ("confirmed editors", "deal into our facility")),
    "tickets.index": VIEW_DEAL,
    "tickets.show": of(Permission.VIEW_DEAL, ("members, of a hidden thing", "load")),
    "tickets.slip": [
        replace(route, also=HTTPStatus.NOT_FOUND)  # there is no photo
        for route in of(Permission.VIEW_DEAL, ("members, of a hidden thing", "load"))
    ],
    "tickets.new": of(Permission.ACT_ON_DEAL, ("confirmed editors", "agreed deal")),
    "tickets.confirm": of(Permission.ACT_ON_DEAL, ("confirmed editors", "agreed deal")),
    "tickets.dispute": of(Permission.ACT_ON_DEAL, ("confirmed editors", "load")),
    "tickets.correct": of(Permission.ACT_ON_DEAL, ("confirmed editors", "load")),
    "tickets.void": of(Permission.ACT_ON_DEAL, ("confirmed editors", "load")),
    "gate_links.index": of(Permission.ACT_ON_DEAL, ("confirmed editors", "agreed deal")),
    "gate_links.sheet": of(Permission.ACT_ON_DEAL, ("confirmed editors", "link of our gate")),
    "gate_links.revoke": of(Permission.ACT_ON_DEAL, ("confirmed editors", "link of our gate")),
    "gate.report": public("address of our gate"),
    "gate.worker": public(),
    "ticket_files.new": of(Permission.ACT_ON_DEAL, ("confirmed editors", "agreed deal")),
    "ticket_files.show": of(Permission.ACT_ON_DEAL, ("confirmed editors", "loads on their way in")),
    "ticket_files.apply": of(Permission.ACT_ON_DEAL, ("confirmed editors", "loads on their way in")),
    "ticket_files.discard": of(Permission.ACT_ON_DEAL, ("confirmed editors", "loads on their way in")),
    "ticket_files.template": public(),
    # Other systems
    "api_tokens.of_organisation": of(Permission.MANAGE_TOKENS, ("owners", "organisation")),
    "api_tokens.revoke": of(Permission.MANAGE_TOKENS, ("owners, of a hidden thing", "token")),
    "api.deals": of(Permission.ACCOUNT, ("systems with a token", "")),
    "api.tickets": of(Permission.VIEW_DEAL, ("systems with a token", "agreed deal")),
    "api.report": of(Permission.ACT_ON_DEAL, ("systems with a token", "agreed deal")),
    "api_description": public(),
    "deal_papers.agreement": of(Permission.VIEW_DEAL, ("members, of a hidden thing", "agreed deal")),
    "deal_papers.statement": [
        replace(route, also=HTTPStatus.NOT_FOUND)  # none has been drawn up
        for route in of(Permission.VIEW_DEAL, ("members, of a hidden thing", "agreed deal"))
    ],
    "recovery.edit": of(Permission.ACT_ON_DEAL, ("confirmed editors", "deal as taker")),
    "recovery.document": [
        replace(route, also=HTTPStatus.NOT_FOUND)  # nothing is answered yet
        for route in of(Permission.VIEW_DEAL, ("members, of a hidden thing", "answer of recovery"))
    ],
    "statements.show": of(Permission.VIEW_DEAL, ("members, of a hidden thing", "agreed deal")),
    "statements.draw_up": of(Permission.ACT_ON_DEAL, ("confirmed editors", "agreed deal")),
    "statements.sign": of(Permission.ACT_ON_DEAL, ("confirmed editors", "agreed deal")),
    "statements.send_back": of(Permission.ACT_ON_DEAL, ("confirmed editors", "agreed deal")),
    "deal_messages.index": VIEW_DEAL,
    "deal_messages.send": ACT_ON_DEAL,
    "deal_messages.read": VIEW_DEAL,
    "deal_messages.follow": ACT_ON_DEAL,
    # Enquiries and notices
    "enquiries.new": of(
        Permission.VIEW_LISTING, ("members, of a hidden thing", "draft"), ("anybody", "published listing")
    ),
    "enquiries.sent": public(),
    "enquiries.by_link": public("enquiry link"),
    "enquiries.write_by_link": public("enquiry link"),
    "enquiries.confirm": public("enquiry link"),
    "enquiries.index": logged_in(),
    "enquiries.show": of(Permission.VIEW_ENQUIRY, ("members, of a hidden thing", "enquiry")),
    "enquiries.read": of(Permission.VIEW_ENQUIRY, ("members, of a hidden thing", "enquiry")),
    "enquiries.write": of(Permission.WRITE_IN_ENQUIRY, ("confirmed editors", "enquiry")),
    "enquiries.close": of(Permission.ANSWER_ENQUIRY, ("confirmed editors", "enquiry")),
    "enquiries.reopen": of(Permission.ANSWER_ENQUIRY, ("confirmed editors", "enquiry")),
    "enquiries.invite": of(Permission.ANSWER_ENQUIRY, ("confirmed editors", "enquiry")),
    "notices.index": logged_in(),
    "notices.read_all": logged_in(),
    "notices.settings": logged_in(),
    # Climate statements
    "climate.show": VIEW_PLAN,
    "climate.make": of(
        Permission.EDIT_PROJECT,
        ("editors, of a hidden thing", "quiet project"),
        ("editors, of a public thing", "public project"),
    ),
    "climate.pdf": [replace(route, also=HTTPStatus.NOT_FOUND) for route in VIEW_PLAN],  # none was made
    "climate.xlsx": [replace(route, also=HTTPStatus.NOT_FOUND) for route in VIEW_PLAN],
    # Plans
    "mass_plans.show": VIEW_PLAN,
    "mass_plans.new_row": EDIT_PLAN,
    "mass_plans.edit_row": of(Permission.EDIT_PLAN, ("editors, of a hidden thing", "plan row")),
    "mass_plans.remove_row": of(Permission.EDIT_PLAN, ("editors, of a hidden thing", "plan row")),
    "mass_plans.copy": EDIT_PLAN,
    "plan_grid.grid": EDIT_PLAN,
    "plan_listings.make": EDIT_PLAN,
    "plan_listings.take": EDIT_LISTING,
    "plan_listings.keep": EDIT_LISTING,
    "plan_files.csv": VIEW_PLAN,
    "plan_files.xlsx": VIEW_PLAN,
    "reductions.target": of(Permission.EDIT_PLAN, ("editors, of a hidden thing", "year of a project")),
    "reductions.project_pdf": VIEW_PLAN,
    "reductions.of_organisation": of(Permission.VIEW_PLAN, ("members", "year of an organisation")),
    "reductions.organisation_pdf": of(Permission.VIEW_PLAN, ("members", "year of an organisation")),
    # Moderation
    "reports.report": of(
        Permission.VIEW_LISTING, ("members, of a hidden thing", "draft"), ("anybody", "published listing")
    ),
    "reports.appeal_hiding": EDIT_LISTING,
    "reports.appeal_ban": of(Permission.ANSWER_FOR_ORGANISATION, ("owners themselves", "organisation")),
    "verification.ask": of(Permission.ANSWER_FOR_ORGANISATION, ("owners themselves", "organisation")),
    "admin.index": administer(),
    "admin.appeals_index": administer(),
    "admin.requests_index": administer(),
    "admin.listing": administer("published listing"),
    "admin.hide": administer("published listing"),
    "admin.restore": administer("published listing"),
    "admin.dismiss": administer("published listing"),
    "admin.refuse": administer("appeal"),
    "admin_organisations.index": administer(),
    "admin_organisations.show": administer("organisation"),
    "admin_organisations.verify": administer("organisation"),
    "admin_organisations.refuse_verification": administer("organisation"),
    "admin_organisations.withdraw_verification": administer("organisation"),
    "admin_organisations.ban": administer("organisation"),
    "admin_organisations.unban": administer("organisation"),
    "admin_people.index": administer(),
    "admin_people.show": administer("person"),
    "admin_people.ban": administer("person"),
    "admin_people.unban": administer("person"),
    "admin_factors.index": administer(),
    "admin_factors.show": administer("draft of factors"),
    "admin_factors.copy": administer("draft of factors"),
    "admin_factors.edit": administer("draft of factors"),
    "admin_factors.activate": administer("draft of factors"),
    "admin_factors.discard": administer("draft of factors"),
    "admin_factors.add": administer("draft of factors"),
    "admin_factors.edit_factor": administer("figure of a draft"),
    "admin_what_if.compare": administer(),
    "impact_method.show": public(),
    # The outbox: everybody's in a demo, the administrators' elsewhere
    "outbox.index": of(Permission.VIEW_OUTBOX, ("administrators", ""), ("anybody", "demo")),
    "outbox.show": of(Permission.VIEW_OUTBOX, ("administrators", "mail"), ("anybody", "mail of a demo")),
}

PARTS_OF_PAGES = {Permission.VIEW_POSITION, Permission.VIEW_PROOF}
"""What some visitors of a page see of it and others do not: tests/web/test_hidden_positions.py, test_passports.py."""

HOW_TO_ADD = (
    "Add a line for it to ROUTES in tests/meta/test_permissions.py: the permission it declares, the line of WHO_MAY"
    " that says what each visitor gets, and the subject that its address names (a method of Subjects)."
)


def table() -> dict[str, dict[str, str]]:
    """WHO_MAY as kind -> role -> what they get; columns stand under their headings."""
    heading, *lines = WHO_MAY.strip("\n").splitlines()
    starts = [heading.index(role) for role in ROLES]
    ends = [*starts[1:], None]
    return {
        line[: starts[0]].strip(): {
            role: line[start:end].strip() for role, start, end in zip(ROLES, starts, ends, strict=True)
        }
        for line in lines
    }


class Subjects:
    """One organisation with all it has, and the visitors; each method gives the arguments of an address."""

    def __init__(self, make: Factory, session: Session, app: Flask) -> None:
        self.session, self.make, self.saved = session, make, 0
        self.storage = app.storage  # type: ignore[attr-defined] - set by build_app
        self.secret_key = app.config["SECRET_KEY"]
        self.signer = LinkSigner(self.secret_key)
        self.ours = make.organisation()
        self.invited = Invitation(
            organisation_id=self.ours.id,
            email="invited@example.com",
            role=Role.VIEWER,
            token_hash=hash_of("invited"),
            invited_by_id=make.member(self.ours).id,
            expires_at=NOW.replace(year=NOW.year + 1),
        )
        self.sent_file = ImportBatch(
            organisation_id=self.ours.id,
            kind=ImportKind.LISTINGS,
            status=ImportStatus.CHECKED,
            file_name="masser.csv",
            sha256="0" * 64,
            size_bytes=1,
            created_by_id=self.invited.invited_by_id,
        )
        self.kept = OutboxMail(recipient="a@b.example", template="password_changed", locale="nb", context={})
        session.add_all([self.invited, self.sent_file, self.kept])
        session.flush()
        self.somebody = make.member(self.ours, role=Role.VIEWER)
        self.waiting = make.user(confirmed=False)
        self.example = make.member(is_example=True)
        self.draft_listing = make.listing(self.ours, status=ListingStatus.DRAFT)
        project = make.project(self.ours)
        self.listing = make.listing(self.ours, project=project, project_id=project.id)
        self.public_one, self.quiet_one = project, make.project(self.ours)
        self.planned = make.plan_row(self.quiet_one)
        for listing in (self.draft_listing, self.listing):
            make.plan_row(project, listing=listing)
        self.visitors: dict[str, User | None] = {
            "anonymous": None,
            "stranger": make.member(),
            "viewer": make.member(self.ours, role=Role.VIEWER),
            "editor": make.member(self.ours, role=Role.EDITOR),
            "owner": make.member(self.ours),
            "unconfirmed": make.member(self.ours, confirmed=False),
            "administrator": make.user(is_admin=True),
        }

    def arguments(self, name: str) -> dict[str, object]:
        method: Callable[[], dict[str, object]] = getattr(self, name.replace(" ", "_")) if name else dict
        return method()

    def organisation(self) -> dict[str, object]:
        return {"organisation_id": self.ours.id}

    def draft_of_factors(self) -> dict[str, object]:
        draft = set_of_version(self.session, "norway-2026-draft")
        assert draft is not None
        return {"set_id": draft.id}

    def figure_of_a_draft(self) -> dict[str, object]:
        draft = set_of_version(self.session, "norway-2026-draft")
        assert draft is not None
        return {"factor_id": draft.factors[0].id}

    def yearly_report(self) -> dict[str, object]:
        actor = actor_of(self.example)
        return {"report_id": make_yearly_report(self.session, actor, region=EVERYWHERE, year=2026, now=NOW).id}

    def membership(self) -> dict[str, object]:
        return {"organisation_id": self.ours.id, "user_id": self.somebody.id}

    def invitation(self) -> dict[str, object]:
        return {"organisation_id": self.ours.id, "invitation_id": self.invited.id}

    def search_of_the_viewer(self) -> dict[str, object]:
        viewer = self.visitors["viewer"]
        assert viewer is not None
        self.saved += 1
        search = save_search(
            self.session,
            actor_of(viewer),
            name="Grus",
            query=f"q=grus&mass_min={self.saved}",
            filters=SearchFilters(text="grus"),
            frequency=AlertFrequency.DAILY,
            now=NOW,
        )
        return {"search_id": search.id}

    def unsubscribe_link(self) -> dict[str, object]:
        return {"token": unsubscribe_token(self.signer, Sources(user_id=self.somebody.id))}

    def draft(self) -> dict[str, object]:
        return {"listing_id": self.draft_listing.id}

    def lab_draft(self) -> dict[str, object]:
        draft = LabDraft(
            listing_id=self.draft_listing.id,
            source=LabSource.PASTED,
            content="Prøve;Parameter;Verdi;Enhet\nP1;Bly;12;mg/kg TS".encode(),
            created_by_id=self.somebody.id,
        )
        self.session.add(draft)
        self.session.flush()
        return self.draft() | {"draft_id": draft.id}

    def lab_report(self) -> dict[str, object]:
        report = LabReport(listing_id=self.draft_listing.id, source=LabSource.TYPED, created_by_id=self.somebody.id)
        self.session.add(report)
        self.session.flush()
        return self.draft() | {"report_id": report.id}

    def published_listing(self) -> dict[str, object]:
        return {"listing_id": self.listing.id}

    def shared_photo(self) -> dict[str, object]:
        return self._photo(self.listing, is_shared=True)

    def photo_for_members(self) -> dict[str, object]:
        return self._photo(self.listing, is_shared=False)

    def photo_of_a_draft(self) -> dict[str, object]:
        return self._photo(self.draft_listing, is_shared=True)

    def _photo(self, listing: Listing, *, is_shared: bool) -> dict[str, object]:
        document = self.make.photo(listing, storage=self.storage, is_shared=is_shared)
        return {"document_id": document.id, "name": document.file_name}

    def facility_of_nobody(self) -> dict[str, object]:
        return {"facility_id": self.make.facility().id}

    def own_facility(self) -> dict[str, object]:
        return {"facility_id": self.make.facility(self.ours).id}

    def draft_passport(self) -> dict[str, object]:
        return {"token": self.draft_listing.passport_token}

    def passport(self) -> dict[str, object]:
        return {"token": self.listing.passport_token}

    def quiet_project(self) -> dict[str, object]:
        return {"project_id": self.quiet_one.id}

    def public_project(self) -> dict[str, object]:
        return {"project_id": self.public_one.id}

    def listing_of_others(self) -> dict[str, object]:
        return {"listing_id": self.make.listing().id}

    def deal_into_our_facility(self) -> dict[str, object]:
        facility = self.make.facility(self.ours)
        agreed = self.make.deal(taker=self.ours, status=DealStatus.AGREED, destination_facility_id=facility.id)
        return {"deal_id": agreed.id}

    def deal_as_giver(self) -> dict[str, object]:
        return {"deal_id": self.make.deal(surplus=self.listing).id}

    def deal_as_taker(self) -> dict[str, object]:
        return {"deal_id": self.make.deal(taker=self.ours, destination_project_id=self.quiet_one.id).id}

    def answer_of_recovery(self) -> dict[str, object]:
        return {**self.deal_as_taker(), "test": "suitable"}

    def agreed_deal(self) -> dict[str, object]:
        return {"deal_id": self.make.deal(surplus=self.listing, status=DealStatus.AGREED, mass_t=20).id}

    def compared_deal(self) -> dict[str, object]:
        deal = self.make.deal(surplus=self.listing, status=DealStatus.AGREED, mass_t=20)
        freeze(self.session, deal, reason=ImpactReason.AGREED, now=NOW)
        return {"deal_id": deal.id}

    def listing_and_what_takes_it(self) -> dict[str, object]:
        taking = self.make.listing(kind=ListingKind.DEMAND)
        return {"listing_id": self.make.listing().id, "other_id": taking.id}

    def load(self) -> dict[str, object]:
        deal = self.make.deal(surplus=self.listing, status=DealStatus.AGREED, mass_t=20)
        return {"deal_id": deal.id, "ticket_id": self.make.ticket(deal).id}

    def link_of_our_gate(self) -> dict[str, object]:
        link = self._gate_link()
        return {"deal_id": link.deal_id, "link_id": link.id}

    def address_of_our_gate(self) -> dict[str, object]:
        return {"token": GateSigner(self.secret_key).sign(self._gate_link())}

    def _gate_link(self) -> GateLink:
        deal = self.make.deal(surplus=self.listing, status=DealStatus.AGREED, mass_t=20)
        return self.make.gate_link(deal)

    def loads_on_their_way_in(self) -> dict[str, object]:
        staged = TicketFile(
            **self.agreed_deal(),
            side=Side.GIVER,
            content=b"Nr;Dato;Regnr;Tonn\n1;28.02.2027;AB12345;18",
            created_by_id=self.somebody.id,
        )
        self.session.add(staged)
        self.session.flush()
        return {"deal_id": staged.deal_id, "file_id": staged.id}

    def token(self) -> dict[str, object]:
        owner = self.make.actor(self.visitors["owner"])
        token, _secret = make_token(self.session, owner, organisation_id=self.ours.id, name="Vekta", days=30, now=NOW)
        return self.organisation() | {"token_id": token.id}

    def file(self) -> dict[str, object]:
        return {"batch_id": self.sent_file.id}

    def plan_row(self) -> dict[str, object]:
        return {"project_id": self.quiet_one.id, "row_id": self.planned.id}

    def year_of_a_project(self) -> dict[str, object]:
        return self.quiet_project() | {"year": NOW.year}

    def year_of_an_organisation(self) -> dict[str, object]:
        return self.organisation() | {"year": NOW.year}

    def appeal(self) -> dict[str, object]:
        appeal = Appeal(organisation_id=self.ours.id, text="Hvorfor?", made_by_id=self.somebody.id)
        self.session.add(appeal)
        self.session.flush()
        return {"appeal_id": appeal.id}

    def person(self) -> dict[str, object]:
        return {"user_id": self.somebody.id}

    def mail(self) -> dict[str, object]:
        return {"mail_id": self.kept.id}

    def mail_of_a_demo(self) -> dict[str, object]:
        return self.demo() | self.mail()

    def demo(self) -> dict[str, object]:
        installation = self.session.get(Installation, 1) or Installation(id=1)
        installation.is_demo = True
        self.session.add(installation)
        self.session.flush()
        return {}

    def example_account(self) -> dict[str, object]:
        return self.demo() | {"user_id": self.example.id}

    def confirmation_link(self) -> dict[str, object]:
        return {"token": self.signer.sign(Purpose.CONFIRM_ADDRESS, self.waiting, now=NOW)}

    def enquiry(self) -> dict[str, object]:
        return {"enquiry_id": self.make.enquiry(self.listing).id}

    def enquiry_link(self) -> dict[str, object]:
        return {"token": token_of(self.make.enquiry(self.listing), signer=self.signer)}

    def still_stands_link(self) -> dict[str, object]:
        return {"token": self.signer.sign(Purpose.CONFIRM_LISTINGS, self.somebody, now=NOW)}

    def reset_link(self) -> dict[str, object]:
        return {"token": self.signer.sign(Purpose.RESET_PASSWORD, self.somebody, now=NOW)}

    def invitation_link(self) -> dict[str, object]:
        return {"token": "invited"}


@pytest.fixture
def subjects(make: Factory, session: Session, app: Flask) -> Subjects:
    return Subjects(make, session, app)


def own_rules(app: Flask) -> Iterator[Rule]:
    return (rule for rule in app.url_map.iter_rules() if rule.endpoint not in UNDECLARED_ENDPOINTS)


def methods_of(app: Flask, endpoint: str) -> set[str]:
    return {method for rule in own_rules(app) if rule.endpoint == endpoint for method in (rule.methods or set())} - {
        "HEAD",
        "OPTIONS",
    }


def address(app: Flask, endpoint: str, arguments: dict[str, object]) -> str:
    return app.url_map.bind("localhost").build(endpoint, arguments)


def ask(app: Flask, method: str, path: str, visitor: User | None) -> TestResponse:
    client = app.test_client()
    assert isinstance(client, Client)
    if visitor is not None:
        client.log_in_as(visitor)
    return client.open(path, method=method)


def outcome(answer: TestResponse) -> str:
    if answer.status_code == HTTPStatus.UNAUTHORIZED or (answer.location or "").startswith("/login"):
        return "log in"
    if (answer.location or "").startswith("/organisations?needed="):
        return "forbidden"  # and led to where they can come to it
    named = {HTTPStatus.FORBIDDEN: "forbidden", HTTPStatus.NOT_FOUND: "not found"}
    if answer.status_code in named:
        return named[HTTPStatus(answer.status_code)]
    return "open" if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else f"fault {answer.status_code}"


def agrees(answer: TestResponse, expected: str, route: Route) -> bool:
    got = outcome(answer)
    return got == expected or (expected == "open" and route.also is not None and answer.status_code == route.also)


# The table ------------------------------------------------------------------------------------------------------------


def test_every_route_is_in_the_table(app: Flask) -> None:
    unknown = sorted({rule.endpoint for rule in own_rules(app)} - set(ROUTES))
    assert not unknown, f"unknown routes: {', '.join(unknown)}. {HOW_TO_ADD}"


def test_every_route_declares_the_permission_of_the_table(app: Flask) -> None:
    declared = {endpoint: permission_of(app, endpoint) for endpoint in ROUTES if endpoint in app.view_functions}
    expected = {endpoint: ROUTES[endpoint][0].permission for endpoint in declared}
    assert declared == expected


@pytest.mark.parametrize("endpoint", sorted(ROUTES))
def test_every_visitor_gets_what_the_table_says(
    app: Flask, client: Client, subjects: Subjects, connection: Connection, endpoint: str
) -> None:
    del client  # sets the class of clients, and takes forms without their tokens
    assert endpoint in app.view_functions, f"{endpoint} is in the table, and not in the program"
    wrong = []
    for route in ROUTES[endpoint]:
        before = connection.begin_nested()
        path = address(app, endpoint, {**subjects.arguments(route.subject), **route.arguments})
        for method in sorted(methods_of(app, endpoint) & route.methods):
            for role, visitor in subjects.visitors.items():
                with_this_one = connection.begin_nested()
                answer = ask(app, method, path, visitor)
                with_this_one.rollback()
                expected = table()[route.who][role]
                if not agrees(answer, expected, route):
                    wrong.append(f"{method} {path}, {role}: {outcome(answer)}, and not {expected}")
        before.rollback()
        subjects.session.expire_all()
    assert wrong == []


def test_every_visitor_and_kind_is_used() -> None:
    kinds = {route.who for routes in ROUTES.values() for route in routes}
    assert set(table()) == kinds
    assert {outcome for row in table().values() for outcome in row.values()} == {
        "open",
        "log in",
        "forbidden",
        "not found",
    }


def test_every_permission_has_a_rule_and_a_route() -> None:
    assert set(RULES) == set(Permission)
    assert all(RULES.values())
    used = {route.permission for routes in ROUTES.values() for route in routes} | set(VISIBILITY.values())
    assert set(Permission) - used <= {Permission.ADMINISTER} | PARTS_OF_PAGES, "a permission that no route asks for"


# What holds for every route -------------------------------------------------------------------------------------------


def test_an_id_that_names_nothing_is_not_found(app: Flask, client: Client, subjects: Subjects) -> None:
    del client
    administrator = subjects.visitors["administrator"]
    found = []
    for rule in own_rules(app):
        if not rule.arguments or any(isinstance(value, int) for value in (rule.defaults or {}).values()):
            continue
        if "z" in rule.arguments:
            continue  # tiles cover the world
        if rule.endpoint.startswith(BY_TOKEN):
            continue
        path = address(app, rule.endpoint, dict.fromkeys(rule.arguments, 2**63 - 1))
        for method in methods_of(app, rule.endpoint):
            answer = ask(app, method, path, administrator)
            if answer.status_code not in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}:
                found.append(f"{method} {path}: {answer.status_code}")
    assert found == []


def test_nothing_is_changed_without_the_forms_token(app: Flask, subjects: Subjects) -> None:
    """Each route that takes a POST refuses one that did not come from a page of ours."""
    app.test_client_class = Client
    owner, taken = subjects.visitors["owner"], []
    for endpoint, routes in ROUTES.items():
        if endpoint not in app.view_functions or "POST" not in methods_of(app, endpoint):
            continue
        if endpoint.startswith((BY_TOKEN, *BY_SIGNED_LINK)):
            continue
        path = address(app, endpoint, {**subjects.arguments(routes[0].subject), **routes[0].arguments})
        answer = ask(app, "POST", path, owner)
        if answer.status_code != HTTPStatus.BAD_REQUEST:
            taken.append(f"{path}: {answer.status_code}")
    assert taken == []
