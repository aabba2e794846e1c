"""`masseflyt impact`: proving the sums of what deliveries avoid, and putting them right."""

import sys
import time
from collections.abc import Sequence

import click

from marketplace import clock
from marketplace.cli import cli
from marketplace.cli.database import open_database, require_newest_schema, sessions, step
from marketplace.services.impact_sums import ImpactProof, prove_sums, put_sums_right, write_missing_records

AT_ONCE = 200
NAMED = 10


@cli.group()
def impact() -> None:
    """What deliveries avoid: prove the sums, or put them right."""


@impact.command()
def verify() -> None:
    """Work out every sum again from the loads and the frozen records, and say which are not as they are kept.

    Ends with 1 where one is not, or where an agreed deal has no record. Writes nothing.
    """
    began = time.perf_counter()
    with open_database() as database:
        require_newest_schema(database)
        with sessions(database)() as session:
            proof = prove_sums(session)
    _say(proof, took_s=time.perf_counter() - began)
    if not proof.holds:
        sys.exit(1)


@impact.command()
def rebuild() -> None:
    """Write the records of deals that were agreed before there were any, and work out anew what has drifted.

    No record is changed, and none that is there is written again.
    """
    with open_database() as database:
        require_newest_schema(database)
        made = sessions(database)
        with step("Records of deals that have none"):
            written, after_id = 0, 0
            while True:
                with made.begin() as session:
                    count, last_id = write_missing_records(session, after_id=after_id, limit=AT_ONCE, now=clock.now())
                written += count
                if last_id is None:
                    break
                after_id = last_id
        with step("Sums that have drifted"), made.begin() as session:
            deals, flows = put_sums_right(session)
    click.echo(f"{written:,} records written; {deals:,} deals and {flows:,} sums by way put right.")


def _say(proof: ImpactProof, *, took_s: float) -> None:
    if proof.holds:
        click.echo(f"The sums hold: {proof.records:,} records, every month as its loads say, in {took_s:.1f} s.")
        return
    _name("agreed deals without a record", proof.without_record)
    _name("deals whose months are not what their loads come to", proof.drifted_deals)
    if proof.drifted_flows:
        click.secho(f"{len(proof.drifted_flows):,} sums by way that are not those of their deals", err=True, fg="red")
    click.echo("`masseflyt impact rebuild` puts them right.", err=True)


def _name(what: str, ids: Sequence[int]) -> None:
    if not ids:
        return
    named = ", ".join(str(each) for each in ids[:NAMED])
    more = "" if len(ids) <= NAMED else ", ..."
    click.secho(f"{len(ids):,} {what}: {named}{more}", err=True, fg="red")
