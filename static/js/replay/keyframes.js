// Pictures of a recording's screen along the way, so that no moment is far from one of them. A
// terminal without a page plays the recording once and is drawn as text every so often.
import { makeTerminal } from "../terminal.js";

// How much output lies between two pictures, and how many lines above the screen each keeps.
export const BETWEEN = 64 * 1024;
const SCROLLBACK = 200;
const AT_ONCE = 16 * 1024;
const GROUND = 0;
// What a cell says of itself, and the parameter of the sequence that makes it so.
const STYLES = [
  ["isBold", 1], ["isDim", 2], ["isItalic", 3], ["isUnderline", 4], ["isBlink", 5],
  ["isInverse", 7], ["isInvisible", 8], ["isStrikethrough", 9], ["isOverline", 53],
];

// Plays a recording and gives `take` each picture: the event it goes on with, size and text.
export async function makePictures({ size, events }, take) {
  const term = makeTerminal({ ...size, scrollback: SCROLLBACK });
  const write = (text) => new Promise((done) => term.write(text, done));
  let [text, since] = ["", 0];
  for (const [at, event] of events.entries()) {
    if (event.code === "o") text += event.text;
    if (event.code !== "r" && text.length < AT_ONCE && since + text.length < BETWEEN) continue;
    await write(text);
    since += text.length;
    text = "";
    if (event.code === "r") term.resize(event.size.cols, event.size.rows);
    if (since < BETWEEN || !isPlain(term)) continue;
    take({ next: at + 1, size: { cols: term.cols, rows: term.rows }, text: picture(term) });
    since = 0;
  }
  term.forget();
  term.dispose();
}

// Whether the text of a picture can say all there is: no sequence half read, no line just full, no
// other alphabet. Only the terminal's inside knows; its version is pinned.
function isPlain(term) {
  const { _inputHandler: input, _charsetService: alphabets } = term._core;
  const { originMode } = term.modes;
  return input._parser.currentState === GROUND && alphabets.charset === undefined
    && !originMode && term.buffer.active.cursorX < term.cols;
}

function picture(term) {
  const { active, normal } = term.buffer;
  let text = drawn(term, normal);
  if (active !== normal) {
    // Whoever leaves the other screen goes back to what was kept of this one.
    text += `${kept(term._core.buffers.normal)}\x1b[?1049h\x1b[m\x1b[2J\x1b[H${drawn(term, active)}`;
  }
  return text + state(term, active);
}

function drawn(term, buffer) {
  const cell = buffer.getNullCell();
  let [text, style, fg, bg] = ["", "", 0, 0];
  for (let y = 0; y < buffer.length; y += 1) {
    const line = buffer.getLine(y);
    if (y && !line.isWrapped) text += style ? "\x1b[m\r\n" : "\r\n";
    if (y && !line.isWrapped) [style, fg, bg] = ["", 0, 0];
    const end = buffer.getLine(y + 1)?.isWrapped ? term.cols : endOf(line, cell, term.cols);
    for (let x = 0; x < end; x += 1) {
      line.getCell(x, cell);
      if (!cell.getWidth()) continue;
      // Most cells are as the one before; to ask each of them everything would take long.
      if (cell.fg !== fg || cell.bg !== bg) {
        const now = styleOf(cell);
        if (now !== style) text += `\x1b[${now}m`;
        [style, fg, bg] = [now, cell.fg, cell.bg];
      }
      text += cell.getChars() || " ";
    }
  }
  return `${text}\x1b[m`;
}

function endOf(line, cell, cols) {
  let end = cols;
  while (end && isBlank(line.getCell(end - 1, cell))) end -= 1;
  return end;
}

function isBlank(cell) {
  return cell.getWidth() === 1 && !cell.getChars() && !cell.fg && !cell.bg;
}

// Empty for a cell that nothing was said about; else what to say, whatever was said before.
function styleOf(cell) {
  const said = STYLES.filter(([name]) => cell[name]()).map(([, code]) => code);
  if (!cell.isFgDefault()) said.push(colour(cell.isFgRGB(), cell.getFgColor(), 30));
  if (!cell.isBgDefault()) said.push(colour(cell.isBgRGB(), cell.getBgColor(), 40));
  return said.length ? ["", ...said].join(";") : "";
}

function colour(isTrue, value, base) {
  if (isTrue) return `${base + 8};2;${value >> 16};${(value >> 8) & 255};${value & 255}`;
  if (value < 8) return String(base + value);
  return value < 16 ? String(base + 52 + value) : `${base + 8};5;${value}`;
}

function to(x, y) {
  return `\x1b[${y + 1};${x + 1}H`;
}

function kept({ savedX, savedY, savedCurAttrData, ybase }) {
  return `${to(savedX, Math.max(0, savedY - ybase))}\x1b[${styleOf(savedCurAttrData)}m`;
}

// What the next output depends on beside what is on the screen.
function state(term, active) {
  const { _core: core, modes } = term;
  const { scrollTop, scrollBottom } = core.buffers.active;
  let text = `${kept(core.buffers.active)}\x1b7`;
  if (scrollTop || scrollBottom !== term.rows - 1) text += `\x1b[${scrollTop + 1};${scrollBottom + 1}r`;
  if (modes.insertMode) text += "\x1b[4h";
  if (!modes.wraparoundMode) text += "\x1b[?7l";
  if (modes.reverseWraparoundMode) text += "\x1b[?45h";
  if (core.coreService.isCursorHidden) text += "\x1b[?25l";
  return `${text}${to(active.cursorX, active.cursorY)}\x1b[${styleOf(core._inputHandler._curAttrData)}m`;
}
