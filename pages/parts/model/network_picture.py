"""The picture of the network: its blocks as buttons, the cut under each, and the head. Says what was clicked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import streamlit as st


@dataclass(frozen=True)
class Bar:
    """One block of the backbone as it is drawn."""

    name: str
    state: str
    """kept, retrained or dropped."""
    height: float
    """Percent of the tallest."""
    label: str
    """What it is and what a click does, for the pointer and for those who cannot see it."""
    cut_label: str
    freeze_to: str
    """The freeze point that a click on the block sets."""
    cut_to: str
    """The cut layer that a click on the scissors sets; "" makes the backbone whole again."""
    edge: bool = False
    """The last one that is kept: the freeze point stands behind it."""
    cut: bool = False
    """The backbone is cut off behind it."""


@dataclass(frozen=True)
class HeadBar:
    """One part of the head as it is drawn."""

    name: str
    height: float
    label: str


_CSS = """
.net{font-family:var(--st-font);color:var(--st-text-color);
  --kept:#A6C8EA;--retrained:#0B6E50;--line:#5C6B63;--mark:#9A5A00}
.net.dark{--kept:#BCD9F5;--retrained:#168C67;--line:#9DADA4;--mark:#F0B35C}
.strip{display:flex;align-items:stretch;gap:2px;overflow-x:auto;padding:4px 3px 6px;scrollbar-width:thin}
.col{flex:1 1 0;min-width:16px;max-width:64px;display:flex;flex-direction:column;position:relative}
button{font:inherit;color:inherit;background:none;border:0;padding:0;margin:0;cursor:pointer;border-radius:4px}
button:focus-visible{outline:2px solid var(--st-primary-color);outline-offset:1px}
.bar{height:108px;display:flex;align-items:flex-end;width:100%}
.bar i,.part i{display:block;width:100%;border-radius:4px 4px 2px 2px;box-sizing:border-box}
.bar:hover i{filter:brightness(.92)}
.kept i{background:var(--kept)}
.retrained i,.part i{background:var(--retrained)}
.dropped i{background:repeating-linear-gradient(135deg,transparent 0 4px,
    color-mix(in srgb,var(--line) 30%,transparent) 4px 5px);
  border:1px dashed var(--line)}
.edge::after{content:"";position:absolute;top:0;right:-3px;width:3px;height:108px;background:var(--mark);border-radius:2px;
  pointer-events:none}
.cut{height:26px;width:100%;opacity:.45;font-size:15px;line-height:26px}
.cut svg{width:15px;height:15px;vertical-align:middle;fill:currentColor}
.cut:hover,.cut:focus-visible,.cut[aria-pressed=true]{opacity:1}
.cut[aria-pressed=true]{color:var(--mark);background:color-mix(in srgb,var(--mark) 20%,transparent)}
.image{flex:0 0 44px;font-size:.76rem}
.image button{height:108px;width:44px;border:1px solid color-mix(in srgb,var(--line) 45%,transparent);line-height:1.15}
.image.edge::after{right:-3px}
.head{display:flex;gap:2px;margin-left:10px;padding:0 6px;
  border-left:1px solid color-mix(in srgb,var(--line) 40%,transparent)}
.part{flex:0 0 40px;display:flex;flex-direction:column}
.part div{height:108px;display:flex;align-items:flex-end}
.part span{height:26px;line-height:26px;font-size:.7rem;text-align:center;white-space:nowrap}
.keys{display:flex;flex-wrap:wrap;gap:3px 16px;font-size:.8rem;margin-top:2px}
.keys span{white-space:nowrap}
.keys i{display:inline-block;width:.85em;height:.85em;border-radius:3px;margin-right:.4em;vertical-align:-.08em;
  box-sizing:border-box}
.keys .point i{width:3px;background:var(--mark)}
@media (pointer:coarse){.col{min-width:26px}}
"""

_JS = """
const SCISSORS = 'M9.6 7.6a4 4 0 1 0-2 2L10 12l-2.4 2.4a4 4 0 1 0 2 2L12 14l7 7h3v-1zM6 8a2 2 0 1 1 0-4 2 2 0 0 1 0 4'
  + 'm0 12a2 2 0 1 1 0-4 2 2 0 0 1 0 4M19 3l-6 6 2 2 7-7V3z';
function make(tag, className, parent) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (parent) parent.appendChild(node);
  return node;
}
function button(parent, className, id, label, pressed, act) {
  const node = make('button', className, parent);
  node.type = 'button'; node.dataset.id = id; node.title = label;
  node.setAttribute('aria-label', label); node.setAttribute('aria-pressed', pressed);
  node.onclick = act;
  return node;
}
function scissors(parent) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.setAttribute('viewBox', '0 0 24 24'); svg.setAttribute('aria-hidden', 'true'); path.setAttribute('d', SCISSORS);
  svg.appendChild(path); parent.appendChild(svg);
}
export default function ({ data, parentElement, setTriggerValue }) {
  const net = parentElement.querySelector('.net');
  const strip = parentElement.querySelector('.strip'), keys = parentElement.querySelector('.keys');
  const held = parentElement.activeElement || net.getRootNode().activeElement;
  const focused = held && held.dataset ? held.dataset.id : null;
  const scrolled = strip.scrollLeft;
  net.classList.toggle('dark', data.dark);
  strip.replaceChildren(); keys.replaceChildren();
  const image = make('div', 'col image' + (data.none ? ' edge' : ''), strip);
  button(image, '', 'none', data.none_label, data.none,
    () => setTriggerValue('freeze', 'none')).textContent = 'picture';
  for (const bar of data.bars) {
    const column = make('div', `col ${bar.state}${bar.edge ? ' edge' : ''}`, strip);
    const block = button(column, 'bar', 'bar ' + bar.name, bar.label, bar.edge,
      () => setTriggerValue('freeze', bar.freeze_to));
    make('i', '', block).style.height = bar.height + '%';
    scissors(button(column, 'cut', 'cut ' + bar.name, bar.cut_label, bar.cut,
      () => setTriggerValue('cut', bar.cut_to)));
  }
  const head = make('div', 'head', strip);
  head.setAttribute('role', 'group'); head.setAttribute('aria-label', 'The head: new, always trained');
  for (const part of data.head) {
    const column = make('div', 'part', head);
    column.title = part.label; column.setAttribute('role', 'img'); column.setAttribute('aria-label', part.label);
    make('i', '', make('div', '', column)).style.height = part.height + '%';
    make('span', '', column).textContent = part.name;
  }
  for (const [kind, text] of data.keys) {
    const key = make('span', kind, keys);
    make('i', '', key);
    key.append(text);
  }
  strip.scrollLeft = scrolled;
  if (focused) {
    const again = [...strip.querySelectorAll('button')].find((node) => node.dataset.id === focused);
    if (again) again.focus({ preventScroll: true });
  }
}
"""


_HTML = '<div class="net"><div class="strip"></div><div class="keys" aria-label="What the colours mean"></div></div>'


def draw(bars: list[Bar], head: list[HeadBar], keys: list[tuple[str, str]], nothing: bool, key: str,
         on_freeze: Callable[[str], None], on_cut: Callable[[str], None]) -> None:
    """Draw the network.

    Args:
        keys: The legend: a state (or `point`) and what it means.
        nothing: The freeze point stands before the first block.
        on_freeze: Called with the freeze point that was clicked; maybe twice for one click, as Streamlit has a state
            and a trigger to tell of.
        on_cut: The same, with the cut layer; "" for none.
    """
    data = {
        "bars": [asdict(bar) for bar in bars], "head": [asdict(part) for part in head], "keys": keys, "none": nothing,
        "none_label": "The picture goes in here. Freeze nothing: train every block",
        "dark": st.context.theme.type == "dark",
    }
    component = st.components.v2.component("graft_network", html=_HTML, css=_CSS, js=_JS)
    component(
        data=data, key=key,
        on_freeze_change=lambda: _tell(key, "freeze", on_freeze), on_cut_change=lambda: _tell(key, "cut", on_cut))


def _tell(key: str, what: str, act: Callable[[str], None]) -> None:
    clicked = st.session_state[key].get(what)
    if isinstance(clicked, str):
        act(clicked)
