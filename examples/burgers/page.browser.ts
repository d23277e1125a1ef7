/** The page of the burger shop, in a browser. */
import { describe, expect, it } from '@jest/globals';
import { looks, overflow, seriousFindings, servePage, type Look } from '../support/browser.js';
import { createShop } from './app.js';

describe('the page of the burger shop', () => {
  const page = servePage(() => createShop({ threads: { size: 2 }, logger: false }));
  /** Nothing that happens is missed by the page. */
  const open = (look?: Look) => page.open(look, '/events');
  const served = (text: string) => page.tab.locator('#served li', { hasText: text });
  const bars = (lane: string, label: string) =>
    page.tab.locator(`.lane${lane} .bar`, { hasText: new RegExp(`^${label}$`) });

  it('shows on the loop what is made there', async () => {
    const tab = await open();
    await tab.getByRole('button', { name: 'Concurrent' }).click();
    await served('concurrent: 4 made on the event loop, served on the event loop').nth(3).waitFor();
    expect(await bars('.loop', 'warm').count()).toBe(4);
  });

  it('shows in threads what is made there, a trip for grill and handler together', async () => {
    const tab = await open();
    await tab.getByLabel('Burgers').fill('2');
    await tab.getByRole('button', { name: 'Parallel' }).click();
    await served('parallel: 2 made in thread').nth(3).waitFor();
    expect(await bars(':not(.loop)', 'grill').count()).toBe(4);
    expect(await bars(':not(.loop)', 'parallel').count()).toBe(4);
    expect(await tab.locator('.lane').count()).toBe(3);
  });

  it('shows what is mixed in both', async () => {
    const tab = await open();
    await tab.getByLabel('Orders').fill('1');
    await tab.getByRole('button', { name: 'Mixed' }).click();
    await served('mixed: 4 made in thread').waitFor();
    expect(await bars(':not(.loop)', 'grill').count()).toBe(1);
    expect(await bars('.loop', 'mixed').count()).toBe(1);
  });

  it('shows what blocks the loop', async () => {
    const tab = await open();
    await tab.getByRole('button', { name: 'Block the loop' }).click();
    await served('The event loop was blocked for').waitFor();
    await bars('.loop', 'block').waitFor();
  });

  it('tells how long /health takes', async () => {
    const tab = await open();
    await tab.locator('#longest', { hasText: / ms$/ }).waitFor();
    await tab.waitForFunction(
      `document.querySelector('#health polyline').points.numberOfItems > 2`,
    );
  });

  it('is usable by keyboard', async () => {
    const tab = await open();
    await tab.getByLabel('Burgers').focus();
    await tab.keyboard.press('ArrowDown');
    await tab.keyboard.press('Tab');
    await tab.keyboard.type('1');
    await tab.keyboard.press('Tab');
    await tab.keyboard.press('Enter');
    await served('concurrent: 3 made on the event loop').waitFor();
  });

  it('says what is wrong with an order', async () => {
    const tab = await open();
    page.ignore('503');
    await tab.route('**/burgers/**', (route) =>
      route.fulfill({ status: 503, json: { title: 'Service Unavailable' } }),
    );
    await tab.getByRole('button', { name: 'Mixed' }).click();
    await served('Something went wrong: Service Unavailable').first().waitFor();
  });

  it.each(looks)('has no serious fault and fits when it is $name', async (look) => {
    const tab = await open(look);
    await tab.getByLabel('Orders').fill('1');
    for (const name of ['Concurrent', 'Parallel', 'Mixed', 'Block the loop']) {
      await tab.getByRole('button', { name }).click();
    }
    await served('mixed').waitFor();
    await bars('.loop', 'block').waitFor();
    expect(await seriousFindings(tab)).toEqual([]);
    expect(await overflow(tab)).toBe(0);
  });
});
