import { WorkbenchError } from '@millrace/shared/errors/workbenchError.ts';

/** Sharp on screens of double density, where most pictures are looked at. */
const SCALE = 2;
/** Browsers give up on larger canvases. */
const SIDE_MAX = 16_000;

/** Draws an SVG into a PNG. The page's typeface goes along: a picture inside a picture cannot ask the page for it. */
export async function pngOf(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(await withFont(svg))}`;
  await image.decode();
  const scale = Math.min(SCALE, SIDE_MAX / Math.max(image.naturalWidth, image.naturalHeight));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(image.naturalWidth * scale);
  canvas.height = Math.round(image.naturalHeight * scale);
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob) resolve(blob);
      else
        reject(
          new WorkbenchError(
            'INTERNAL',
            'The browser could not make a picture of this size. Export SVG instead.',
          ),
        );
    }, 'image/png');
  });
}

async function withFont(svg: string): Promise<string> {
  const { default: url } = await import('@fontsource-variable/inter/files/inter-latin-wght-normal.woff2?url');
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  const face = `@font-face{font-family:'Inter Variable';font-weight:100 900;src:url(data:font/woff2;base64,${btoa(binary)})}`;
  return svg.replace(
    /(<svg[^>]*>)/,
    `$1<style>${face} text{font-family:'Inter Variable',sans-serif}</style>`,
  );
}
