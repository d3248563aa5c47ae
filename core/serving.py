"""A run's model as an HTTP service: `python -m core serve RUN_DIR`.

- `POST /predict`: one picture as the body, several as `multipart/form-data`, or JSON `{"url": ...}`
- `GET /healthz`: whether the model answers
- `GET /openapi.json`, and `GET /` for people

The prediction process does the work; a request that is larger than the limits, or one too many at a time, is refused in
words and costs nobody else his answer.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from core import escape
from core.data import fetching
from core.errors import ArchiveError, GraftError, InferenceError
from core.inference import Predictor
from core.runs.run import Run
from core.store.files import disk_errors
from core.store.workspace import Workspace

PICTURE_BYTES = 50 * 2**20
"""Of one picture, as in an archive of the demo twice over."""
PICTURES, AT_ONCE, WAITING = 32, 16, 128
"""Pictures a request, requests that are worked on side by side, and requests that may be there at all."""
SECONDS = 60.0
_CHUNK = 2**18


class TooMuch(GraftError):
    """A request is over a limit: 413."""


def application(run: Run, workspace: Workspace, predictor: Predictor | None = None) -> Starlette:
    """The service, as an ASGI server takes it.

    Args:
        workspace: Whose limits hold; pictures lie in its `incoming` while they are looked at.
        predictor: The prediction process. None: one of its own, ended with the service.
    """
    service = _Service(run, workspace, predictor or Predictor())

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            service.predictor.close()

    return Starlette(lifespan=life, routes=[
        Route("/predict", service.predict, methods=["POST"]), Route("/healthz", service.healthz),
        Route("/openapi.json", service.openapi), Route("/", service.page),
    ])


class _Service:
    def __init__(self, run: Run, workspace: Workspace, predictor: Predictor) -> None:
        self.run, self.workspace, self.predictor = run, workspace, predictor
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._here = 0

    async def predict(self, request: Request) -> Response:
        """Answers in the order of the pictures: `{predictions: [{name, label, probability, top, error}]}`."""
        if self._here >= WAITING:
            return _refused(503, "Too many requests at a time.", "Try again in a while.")
        self._here += 1
        folder = self.workspace.incoming / f"served-{secrets.token_hex(8)}"
        try:
            top_k = _number(request.query_params.get("top_k", "3"), len(self.run.classes))
            async with self._turns:
                with disk_errors():
                    folder.mkdir()
                pictures = await self._taken_in(request, folder)
                answers = await run_in_threadpool(
                    self.predictor.predict, self.run.path, [path for _, path in pictures], top_k, SECONDS, None,
                    self.workspace.limits.image_pixels)
            return JSONResponse({"predictions": [
                {"name": name, "label": answer.label, "probability": answer.probability, "top": answer.top,
                 "error": answer.error and answer.error.removeprefix(f"{path.name}: ")}
                for (name, path), answer in zip(pictures, answers, strict=True)]})
        except (TooMuch, ArchiveError) as error:
            return _refused(413, error.message, error.hint)
        except InferenceError as error:
            return _refused(503, error.message, error.hint)
        except GraftError as error:
            return _refused(400, error.message, error.hint)
        finally:
            self._here -= 1
            await run_in_threadpool(shutil.rmtree, folder, True)

    async def _taken_in(self, request: Request, folder: Path) -> list[tuple[str, Path]]:
        """The pictures of a request: their names, and where they lie. Raises GraftError."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > PICTURE_BYTES * (PICTURES if kind.startswith("multipart/") else 1):
            raise TooMuch("The request is too large.", f"A picture may have {PICTURE_BYTES // 2**20} MB.")
        if kind == "multipart/form-data":
            return await _parts(request, folder)
        if kind == "application/json":
            return [await run_in_threadpool(self._fetched, await _document(request), folder)]
        path, size = folder / "0", 0
        with open(path, "wb") as file:
            async for piece in request.stream():
                size += len(piece)
                if size > PICTURE_BYTES:
                    raise TooMuch("The picture is too large.", f"It may have {PICTURE_BYTES // 2**20} MB.")
                file.write(piece)
        if not size:
            raise GraftError("The request has no picture.", "Send one as the body, several as multipart/form-data, or "
                             'JSON {"url": "https://..."}.')
        return [("", path)]

    def _fetched(self, document: Any, folder: Path) -> tuple[str, Path]:
        url = document.get("url") if isinstance(document, dict) else None
        if not isinstance(url, str) or not fetching.is_link(url):
            raise GraftError("The JSON has no link.", 'Send {"url": "https://..."}.')
        return fetching.name_of(url), fetching.fetch(url, self.workspace, most_bytes=PICTURE_BYTES, folder=folder)

    async def healthz(self, request: Request) -> Response:
        """200 once the prediction process answers."""
        try:
            await run_in_threadpool(self.predictor.predict, self.run.path, [], 1, 30.0)
        except GraftError as error:
            return _refused(503, error.message, error.hint)
        return JSONResponse({"status": "ok", "run": self.run.id, "classes": self.run.classes})

    async def openapi(self, request: Request) -> Response:
        """The service in OpenAPI's words."""
        return JSONResponse(description(self.run))

    async def page(self, request: Request) -> Response:
        """How to ask, for people."""
        names = ", ".join(escape.html(label) for label in self.run.classes[:50])
        return HTMLResponse(
            "<!doctype html><meta charset=utf-8><title>Graft</title><body style='font:16px system-ui;max-width:44em;"
            f"margin:3em auto;padding:0 1em'><h1>A model of Graft</h1><p>It tells apart: {names}.</p>"
            "<pre>curl --data-binary @photo.jpg http://HOST/predict\n"
            "curl -F file=@a.jpg -F file=@b.jpg http://HOST/predict\n"
            "curl -H 'Content-Type: application/json' -d '{\"url\": \"https://...\"}' http://HOST/predict</pre>"
            "<p><a href=openapi.json>openapi.json</a> · <a href=healthz>healthz</a></p>")


async def _parts(request: Request, folder: Path) -> list[tuple[str, Path]]:
    try:
        async with request.form(max_files=PICTURES, max_fields=8) as form:
            pictures: list[tuple[str, Path]] = []
            for _, part in form.multi_items():
                if not isinstance(part, UploadFile):
                    continue
                path = folder / str(len(pictures))
                if (part.size or 0) > PICTURE_BYTES:
                    raise TooMuch(f"{part.filename} is too large.", f"A picture may have {PICTURE_BYTES // 2**20} MB.")
                with open(path, "wb") as file:
                    while piece := await part.read(_CHUNK):
                        file.write(piece)
                pictures.append((part.filename or "", path))
    except HTTPException as error:  # as Starlette says that a form is broken or has too many files
        raise TooMuch(f"The form cannot be read: {error.detail}", f"Send up to {PICTURES} files.") from error
    if not pictures:
        raise GraftError("The form has no file.", "Send pictures as files.")
    return pictures


async def _document(request: Request) -> Any:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > 2**16:
            raise TooMuch("The JSON is too long.", 'Send {"url": "https://..."}.')
    try:
        return json.loads(body)
    except ValueError as error:
        raise GraftError("The JSON cannot be read.", 'Send {"url": "https://..."}.') from error


def _number(text: str, most: int) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise GraftError(f"top_k is '{text[:20]}'.", "It is a number from 1.")
    return min(int(text), most)


def _refused(status: int, message: str, hint: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message, "hint": hint}}, status)


def description(run: Run) -> dict[str, Any]:
    """OpenAPI 3.1 of the service."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    top = {"type": "array", "items": {"type": "object", "properties": {
        "label": {"type": "string"}, "probability": {"type": "number"}}}}
    row = {"type": "object", "properties": {
        "name": {"type": "string"}, "label": {"type": "string", "enum": run.classes},
        "probability": {"type": "number"}, "top": top, "error": {"type": ["string", "null"]}}}
    answer = {"type": "object", "properties": {"predictions": {"type": "array", "items": row}}}
    files = {"type": "object", "properties": {"file": {"type": "array", "items": binary["schema"]}}}
    link = {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]}
    return {
        "openapi": "3.1.0", "info": {"title": f"Graft: {', '.join(run.classes[:10])}", "version": run.id},
        "paths": {
            "/predict": {"post": {
                "summary": "What pictures are of",
                "parameters": [{"name": "top_k", "in": "query", "schema": {"type": "integer", "minimum": 1,
                                                                           "default": 3}}],
                "requestBody": {"required": True, "content": {
                    "image/*": binary, "multipart/form-data": {"schema": files}, "application/json": {"schema": link}}},
                "responses": {
                    "200": {"description": "In the order of the pictures",
                            "content": {"application/json": {"schema": answer}}},
                    "400": {"description": "No picture"}, "413": {"description": "Over a limit"},
                    "503": {"description": "Too busy, or no answer in time"}}}},
            "/healthz": {"get": {"summary": "Whether the model answers",
                                 "responses": {"200": {"description": "It does"}, "503": {"description": "Not"}}}},
        },
    }
