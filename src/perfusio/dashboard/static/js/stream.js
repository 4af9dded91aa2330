// News of a run: server-sent events. No beat for ten seconds means that nothing on the page can be taken as live.
const SILENT_MS = 10000;
let source = null, timer = null, last = 0;

export function follow(run, { onNews, onBeat, onSilence }) {
  stop();
  source = new EventSource("/api/v1/runs/" + encodeURIComponent(run) + "/stream");
  const heard = () => { last = Date.now(); };
  heard();
  source.addEventListener("beat", (e) => { heard(); onBeat(JSON.parse(e.data)); });
  source.addEventListener("record", (e) => { heard(); onNews(JSON.parse(e.data).rows); });
  source.addEventListener("reset", () => { heard(); onNews([]); });
  source.onerror = () => { setTimeout(() => { if (Date.now() - last > 3000) { onSilence(); } }, 3500); };
  timer = setInterval(() => { if (Date.now() - last > SILENT_MS) { onSilence(); } }, 1000);
}

export function stop() {
  if (source) { source.close(); source = null; }
  clearInterval(timer);
}
