/** The live tail: one subscription over the service's own WebSocket protocol. */
import { createEventList } from "./events.js";

const SUBPROTOCOL = "distribution.v1+json";
const FLUSHES_A_SECOND = 2;

/** `offer` takes the topics of /api/v1/status. */
export function createTail(form, note, body) {
  const { topic, mode, filter, stop } = form.elements;
  const list = createEventList(body);
  let topics = [];
  let socket;

  function say(text, state = "") {
    note.textContent = text;
    note.dataset.state = state;
  }

  function offerModes() {
    const latest = topics.find(({ name }) => name === topic.value)?.latest ?? false;
    mode.querySelector("[value=latest]").disabled = !latest;
    if (!latest) mode.value = "every";
  }

  function end() {
    const ending = socket;
    socket = undefined;
    ending?.close();
    stop.disabled = true;
  }

  function start() {
    end();
    list.clear();
    const address = new URL("/api/v1/stream", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const mine = new WebSocket(address, SUBPROTOCOL);
    socket = mine;
    stop.disabled = false;
    say("Connecting …");
    mine.addEventListener("open", () => mine.send(JSON.stringify(subscription())));
    mine.addEventListener("message", ({ data }) => mine === socket && receive(JSON.parse(data), mine));
    mine.addEventListener("close", ({ code, reason }) => {
      if (mine !== socket) return;
      end();
      say(reason === "" ? `The connection ended (${code}).` : `The connection ended: ${reason} (${code}).`, "bad");
    });
  }

  /** A tail that falls behind skips: it is there to be looked at, and must not make the service read old logs. */
  function subscription() {
    const latest = mode.value === "latest";
    const profile = latest
      ? { mode: "DELIVERY_MODE_LATEST", maxRate: FLUSHES_A_SECOND }
      : { mode: "DELIVERY_MODE_EVERY", slow: "SLOW_POLICY_DROP" };
    return {
      ref: "tail",
      subscribe: { topics: [topic.value], filter: filter.value.trim(), format: "PAYLOAD_FORMAT_JSON", profile },
    };
  }

  function receive(frame, mine) {
    if (frame.welcome) keepAlive(mine, frame.welcome.heartbeatMs);
    else if (frame.subscribed) say(`Live on ${topic.value}.`, "live");
    else if (frame.events) list.add(frame.events);
    else if (frame.gap) list.skip();
    else if (frame.draining) say("The service is going down.", "bad");
    else if (frame.error) {
      const [first] = frame.error.errors ?? [];
      end();
      say(first ? first.message : frame.error.message, "bad");
    }
  }

  /** The service takes a client that says nothing for two intervals for gone. */
  function keepAlive(mine, everyMs) {
    const heart = setInterval(() => mine.readyState === WebSocket.OPEN && mine.send('{"ping":{}}'), everyMs);
    mine.addEventListener("close", () => clearInterval(heart));
  }

  form.addEventListener("submit", (submit) => {
    submit.preventDefault();
    start();
  });
  stop.addEventListener("click", () => {
    end();
    say("Stopped.");
  });
  topic.addEventListener("change", offerModes);

  return {
    offer(offered) {
      if (offered.map(({ name }) => name).join() === topics.map(({ name }) => name).join()) return;
      topics = offered;
      topic.replaceChildren(...topics.map(({ name }) => new Option(name, name)));
      offerModes();
    },
  };
}
