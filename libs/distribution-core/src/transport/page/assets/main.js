/** Asks for the status every second, and shows it. */
import { getJson, short } from "./api.js";
import { createRates } from "./rates.js";
import { createTail } from "./tail.js";

const EVERY_MS = 1000;
const byId = (id) => document.getElementById(id);
const rates = createRates(byId("plot"), byId("topics"));
const tail = createTail(byId("tail"), byId("tail-note"), byId("events"));

function show(status) {
  const total = status.topics.reduce((sum, { rate }) => (rate ? (sum ?? 0) + rate.eventsPerSecond : sum), undefined);
  byId("published").textContent = short(total);
  byId("delivered").textContent = short(status.delivered?.eventsPerSecond);
  byId("sessions").textContent = short(Object.values(status.sessions).reduce((sum, count) => sum + count, 0));
  byId("subscriptions").textContent = short(status.subscriptions);
  byId("broker").textContent = status.broker.name + (status.broker.ready ? "" : " (away)");
  showState(status.state, [...status.reasons, ...status.broker.reasons].join("; "));
  rates.add(Date.parse(status.now) / 1000, status.topics);
  tail.offer(status.topics);
}

function showState(state, trouble) {
  const pill = byId("state");
  pill.dataset.state = state;
  // Written only when it changes: it is a live region, and screen readers say it again at each write.
  if (pill.textContent !== state) pill.textContent = state;
  const line = byId("trouble");
  line.hidden = trouble === "";
  if (line.textContent !== trouble) line.textContent = trouble;
}

async function round() {
  try {
    if (!document.hidden) show(await getJson("/api/v1/status"));
  } catch (failure) {
    showState("unreachable", failure.message);
  }
  setTimeout(round, EVERY_MS);
}

await round();
