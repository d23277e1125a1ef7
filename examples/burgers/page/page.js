/** Draws what the server tells at `/events`, asks for `/health`, and orders burgers. */

/** What is drawn, in milliseconds. */
const span = 10_000;
/** Height of the chart of latencies, in milliseconds. */
const tallest = 500;
/** A browser opens six connections to one server: the rest is for `/events` and `/health`. */
const atOnce = 4;

const lanes = document.querySelector('#lanes');
const served = document.querySelector('#served');

/** On the loop many wait at the same time; in a thread, two steps may share one trip. */
const rowsOf = (threadId) => (threadId === 0 ? 6 : 2);

/** @type {Map<number, { track: HTMLElement, rows: (object | undefined)[], row: number, hop?: number }>} */
const known = new Map();

function laneOf(threadId) {
  let lane = known.get(threadId);
  if (lane !== undefined) return lane;
  const element = document.createElement('div');
  element.className = threadId === 0 ? 'lane loop' : 'lane';
  element.dataset.thread = threadId;
  const name = document.createElement('span');
  name.textContent = threadId === 0 ? 'event loop' : `thread ${threadId}`;
  const track = document.createElement('div');
  track.className = 'track';
  track.style.setProperty('--rows', rowsOf(threadId));
  element.append(name, track);
  const next = [...lanes.children].find(({ dataset }) => Number(dataset.thread) > threadId);
  lanes.insertBefore(element, next ?? null);
  lane = { track, rows: Array(rowsOf(threadId)).fill(undefined), row: 0 };
  known.set(threadId, lane);
  return lane;
}

/** What is drawn, by id of its step. */
const bars = new Map();
/** What the clock of the server is ahead of ours. */
let ahead = 0;
const serverNow = () => performance.now() + ahead;

/** On the loop the first row that is free, in a thread one after the other for the steps of a trip. */
function rowFor(lane, { id, hop }) {
  if (hop === undefined) {
    const free = lane.rows.findIndex((bar) => bar === undefined);
    return free < 0 ? id % lane.rows.length : free;
  }
  lane.row = lane.hop === hop ? lane.row + 1 : 0;
  lane.hop = hop;
  return lane.row % lane.rows.length;
}

function start(step) {
  const { id, label, threadId, at } = step;
  const lane = laneOf(threadId);
  const row = rowFor(lane, step);
  const element = document.createElement('div');
  element.className = label === 'Page.block' ? 'bar running blocks' : 'bar running';
  element.style.setProperty('--row', row);
  element.textContent = label.slice(label.indexOf('.') + 1);
  element.title = label;
  lane.track.append(element);
  const bar = { element, rows: lane.rows, row, start: at, end: undefined };
  lane.rows[row] = bar;
  bars.set(id, bar);
}

function end({ id, at, state }) {
  const bar = bars.get(id);
  if (bar === undefined || bar.end !== undefined) return;
  bar.end = at;
  bar.element.classList.remove('running');
  if (state === 'failed') bar.element.classList.add('failed');
  if (bar.rows[bar.row] === bar) bar.rows[bar.row] = undefined;
}

/** @type {{ at: number, took: number }[]} */
let latencies = [];

function draw() {
  const now = serverNow();
  const place = (at) => Math.max(0, Math.min(1, 1 - (now - at) / span)) * 100;
  for (const [id, { element, start, end = now }] of bars) {
    if (end < now - span) {
      element.remove();
      bars.delete(id);
      continue;
    }
    element.style.left = `${place(start)}%`;
    element.style.width = `${place(end) - place(start)}%`;
  }
  const own = performance.now();
  latencies = latencies.filter(({ at }) => own - at < span);
  const points = latencies.map(({ at, took }) => {
    const y = 118 - Math.min(1, took / tallest) * 116;
    return `${(1000 * (1 - (own - at) / span)).toFixed(1)},${y.toFixed(1)}`;
  });
  document.querySelector('#health polyline').setAttribute('points', points.join(' '));
  requestAnimationFrame(draw);
}

const milliseconds = (time) => `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;

async function askForHealth() {
  const asked = performance.now();
  try {
    await fetch('health', { cache: 'no-store' });
    const took = performance.now() - asked;
    latencies.push({ at: performance.now(), took });
    document.querySelector('#latency').textContent = milliseconds(took);
    const longest = Math.max(...latencies.map((each) => each.took));
    document.querySelector('#longest').textContent = milliseconds(longest);
  } catch {
    document.querySelector('#latency').textContent = 'no answer';
  }
  setTimeout(askForHealth, 100);
}

function say(text) {
  const line = document.createElement('li');
  line.textContent = text;
  served.prepend(line);
  while (served.children.length > 50) served.lastElementChild.remove();
}

/** @type {(() => Promise<void>)[]} */
const waiting = [];
let underWay = 0;

/** Runs some of what waits, and the rest after that. */
function proceed() {
  while (underWay < atOnce && waiting.length > 0) {
    underWay += 1;
    void waiting
      .shift()()
      .catch((error) => say(`Something went wrong: ${error.message}`))
      .finally(() => {
        underWay -= 1;
        proceed();
      });
  }
}

const where = ({ placement, threadId }) =>
  placement === 'loop' ? 'on the event loop' : `in thread ${threadId}`;

async function answerOf(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.errors?.[0]?.message ?? body.title);
  return body;
}

async function order(kind, burgers) {
  const started = performance.now();
  // A browser asks for one address once at a time, unless it is told that nothing is kept.
  const url = `burgers/${kind}?burgers=${burgers}`;
  const body = await answerOf(await fetch(url, { cache: 'no-store' }));
  const took = milliseconds(performance.now() - started);
  const { handler, kitchen } = body;
  say(
    `Order ${body.order}, ${kind}: ${burgers} made ${where(kitchen)}, ` +
      `served ${where(handler)}, after ${took}.`,
  );
}

async function block() {
  const { blocked } = await answerOf(await fetch('block', { method: 'POST' }));
  say(`The event loop was blocked for ${blocked} ms: nobody else was served.`);
}

document.querySelector('#counter').addEventListener('submit', (event) => {
  event.preventDefault();
  const kind = event.submitter?.value ?? 'mixed';
  if (kind === 'block') {
    waiting.unshift(block);
  } else {
    const burgers = Number(document.querySelector('#burgers').value);
    const orders = Number(document.querySelector('#orders').value);
    for (let each = 0; each < orders; each++) waiting.push(() => order(kind, burgers));
  }
  proceed();
});

laneOf(0);
const events = new EventSource('events');
events.addEventListener('clock', ({ data }) => {
  ahead = JSON.parse(data).at - performance.now();
});
events.addEventListener('step', ({ data }) => {
  const step = JSON.parse(data);
  if (step.state === 'started') start(step);
  else end(step);
});
// After a pause the server begins anew: what was under way is not known any more.
events.addEventListener('error', () => {
  for (const [id] of bars) end({ id, at: serverNow(), state: 'ended' });
});

void askForHealth();
requestAnimationFrame(draw);
