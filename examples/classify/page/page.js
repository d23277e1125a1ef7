// The page: what is drawn is kept as the server wants it, 28 rows of 28 pixels from 0 (paper) to 255 (ink).
const side = 28;
const radius = 1.4;

const byId = (id) => document.getElementById(id);
const [paper, answer, examples, score] = ['paper', 'answer', 'examples', 'score'].map(byId);

const drawing = new Array(side * side).fill(0);
const pen = { x: side / 2, y: side / 2, isDown: false, isShown: false };

/** Draws pixels in the colours of the page, light or dark. */
function show(canvas, pixels) {
  const context = canvas.getContext('2d');
  const size = canvas.width / side;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = getComputedStyle(document.body).color;
  pixels.forEach((pixel, at) => {
    if (pixel === 0) return;
    context.globalAlpha = pixel / 255;
    context.fillRect((at % side) * size, Math.floor(at / side) * size, size, size);
  });
  context.globalAlpha = 1;
  if (canvas !== paper || !pen.isShown) return;
  context.strokeStyle = getComputedStyle(byId('answer').firstElementChild).color;
  context.lineWidth = pen.isDown ? 4 : 2;
  context.beginPath();
  context.arc(pen.x * size, pen.y * size, radius * size, 0, 2 * Math.PI);
  context.stroke();
}

function dot(x, y) {
  drawing.forEach((pixel, at) => {
    const distance = Math.hypot((at % side) + 0.5 - x, Math.floor(at / side) + 0.5 - y);
    const value = Math.round(255 * Math.min(1, Math.max(0, radius + 0.5 - distance)));
    drawing[at] = Math.max(pixel, value);
  });
}

function movePen(x, y) {
  const steps = Math.ceil(Math.hypot(x - pen.x, y - pen.y) * 2) || 1;
  for (let step = 1; pen.isDown && step <= steps; step++) {
    dot(pen.x + ((x - pen.x) * step) / steps, pen.y + ((y - pen.y) * step) / steps);
  }
  Object.assign(pen, { x, y });
  show(paper, drawing);
}

function clear() {
  asked?.abort();
  drawing.fill(0);
  pen.isDown = false;
  show(paper, drawing);
  say('?', 'Nothing drawn yet.');
}

function say(digit, text) {
  const shown = document.createElement('span');
  shown.className = 'digit';
  shown.textContent = digit;
  answer.replaceChildren(shown, text);
}

async function send(path, body, signal) {
  const request = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const response = await fetch(
    path,
    body === undefined ? { signal } : { ...request, body: JSON.stringify(body), signal },
  );
  const answered = await response.json();
  if (!response.ok) throw new Error(answered.detail ?? response.statusText);
  return answered;
}

/** Aborts the question that is out of date: the server then takes it out of its queue. */
let asked;

async function ask() {
  if (!drawing.some((pixel) => pixel >= 64)) return;
  asked?.abort();
  const { signal } = (asked = new AbortController());
  const start = performance.now();
  try {
    const { digit, thread } = await send('/digits', { drawing }, signal);
    const time = Math.round(performance.now() - start);
    say(digit, `Looks like ${digit}: thread ${thread} has answered within ${time} ms.`);
  } catch (error) {
    if (!signal.aborted) say('!', `No answer: ${error.message}`);
  }
}

const where = ({ clientX, clientY }) => {
  const { left, top, width } = paper.getBoundingClientRect();
  return [((clientX - left) / width) * side, ((clientY - top) / width) * side];
};

paper.addEventListener('pointerdown', (event) => {
  paper.setPointerCapture(event.pointerId);
  const [x, y] = where(event);
  Object.assign(pen, { x, y, isDown: true, isShown: false });
  movePen(x, y);
});
paper.addEventListener('pointermove', (event) => {
  if (!paper.hasPointerCapture(event.pointerId)) return;
  // All the points that a fast hand has passed since the last event.
  const passed = event.getCoalescedEvents?.() ?? [];
  for (const each of passed.length > 0 ? passed : [event]) movePen(...where(each));
});
for (const end of ['pointerup', 'pointercancel']) {
  paper.addEventListener(end, () => {
    pen.isDown = false;
    void ask();
  });
}

const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

paper.addEventListener('keydown', (event) => {
  const { key } = event;
  const move = moves[key];
  if (move === undefined && key !== ' ' && key !== 'Escape') return;
  event.preventDefault();
  pen.isShown = true;
  if (key === 'Escape') return clear();
  if (move === undefined) {
    pen.isDown = !pen.isDown;
    movePen(pen.x, pen.y);
  } else {
    const within = (value) => Math.min(side - 1, Math.max(1, value));
    movePen(within(pen.x + move[0]), within(pen.y + move[1]));
  }
  if (pen.isDown || key === ' ') void ask();
});
for (const event of ['focus', 'blur']) {
  paper.addEventListener(event, () => {
    pen.isShown = event === 'focus' && paper.matches(':focus-visible');
    if (event === 'blur') pen.isDown = false;
    show(paper, drawing);
  });
}
byId('clear').addEventListener('click', clear);

const random = () => Math.floor(Math.random() * 1e9);

async function offer() {
  const { examples: offered } = await send(`/digits/examples?seed=${random()}`);
  examples.replaceChildren(
    ...offered.map(({ drawing: pixels }, index) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.setAttribute('aria-label', `Drawing ${index + 1}`);
      const canvas = Object.assign(document.createElement('canvas'), { width: 84, height: 84 });
      button.append(canvas);
      button.addEventListener('click', () => {
        pixels.forEach((pixel, at) => (drawing[at] = pixel));
        show(paper, drawing);
        void ask();
      });
      show(canvas, (canvas.pixels = pixels));
      return button;
    }),
  );
}

function tell(error) {
  score.textContent = `No answer: ${error.message}`;
}

byId('more').addEventListener('click', () => offer().catch(tell));

byId('batch').addEventListener('click', async ({ currentTarget: button }) => {
  button.disabled = true;
  score.textContent = 'It looks at them …';
  try {
    const { examples: many } = await send(`/digits/examples?each=25&seed=${random()}`);
    const start = performance.now();
    const drawings = many.map((each) => each.drawing);
    const { digits, thread } = await send('/digits/batch', { drawings });
    const time = Math.round(performance.now() - start);
    const right = many.filter(({ digit }, index) => digits[index] === digit).length;
    score.textContent = `${right} of ${many.length} right: thread ${thread} took ${time} ms.`;
  } catch (error) {
    tell(error);
  } finally {
    button.disabled = false;
  }
});

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  show(paper, drawing);
  for (const canvas of examples.querySelectorAll('canvas')) show(canvas, canvas.pixels);
});

show(paper, drawing);
offer().catch(tell);
