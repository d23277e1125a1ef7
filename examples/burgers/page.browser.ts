/** The page of the burger shop, in a browser. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createApp, type App } from '@turno/http-adapter';
import type { Browser, Page as Tab } from 'playwright-core';
import { looks, openBrowser, overflow, seriousFindings } from '../support/browser.js';
import { Kitchen } from './kitchen.js';
import { Page } from './page.js';
import { Burgers, Health } from './routes.js';

describe('the page of the burger shop', () => {
  let app: App;
  let browser: Browser;
  let url: string;
  let tab: Tab;
  /** What went wrong in the page. */
  let faults: string[];

  beforeAll(async () => {
    app = await createApp({
      controllers: [Health, Burgers, Page],
      providers: [Kitchen],
      threads: { size: 2 },
      logger: false,
    });
    ({ url } = await app.listen({ port: 0 }));
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
  });
  beforeEach(() => {
    faults = [];
  });
  afterEach(async () => {
    await tab.close();
    expect(faults).toEqual([]);
  });

  async function open(look: (typeof looks)[number] = looks[1]): Promise<Tab> {
    const { colorScheme, viewport } = look;
    tab = await browser.newPage({ colorScheme, viewport });
    tab.on('pageerror', ({ message }) => faults.push(message));
    tab.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    const isHeard = tab.waitForResponse(`${url}/events`);
    await tab.goto(url);
    await isHeard;
    return tab;
  }

  const served = (text: string) => tab.locator('#served li', { hasText: text });
  const bars = (lane: string, label: string) =>
    tab.locator(`.lane${lane} .bar`, { hasText: new RegExp(`^${label}$`) });

  it('shows on the loop what is made there', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Concurrent' }).click();
    await served('concurrent: 4 made on the event loop, served on the event loop').nth(3).waitFor();
    expect(await bars('.loop', 'warm').count()).toBe(4);
  });

  it('shows in threads what is made there, a trip for grill and handler together', async () => {
    const page = await open();
    await page.getByLabel('Burgers').fill('2');
    await page.getByRole('button', { name: 'Parallel' }).click();
    await served('parallel: 2 made in thread').nth(3).waitFor();
    expect(await bars(':not(.loop)', 'grill').count()).toBe(4);
    expect(await bars(':not(.loop)', 'parallel').count()).toBe(4);
    expect(await page.locator('.lane').count()).toBe(3);
  });

  it('shows what is mixed in both', async () => {
    const page = await open();
    await page.getByLabel('Orders').fill('1');
    await page.getByRole('button', { name: 'Mixed' }).click();
    await served('mixed: 4 made in thread').waitFor();
    expect(await bars(':not(.loop)', 'grill').count()).toBe(1);
    expect(await bars('.loop', 'mixed').count()).toBe(1);
  });

  it('shows what blocks the loop', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Block the loop' }).click();
    await served('The event loop was blocked for').waitFor();
    await bars('.loop', 'block').waitFor();
  });

  it('tells how long /health takes', async () => {
    const page = await open();
    await page.locator('#longest', { hasText: / ms$/ }).waitFor();
    await page.waitForFunction(
      `document.querySelector('#health polyline').points.numberOfItems > 2`,
    );
  });

  it('is usable by keyboard', async () => {
    const page = await open();
    await page.getByLabel('Burgers').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await page.keyboard.type('1');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await served('concurrent: 3 made on the event loop').waitFor();
  });

  it('says what is wrong with an order', async () => {
    const page = await open();
    await page.route('**/burgers/**', (route) =>
      route.fulfill({ status: 503, json: { title: 'Service Unavailable' } }),
    );
    await page.getByRole('button', { name: 'Mixed' }).click();
    await served('Something went wrong: Service Unavailable').first().waitFor();
    // The browser tells of each answer that is an error.
    faults = faults.filter((text) => !text.includes('503'));
  });

  it.each(looks)('has no serious fault and fits when it is $name', async (look) => {
    const page = await open(look);
    await page.getByLabel('Orders').fill('1');
    for (const name of ['Concurrent', 'Parallel', 'Mixed', 'Block the loop']) {
      await page.getByRole('button', { name }).click();
    }
    await served('mixed').waitFor();
    await bars('.loop', 'block').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  });
});
