/** Finds `#private` fields, which nobody outside a class can read or restore. */

/** Comments, strings and templates: a `#name` in there declares nothing. */
const notCode =
  /\/\*[^]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g;

const use =
  /(?:\.\s*|\b)(#[\p{ID_Start}_$][\p{ID_Continue}$]*)(?=\s+in\b)|\.\s*(#[\p{ID_Start}_$][\p{ID_Continue}$]*)/gu;

/**
 * The first private field that the source of the class (or of one that it extends) both declares
 * and uses, `#total`; undefined if there is none. Both are asked for so that the text of a regular
 * expression is not taken for a field. Classes compiled for a target below ES2022 keep private
 * fields in `WeakMap`s, where they cannot be found.
 */
export function privateField(target: object): string | undefined {
  for (
    let type: unknown = target;
    typeof type === 'function' && type !== Function.prototype;
    type = Object.getPrototypeOf(type)
  ) {
    const source = Function.prototype.toString.call(type).replace(notCode, ' ');
    for (const [, asked, read] of source.matchAll(use)) {
      const name = asked ?? read;
      if (name !== undefined && declares(source, name)) return name;
    }
  }
  return undefined;
}

/** Whether a class body has `#name` where a member may begin. */
function declares(source: string, name: string): boolean {
  const escaped = name.replaceAll('$', '\\$');
  return new RegExp(
    `(?:[;{}*]|^|\\n|\\b(?:static|get|set|async|accessor))\\s*${escaped}\\s*[=;(}\\n]`,
    'u',
  ).test(source);
}
