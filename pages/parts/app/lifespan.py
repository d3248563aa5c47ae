"""The page server's own life, apart from any visit.

Only the standard library at the top: what is imported here delays the server's first answer.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from core import escape

FIRST = ("app.startup", "app.frame", "model.proposals", "data.ingestion", "data.dataset_view")
"""The parts that a first visit needs."""
LATER = ("pandas", "pyarrow", "streamlit.elements.arrow")
"""Libraries that the pages import where they use them."""
LATER_AFTER = 3.0
"""Seconds until then: a first visit is not to share the processor with them."""
log = logging.getLogger("graft.pages")


@asynccontextmanager
async def around(_: Any) -> AsyncIterator[dict[str, Any]]:
    """Import what the pages need while the first visitor's browser is still loading Streamlit's own scripts."""
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    yield {}


def warm_up() -> None:
    """Import every part of the pages, and the libraries that they show things with."""
    try:
        for name in FIRST:
            importlib.import_module(f"pages.parts.{name}")
        time.sleep(LATER_AFTER)
        for name in (*LATER, *parts()):
            importlib.import_module(name)
    except Exception as error:  # the visit imports again, and shows what is wrong where the user sees it
        log.error("Preparing the pages failed.\n%s", escape.trace(error))


def parts() -> list[str]:
    """The names of all parts of the pages."""
    import pages.parts

    found = pkgutil.walk_packages(pages.parts.__path__, "pages.parts.")
    return [module.name for module in found if not module.ispkg]
