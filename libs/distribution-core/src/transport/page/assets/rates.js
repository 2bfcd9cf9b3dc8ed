/** The plot and the table of what is published to each topic. */
import { short } from "./api.js";
import UPlot from "./uplot.js";

/** Two minutes at one sample a second. */
const SAMPLES = 120;
const PLOT_HEIGHT = 240;
/** After Okabe and Ito, which people of any colour vision can tell apart, the blue lighter for dark pages; used again after the eighth topic. */
const COLOURS = ["#2f86d1", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800", "#8a8a8a"];

/** Takes one sample of all topics at a time; `topics` are those of /api/v1/status. */
export function createRates(place, body) {
  let names = [];
  let plot;
  let times = [];
  let series = [];

  function begin(topics) {
    plot?.destroy();
    names = topics.map(({ name }) => name);
    times = [];
    series = names.map(() => []);
    plot = new UPlot(plotOptions(place.clientWidth, names), [times, ...series], place);
  }

  new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: PLOT_HEIGHT })).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot?.redraw());

  return {
    add(seconds, topics) {
      if (topics.map(({ name }) => name).join() !== names.join()) begin(topics);
      times.push(seconds);
      for (const [index, { rate }] of topics.entries()) series[index].push(rate?.eventsPerSecond ?? null);
      if (times.length > SAMPLES) for (const list of [times, ...series]) list.shift();
      plot.setData([times, ...series]);
      plot.setScale("x", { min: seconds - SAMPLES, max: seconds });
      body.replaceChildren(...topics.map(row));
    },
  };
}

function plotOptions(width, names) {
  const ink = () => getComputedStyle(document.body).getPropertyValue("color");
  const line = () => `color-mix(in srgb, ${ink()} 15%, transparent)`;
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  return {
    width,
    height: PLOT_HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, space: 80, values: (_plot, ticks) => ticks.map(timeOfDay) },
      { ...axis, size: 64, values: (_plot, ticks) => ticks.map(short) },
    ],
    series: [
      {},
      ...names.map((label, index) => ({ label, stroke: colourOf(index), width: 2, points: { show: false } })),
    ],
  };
}

const timeOfDay = (seconds) => new Date(seconds * 1000).toTimeString().slice(0, 8);

const colourOf = (index) => COLOURS[index % COLOURS.length];

function row({ name, rate }, index) {
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.backgroundColor = colourOf(index);
  const line = document.createElement("tr");
  line.append(
    cell("", swatch, name),
    cell("number", short(rate?.eventsPerSecond)),
    cell("number", short(rate?.bytesPerSecond)),
  );
  return line;
}

function cell(className, ...content) {
  const element = document.createElement("td");
  element.className = className;
  element.append(...content);
  return element;
}
