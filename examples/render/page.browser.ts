/** The page of the studio, in a browser. */
import { describe, expect, it } from '@jest/globals';
import { looks, overflow, seriousFindings, servePage } from '../support/browser.js';
import { createStudio } from './app.js';

describe('the page of the studio', () => {
  const page = servePage(() => createStudio({ logger: false }));
  const picture = () => page.tab.getByRole('img');
  const said = (text: string) => page.tab.getByRole('status').filter({ hasText: text });

  it('draws what the form says, by keyboard', async () => {
    const tab = await page.open();
    await tab.getByLabel('Title').fill('Fries');
    await tab.getByLabel('Kind').selectOption('line');
    await tab.getByLabel('Width').fill('320');
    await tab.getByLabel('Width').press('Enter');
    await said('Drawn in').waitFor();
    expect(await picture().getAttribute('alt')).toBe('Chart: Fries');
    expect(await tab.evaluate('document.images[0].naturalWidth')).toBe(320);
  });

  it('says what is wrong with a chart', async () => {
    const tab = await page.open();
    page.ignore('422');
    await tab.getByLabel('One point a line').fill('Monday');
    await tab.getByRole('button', { name: 'Draw' }).click();
    await said('points.0.value').waitFor();
  });

  it.each(looks)('has no serious fault and fits when it is $name', async (look) => {
    const tab = await page.open(look);
    await tab.getByRole('button', { name: 'Draw' }).click();
    await said('Drawn in').waitFor();
    expect(await seriousFindings(tab)).toEqual([]);
    expect(await overflow(tab)).toBe(0);
  });
});
