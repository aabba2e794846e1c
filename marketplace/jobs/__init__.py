"""Work that happens beside the requests: the worker, and the thin tasks that call services.

A new family of tasks is a module here, named in `marketplace.jobs.app.TASK_MODULES`.
"""

from marketplace.jobs.worker import run_worker

__all__ = ["run_worker"]
