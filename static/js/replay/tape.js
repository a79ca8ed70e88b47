// One recording as it is played: its events with their times, and pictures to begin from.
import { makePictures } from "./keyframes.js";

const inside = (side) => Math.min(500, Math.max(2, side || 0));

export class Tape {
  constructor(recording, text) {
    const [header, ...lines] = text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    this.recording = recording;
    this.size = { cols: inside(header.term.cols), rows: inside(header.term.rows) };
    this.pictures = [{ next: 0, size: this.size, text: "" }];
    let [time, characters] = [0, 0];
    this.events = lines.map(([interval, code, data]) => {
      time += interval * 1000;
      const event = { at: time, code, text: data, before: characters };
      if (code === "o") characters += data.length;
      if (code === "r") {
        const [cols, rows] = data.split("x").map(Number);
        event.size = { cols: inside(cols), rows: inside(rows) };
      }
      return event;
    });
    this.characters = characters;
    this.length = Math.max(time, 1);
    this.ready = makePictures(this, (picture) => this.pictures.push(picture));
  }

  static async load(recording) {
    const answer = await fetch(recording.url, { headers: { Accept: "application/x-asciicast" } });
    return answer.ok ? new Tape(recording, await answer.text()) : null;
  }

  // How many events there are until a moment.
  until(moment) {
    let [low, high] = [0, this.events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle].at <= moment) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // How much is written between two events.
  between(first, next) {
    const before = (at) => this.events[at]?.before ?? this.characters;
    return before(next) - before(first);
  }

  pictureBefore(next) {
    return this.pictures.findLast((picture) => picture.next <= next);
  }
}
