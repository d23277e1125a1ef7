/** Sends what the form says to `/charts`, and shows the picture. */

const form = document.querySelector('#chart');
const said = document.querySelector('#said');
const picture = document.querySelector('#picture');

/** What is being drawn: a new chart leaves the one before it, and the server stops drawing that. */
let drawing = new AbortController();

function chartOf(form) {
  const { title, kind, width, height, points } = Object.fromEntries(new FormData(form));
  return {
    title,
    kind,
    width: Number(width),
    height: Number(height),
    points: points
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const comma = line.lastIndexOf(',');
        return { label: line.slice(0, Math.max(0, comma)), value: Number(line.slice(comma + 1)) };
      }),
  };
}

async function draw() {
  drawing.abort();
  drawing = new AbortController();
  const chart = chartOf(form);
  said.textContent = 'Drawing …';
  const started = performance.now();
  const response = await fetch('charts', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(chart),
    signal: drawing.signal,
  });
  if (!response.ok) {
    const { title, detail, errors = [] } = await response.json();
    const faults = errors.map(({ path, message }) => `${path} ${message}`);
    said.textContent = [detail ?? title, ...faults].join('; ');
    return;
  }
  URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(await response.blob());
  picture.alt = `Chart: ${chart.title}`;
  picture.hidden = false;
  said.textContent = `Drawn in ${Math.round(performance.now() - started)} ms.`;
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  draw().catch((error) => {
    if (error.name !== 'AbortError') said.textContent = `No chart: ${error.message}`;
  });
});
