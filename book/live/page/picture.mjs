// Pictures: read, cut, enlarged by bicubic interpolation, put onto a canvas. A picture is {width, height, rgb}, its rgb
// (height, width, 3) a Float32Array in [0, 1].

/** What is in a file (a Blob), as it is turned there; an Error where the browser cannot read it. */
export function decoded(file) {
  return createImageBitmap(file).catch(() => {
    throw new Error("this file is no picture that the browser can read");
  });
}

/**
 * A cut of what was decoded: `side` pixels, or as many as there are, at (left, top), on white where it is transparent.
 * It is cut, and not shrunk; and only it is drawn, because browsers have no canvas for a large photograph.
 */
export function cut(bitmap, side, left, top) {
  const width = Math.min(side, bitmap.width), height = Math.min(side, bitmap.height);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, -Math.min(left, bitmap.width - width), -Math.min(top, bitmap.height - height));
  const { data } = context.getImageData(0, 0, width, height), rgb = new Float32Array(3 * width * height);
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgb[3 * i + c] = data[4 * i + c] / 255;
  return { width, height, rgb };
}

/** The part of a picture at (left, top). */
export function part({ width, rgb }, left, top, w, h) {
  const out = new Float32Array(3 * w * h);
  for (let y = 0; y < h; y++) {
    const from = 3 * ((y + top) * width + left);
    out.set(rgb.subarray(from, from + 3 * w), 3 * y * w);
  }
  return { width: w, height: h, rgb: out };
}

/** Keys' cubic with a = -1/2. */
function cubic(x) {
  const d = Math.abs(x);
  return d <= 1 ? (1.5 * d - 2.5) * d * d + 1 : d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/** Rows of `length` groups of three numbers, enlarged: as satlib.resize does, which mirrors what lies beyond an end. */
function stretched(from, length, scale, stride, to, toStride) {
  for (let i = 0; i < scale * length; i++) {
    const place = (i + 0.5) / scale - 0.5, first = Math.floor(place) - 1;
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let tap = first; tap < first + 4; tap++)
        sum += cubic(place - tap) * from[mirrored(tap, length) * stride + c];
      to[i * toStride + c] = sum;
    }
  }
}

function mirrored(place, length) {
  const p = ((place % (2 * length)) + 2 * length) % (2 * length);
  return p < length ? p : 2 * length - 1 - p;
}

/** A picture enlarged by bicubic interpolation. */
export function bicubic({ width, height, rgb }, scale) {
  const w = scale * width, h = scale * height;
  const wide = new Float32Array(3 * w * height), out = new Float32Array(3 * w * h);
  for (let y = 0; y < height; y++) stretched(rgb.subarray(3 * y * width), width, scale, 3, wide.subarray(3 * y * w), 3);
  for (let x = 0; x < w; x++) stretched(wide.subarray(3 * x), height, scale, 3 * w, out.subarray(3 * x), 3 * w);
  return { width: w, height: h, rgb: out };
}

/** A picture as pixels of a canvas. */
export function pixels({ width, height, rgb }) {
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = Math.round(255 * rgb[3 * i + c]); // it clips
    image.data[4 * i + 3] = 255;
  }
  return image;
}

/** A canvas that shows a picture, pixel for pixel. */
export function painted(picture) {
  const canvas = Object.assign(document.createElement("canvas"), { width: picture.width, height: picture.height });
  canvas.getContext("2d").putImageData(pixels(picture), 0, 0);
  return canvas;
}
