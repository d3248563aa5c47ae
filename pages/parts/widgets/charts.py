"""The pages' charts. One colour a split everywhere: training grey, validation green, test amber."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
import streamlit as st

from core import escape

if TYPE_CHECKING:
    import pandas as pd

COLORS = {"train": "#8D9BAA", "validation": "#10916B", "test": "#D9912B"}
NAMES = {"train": "training", "validation": "validation", "test": "test"}
HEAT = [[0.0, "rgba(16,145,107,0.05)"], [0.05, "rgba(16,145,107,0.16)"], [1.0, "rgba(16,145,107,0.72)"]]
TEXT = {"light": "#1A231E", "dark": "#E5ECE8"}
_CONFIG = {"displayModeBar": False, "scrollZoom": False}
_GRID = "rgba(128,140,134,0.22)"


def show(figure: go.Figure, key: str, description: str, on_click: Callable[[Any], None] | None = None) -> None:
    """Draw a figure.

    Args:
        description: Its text for people who cannot see it.
        on_click: Gets the `customdata` of a point that is clicked.
    """
    if on_click is None:
        st.plotly_chart(figure, key=key, config=_CONFIG, alt=description)
        return

    def clicked() -> None:
        points = st.session_state[key]["selection"]["points"]
        if points and "customdata" in points[0]:
            on_click(points[0]["customdata"])

    st.plotly_chart(figure, key=key, config=_CONFIG, alt=description, on_select=clicked, selection_mode="points")


def class_counts(table: pd.DataFrame, classes: Sequence[str] = ()) -> go.Figure:
    """Images per class, stacked by split. `table`: columns class, split. `classes`: a bar carries the number of its
    class among these."""
    counts = table.groupby(["class", "split"], sort=False).size().unstack(fill_value=0)
    counts = counts.loc[counts.sum(axis=1).sort_values().index]
    numbers = [list(classes).index(name) for name in counts.index] if classes else None
    figure = go.Figure([
        go.Bar(
            y=[f"{escape.chart(name)} " for name in counts.index], x=counts[split], name=NAMES[split], orientation="h",
            customdata=numbers, marker_color=COLORS[split],
            hovertemplate="%{y}: %{x:,} " + NAMES[split] + "<extra></extra>",
        )
        for split in COLORS if split in counts
    ])
    figure.update_layout(
        **_layout(height=90 + min(34 * len(counts), 1600)), barmode="stack", bargap=0.35, legend_traceorder="normal",
    )
    figure.update_yaxes(type="category", showgrid=False, fixedrange=True, ticks="")
    figure.update_xaxes(gridcolor=_GRID, fixedrange=True, zeroline=False)
    return figure


PALETTE = ("#10916B", "#D9912B", "#5B7FD6", "#C2577A", "#8D9BAA", "#7A5BC0", "#3AA7B8", "#A0763F", "#6FA83B", "#D6604D")
"""Colours of classes; with more classes than colours the form of the point changes as well."""
_FORMS = ("circle", "diamond", "square", "triangle-up", "x")


def scatter(table: pd.DataFrame, classes: list[str], axes: tuple[str, str] | None = None) -> go.Figure:
    """Pictures as points of their class's colour. `table`: columns x, y, class, path (the point's `customdata`).

    Args:
        axes: What they show; None: places that mean nothing by themselves.
    """
    figure = go.Figure()
    for number, label in enumerate(classes):
        rows = table[table["class"] == label]
        if len(rows):
            figure.add_scattergl(
                x=rows["x"], y=rows["y"], mode="markers", name=escape.chart(label), customdata=rows["path"],
                text=[escape.chart(path.rsplit("/", 1)[-1]) for path in rows["path"]],
                marker={"color": PALETTE[number % len(PALETTE)], "size": 7, "opacity": 0.8,
                        "symbol": _FORMS[number // len(PALETTE) % len(_FORMS)]},
                hovertemplate="%{text}<extra>" + escape.chart(label) + "</extra>")
    figure.update_layout(**_layout(height=480), dragmode="lasso")
    for update, title in zip((figure.update_xaxes, figure.update_yaxes), axes or (None, None), strict=True):
        update(visible=axes is not None, title=title, fixedrange=True, gridcolor=_GRID, zeroline=False,
               **({"rangemode": "tozero"} if axes else {}))
    return figure


def kinds(table: pd.DataFrame, classes: Sequence[str]) -> go.Figure:
    """Pictures per class by what they are. `table`: columns class, kind; a bar's `customdata` is `[class, kind]`."""
    figure = go.Figure()
    for number, kind in enumerate(table["kind"].value_counts().index):
        counts = table.loc[table["kind"] == kind, "class"].value_counts().reindex(classes, fill_value=0)
        figure.add_bar(
            y=[f"{escape.chart(label)} " for label in classes], x=counts, name=escape.chart(kind), orientation="h",
            marker_color=PALETTE[number % len(PALETTE)], customdata=[[label, kind] for label in classes],
            hovertemplate="%{y}: %{x:,} " + escape.chart(kind) + "<extra></extra>")
    figure.update_layout(**_layout(height=90 + min(34 * len(classes), 1600)), barmode="stack", bargap=0.35,
                         showlegend=True)
    figure.update_yaxes(type="category", showgrid=False, fixedrange=True, ticks="", autorange="reversed")
    figure.update_xaxes(gridcolor=_GRID, fixedrange=True, zeroline=False)
    return figure


def curves(history: pd.DataFrame, batches: pd.DataFrame, measure: str, epochs: int) -> go.Figure:
    """Training (moving inside the epoch) and validation (once an epoch) of `loss` or `accuracy` over epochs."""
    figure = go.Figure()
    if not batches.empty:
        figure.add_scatter(
            x=batches["epoch"], y=batches[measure], name="training, inside the epoch", mode="lines", opacity=0.45,
            line={"color": COLORS["train"], "width": 1.2}, hoverinfo="skip", showlegend=False,
        )
    for column, split in ((measure, "train"), (f"val_{measure}", "validation")):
        figure.add_scatter(
            x=history["epoch"], y=history[column], name=NAMES[split], mode="lines+markers",
            line={"color": COLORS[split], "width": 2.4}, marker_size=6,
            hovertemplate="epoch %{x}: %{y:.3f}<extra>" + NAMES[split] + "</extra>",
        )
    figure.update_layout(**_layout(height=300), uirevision=measure, hovermode="x")
    figure.update_xaxes(title="epoch", range=[0, max(epochs, 1) + 0.15], gridcolor=_GRID, zeroline=False,
                        tick0=0, dtick=max(1, -(-epochs // 10)))
    figure.update_yaxes(title=measure, gridcolor=_GRID, zeroline=False, rangemode="tozero",
                        **({"range": [0, 1.02], "tickformat": ".0%"} if measure == "accuracy" else {}))
    return figure


def several_curves(histories: Sequence[tuple[str, pd.DataFrame]]) -> go.Figure:
    """Validation accuracy over epochs, a line a run: its name and its history."""
    figure = go.Figure()
    for number, (name, history) in enumerate(histories):
        figure.add_scatter(
            x=history["epoch"], y=history["val_accuracy"], name=escape.chart(name), mode="lines+markers", marker_size=5,
            line={"color": PALETTE[number % len(PALETTE)], "width": 2.2},
            hovertemplate="epoch %{x}: %{y:.1%}<extra>" + escape.chart(name) + "</extra>")
    figure.update_layout(**_layout(height=320), hovermode="x")
    figure.update_xaxes(title="epoch", gridcolor=_GRID, zeroline=False)
    figure.update_yaxes(title="validation accuracy", gridcolor=_GRID, zeroline=False, tickformat=".0%")
    return figure


MOST_LABELLED = 20
"""Classes of a confusion matrix whose cells have room for a number."""


def confusion(matrix: list[list[int]], classes: list[str]) -> go.Figure:
    """Confusion matrix: a row per true class, coloured by its share of the row, labelled with the number. A cell that
    holds pictures can be clicked: its point carries `[true, predicted]`, numbers of classes."""
    shares = [[value / max(sum(row), 1) for value in row] for row in matrix]
    names, labels = [escape.chart(name) for name in classes], len(classes) <= MOST_LABELLED
    cells = [[row, column] for row, line in enumerate(matrix) for column, value in enumerate(line) if value]
    figure = go.Figure(go.Heatmap(
        z=shares, x=names, y=names, customdata=matrix, colorscale=HEAT, zmin=0, zmax=1, showscale=False,
        xgap=2, ygap=2, text=matrix if labels else None, texttemplate="%{text}" if labels else None,
        textfont_color=TEXT.get(st.context.theme.type or "light"),
        hovertemplate="true %{y}, predicted %{x}: %{customdata} (%{z:.0%})<extra></extra>",
    ))
    figure.add_scatter(  # a heat map cannot be clicked, points can
        x=[names[column] for _, column in cells], y=[names[row] for row, _ in cells], customdata=cells, mode="markers",
        marker={"size": 30 if labels else 12, "opacity": 0, "symbol": "square"}, showlegend=False,
        selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}},
        text=[f"true {names[row]}, predicted {names[column]}: {matrix[row][column]} ({shares[row][column]:.0%})"
              for row, column in cells],
        hovertemplate="%{text}<br>a click shows the pictures<extra></extra>")
    figure.update_layout(**_layout(height=min(170 + 38 * len(classes), 760)))
    figure.update_xaxes(title="predicted", type="category", showgrid=False, fixedrange=True, side="bottom")
    figure.update_yaxes(title="true", type="category", showgrid=False, fixedrange=True, autorange="reversed")
    return figure


def accuracy_against(table: pd.DataFrame, column: str, title: str, chosen: str) -> go.Figure:
    """ImageNet accuracy of backbones against what they cost, the chosen one marked; a point carries the row's `id`.
    `table`: id, title, top1 (percent), by (where the speed is from) and the column. Estimated speeds are hollow."""
    known = table.dropna(subset=["top1", column])
    estimate = (known["by"] == "estimate") & (column == "speed")
    is_chosen = known["id"] == chosen
    figure = go.Figure()
    for part, colour, size, text in ((known[~is_chosen], COLORS["train"], 9, False),
                                     (known[is_chosen], COLORS["validation"], 15, True)):
        symbol = "diamond" if text else "circle"
        hollow = estimate[part.index]
        figure.add_scatter(
            x=part[column], y=part["top1"], mode="markers+text" if text else "markers", text=part["title"],
            customdata=part["id"], hovertext=[" (estimate)" if is_estimate else "" for is_estimate in hollow],
            textposition="top center",
            marker={"color": colour, "size": size,
                    "symbol": [f"{symbol}-open" if is_estimate else symbol for is_estimate in hollow]},
            hovertemplate="%{text}: %{y:.1f} % · " + title + " %{x:,.3g}%{hovertext}<extra></extra>", showlegend=False,
            name="",
        )
    figure.update_layout(**_layout(height=300))
    figure.update_xaxes(title=title, type="log", gridcolor=_GRID, fixedrange=True, dtick=1, minor_dtick="D1")
    figure.update_yaxes(title="ImageNet top-1 (%)", gridcolor=_GRID, fixedrange=True)
    return figure


def _layout(height: int) -> dict[str, Any]:
    return {
        "height": height, "margin": {"l": 8, "r": 12, "t": 34, "b": 8}, "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)", "font": {"size": 13},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left", "title": ""},
    }
