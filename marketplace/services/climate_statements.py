"""Climate statements: what a project's deals are expected to avoid, and have avoided, kept as it was said."""

from datetime import datetime

from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.climate_values import to_json
from marketplace.errors import Conflict, Forbidden, NotFound
from marketplace.i18n_marker import N_
from marketplace.models import ImpactReport
from marketplace.queries.climate import climate_content
from marketplace.queries.projects import project_for_page
from marketplace.services.impact_reports import keep_climate_statement


class NothingToSay(Conflict):
    message = N_("The project has no deal that is agreed, so there is nothing to state yet.")


def make_climate_statement(session: Session, actor: Actor, *, project_id: int, now: datetime) -> ImpactReport:
    """A statement of how things stand now, kept so that it prints the same for ever.

    Raises:
        NotFound, Forbidden: there is no such project, or it is not the actor's to speak for.
        NothingToSay: no deal of the project has a record.
    """
    project = project_for_page(session, project_id=project_id)
    if project is None:
        raise NotFound
    if not actor.can_edit(project.organisation_id):
        raise Forbidden
    content = climate_content(session, project, now=now)
    if not content.deals:
        raise NothingToSay
    return keep_climate_statement(
        session,
        actor,
        project_id=project.id,
        content=to_json(content),
        period=(content.starts_on, content.ends_on),
        now=now,
    )
