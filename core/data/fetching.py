"""Fetching an archive from the web: with progress, within the limits, gone on with where it broke off."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import requests

from core.data.sources import names
from core.errors import ArchiveError, DataError, WorkspaceError
from core.store.files import FULL, disk_errors
from core.store.workspace import Workspace

Progress = Callable[[str, float], None]
TRIES = 4
"""How often a download that breaks off is gone on with."""
_CONNECT_SECONDS, _READ_SECONDS, _WAIT_SECONDS = 10, 30, 1.0
_PIECE = 2**18
_REDIRECTS = 6
_TRY_AGAIN = "Try again: it goes on where it broke off. Or download it yourself and upload the file."


def is_link(text: str) -> bool:
    """Whether a text is the address of something on the web."""
    return bool(re.match(r"https?://", text.strip(), re.IGNORECASE))


def name_of(url: str) -> str:
    """The file's name in an address, for people."""
    return unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2] or urlsplit(url).hostname or "download"


def fetch(url: str, workspace: Workspace, progress: Progress | None = None, md5: str = "",
          most_bytes: int | None = None, folder: Path | None = None) -> Path:
    """Fetch a file to `workspace.incoming`, as `ingest` takes it.

    Args:
        progress: Called with what is being done and 0..1; what it raises ends the work and leaves nothing.
        md5: What the file must have; "" where that is not known.
        most_bytes: The largest that is taken. None: the workspace's limit for an upload.
        folder: Where it is put, for who does not want to go on with what an earlier try left.

    Raises:
        DataError: not an address on the web that this workspace may use, no answer, or not what was expected.
        ArchiveError: larger than the workspace's limit.
        WorkspaceError: the disk is full.
    """
    url, limit = url.strip(), workspace.limits.upload_bytes if most_bytes is None else most_bytes
    path = (folder or workspace.incoming) / f"link-{hashlib.sha256(url.encode()).hexdigest()[:16]}{_suffix(url)}"
    part = path.with_name(path.name + ".part")
    try:
        for attempt in range(TRIES):
            try:
                _fetch_rest(url, part, workspace, limit, progress)
                break
            except (requests.RequestException, OSError) as error:
                if isinstance(error, OSError) and error.errno in FULL:
                    with disk_errors():
                        raise
                if attempt + 1 == TRIES or _final(error):
                    raise DataError(f"{name_of(url)} could not be downloaded: {_reason(error, url)}.",
                                    _TRY_AGAIN) from error
                time.sleep(_WAIT_SECONDS * attempt)
    except (DataError, WorkspaceError) as error:
        if isinstance(error, ArchiveError):
            part.unlink(missing_ok=True)
        raise
    except BaseException:  # cancelled
        part.unlink(missing_ok=True)
        raise
    if md5 and _md5(part) != md5:
        part.unlink(missing_ok=True)
        raise DataError(f"What came from {urlsplit(url).hostname} is not the file that was expected.",
                        "A proxy or a login page may have answered instead, or the file has changed.")
    part.replace(path)
    return path


def _fetch_rest(url: str, part: Path, workspace: Workspace, limit: int, progress: Progress | None) -> None:
    """Add to `part` what it lacks. Raises as `requests`, OSError, DataError, ArchiveError."""
    there = part.stat().st_size if part.exists() else 0
    with _opened(url, there, workspace) as answer:
        if answer.status_code == 416 and there:  # nothing is missing, or something else lies there now
            known = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if known == str(there):
                return
            part.unlink()
            raise requests.ConnectionError("the file has changed meanwhile")
        if answer.status_code != 206:
            there = 0  # the whole of it comes
        answer.raise_for_status()
        expected = there + int(answer.headers.get("Content-Length") or 0)
        _check_size(expected, limit, url)
        with open(part, "ab" if there else "wb") as file:
            answer.raw.enforce_content_length = False  # else what came before a break is thrown away
            for piece in answer.iter_content(_PIECE):
                file.write(piece)
                there += len(piece)
                _check_size(there, limit, url)
                if progress:
                    of = f" of {expected / 2**20:,.1f}" if expected else ""
                    progress(f"Downloading {name_of(url)}: {there / 2**20:,.1f}{of} MB",
                             min(there / expected, 1.0) if expected else 0.0)
        if expected and there < expected:
            raise requests.ConnectionError(f"it broke off after {there:,} of {expected:,} bytes")


class _opened:
    """The answer to a request, redirects followed one by one, each looked at before it is followed."""

    def __init__(self, url: str, there: int, workspace: Workspace) -> None:
        self._url, self._there, self._private = url, there, workspace.limits.private_addresses
        self._session = requests.Session()
        self._session.trust_env = self._private  # through a proxy nobody could tell whose address it is

    def __enter__(self) -> requests.Response:
        url = self._url
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={self._there}-"} if self._there else {})}
        for _ in range(_REDIRECTS):
            self._look_at(url)
            answer = self._session.get(url, headers=headers, stream=True, allow_redirects=False,
                                       timeout=(_CONNECT_SECONDS, _READ_SECONDS))
            self._look_at_peer(answer, url)
            if not answer.is_redirect:
                return answer
            url = urljoin(url, answer.headers["Location"])
            answer.close()
        raise DataError(f"{name_of(self._url)} is moved from address to address.", "Use the address of the file.")

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def _look_at(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
            raise DataError(f"'{url[:100]}' is not an address on the web.", "It begins with https:// or http://.")
        if self._private:
            return
        with suppress(OSError):  # a name that there is not: the request says so
            for address in {str(found[4][0]) for found in socket.getaddrinfo(parts.hostname, parts.port or 443)}:
                _require_public(address, url)

    def _look_at_peer(self, answer: requests.Response, url: str) -> None:
        """The address that was answered from: a name may stand for another one by now."""
        if self._private:
            return
        connection = getattr(answer.raw, "_connection", None)
        peer = connection.sock.getpeername()[0] if connection is not None and connection.sock is not None else ""
        _require_public(str(peer), url)


def _require_public(address: str, url: str) -> None:
    try:
        public = ipaddress.ip_address(address.partition("%")[0]).is_global
    except ValueError:
        public = False
    if not public:
        raise DataError(f"{urlsplit(url).hostname} is not on the public internet.",
                        "Use a public address, or download the file and upload it.")


def _check_size(size: int, limit: int, url: str) -> None:
    if size > limit:
        raise ArchiveError(f"{name_of(url)} is larger than {limit / 2**20:,.0f} MB.", "Use a smaller archive.")


def _final(error: Exception) -> bool:
    """Whether the same request would be answered the same."""
    answer = getattr(error, "response", None)
    return answer is not None and 400 <= answer.status_code < 500 and answer.status_code not in (408, 429)


def _reason(error: Exception, url: str) -> str:
    answer = getattr(error, "response", None)
    if answer is not None:
        return f"{urlsplit(url).hostname} answers {answer.status_code} {answer.reason}".strip()
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"{urlsplit(url).hostname} is not found; is there a network?"
    if any(isinstance(cause, requests.Timeout) for cause in causes):
        return f"{urlsplit(url).hostname} does not answer"
    return str(getattr(causes[-1], "strerror", None) or causes[-1])[:200]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else None
        error = error.__cause__ or error.__context__ or getattr(inner, "reason", None) or inner


def _suffix(url: str) -> str:
    name = name_of(url).lower()
    return max((suffix for suffix in names.ARCHIVE_SUFFIXES if name.endswith(suffix)), key=len, default="")


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
