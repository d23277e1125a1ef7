/** How numbers are written in tables: three digits that count. */
export function shown(number: number): string {
  if (!Number.isFinite(number)) return '–';
  if (Math.abs(number) >= 1_000) return Math.round(number).toLocaleString('en');
  return String(Number(number.toPrecision(3)));
}
