"""`masseflyt audit`: proving that the log of changes is whole and as it was written."""

import sys
import time

import click

from marketplace.cli import cli
from marketplace.cli.database import open_database, require_newest_schema, sessions
from marketplace.services.audit import Fault, FaultKind, Head, Proof, head_from_text, prove_log

FAULTS = {
    FaultKind.CHANGED: "entry {entry} (number {seq} of the chain) was changed after it was sealed",
    FaultKind.DELETED: "entry {entry} (number {seq} of the chain) was deleted",
    FaultKind.SEAL_DELETED: "number {seq} of the chain was deleted",
    FaultKind.REORDERED: "number {seq} of the chain (entry {entry}) does not follow on the one before it",
    FaultKind.UNSEALED: "entry {entry} was put in without being sealed",
    FaultKind.MISDIRECTED: "entry {entry} is listed for other organisations than those that were sealed",
    FaultKind.CUT_OFF: "number {seq} is not in the chain as it was noted down: the log was cut off or written anew",
}


class HeadType(click.ParamType):
    name = "SEQ:HASH"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Head:
        head = value if isinstance(value, Head) else head_from_text(str(value))
        if head is None:
            self.fail("is no head: it is a number, a colon and 64 hexadecimal digits, as --head prints it", param, ctx)
        return head


@cli.group()
def audit() -> None:
    """Prove the log of changes."""


@audit.command()
@click.option("--head", "head_only", is_flag=True, help="Print the head alone on standard output, to note it down.")
@click.option("--from-head", "noted", type=HeadType(), help="Prove that the head SEQ:HASH is still in the chain.")
def verify(*, head_only: bool, noted: Head | None) -> None:
    """Recompute the chain of hashes over all entries, and say which entry is the first that is not as it was written.

    Ends with 1 where one is not. Whoever owns the database could write the whole log anew, and a shorter one too: note
    the head down somewhere else now and then, and give it to --from-head later.
    """
    began = time.perf_counter()
    with open_database() as database:
        require_newest_schema(database)
        with sessions(database)() as session:
            proof = prove_log(session, noted=noted)
    _say(proof, noted=noted, took_s=time.perf_counter() - began, to_stderr=head_only)
    if proof.first is not None:
        sys.exit(1)
    if head_only and proof.head is not None:
        click.echo(str(proof.head))


def _say(proof: Proof, *, noted: Head | None, took_s: float, to_stderr: bool) -> None:
    if proof.first is not None:
        click.secho(f"The log does not hold: {_in_words(proof.first)}.", err=True, fg="red")
        click.echo(f"{proof.faults:,} faults in all, over {proof.seals:,} sealed entries.", err=True)
        return
    click.echo(f"The log holds: {proof.seals:,} entries, each as it was written, in {took_s:.1f} s.", err=to_stderr)
    if noted is not None:
        click.echo(f"The head {noted.seq} that was noted down is in it.", err=to_stderr)
    if proof.head is not None and not to_stderr:
        click.echo(f"Head:  {proof.head}")


def _in_words(fault: Fault) -> str:
    return FAULTS[fault.kind].format(seq=fault.seq, entry=fault.entry_id)
