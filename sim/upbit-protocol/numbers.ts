/** The spellings of numbers that the two exchanges use, all of whole units × 10^-decimals (decimals may be negative). */

function digitsOf(units: number | bigint): { sign: string; digits: string } {
  const text = String(units);
  return text.startsWith('-') ? { sign: '-', digits: text.slice(1) } : { sign: '', digits: text };
}

/** As short as can be: (116539, -3) → "116539000", (7772, 7) → "0.0007772". */
export function plain(units: number | bigint, decimals: number): string {
  const { sign, digits } = digitsOf(units);
  if (digits === '0') return '0';
  if (decimals <= 0) return sign + digits + '0'.repeat(-decimals);
  const padded = digits.padStart(decimals + 1, '0');
  const cut = padded.length - decimals;
  const fraction = padded.slice(cut).replace(/0+$/, '');
  return `${sign}${padded.slice(0, cut)}${fraction ? `.${fraction}` : ''}`;
}

/** With at least one decimal: "116539000.0". */
export function pointed(units: number | bigint, decimals: number): string {
  const text = plain(units, decimals);
  return text.includes('.') ? text : `${text}.0`;
}

/** With eight decimals: "116539000.00000000", "0.00077720". */
export function scaled(units: number | bigint, decimals: number): string {
  const [whole, fraction = ''] = plain(units, decimals).split('.');
  return `${whole}.${fraction.padEnd(8, '0')}`;
}

/** As Java's Double.toString: from 10^7 up and below 10^-3 with an exponent: "1.16539E8", "7.772E-4", else "168.0". */
export function double(units: number | bigint, decimals: number): string {
  const { sign, digits } = digitsOf(units);
  const exponent = digits.length - 1 - decimals;
  if (digits === '0' || (exponent >= -3 && exponent < 7)) return pointed(units, decimals);
  const rest = digits.slice(1).replace(/0+$/, '');
  return `${sign}${digits[0]}.${rest === '' ? '0' : rest}E${exponent}`;
}
