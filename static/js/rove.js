// Keys that move between tabs, and along a splitter; shared by everything that has either.

// Moves focus and choice along a row of tabs with the arrows, Home and End.
export function arrowKeys(event, tabs, choose) {
  const at = tabs.indexOf(event.target);
  const last = tabs.length - 1;
  const next = {
    ArrowRight: at === last ? 0 : at + 1,
    ArrowLeft: at === 0 ? last : at - 1,
    Home: 0,
    End: last,
  }[event.key];
  if (at < 0 || next === undefined) return;
  event.preventDefault();
  tabs[next].focus();
  choose(tabs[next]);
}

// Lets a separator be moved by the mouse, by touch and by the arrows.
// `now` and `set` read and write its place in its own unit, `measure` turns pixels into that unit,
// `axis` says along which side it moves, and `done` is called when a move is over.
export function armSplitter(splitter, { now, set, done, axis = () => "x", measure = (px) => px, step }) {
  const place = (event) => (axis() === "x" ? event.clientX : event.clientY);
  splitter.addEventListener("pointerdown", function (down) {
    const start = now();
    splitter.setPointerCapture(down.pointerId);
    splitter.classList.add("is-dragging");
    const move = (event) => set(start + measure(place(event) - place(down)));
    const stop = function () {
      splitter.classList.remove("is-dragging");
      splitter.removeEventListener("pointermove", move);
      done();
    };
    splitter.addEventListener("pointermove", move);
    splitter.addEventListener("pointerup", stop, { once: true });
    splitter.addEventListener("pointercancel", stop, { once: true });
  });
  splitter.addEventListener("keydown", function (event) {
    const forward = Math.sign(measure(1));
    const keys =
      axis() === "x" ? { ArrowRight: forward, ArrowLeft: -forward } : { ArrowDown: forward, ArrowUp: -forward };
    const grow = keys[event.key];
    const end = { Home: "aria-valuemin", End: "aria-valuemax" }[event.key];
    if (grow) set(now() + grow * step);
    else if (end) set(Number(splitter.getAttribute(end)));
    else return;
    event.preventDefault();
    done();
  });
}
