// Making a chosen file ready to be sent.

const LONGEST_SIDE_PX = 2400; // what the server keeps; more would only be thrown away there
const SMALL_ENOUGH_BYTES = 600_000;
const QUALITY = 0.87;
const PREVIEW_PX = 112;
const AS_IT_IS = new Set(["image/jpeg", "image/png", "image/webp"]);

/** The file to send: a large picture made smaller, so that it gets through a weak network; anything else as it is.
 *
 * `preview` is a canvas that shows the picture. A canvas holds no position, so none leaves the device either.
 */
export async function prepared(blob, name, preview) {
  if (!blob.type.startsWith("image/")) return { blob, name };
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    return { blob, name }; // the server says what is wrong with it
  }
  try {
    draw(preview, bitmap, PREVIEW_PX);
    if (blob.size <= SMALL_ENOUGH_BYTES && AS_IT_IS.has(blob.type)) return { blob, name };
    const canvas = document.createElement("canvas");
    draw(canvas, bitmap, LONGEST_SIDE_PX);
    const smaller = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    if (!smaller || (smaller.size >= blob.size && AS_IT_IS.has(blob.type))) return { blob, name };
    return { blob: smaller, name: `${name.replace(/\.[^.]*$/, "")}.jpg` };
  } finally {
    bitmap.close();
  }
}

function draw(canvas, bitmap, longestPx) {
  const scale = Math.min(1, longestPx / Math.max(bitmap.width, bitmap.height));
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff"; // what is see-through lies on paper
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}

/** A random UUID, also where the page is not served over TLS and crypto.randomUUID is not there. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
