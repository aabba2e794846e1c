"""The link in a mail that stops mails of its sort: signed, without an end, and bound to what the mail was about."""

from marketplace.services.links import DeadLink, LinkSigner, Purpose
from marketplace.services.saved_searches import Sources


def unsubscribe_token(signer: LinkSigner, sources: Sources) -> str:
    fields = [sources.user_id, list(sources.search_ids), list(sources.organisation_ids)]
    return signer.seal(Purpose.UNSUBSCRIBE, fields)


def unsubscribe_path(token: str) -> str:
    return f"/unsubscribe/{token}"


def sources_of_token(signer: LinkSigner, token: str) -> Sources:
    """What a mail's link stops.

    Raises:
        DeadLink: it is not whole, or not ours.
    """
    try:
        user_id, search_ids, organisation_ids = signer.open(Purpose.UNSUBSCRIBE, token)
    except ValueError:
        raise DeadLink from None
    return Sources(user_id=user_id, search_ids=tuple(search_ids), organisation_ids=tuple(organisation_ids))
