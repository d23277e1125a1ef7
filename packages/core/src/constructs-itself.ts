/** Tells from the source of a class whether `new` gives an object that nobody has seen before. */

const known = new WeakMap<object, boolean>();

/**
 * Whether constructing a class makes a new object each time, with the prototype of that class: its
 * constructor, which may return any object, has no `return`. False where the source does not tell.
 */
export function constructsItself(target: object): boolean {
  let answer = known.get(target);
  if (answer === undefined) known.set(target, (answer = look(target)));
  return answer;
}

function look(target: object): boolean {
  for (
    let at: unknown = target;
    at !== Function.prototype;
    at = Object.getPrototypeOf(at) as unknown
  ) {
    if (typeof at !== 'function') return false;
    // A bound function and what is written in C++ have no source, and neither has a proxy.
    const source = Function.prototype.toString.call(at);
    if (!/^class\b/.test(source) || !isHarmless(source)) return false;
  }
  return true;
}

/** Strings without escapes, comments, and what else decides where the constructor ends. */
const pieces =
  /"[^"\\\n]*"|'[^'\\\n]*'|\/\/[^\n]*|\/\*[^]*?\*\/|[`/\\(){}]|\breturn\b|\bsetPrototypeOf\b|__proto__/g;

/** Of the source of a class; says no rather than to parse what is not simple. */
function isHarmless(source: string): boolean {
  const start = source.search(/\bconstructor\b/);
  // One that nobody has written.
  if (start < 0) return true;
  // The word may stand in a comment or a string before it.
  if (source.includes('constructor', start + 1)) return false;
  /** Parentheses and braces that are open; the body is the first brace outside of parentheses. */
  let open = 0;
  let inBody = false;
  pieces.lastIndex = start;
  for (let match = pieces.exec(source); match !== null; match = pieces.exec(source)) {
    const [piece] = match;
    if (piece === '(' || piece === '{') {
      inBody ||= piece === '{' && open === 0;
      open++;
    } else if (piece === ')' || piece === '}') {
      if (--open === 0 && inBody) return true;
    } else if (!/^(["']|\/[/*])/.test(piece)) {
      return false;
    }
  }
  return false;
}
