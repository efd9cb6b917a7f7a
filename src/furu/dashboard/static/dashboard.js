// The page without this is whole: links, forms and text. This keeps it up to date while it is looked at.

const live = document.getElementById("live");
const query = document.getElementById("query");
const filter = document.getElementById("filter");
const TYPED_MS = 200;
const FOLLOW_MS = 700;

// What is chosen lives here and not in the boxes: those are replaced whenever the list is.
const chosen = new Set();
let latest = 0;

async function refresh(address = location.href) {
  const mine = ++latest;
  let answer;
  try {
    answer = await fetch(address, { headers: { "X-Partial": "1" }, credentials: "same-origin" });
  } catch {
    return; // the server is away; the next event comes when it is back
  }
  const text = await answer.text();
  // An answer that was overtaken by another one would show the past.
  if (mine !== latest || answer.status >= 500 || answer.status === 401) return;
  show(text);
}

function show(text) {
  const focused = live.contains(document.activeElement) ? place(document.activeElement) : null;
  const folded = new Map([...live.querySelectorAll("details[data-key]")].map((each) => [each.dataset.key, each.open]));
  const scrolled = new Map([...live.querySelectorAll(".scroll")].map((each, number) => [number, each.scrollLeft]));
  live.innerHTML = text; // our own page, in which the server has escaped whatever is stored
  for (const each of live.querySelectorAll("details[data-key]")) {
    if (folded.has(each.dataset.key)) each.open = folded.get(each.dataset.key);
  }
  live.querySelectorAll(".scroll").forEach((each, number) => { each.scrollLeft = scrolled.get(number) ?? 0; });
  restore();
  poll();
  if (focused) find(focused)?.focus({ preventScroll: true });
}

function place(element) {
  const row = element.closest("tr[data-key]");
  const within = row ?? live;
  return { key: row?.dataset.key, number: [...within.querySelectorAll("a, button, input, summary")].indexOf(element) };
}

function find({ key, number }) {
  const rows = [...live.querySelectorAll("tr[data-key]")];
  const within = key === undefined ? live : rows.find((each) => each.dataset.key === key);
  return within?.querySelectorAll("a, button, input, summary")[number];
}

// Selection

function restore() {
  for (const box of live.querySelectorAll("input[name=id]")) {
    box.checked = chosen.has(box.value);
    box.closest("tr").classList.toggle("chosen", box.checked);
  }
  const output = document.getElementById("selected");
  if (!output) return;
  output.textContent = chosen.size ? `${chosen.size} selected` : "";
  document.getElementById("compare-button").disabled = chosen.size < 2 || chosen.size > 8;
}

live.addEventListener("change", (event) => {
  if (event.target.name !== "id") return;
  if (event.target.checked) chosen.add(event.target.value);
  else chosen.delete(event.target.value);
  restore();
});

live.addEventListener("submit", (event) => {
  if (event.target.id !== "compare") return;
  event.preventDefault(); // what is chosen may be on other pages of the list
  location.href = "/compare?" + new URLSearchParams([...chosen].map((each) => ["id", each]));
});

// Links that change what the list shows need no new page.

live.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='?']");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go(link.href);
});

function go(address) {
  history.pushState(null, "", address);
  synchronize();
  return refresh();
}

function synchronize() {
  if (!query) return;
  const said = new URLSearchParams(location.search);
  if (document.activeElement !== query) query.value = said.get("q") ?? "";
  document.getElementById("sort").value = said.get("sort") ?? "newest";
}

addEventListener("popstate", () => { synchronize(); refresh(); });

if (filter) {
  let timer;
  const apply = () => {
    const said = new URLSearchParams([...new FormData(filter)].filter(([, value]) => value));
    if (said.get("sort") === "newest") said.delete("sort");
    history.replaceState(null, "", said.size ? `?${said}` : location.pathname);
    return refresh();
  };
  query.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(apply, TYPED_MS); });
  document.getElementById("sort").addEventListener("change", apply);
  filter.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(timer); apply(); });
}

addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea");
  if (event.key === "/" && query && !typing) { event.preventDefault(); query.focus(); query.select(); }
  if (event.key === "Escape" && event.target === query) query.blur();
});

// Events: only that something changed; the page fetches itself. Closed while nobody sees it: a browser has few connections.

const state = document.getElementById("live-state");
let events;
let version = Number(document.body.dataset.version || NaN);

function listen() {
  if (events || document.hidden) return;
  events = new EventSource("/events");
  events.onmessage = (event) => {
    const said = JSON.parse(event.data);
    const running = said.counts.running ?? 0;
    state.textContent = running ? `${running} running` : "live";
    state.classList.add("on");
    if (said.version !== version && !Number.isNaN(version)) refresh();
    version = said.version;
  };
  events.onerror = () => { state.textContent = "offline"; state.classList.remove("on"); };
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) { events?.close(); events = undefined; } else listen();
});
addEventListener("pagehide", () => { events?.close(); events = undefined; });
addEventListener("pageshow", listen);

// What grows by itself, such as bars of what runs, says how often it wants to be shown again.

let pause;

function poll() {
  clearTimeout(pause);
  const wanted = live.querySelector("[data-poll]");
  if (!wanted) return;
  pause = setTimeout(async () => {
    if (!document.hidden) await refresh();
    poll();
  }, Number(wanted.dataset.poll));
}

// Graphs: the edges of a node are lit while it is looked at.

function light(event) {
  const node = event.target.closest?.(".furu-graph [data-node]") ?? event.target.querySelector?.("[data-node]");
  const graph = event.target.closest?.(".furu-graph");
  if (!graph) return;
  const reference = event.type === "pointerover" || event.type === "focusin" ? node?.dataset.node : undefined;
  for (const edge of graph.querySelectorAll("[data-needed]")) {
    const isLit = reference !== undefined && (edge.dataset.needed === reference || edge.dataset.by === reference);
    edge.classList.toggle("lit", isLit);
    edge.classList.toggle("dim", reference !== undefined && !isLit);
  }
}

for (const kind of ["pointerover", "pointerout", "focusin", "focusout"]) live.addEventListener(kind, light);

// Logs

const log = document.getElementById("log");

async function follow() {
  if (!log?.dataset.running) return;
  if (!document.hidden) {
    try {
      const said = new URLSearchParams({ attempt: log.dataset.attempt, offset: log.dataset.next });
      const answer = await fetch(`${log.dataset.logs}?${said}`, { credentials: "same-origin" });
      if (answer.ok) more(await answer.json());
    } catch { /* tried again */ }
  }
  setTimeout(follow, FOLLOW_MS);
}

function more(piece) {
  const text = document.getElementById("log-text");
  const isAtEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 40;
  if (piece.text) {
    text.append(piece.text);
    document.getElementById("log-empty")?.remove();
  }
  if (isAtEnd) text.scrollTop = text.scrollHeight;
  log.dataset.next = piece.next_offset;
  if (!piece.is_running && piece.next_offset >= piece.size) {
    log.dataset.running = "";
    document.getElementById("following")?.remove();
  }
}

// Copying

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(text); // the keyboard can copy what is selected
  }
});

const text = document.getElementById("log-text");
if (text) text.scrollTop = text.scrollHeight;
restore();
poll();
listen();
follow();
