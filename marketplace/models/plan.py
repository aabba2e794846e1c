"""A project's mass balance by material and quarter, and its target for less surplus by year."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.models.base import Base
from marketplace.models.project import Project
from marketplace.types import CreatedAt, Day, Id, LongText, Mass, Moment


def _range(name: str) -> CheckConstraint:
    return CheckConstraint(f"{name}_low_t >= 0 AND {name}_low_t <= {name}_t AND {name}_t <= {name}_high_t", name=name)


class MassPlanRow(Base):
    """What a project digs out, uses again on site, and needs, of one material in one quarter; low, central and high.

    All in tonnes. Surplus is excavated less reused, deficit needed less reused: neither is kept. The `actual_` columns
    are what it came to, None until it is known: `actual_passed_on_t` went to other projects, `actual_disposed_t` to
    landfill.
    """

    __tablename__ = "mass_plan_row"
    __table_args__ = (
        _range("excavated"),
        _range("reused"),
        _range("needed"),
        CheckConstraint("reused_t <= excavated_t AND reused_t <= needed_t", name="reused_within"),
        CheckConstraint("quarter BETWEEN 1 AND 4", name="quarter"),
        CheckConstraint("year BETWEEN 2000 AND 2200", name="year"),
        CheckConstraint(
            "actual_excavated_t >= 0 AND actual_reused_t >= 0 AND actual_passed_on_t >= 0 AND actual_disposed_t >= 0",
            name="actual",
        ),
        Index(
            "uq_mass_plan_row_project_id_year_quarter_material_key",
            "project_id",
            "year",
            "quarter",
            "material_key",
            unique=True,
        ),
    )

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    material_key: Mapped[str] = mapped_column(ForeignKey("material.key"), index=True)
    year: Mapped[int] = mapped_column(SmallInteger)
    quarter: Mapped[int] = mapped_column(SmallInteger)
    excavated_low_t: Mapped[Mass]
    excavated_t: Mapped[Mass]
    excavated_high_t: Mapped[Mass]
    reused_low_t: Mapped[Mass]
    reused_t: Mapped[Mass]
    reused_high_t: Mapped[Mass]
    needed_low_t: Mapped[Mass]
    needed_t: Mapped[Mass]
    needed_high_t: Mapped[Mass]
    actual_excavated_t: Mapped[Mass | None]
    actual_reused_t: Mapped[Mass | None]
    actual_passed_on_t: Mapped[Mass | None]
    actual_disposed_t: Mapped[Mass | None]
    note: Mapped[str] = mapped_column(String(500), server_default="")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment | None]

    project: Mapped[Project] = relationship()


class PlannedListing(Base):
    """What the plan last wrote into a listing that was made from one of its rows.

    It tells what a person has changed since from what still stands as it was planned.
    """

    __tablename__ = "planned_listing"

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), primary_key=True)
    mass_t: Mapped[Mass]
    available_from: Mapped[Day]
    available_to: Mapped[Day]
    description: Mapped[LongText] = mapped_column(server_default="")
    written_at: Mapped[Moment]


class ReductionTarget(Base):
    """How much surplus a project means to let leave its site in a year at most, in tonnes, and by what measures."""

    __tablename__ = "reduction_target"
    __table_args__ = (
        CheckConstraint("surplus_target_t >= 0", name="surplus_target_t"),
        CheckConstraint("year BETWEEN 2000 AND 2200", name="year"),
        Index("uq_reduction_target_project_id_year", "project_id", "year", unique=True),
    )

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    year: Mapped[int] = mapped_column(SmallInteger)
    surplus_target_t: Mapped[Mass]
    measures: Mapped[LongText] = mapped_column(server_default="")
    updated_at: Mapped[Moment | None]

    project: Mapped[Project] = relationship()
