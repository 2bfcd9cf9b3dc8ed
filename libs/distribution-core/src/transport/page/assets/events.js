/** The newest events as table rows, bounded, and redrawn no more often than the screen is. */

const ROWS = 100;

export function createEventList(body) {
  let waiting = [];
  let scheduled = false;

  function draw() {
    scheduled = false;
    body.prepend(...waiting.reverse());
    waiting = [];
    while (body.rows.length > ROWS) body.rows[body.rows.length - 1].remove();
  }

  function put(row) {
    waiting.push(row);
    if (waiting.length > ROWS) waiting.shift();
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(draw);
  }

  return {
    /** An `events` frame. */
    add({ partition, offsets, events }) {
      // Of a frame longer than the table only its end would be seen.
      const first = Math.max(0, events.length - ROWS);
      for (let index = first; index < events.length; index += 1)
        put(eventRow(events[index], partition, offsets[index]));
    },
    /** Something is missing between what came and what comes. */
    skip() {
      const cell = document.createElement("td");
      cell.colSpan = 5;
      cell.textContent = "… some events were skipped …";
      put(rowOf(cell));
    },
    clear() {
      waiting = [];
      body.replaceChildren();
    },
  };
}

function eventRow(event, partition, offset) {
  const data = event.data_base64 ?? (event.data === undefined ? "" : JSON.stringify(event.data));
  const time = (event.time ?? event.ingestedtime ?? "").replace(/^.*T|Z$/g, "").slice(0, 15);
  return rowOf(...[time, event.partitionkey ?? "", event.type, `${partition}: ${offset}`, data].map(cellOf));
}

function cellOf(text) {
  const cell = document.createElement("td");
  cell.textContent = text;
  return cell;
}

function rowOf(...cells) {
  const row = document.createElement("tr");
  row.append(...cells);
  return row;
}
