"""What befalls deals, in one sentence each: the subject of a mail, a line of the daily one, a line of the page.

Each speaks to whoever is told. `other` is the other organisation of the deal, or who
enquires, `material` what it is about, `times` how
often it has happened since they last looked; a sentence with `times` reads well with any number.
"""

from typing import Final

from marketplace.i18n_marker import N_
from marketplace.types import DealEvent, Side

EVENT_WORDS: Final[dict[DealEvent, str]] = {
    DealEvent.REQUESTED: N_("%(other)s asks for your masses: %(material)s"),
    DealEvent.OFFERED: N_("%(other)s offers you masses: %(material)s"),
    DealEvent.COUNTERED: N_("%(other)s has made you another offer: %(material)s"),
    DealEvent.ACCEPTED: N_("%(other)s has accepted your offer: %(material)s"),
    DealEvent.DECLINED: N_("%(other)s has declined: %(material)s"),
    DealEvent.WITHDRAWN: N_("%(other)s has withdrawn: %(material)s"),
    DealEvent.EXPIRED: N_("The offer between you and %(other)s has run out: %(material)s"),
    DealEvent.CANCELLED: N_("%(other)s has cancelled the deal: %(material)s"),
    DealEvent.AMENDMENT_PROPOSED: N_("%(other)s proposes other terms: %(material)s"),
    DealEvent.AMENDED: N_("%(other)s has accepted the new terms: %(material)s"),
    DealEvent.AMENDMENT_DECLINED: N_("%(other)s has declined the new terms: %(material)s"),
    DealEvent.AMENDMENT_WITHDRAWN: N_("%(other)s has withdrawn the proposed terms: %(material)s"),
    DealEvent.AMENDMENT_EXPIRED: N_("The new terms proposed between you and %(other)s have run out: %(material)s"),
    DealEvent.MESSAGE: N_("%(other)s has written to you: %(material)s"),
    DealEvent.RECOVERY_ANSWERED: N_("%(other)s has answered the tests of recovery: %(material)s"),
    DealEvent.TICKET_ADDED: N_("Loads reported by %(other)s: %(times)s (%(material)s)"),
    DealEvent.TICKET_CONFIRMED: N_("Loads confirmed by %(other)s: %(times)s (%(material)s)"),
    DealEvent.TICKET_DISPUTED: N_("%(other)s disputes a load: %(material)s"),
    DealEvent.TICKET_CORRECTED: N_("Loads corrected by %(other)s: %(times)s (%(material)s)"),
    DealEvent.TICKET_VOIDED: N_("Loads struck by %(other)s: %(times)s (%(material)s)"),
    DealEvent.STATEMENT_DRAWN_UP: N_("%(other)s has drawn up the statement of what was delivered: %(material)s"),
    DealEvent.STATEMENT_VOIDED: N_("The statement no longer holds and must be drawn up again: %(material)s"),
    DealEvent.COMPLETED: N_("The deal between you and %(other)s is completed: %(material)s"),
    DealEvent.ENQUIRY: N_("%(other)s asks about your listing: %(material)s"),
}

BY_ITSELF: Final[dict[DealEvent, str]] = {
    DealEvent.WITHDRAWN: N_("What you and %(other)s talked about has come to nothing: %(material)s"),
}
"""The other sentence of what can also happen without either side having done it."""


def words_of(event: DealEvent, by: Side | None) -> str:
    return EVENT_WORDS[event] if by else BY_ITSELF.get(event, EVENT_WORDS[event])
