// Where the sample browser's texts are: in the page, or in files beside it that are loaded when they are wanted.

/** Readable text of an error that the reader can act on. */
class TextsError extends Error {
  constructor(key, name) {
    super(key);
    this.told = [key, { name }];
  }
}

/** The index, and `part(n)`, which promises a part of the texts; `parts` is how many there are. */
async function sampleData() {
  const own = await unpack("samples-data");
  if (!own.build) return { index: own.index, parts: own.texts.length, part: async (n) => own.texts[n] };
  const waiting = new Map();
  window.csconvTexts = (build, name, content) => waiting.get(name)?.(build, content);
  const load = (name) =>
    new Promise((resolve, reject) => {
      const script = make("script", { src: `texts/${name}.js` });
      const fail = (key) => reject(new TextsError(key, `texts/${name}.js`));
      waiting.set(name, (build, content) => (build === own.build ? resolve(inflate(content)) : fail("samples.other_build")));
      script.addEventListener("error", () => fail("samples.missing_file"));
      // A file that calls nothing, or was cut off: once it has run, nothing more will come.
      script.addEventListener("load", () => (waiting.delete(name), script.remove(), setTimeout(() => fail("samples.missing_file"))));
      document.head.append(script);
    });
  const parts = new Map();
  const part = (n) => {
    if (!parts.has(n)) {
      const promise = load(String(n).padStart(3, "0"));
      promise.catch(() => parts.delete(n)); // tried again when it is wanted again
      parts.set(n, promise);
    }
    return parts.get(n);
  };
  return { index: await load("index"), parts: own.files, part };
}
