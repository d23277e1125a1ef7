/** Finds the module and line that a decorator stands in. */
import { pathToFileURL } from 'node:url';

/** Where a class is declared. */
export interface CallSite {
  /** URL of the module, `file:///…`. */
  readonly module: string;
  readonly line: number;
  readonly column: number;
}

/**
 * The helpers through which compilers apply decorators. The call site of the class is the frame
 * *after* the last of them, also when the decorator is wrapped in one of the user's own:
 * tsc and tslib `__decorate`, swc `_ts_decorate`, esbuild `__decorateClass`, Babel `_applyDecs…`. Bundlers number them
 * where several modules have one: `__decorate$1`, `__decorate2`.
 */
const decorateHelper =
  /^(?:__decorate(?:Class)?|_ts_decorate|_applyDecs\w*|_applyDecoratedDescriptor)(?:\$?\d+)?$/;

/** Enough for a decorator inside decorators; the default of 10 is not, with reflect-metadata. */
const frames = 40;

/**
 * The call site of the decorator that is being applied, or undefined where it cannot be told
 * (code made by `eval`).
 * @param entry - the outermost function of turno on the stack: frames above it are left out.
 */
export function callSite(entry: (...args: never[]) => unknown): CallSite | undefined {
  const { stackTraceLimit } = Error;
  const formatter = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  let sites: NodeJS.CallSite[] = [];
  try {
    Error.stackTraceLimit = frames;
    // Own formatter: source-map-support (ts-node) replaces the default with one that makes text.
    Error.prepareStackTrace = (_error, callSites) => {
      sites = callSites;
      return '';
    };
    const holder: { stack?: string } = {};
    Error.captureStackTrace(holder, entry);
    // The formatter runs when the stack is first read.
    String(holder.stack);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    if (formatter === undefined) delete (Error as Partial<typeof Error>).prepareStackTrace;
    else Object.defineProperty(Error, 'prepareStackTrace', formatter);
  }
  const helper = sites.findIndex((site) => decorateHelper.test(site.getFunctionName() ?? ''));
  // Without a helper the decorator was called by hand, from the frame next to it.
  const site = sites[helper + 1];
  const file = site?.getFileName() ?? undefined;
  if (site === undefined || file === undefined) return undefined;
  const module = file.startsWith('file:')
    ? file
    : file.startsWith('/') || /^[A-Za-z]:\\/.test(file)
      ? pathToFileURL(file).href
      : undefined;
  return module === undefined
    ? undefined
    : { module, line: site.getLineNumber() ?? 0, column: site.getColumnNumber() ?? 0 };
}
