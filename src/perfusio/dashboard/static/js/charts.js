// Charts: measured = dots, forecast = dashed with a shaded 80 % band, setpoint = thin steps, x = culture day.
import { csv, download, h, number, unit } from "./dom.js";

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const live = new Map();

// Courses with their own days become columns over the days of all.
function aligned(courses) {
  const days = [...new Set(courses.flatMap((c) => c.day))].filter((d) => d !== null).sort((a, b) => a - b);
  const place = new Map(days.map((d, i) => [d, i]));
  const columns = courses.map((c) => {
    const column = new Array(days.length).fill(null);
    c.day.forEach((d, i) => { if (d !== null) { column[place.get(d)] = c.value[i]; } });
    return column;
  });
  return [days, ...columns];
}

function bandOf(course, name) {
  return [{ ...course, day: course.day, value: course.high, name: name + ", 90 % quantile" },
          { day: course.day, value: course.low, name: name + ", 10 % quantile" },
          { day: course.day, value: course.mid, name: name + ", mean" }];
}

// spec: {dots, steps, plan, ahead, earlier, target, lines: [values], markers, unit, label, height, range, bare}
export function chart(place, spec) {
  const courses = [], series = [{ label: "culture day" }], bands = [];
  const add = (course, options, name) => { courses.push(course); series.push({ label: name, spanGaps: true, points: { show: false }, ...options }); return series.length - 1; };
  const forecast = (course, name, line, fill) => {
    const [high, low, mid] = bandOf(course, name);
    const top = add(high, { stroke: "transparent", width: 0 }, high.name), bottom = add(low, { stroke: "transparent", width: 0 }, low.name);
    bands.push({ series: [top, bottom], fill });
    add(mid, { stroke: line, width: 1.6, dash: [6, 4] }, mid.name);
  };
  if (spec.earlier) { forecast(spec.earlier, spec.earlierName, color("past"), color("past-band")); }
  if (spec.ahead) { forecast(spec.ahead, "forecast under the plan", color("ahead"), color("band")); }
  const steps = uPlot.paths.stepped({ align: 1 });
  if (spec.steps) { add(spec.steps, { stroke: color("data"), width: 1.3, paths: steps }, "setpoint"); }
  if (spec.plan && spec.plan.day.length) { add(spec.plan, { stroke: color("ahead"), width: 1.3, dash: [4, 4], paths: steps }, "plan"); }
  if (spec.dots) {
    const size = spec.bare ? 3.5 : 6;
    add(spec.dots, { stroke: color("data"), width: 0, paths: () => null, spanGaps: false, points: { show: true, size, fill: color("data"), stroke: color("data") } }, "measured");
  }
  for (const [i, line] of (spec.many || []).entries()) {
    add(line, { stroke: line.stroke, width: 1.4, dash: line.dash, paths: line.steps ? steps : undefined, points: { show: !line.steps, size: 4, fill: line.stroke } }, line.name);
  }
  const data = aligned(courses);
  const axis = { stroke: color("muted"), grid: { stroke: color("line"), width: 0.5 }, ticks: { stroke: color("line"), size: 4 }, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelSize: 18 };
  const options = {
    width: Math.max(120, place.clientWidth), height: spec.height || 230, cursor: { show: !spec.bare, drag: { x: !spec.bare, y: false } }, legend: { show: false },
    scales: { x: { time: false, range: spec.xRange }, y: { range: (u, low, high) => spread(spec, low, high) } },
    axes: spec.bare ? [{ ...axis, size: 22, label: undefined, space: 40 }, { ...axis, size: 34, space: 22 }]
      : [{ ...axis, size: 30, label: spec.xLabel || "culture day [d]" }, { ...axis, size: 52, label: unit(spec.unit) }],
    padding: spec.bare ? [6, 12, 0, 0] : [14, 10, 0, 0], series, bands, hooks: { draw: [(u) => over(u, spec)] },
  };
  const plot = new uPlot(options, data, place);
  plot.root.setAttribute("aria-hidden", "true");
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", summary(spec));
  live.set(place, { plot, spec, data, series });
  if (!spec.bare) { readout(place, plot, spec, series); }
  watcher.observe(place);
  return plot;
}

function spread(spec, low, high) {
  const asked = [low, high, ...(spec.range || [])].filter((v) => v !== null && v !== undefined && Number.isFinite(v));
  let [from, to] = asked.length ? [Math.min(...asked), Math.max(...asked)] : [0, 1];
  if (to - from < 1e-9) { from -= Math.max(0.5, Math.abs(from) * 0.05); to += Math.max(0.5, Math.abs(to) * 0.05); }
  const room = 0.06 * (to - from);
  return [from - room < 0 && from >= 0 ? 0 : from - room, to + room];
}

// Lines for targets and limits, marks for events.
function over(u, spec) {
  const c = u.ctx, { left, top, width, height } = u.bbox, ratio = devicePixelRatio || 1;
  c.save();
  const line = (value, style, dash, text) => {
    if (value === null || value === undefined) { return; }
    const y = u.valToPos(value, "y", true);
    if (y < top || y > top + height) { return; }
    c.strokeStyle = style; c.lineWidth = ratio; c.setLineDash(dash); c.beginPath(); c.moveTo(left, y); c.lineTo(left + width, y); c.stroke();
    if (text) { c.setLineDash([]); c.fillStyle = style; c.font = 11 * ratio + "px system-ui, sans-serif"; c.textAlign = "right"; c.fillText(text, left + width - 3 * ratio, y - 3 * ratio); }
  };
  line(spec.target, color("muted"), [2 * ratio, 3 * ratio], "");
  for (const limit of spec.limits || []) { line(limit, color("muted"), [8 * ratio, 3 * ratio], ""); }
  for (const bound of spec.bounds || []) { line(bound, color("line"), [], ""); }
  if (spec.now !== undefined && spec.now !== null) {
    const x = u.valToPos(spec.now, "x", true);
    c.strokeStyle = color("line"); c.lineWidth = ratio; c.setLineDash([]); c.beginPath(); c.moveTo(x, top); c.lineTo(x, top + height); c.stroke();
  }
  const shapes = { alarm: "\u25b2", fault: "\u2716", override: "\u2716", mode: "\u25c6", note: "\u270e", model: "\u25cb", sample: "\u25bc", run: "\u25b6" };
  c.font = 11 * ratio + "px system-ui, sans-serif"; c.textAlign = "center";
  const seen = new Map();
  for (const mark of spec.markers || []) {
    if (mark.kind === "write" || mark.day === null) { continue; }
    const x = Math.round(u.valToPos(mark.day, "x", true)), key = x + mark.kind;
    if (seen.has(key) || x < left || x > left + width) { continue; }
    seen.set(key, true);
    const n = [...seen.keys()].filter((k) => k.startsWith(String(x)) && k !== key).length;
    if (n > 2) { continue; }
    c.fillStyle = ["alarm", "fault", "override"].includes(mark.kind) ? color("p1") : color("muted");
    c.fillText(shapes[mark.kind] || "\u25cb", x, top - 3 * ratio + 11 * ratio * n);
  }
  c.restore();
}

function summary(spec) {
  const last = (c, key) => { const values = (c?.[key] || []).filter((v) => v !== null); return values.length ? values[values.length - 1] : null; };
  const said = [spec.label + " in " + unit(spec.unit) + " over culture days."];
  if (spec.dots) { said.push("Last measured " + number(last(spec.dots, "value")) + "."); }
  if (spec.steps) { said.push("In force " + number(last(spec.steps, "value")) + "."); }
  if (spec.ahead) { said.push("Forecast for the end of the horizon " + number(last(spec.ahead, "mid")) + ", 80 % interval " + number(last(spec.ahead, "low")) + " to " + number(last(spec.ahead, "high")) + "."); }
  return said.join(" ");
}

// The values under the pointer, in words below the chart.
function readout(place, plot, spec, series) {
  const line = h("div.muted.readout", {}, "\u00a0");
  place.after(line);
  plot.hooks.setCursor = [(u) => {
    const i = u.cursor.idx;
    if (i === null || i === undefined) { line.textContent = "\u00a0"; return; }
    const parts = series.slice(1).map((s, n) => [s.label, u.data[n + 1][i]]).filter(([, v]) => v !== null && v !== undefined);
    line.textContent = "day " + Number(u.data[0][i].toFixed(2)) + ": " + parts.map(([name, v]) => name.replace(", mean", "") + " " + number(v)).join(", ");
  }];
}

const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const one = live.get(target);
    if (one && target.clientWidth && Math.abs(target.clientWidth - one.plot.width) > 1) { one.plot.setSize({ width: target.clientWidth, height: one.plot.height }); }
  }
});

export function forgetCharts() {
  for (const [place, { plot }] of live) { watcher.unobserve(place); plot.destroy(); }
  live.clear();
}

function lines(spec) {
  const said = [];
  if (spec.target !== null && spec.target !== undefined) { said.push("target " + number(spec.target) + " (dotted)"); }
  if (spec.limits?.length) { said.push("limit " + spec.limits.map(number).join(" and ") + " (long dashes)"); }
  if (spec.bounds) { said.push("allowed " + spec.bounds.map(number).join(" to ")); }
  return said.length ? h("span.muted", {}, said.join(", ")) : null;
}

export function figure(spec, remark) {
  const place = h("div.plot", {});
  const name = (spec.file || spec.label).replaceAll(" ", "-");
  const png = h("button.small", { type: "button", title: "Picture of this chart", onclick: () => place.querySelector("canvas").toBlob((b) => download(name + ".png", b)) }, "PNG");
  const data = h("button.small", { type: "button", title: "Data of this chart", onclick: () => { const one = live.get(place); download(name + ".csv", csv([one.series.map((s, i) => i ? s.label + " [" + spec.unit + "]" : s.label), ...one.data[0].map((_, i) => one.data.map((c) => c[i]))])); } }, "CSV");
  const el = h("figure", {}, h("figcaption", {}, spec.label, h("span.muted", {}, "[" + unit(spec.unit) + "]"), lines(spec), remark || null, h("span.push", {}, png, " ", data)), place);
  return { el, draw: () => chart(place, spec) };
}
