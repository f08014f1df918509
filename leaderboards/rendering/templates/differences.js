// Where two texts differ, character by character, in time that is bounded whatever the texts.

const MOST_EDITS = 300;
/** Equal runs shorter than this, between what differs, are chance. */
const LEAST_EQUAL = 2;

/**
 * What of two texts the other has not, as [start, end) in code points: [of the first, of the second].
 *
 * The greedy algorithm of Myers (1986), after what both begin and end with is set aside. Texts that take more edits than
 * MOST_EDITS differ from the first difference to the last.
 */
function differences(first, second) {
  const a = Array.from(first);
  const b = Array.from(second);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const runs = equalRuns(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return [0, 1].map((side) => {
    const found = [];
    let at = start;
    for (const run of [...runs, [a.length - end - start, b.length - end - start, 0]]) {
      const to = start + run[side];
      if (to > at) found.push([at, to]);
      at = to + run[2];
    }
    return found;
  });
}

/** Runs that both have in the same order, [place in a, place in b, length] each. */
function equalRuns(a, b) {
  const n = a.length;
  const m = b.length;
  const most = Math.min(n + m, MOST_EDITS);
  if (!n || !m) return [];
  const reach = new Int32Array(2 * most + 3);
  const middle = most + 1;
  const trace = [];
  for (let edits = 0; edits <= most; edits++) {
    trace.push(reach.slice());
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && reach[middle + k - 1] < reach[middle + k + 1]);
      let x = down ? reach[middle + k + 1] : reach[middle + k - 1] + 1;
      while (x < n && x - k < m && a[x] === b[x - k]) x++;
      reach[middle + k] = x;
      if (x >= n && x - k >= m) return walkBack(trace, n, m, middle);
    }
  }
  return [];
}

function walkBack(trace, n, m, middle) {
  const runs = [];
  let x = n;
  let y = m;
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const reach = trace[edits];
    const k = x - y;
    const down = k === -edits || (k !== edits && reach[middle + k - 1] < reach[middle + k + 1]);
    const before = down ? k + 1 : k - 1;
    const fromX = edits ? reach[middle + before] : 0;
    const fromY = edits ? fromX - before : 0;
    const startX = edits ? (down ? fromX : fromX + 1) : 0;
    const length = x - startX;
    if (length >= LEAST_EQUAL) runs.push([startX, startX - k, length]);
    x = fromX;
    y = fromY;
  }
  return runs.reverse();
}

/**
 * A text as nodes: what lies in `ranges` of code points marked as different, and every place of `word` as found.
 * Marks are elements and the rest text; nothing of it is ever markup.
 */
function markedText(text, ranges, word) {
  const letters = Array.from(text);
  const kinds = new Uint8Array(letters.length);
  ranges.forEach(([start, end]) => kinds.fill(1, start, end));
  if (word) {
    const folded = letters.map((letter) => letter.toLowerCase());
    const starts = [];
    folded.reduce((at, letter) => (starts.push(at), at + letter.length), 0);
    const whole = folded.join("");
    let place = 0;
    for (let at = whole.indexOf(word); at >= 0; at = whole.indexOf(word, at + word.length)) {
      while (place < starts.length && starts[place] < at) place++;
      for (; place < starts.length && starts[place] < at + word.length; place++) kinds[place] |= 2;
    }
  }
  const nodes = [];
  for (let at = 0; at < letters.length; ) {
    let to = at + 1;
    while (to < letters.length && kinds[to] === kinds[at]) to++;
    const words = letters.slice(at, to).join("");
    nodes.push(kinds[at] & 2 ? make("mark", { class: kinds[at] & 1 ? "differs" : false }, words) : kinds[at] & 1 ? make("span", { class: "differs" }, words) : words);
    at = to;
  }
  return nodes;
}
