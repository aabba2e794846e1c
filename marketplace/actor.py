"""Who is acting: the value that services and permissions are handed."""

from dataclasses import dataclass

from marketplace.types import OrganisationKind, Role

EDITING_ROLES = frozenset({Role.OWNER, Role.EDITOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorMembership:
    organisation_id: int
    organisation_name: str
    kind: OrganisationKind
    role: Role
    is_banned: bool = False
    """Whether the organisation is: its members read what is theirs, and do nothing for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person with their memberships, or nobody in particular (`user_id` None)."""

    user_id: int | None
    name: str = ""
    email: str = ""
    locale: str = "nb"
    is_admin: bool = False
    is_confirmed: bool = False
    memberships: tuple[ActorMembership, ...] = ()

    @property
    def is_anonymous(self) -> bool:
        return self.user_id is None

    def role_in(self, organisation_id: int) -> Role | None:
        return next((m.role for m in self.memberships if m.organisation_id == organisation_id), None)

    def is_member(self, organisation_id: int) -> bool:
        return self.role_in(organisation_id) is not None

    def can_edit(self, organisation_id: int) -> bool:
        return any(m.organisation_id == organisation_id for m in self.editable)

    def owns(self, organisation_id: int) -> bool:
        return self.role_in(organisation_id) is Role.OWNER

    @property
    def editable(self) -> tuple[ActorMembership, ...]:
        """The memberships in whose organisation this person may post and change things."""
        return tuple(m for m in self.memberships if m.role in EDITING_ROLES and not m.is_banned)


NOBODY = Actor(user_id=None)
