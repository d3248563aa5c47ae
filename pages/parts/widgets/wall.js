// Pictures in tiles. A click or Enter opens one; its box or Space selects it, with Shift all from the last one on; the
// arrow keys go from one to the next. What is selected is kept here and told to the page, which need not send the
// pictures again for it.
const walls = new WeakMap();
const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

function make(tag, className, parent) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (parent) parent.appendChild(node);
  return node;
}

class Wall {
  constructor(root) {
    this.root = root;
    this.picked = new Set();
    this.last = 0;
    this.shown = "";
    root.onkeydown = (event) => this.key(event);
  }

  update({ data, setTriggerValue, setStateValue }) {
    this.tell = { open: (id) => setTriggerValue("opened", id), pick: (ids) => setStateValue("selected", ids) };
    this.selectable = data.selectable;
    const shown = JSON.stringify([data.selected, data.tiles.map(({ image, ...rest }) => [rest, image.length])]);
    if (shown === this.shown) return;
    this.shown = shown;
    this.tiles = data.tiles;
    this.picked = new Set(data.selected);
    this.root.setAttribute("aria-label", data.label);
    this.root.classList.toggle("told", data.tiles.some((tile) => tile.strong));
    this.draw();
  }

  draw() {
    const held = this.root.getRootNode().activeElement;
    const at = this.root.contains(held) ? this.buttons().indexOf(held) : -1;
    this.root.replaceChildren();
    this.tiles.forEach((tile, index) => this.figure(tile, index));
    this.mark();
    if (at >= 0) this.focus(at);
  }

  figure(tile, index) {
    const figure = make("figure", `graft-tile${tile.faded ? " faded" : ""}`, this.root);
    const image = make("img", "", tile.id ? this.button(figure, tile, index) : figure);
    image.src = `data:image/jpeg;base64,${tile.image}`;
    image.alt = tile.id ? "" : tile.tooltip;
    figure.title = tile.tooltip;
    if (tile.mark) make("span", "mark", figure).textContent = tile.mark;
    if (this.selectable) {
      const label = make("label", "pick", figure);
      const box = make("input", "", label);
      box.type = "checkbox";
      box.tabIndex = -1;
      box.setAttribute("aria-label", `Select ${tile.tooltip}`);
      box.onclick = (event) => (event.shiftKey ? this.range(index) : this.toggle(index));
    }
    const line = make("figcaption", "", figure);
    if (tile.strong) make("b", "", line).textContent = tile.strong;
    line.append(`${tile.strong ? " " : ""}${tile.text}`);
  }

  button(figure, tile, index) {
    const button = make("button", "", figure);
    button.type = "button";
    button.tabIndex = index ? -1 : 0;
    button.setAttribute("aria-label", [tile.tooltip, tile.strong, tile.text, tile.mark].filter(Boolean).join(", "));
    button.onclick = (event) => (event.shiftKey && this.selectable ? this.range(index) : this.tell.open(tile.id));
    return button;
  }

  toggle(index) {
    const { id } = this.tiles[index];
    if (!this.picked.delete(id)) this.picked.add(id);
    this.changed(index);
  }

  range(index) {
    const [from, to] = [Math.min(this.last, index), Math.max(this.last, index)];
    this.tiles.slice(from, to + 1).forEach((tile) => this.picked.add(tile.id));
    this.changed(index);
  }

  changed(index) {
    this.last = index;
    this.mark();
    this.tell.pick(this.tiles.map((tile) => tile.id).filter((id) => this.picked.has(id)));
  }

  mark() {
    this.root.classList.toggle("picking", this.picked.size > 0);
    [...this.root.children].forEach((figure, index) => {
      const is = this.picked.has(this.tiles[index].id);
      figure.classList.toggle("picked", is);
      const box = figure.querySelector("input");
      if (box) box.checked = is;
    });
  }

  buttons() {
    return [...this.root.querySelectorAll("button")];
  }

  focus(index) {
    const buttons = this.buttons();
    if (!buttons.length) return;
    const at = Math.max(0, Math.min(buttons.length - 1, index));
    buttons.forEach((button, place) => { button.tabIndex = place === at ? 0 : -1; });
    buttons[at].focus();
  }

  key(event) {
    const at = this.buttons().indexOf(event.target);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const columns = getComputedStyle(this.root).gridTemplateColumns.split(" ").length;
    const step = { ...STEPS, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (step !== undefined) {
      this.focus(at + step);
    } else if (event.key === " " && this.selectable) {
      this.toggle(at);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".wall");
  if (!walls.has(root)) walls.set(root, new Wall(root));
  walls.get(root).update(component);
}
