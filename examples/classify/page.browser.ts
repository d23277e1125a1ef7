/** The page of the classifier, in a browser. */
import { describe, expect, it } from '@jest/globals';
import { looks, overflow, seriousFindings, servePage, type Look } from '../support/browser.js';
import { createClassifier } from './app.js';

/** Where a hand goes on the paper, of which the corners are (0, 0) and (1, 1). */
const strokes = {
  one: [
    [0.5, 0.1],
    [0.5, 0.9],
  ],
  seven: [
    [0.25, 0.15],
    [0.7, 0.15],
    [0.45, 0.85],
  ],
} as const;

describe('the page of the classifier', () => {
  const page = servePage(() => createClassifier({ logger: false, threads: { size: 2 } }));
  async function open(look?: Look) {
    const tab = await page.open(look);
    await examples().last().waitFor();
    return tab;
  }
  const paper = () => page.tab.getByLabel('Paper to draw on');
  const examples = () => page.tab.getByRole('button', { name: /^Drawing \d+$/ });
  const answer = (text: string) => page.tab.locator('#answer', { hasText: text });

  /** The points of a stroke in the window. */
  async function onPaper(stroke: (typeof strokes)[keyof typeof strokes]) {
    const { x, y, width, height } = (await paper().boundingBox())!;
    return stroke.map(([right, down]) => ({ x: x + right * width, y: y + down * height }));
  }

  async function drawByMouse(stroke: (typeof strokes)[keyof typeof strokes]): Promise<void> {
    const [first, ...others] = await onPaper(stroke);
    await page.tab.mouse.move(first!.x, first!.y);
    await page.tab.mouse.down();
    for (const { x, y } of others) await page.tab.mouse.move(x, y, { steps: 8 });
    await page.tab.mouse.up();
  }

  it('tells which digit was drawn with a mouse', async () => {
    await open();
    await drawByMouse(strokes.seven);
    await answer('Looks like 7: thread').waitFor();
  });

  it('tells which digit was drawn with a finger, without scrolling', async () => {
    const tab = await open(looks[0]);
    const fingers = await tab.context().newCDPSession(tab);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...touchPoints: object[]) =>
      fingers.send('Input.dispatchTouchEvent', { type, touchPoints } as never);
    // From the bottom to the top: so a finger would scroll, if the paper let it.
    const [last, first] = await onPaper(strokes.one);
    await touch('touchStart', first!);
    for (let step = 1; step <= 8; step++) {
      await touch('touchMove', { x: first!.x, y: first!.y + ((last!.y - first!.y) * step) / 8 });
    }
    await touch('touchEnd');
    await answer('Looks like 1: thread').waitFor();
    expect(await tab.evaluate('scrollY')).toBe(0);
    const { y, height } = (await answer('Looks like 1').boundingBox())!;
    expect(y + height).toBeLessThan(looks[0].viewport.height);
  });

  it('tells which digit was drawn with the keyboard, and begins anew', async () => {
    const { keyboard } = await open();
    const press = async (key: string, times = 1) => {
      for (let time = 0; time < times; time++) await keyboard.press(key);
    };
    await press('Tab');
    // To the upper left; from there a bar to the right, and stairs down to the left.
    await press('ArrowUp', 9);
    await press('ArrowLeft', 5);
    await press('Space');
    await press('ArrowRight', 10);
    for (let stair = 0; stair < 6; stair++) {
      await press('ArrowDown', 3);
      await press('ArrowLeft');
    }
    await press('Space');
    await answer('Looks like 7: thread').waitFor();
    await press('Escape');
    await answer('Nothing drawn yet.').waitFor();
  });

  it('begins anew with a button, too', async () => {
    const tab = await open();
    await drawByMouse(strokes.one);
    await answer('Looks like 1: thread').waitFor();
    await tab.getByRole('button', { name: 'Clear' }).click();
    await answer('Nothing drawn yet.').waitFor();
    await drawByMouse(strokes.seven);
    await answer('Looks like 7: thread').waitFor();
  });

  it('offers drawings, and others, by keyboard', async () => {
    const tab = await open();
    expect(await examples().count()).toBe(10);
    await examples().first().press('Enter');
    await answer('Looks like').waitFor();
    const others = tab.waitForResponse(/\/digits\/examples/);
    await tab.getByRole('button', { name: 'Others' }).press('Enter');
    expect((await others).status()).toBe(200);
    await tab.getByRole('button', { name: 'Clear' }).press('Enter');
    await answer('Nothing drawn yet.').waitFor();
    await examples().last().press('Space');
    await answer('Looks like').waitFor();
  });

  it('lets many drawings be seen at once', async () => {
    const tab = await open();
    await tab.getByRole('button', { name: 'Let it see 250 drawings' }).click();
    await tab.locator('#score', { hasText: /^2\d\d of 250 right: thread \d+ took/ }).waitFor();
  });

  it('says what is wrong when there is no answer', async () => {
    const tab = await open();
    page.ignore('503');
    await tab.route('**/digits', (route) =>
      route.fulfill({ status: 503, json: { detail: 'All threads are busy.' } }),
    );
    await drawByMouse(strokes.one);
    await answer('No answer: All threads are busy.').waitFor();
  });

  it.each(looks)('has no serious fault and fits when it is $name', async (look) => {
    const tab = await open(look);
    await drawByMouse(strokes.seven);
    await answer('Looks like 7: thread').waitFor();
    await tab.getByRole('button', { name: 'Let it see 250 drawings' }).click();
    await tab.locator('#score', { hasText: 'of 250 right' }).waitFor();
    expect(await seriousFindings(tab)).toEqual([]);
    expect(await overflow(tab)).toBe(0);
  });
});
