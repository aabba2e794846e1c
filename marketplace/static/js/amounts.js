// Numbers as people in Norway type and read them, for forms that work something out while one types.

const isEnglish = document.documentElement.lang === "en";
export const number = new Intl.NumberFormat(isEnglish ? "en-GB" : "nb-NO", { maximumFractionDigits: 1 });
export const density = new Intl.NumberFormat(number.resolvedOptions().locale, { minimumFractionDigits: 2 });
export const sign = isEnglish ? "." : ",";

// As marketplace/forms/fields.py reads a number; null for none, and for one that can be read in two ways.
export function readNumber(text, { grouped = true } = {}) {
  let plain = text.trim().replace(/\s+/g, " ");
  const parts = /^([1-9]\d{0,2})([.,])(\d{3})$/.exec(plain);
  if (parts && grouped && parts[2] !== sign) return null;
  if (parts) plain = `${parts[1]}.${parts[3]}`;
  else if (/^[1-9]\d{0,2}(\.\d{3})+(,\d+)?$/.test(plain) && grouped) plain = plain.replaceAll(".", "").replace(",", ".");
  else if (/^[1-9]\d{0,2}(,\d{3})+(\.\d+)?$/.test(plain) && grouped) plain = plain.replaceAll(",", "");
  else if (/^[1-9]\d{0,2}( \d{3})+([.,]\d+)?$|^\d+([.,]\d+)?$/.test(plain)) plain = plain.replaceAll(" ", "").replace(",", ".");
  else return null;
  return Number(plain);
}
