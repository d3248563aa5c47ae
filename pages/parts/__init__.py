"""What the pages share: charts, widgets, panels, and what they remember."""

import os

# Arrow's own allocator keeps 10 MB more than the system's for the small tables that the pages read. To be set before
# pyarrow is first imported.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
