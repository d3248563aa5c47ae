"""What the page server does while no page is open."""

from __future__ import annotations

import threading

from core.jobs import queue as jobs
from pages.parts.app import startup


def test_the_queue_is_looked_after_whatever_happens(workspace, monkeypatch, caplog):
    ended, seen = threading.Event(), []

    def tick(given):
        seen.append(given)
        if len(seen) == 5:
            ended.set()
        raise OSError("the disk is full")

    monkeypatch.setattr(jobs, "tick", tick)
    startup.tend(workspace, ended, every=0.001)
    assert [machine.root for machine in seen] == [workspace.root] * 5
    assert len(caplog.records) == 1 and "the disk is full" in caplog.text


def test_old_uploads_go_after_an_hour(workspace, monkeypatch):
    ended, cleaned = threading.Event(), []
    monkeypatch.setattr(startup, "CLEAN_SECONDS", 0.0)
    monkeypatch.setattr(startup, "clean_incoming", lambda given: (cleaned.append(given), ended.set()))
    startup.tend(workspace, ended, every=0.001)
    assert cleaned == [workspace]
