/** Parses the `Cookie` header. */

/**
 * The cookies of a request by name. Of two with one name the first counts, which is the one with the
 * longer path (RFC 6265, section 5.4). Values are percent-decoded where they are validly encoded.
 */
export function parseCookies(header: string | undefined): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=');
    if (equals === -1) continue;
    const name = pair.slice(0, equals).trim();
    if (name !== '' && !cookies.has(name)) cookies.set(name, decode(pair.slice(equals + 1).trim()));
  }
  return cookies;
}

function decode(value: string): string {
  const bare = /^"(.*)"$/.exec(value)?.[1] ?? value;
  if (!bare.includes('%')) return bare;
  try {
    return decodeURIComponent(bare);
  } catch {
    // Encoding is a custom, no rule: a value with a bare per cent sign is as good as any.
    return bare;
  }
}
