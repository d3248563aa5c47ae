"""The process that does one job, of whatever kind: `python -m core.engine.worker FOLDER`. With `--recover`, or when
that was asked for in the folder of a run, it makes the model of one whose training process is gone.

It takes everything from the folder and answers only through it.
"""

from __future__ import annotations

import os
import sys

from core import escape
from core.engine.failures import explained
from core.engine.reporter import Reporter, StopRequested
from core.errors import GraftError
from core.jobs import reaper
from core.jobs.job import KINDS, Job, named
from core.runs import recovery
from core.runs.run import Run

RECOVER = "--recover"


def main(arguments: list[str]) -> int:
    """Do the job whose folder is the last argument; 0 when it came to its end or was stopped."""
    job = Job.open(arguments[-1])
    if RECOVER in arguments:
        run = Run.open(job.path)
        reaper.judge(job)  # nobody may have found yet that its process is gone
        if not recovery.possible(run):
            print(f"The run {run.id} has nothing to recover: it is {run.status().state}.", file=sys.stderr)
            return 2
        recovery.request(run)
    with Reporter(job) as reporter:
        try:
            job.append_event("state", state="running")
            state, message = named(KINDS[job.kind].carried_out_by)(job, reporter)
        except StopRequested:
            state, message = "stopped", "Stopped before there was a model to keep: there is no model."
        except Exception as error:  # the worker's outermost frame: everything becomes the run's state
            escape.print_trace(error)
            problem = explained(error)
            reporter.finish("failed", problem.message, problem.as_dict())
            return 1 if type(problem) is GraftError else 2
        reporter.finish(state, message)
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is written; taking Keras apart would only keep those waiting who wait for this process
