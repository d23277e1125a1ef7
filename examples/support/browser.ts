/** A browser for tests of the examples' pages: Debian's Chromium, or the one that `CHROMIUM` names. */
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import type { App } from '@turno/http-adapter';
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';

/** The two ends of what the pages are made for. */
export const looks = [
  {
    name: 'small and dark',
    colorScheme: 'dark',
    viewport: { width: 360, height: 800 },
    hasTouch: true,
  },
  {
    name: 'large and light',
    colorScheme: 'light',
    viewport: { width: 1280, height: 900 },
    hasTouch: false,
  },
] as const;
export type Look = (typeof looks)[number];

/**
 * The page of an app, for the tests of one `describe`: app and browser are there while they run, and a
 * test fails if anything went wrong in its tab.
 */
export function servePage(start: () => Promise<App>) {
  let app: App;
  let browser: Browser;
  let url: string;
  let tab: Page | undefined;
  let faults: string[] = [];
  let ignored: string[] = [];

  beforeAll(async () => {
    app = await start();
    ({ url } = await app.listen({ port: 0 }));
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
  });
  afterEach(async () => {
    await tab?.close();
    const unexpected = faults.filter((fault) => !ignored.some((text) => fault.includes(text)));
    [tab, faults, ignored] = [undefined, [], []];
    expect(unexpected).toEqual([]);
  });

  return {
    /** The tab that was opened last. */
    get tab(): Page {
      if (tab === undefined) throw new Error('No tab is open: call `open` first.');
      return tab;
    },

    /** @param awaited - the path of what the page asks for, and must have been answered. */
    async open(look: Look = looks[1], awaited = '/'): Promise<Page> {
      const { colorScheme, viewport, hasTouch } = look;
      tab = await browser.newPage({ colorScheme, viewport, hasTouch });
      tab.on('pageerror', ({ message }) => faults.push(message));
      tab.on('console', (message) => {
        if (message.type() === 'error') faults.push(message.text());
      });
      const isAnswered = tab.waitForResponse(`${url}${awaited}`);
      await tab.goto(url);
      await isAnswered;
      return tab;
    },

    /** Says that a fault with this text is what the test wants: a browser tells of each answer that is an error. */
    ignore(text: string): void {
      ignored.push(text);
    },
  };
}

/** Starts a browser that talks to nobody but the pages that it is sent to. */
function openBrowser(): Promise<Browser> {
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
