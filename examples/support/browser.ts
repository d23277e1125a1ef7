/** A browser for tests of the examples' pages: Debian's Chromium, or the one that `CHROMIUM` names. */
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';

/** The two ends of what the pages are made for. */
export const looks = [
  { name: 'small and dark', colorScheme: 'dark', viewport: { width: 360, height: 800 } },
  { name: 'large and light', colorScheme: 'light', viewport: { width: 1280, height: 900 } },
] as const;

/** Starts a browser that talks to nobody but the pages that it is sent to. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

/** What axe-core says of a page that is serious or worse. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`);
}

/** By how many pixels a page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
}
