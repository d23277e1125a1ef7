/** Parses a header that is a list (RFC 9110, section 5.6.1). */

/** What stands between commas, without blanks around it and empty ones; quotes may have some inside. */
export function listItems(line: string): string[] {
  const items: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let index = 0; index < line.length; index++) {
    const character = line[index];
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted && character === '\\') index++;
    else if (character === ',' && !isQuoted) {
      items.push(line.slice(start, index));
      start = index + 1;
    }
  }
  items.push(line.slice(start));
  return items.map((each) => each.trim()).filter((each) => each !== '');
}
