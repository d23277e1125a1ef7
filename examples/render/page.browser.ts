/** The page of the studio, in a browser. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { App } from '@turno/http-adapter';
import type { Browser, Page as Tab } from 'playwright-core';
import { looks, openBrowser, overflow, seriousFindings } from '../support/browser.js';
import { createStudio } from './create-studio.js';

describe('the page of the studio', () => {
  let app: App;
  let browser: Browser;
  let url: string;
  let tab: Tab;
  beforeAll(async () => {
    app = await createStudio({ logger: false });
    ({ url } = await app.listen({ port: 0 }));
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
  });
  afterEach(() => tab.close());

  async function open(look: (typeof looks)[number] = looks[1]): Promise<Tab> {
    const { colorScheme, viewport } = look;
    tab = await browser.newPage({ colorScheme, viewport });
    await tab.goto(url);
    return tab;
  }
  const picture = () => tab.getByRole('img');
  const said = (text: string) => tab.getByRole('status').filter({ hasText: text });

  it('draws what the form says, by keyboard', async () => {
    const page = await open();
    await page.getByLabel('Title').fill('Fries');
    await page.getByLabel('Kind').selectOption('line');
    await page.getByLabel('Width').fill('320');
    await page.getByLabel('Width').press('Enter');
    await said('Drawn in').waitFor();
    expect(await picture().getAttribute('alt')).toBe('Chart: Fries');
    expect(await page.evaluate('document.images[0].naturalWidth')).toBe(320);
  });

  it('says what is wrong with a chart', async () => {
    const page = await open();
    await page.getByLabel('One point a line').fill('Monday');
    await page.getByRole('button', { name: 'Draw' }).click();
    await said('points.0.value').waitFor();
  });

  it.each(looks)('has no serious fault and fits when it is $name', async (look) => {
    const page = await open(look);
    await page.getByRole('button', { name: 'Draw' }).click();
    await said('Drawn in').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  });
});
