// Where answers are kept: in the browser while somebody works, in one file when it goes to somebody else.

/** The kept state of a page, and whether this browser keeps anything: files opened from a disk may be refused it. */
function keeper(key) {
  try {
    const probe = `${key}?`;
    localStorage.setItem(probe, "1");
    localStorage.removeItem(probe);
  } catch {
    return { works: false, load: () => null, save: () => false, follow: () => {} };
  }
  const parsed = (text) => {
    try {
      const found = JSON.parse(text);
      return found && typeof found === "object" && !Array.isArray(found) ? found : null;
    } catch {
      return null;
    }
  };
  return {
    works: true,
    load: () => parsed(localStorage.getItem(key)),
    save(state) {
      try {
        localStorage.setItem(key, JSON.stringify(state));
        return true;
      } catch {
        return false; // no room left
      }
    },
    /** Calls `adopt` with what the same page in another window has kept. */
    follow(adopt) {
      addEventListener("storage", (event) => {
        const found = event.key === key && event.newValue ? parsed(event.newValue) : null;
        if (found) adopt(found);
      });
    },
  };
}

/** The file of answers as Python reads it (answers_file.py). */
function answersFile(state) {
  return {
    format: data.format,
    file: data.file,
    fingerprint: data.fingerprint,
    person: state.person,
    exported: new Date().toISOString(),
    share: data.share,
    shown: data.items.map((item) => item.id),
    items: state.answers,
  };
}

function answersName(state) {
  const plain = (text) => text.replace(/[^\p{L}\p{N}.-]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 60);
  const { part, parts } = data.share;
  const share = parts > 1 ? [`${part}of${parts}`] : [];
  return `${[plain(data.file.replace(/\.[a-z]+$/i, "")), ...share, plain(state.person)].filter(Boolean).join("_")}.json`;
}

function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = make("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** The answers of a file that are for this page, cleaned by the form; throws the key of what is wrong with it. */
function readAnswers(text, read) {
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error("import_unreadable");
  }
  if (!content || content.format !== data.format || typeof content.items !== "object" || !content.items) {
    throw new Error("import_unreadable");
  }
  if (content.fingerprint !== data.fingerprint) throw new Error("import_other");
  const found = new Map();
  let dropped = 0;
  for (const [id, raw] of Object.entries(content.items)) {
    const item = byId.get(id);
    const answer = item && raw && typeof raw === "object" ? read(item, raw) : null;
    if (answer) found.set(id, answer);
    else dropped += 1;
  }
  return { found, dropped, person: typeof content.person === "string" ? content.person.slice(0, 80) : "" };
}
