// Amounts of any unit as words: money to the cent, anything else as it is.
// Pure.

/** "$20.00", "20.00 CNY", "12.5 quota". */
export function showAmount(amount: number, unit: string): string {
  const digits = showDigits(amount, unit);
  return unit === "USD" ? `$${digits}` : `${digits} ${unit}`.trimEnd();
}

/** The same before "of" and its limit, which names the unit. */
export function showRest(left: number, limit: number | null, unit: string): string {
  return limit === null || unit === "USD" ? showAmount(left, unit) : showDigits(left, unit);
}

/** Money to the cent, and what is less than one to its hundredth; anything else as it is, to two digits. */
function showDigits(amount: number, unit: string): string {
  const isSmall = amount !== 0 && Math.abs(amount) < 0.01;
  if (unit === "USD" || unit === "CNY") return amount.toFixed(isSmall ? 4 : 2);
  return String(Math.round(amount * 100) / 100);
}
