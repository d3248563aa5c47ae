"""Models and datasets to take along: written to a file when they are asked for, and sent from there in pieces.

`st.download_button` keeps the whole of what it offers in memory until the visit ends, also what a function gives it
(Streamlit 1.67: 500 MB take 1,000 MB, and 2,000 MB while they are read). A link to a route of our own takes none.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from core.data.dataset import Dataset
from core.recipe.fields import DataSettings
from pages.parts.session import state

PATH = "download"


@dataclass(frozen=True)
class _Offer:
    """What stands behind a link."""

    key: tuple[str, ...]
    """The same for the same content."""
    folder: Path
    """Where the file is written; what is left there is removed after a day."""
    file_name: str
    mime: str
    write: Callable[[Path], object] = field(compare=False)
    """Writes the file at a path. Raises GraftError."""


_offers: dict[str, _Offer] = {}
"""By the token in the link, which cannot be guessed: whoever has the link has been shown the page."""


def link(label: str, run: Any, name: str, file_name: str) -> None:
    """A button that downloads a run's model in one of `core.exports.formats`, which was made before."""
    from core import exporting
    from core.exports import formats

    kind = formats.get(name)
    _link(label, _Offer((str(run.path), name), state.workspace().incoming, file_name + kind.suffix, kind.mime,
                        lambda path: exporting.copy(run, name, path)))


def dataset_link(label: str, dataset: Dataset, settings: DataSettings, split_folders: bool) -> None:
    """A button that downloads a dataset as it is now: see `core.data.cleaned`."""
    from core.data import cleaned

    key = (str(dataset.path), dataset.fingerprint, settings.model_dump_json(), str(split_folders))
    _link(label, _Offer(key, state.workspace().incoming, f"{dataset.name}.zip", "application/zip",
                        lambda path: cleaned.write(Dataset.load(dataset.path), path, settings, split_folders)))


def _link(label: str, offer: _Offer) -> None:
    token = next((key for key, known in list(_offers.items()) if known == offer), None)
    if token is None:
        token = secrets.token_urlsafe(24)
        _offers[token] = offer
    st.link_button(label, f"{PATH}/{token}", icon=":material/download:")


def route() -> Route:
    """What answers the links."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return Route(f"{'/' + base if base else ''}/{PATH}/{{token}}", _answer)


async def _answer(request: Request) -> Response:
    from core.errors import GraftError

    offer = _offers.get(request.path_params["token"])
    if offer is None:
        return PlainTextResponse("This link is from before the app was started again. Open the page anew.", 404)
    try:
        path = await run_in_threadpool(_write, offer)
    except GraftError as error:
        return PlainTextResponse(str(error), 409)
    return _PassingFile(path, media_type=offer.mime, filename=offer.file_name)


class _PassingFile(FileResponse):
    """A file that is removed when it was sent, or when whoever asked for it has left."""

    async def __call__(self, *connection: Any) -> None:
        try:
            await super().__call__(*connection)
        finally:
            Path(self.path).unlink(missing_ok=True)


def _write(offer: _Offer) -> Path:
    """The file to send. Raises GraftError."""
    path = offer.folder / f"export-{secrets.token_hex(8)}{Path(offer.file_name).suffix}"
    offer.write(path)
    return path
