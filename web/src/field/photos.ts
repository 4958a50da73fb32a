/** Photos as evidence: made small on the telephone, which also takes away where and by what they were taken. */
import { toHex } from "./bytes";

const EDGE_PIXELS_MAX = 1_280;
const BYTES_MAX = 200_000;
const QUALITY_FIRST = 0.8;
const QUALITY_STEP = 0.15;
const QUALITY_LEAST = 0.2;
const SHRINK = 0.7;

export type Small = { photo: Blob; digest: string };

/** Draw a photo anew in a size that a queue of them can be kept in; raises for what is no picture. */
export async function small(file: Blob): Promise<Small> {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const fits = Math.min(1, EDGE_PIXELS_MAX / Math.max(picture.width, picture.height));
  for (let scale = fits; ; scale *= SHRINK) {
    const canvas = document.createElement("canvas");
    draw(picture, canvas, scale);
    for (let quality = QUALITY_FIRST; quality >= QUALITY_LEAST; quality -= QUALITY_STEP) {
      const photo = await jpeg(canvas, quality);
      if (photo.size <= BYTES_MAX) return { photo, digest: await digest(photo) };
    }
  }
}

/** Show a photo on a canvas: the policy of the pages lets no picture come from the telephone's memory. */
export async function show(photo: Blob, canvas: HTMLCanvasElement): Promise<void> {
  draw(await createImageBitmap(photo), canvas, 1);
}

function draw(picture: ImageBitmap, canvas: HTMLCanvasElement, scale: number): void {
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
}

function jpeg(canvas: HTMLCanvasElement, quality: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((photo) => (photo ? resolve(photo) : reject(new Error("the picture cannot be written"))), "image/jpeg", quality);
  });
}

async function digest(photo: Blob): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", await photo.arrayBuffer())));
}

/** Give something to whoever holds the telephone, as a file. */
export function handOver(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
