"""Proving the log of changes every night, and noting its head down where the server's own logs go."""

import structlog
from procrastinate import JobContext

from marketplace.jobs.app import app, job_session
from marketplace.queue import Task
from marketplace.services import audit

log = structlog.get_logger("masseflyt.jobs")


@app.periodic(cron="25 2 * * *")  # UTC
@app.task(name=Task.PROVE_LOG, queueing_lock=Task.PROVE_LOG, pass_context=True)
def prove_log(context: JobContext, timestamp: int) -> None:
    """The head in the log lets `masseflyt audit verify --from-head` show later that nothing before it was cut off."""
    del timestamp
    with job_session(context) as session:
        proof = audit.prove_log(session)
    if proof.first is None:
        log.info("audit_log_holds", entries=proof.seals, head=str(proof.head) if proof.head else None)
    else:
        first = proof.first
        log.error(
            "audit_log_broken", faults=proof.faults, fault=first.kind.value, seq=first.seq, entry_id=first.entry_id
        )
