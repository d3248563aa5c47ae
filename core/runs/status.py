"""What `status.json` of a run says: a run is a job, and says it as every job does."""

from core.jobs.status import ACTIVE as ACTIVE
from core.jobs.status import FINISHED as FINISHED
from core.jobs.status import STAGES as STAGES
from core.jobs.status import Status as Status
