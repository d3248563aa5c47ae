"""The Data page's charts of pictures."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.checks import features
from core.data.library import ingest
from pages.parts.data import picked
from pages.parts.widgets import charts
from tests.pages.conftest import coloured_zip, said


@pytest.fixture
def dataset(workspace, tmp_path):
    return ingest(coloured_zip(tmp_path / "colours.zip", per_class=4), workspace)


def way(test, label):
    next(group for group in test.segmented_control if "Gallery" in group.options).set_value(label).run()


def chart(test, label):
    next(group for group in test.pills if "Size" in group.options).set_value(label).run()


def test_sizes_types_and_means_are_there_at_once_and_light_after_a_check(dataset, open_page):
    test = open_page("data")
    way(test, "Charts")
    pills = next(group for group in test.pills if "Size" in group.options)
    assert pills.options == ["Size", "File type", "Mean picture"] and "Check thoroughly" in said(test)
    chart(test, "Mean picture")
    assert not test.exception and "4 pictures" in said(test)
    chart(test, "File type")
    assert not test.exception
    paths = dataset.usable()["path"].tolist()
    features.keep(dataset, paths, np.random.default_rng(0).normal(size=(len(paths), 8)), np.full((len(paths), 3), 0.5))
    test = open_page("data")
    way(test, "Charts")
    pills = next(group for group in test.pills if "Size" in group.options)
    assert pills.options == ["Size", "Light", "Sharpness", "File type", "Mean picture"]
    chart(test, "Light")
    assert not test.exception and "Far left is dark" in said(test)


def test_a_bar_and_a_point_carry_their_pictures(dataset):
    table = dataset.usable().assign(kind="PNG", x=1, y=2)
    bar = charts.kinds(table, dataset.classes).data[0]
    assert list(bar.x) == [4, 4, 4] and list(bar.customdata[0]) == [dataset.classes[0], "PNG"]
    figure = charts.scatter(table, dataset.classes, ("width", "height"))
    assert figure.layout.xaxis.title.text == "width" and figure.layout.xaxis.visible
    answer = {"selection": {"points": [{"customdata": [figure.data[0].customdata[0]]}, {"customdata": 7}, {}]}}
    assert picked.paths(answer, table) == [figure.data[0].customdata[0]]
