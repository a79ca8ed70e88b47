// One line for all recordings of an attempt: as long as they are, with the time between them short.
const GAP_MS = 3000;

export class TimeLine {
  constructor(recordings) {
    this.parts = [];
    this.length = 0;
    let end = 0;
    for (const { starts, ends } of recordings.toSorted((one, other) => one.starts - other.starts)) {
      if (starts > end) this.#add(end, starts, Math.min(GAP_MS, starts - end));
      const from = Math.max(end, starts);
      if (ends > from) this.#add(from, ends, ends - from);
      end = Math.max(end, ends);
    }
    this.end = end;
  }

  #add(from, until, length) {
    this.parts.push({ from, until, at: this.length, length });
    this.length += length;
  }

  // Where on the line a moment of the attempt is, and the other way round; both in milliseconds.
  place(moment) {
    const part = this.parts.findLast(({ from }) => from <= moment) ?? this.parts[0];
    const share = Math.min(1, Math.max(0, (moment - part.from) / (part.until - part.from)));
    return part.at + share * part.length;
  }

  moment(place) {
    const part = this.parts.findLast(({ at }) => at <= place) ?? this.parts[0];
    return part.from + Math.min(1, (place - part.at) / part.length) * (part.until - part.from);
  }
}
