// The files of the page: its own kernels, and what lies beside it. A page from a server fetches bytes; a page that is
// opened as a file may not, but may load a script that holds the same bytes as text.

const HERE = new URL(".", document.currentScript.src);
const waiting = new Map(); // name -> what takes its bytes

export const fromText = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Called by such a script. */
window.satLiveFile = (name, text) => waiting.get(name)?.(fromText(text).buffer);

/** The bytes of a file beside the page's script, an ArrayBuffer. */
export async function bytesOf(name) {
  const url = new URL(name, HERE);
  if (url.protocol !== "file:") {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${name} could not be loaded`);
    return answer.arrayBuffer();
  }
  return new Promise((resolve, reject) => {
    waiting.set(name, resolve);
    const script = Object.assign(document.createElement("script"), { src: `${url}.js` });
    script.onerror = () => reject(new Error(`${name} could not be loaded`));
    document.head.append(script);
  });
}
