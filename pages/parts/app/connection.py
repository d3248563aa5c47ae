"""Whether weights could be downloaded, without a page ever waiting for the answer."""

from __future__ import annotations

import threading
import time

from core.backbones import weights

KEPT_SECONDS = 15.0
_lock = threading.Lock()
_answer: tuple[float, bool] | None = None
_asking: threading.Thread | None = None


def can_download(wait: float = 0.0) -> bool:
    """The last answer; asked anew in the background when it is old. `wait`: seconds to give a first answer."""
    global _asking
    with _lock:
        old = _answer is None or time.monotonic() - _answer[0] > KEPT_SECONDS
        if old and (_asking is None or not _asking.is_alive()):
            _asking = threading.Thread(target=_ask, name="connection", daemon=True)
            _asking.start()
    if wait and _asking is not None and _answer is None:
        _asking.join(wait)
    return _answer is not None and _answer[1]


def _ask() -> None:
    global _answer
    _answer = (time.monotonic(), weights.reachable())
