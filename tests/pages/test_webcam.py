"""What the page does with pictures that a browser's camera sends: kept once, bounded, told when they cannot be."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data.sources.captures import Captures

SCRIPT = """
import json
import streamlit as st
from core.data.sources.captures import Captures
from pages.parts.data import webcam
from pages.parts.session import state

for batch in json.loads(st.session_state["batches"]):
    webcam.receive(Captures(state.workspace()), "fist", batch)
if (problem := state.get("webcam-problem")) is not None:
    st.markdown(problem.message)
"""


def jpeg(seed):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture
def send(workspace):
    """Batches as a browser sends them, to the class `fist`."""
    Captures(workspace).begin("fist")

    def sent(*batches):
        test = AppTest.from_string(SCRIPT)
        test.session_state["batches"] = json.dumps(batches)
        test.run()
        assert not test.exception
        return [item.value for item in test.markdown]

    return sent


def kept(workspace):
    return [picture.name for one in Captures(workspace).classes() for picture in one.pictures]


def test_pictures_are_numbered_and_kept_in_their_order(workspace, send):
    send({"session": "a", "number": 1, "frames": [jpeg(1), jpeg(2)]},
         {"session": "a", "number": 2, "frames": [jpeg(3)]})
    assert kept(workspace) == ["webcam 0001.jpg", "webcam 0002.jpg", "webcam 0003.jpg"]


def test_a_batch_that_is_sent_again_is_kept_once(workspace, send):
    batch = {"session": "a", "number": 1, "frames": [jpeg(1)]}
    send(batch, batch, {**batch, "session": "b"})
    assert len(kept(workspace)) == 2


@pytest.mark.parametrize("batch", [
    None, 5, "text", {}, {"number": "1"}, {"session": 1, "number": 1}, {"session": "a", "number": 1, "frames": "x"},
    {"session": "a", "number": 1, "frames": [None, 7, "no base64!", "", "A" * 4_000_000, {"a": 1}]},
])
def test_anything_else_that_comes_is_let_go(workspace, send, batch):
    send(batch)
    assert kept(workspace) == []


def test_what_is_no_picture_is_not_kept(workspace, send):
    send({"session": "a", "number": 1, "frames": [base64.b64encode(b"<svg onload=alert(1)>").decode(), jpeg(1)]})
    assert len(kept(workspace)) == 1
    assert len(list((Captures(workspace).folder / "images").iterdir())) == 1


def test_one_batch_holds_so_many_at_most(workspace, send):
    send({"session": "a", "number": 1, "frames": [jpeg(1)] * 100})
    assert len(kept(workspace)) == 64


def test_a_class_that_is_gone_is_told(workspace, send):
    Captures(workspace).remove("fist")
    assert any("no class 'fist'" in line for line in send({"session": "a", "number": 1, "frames": [jpeg(1)]}))
