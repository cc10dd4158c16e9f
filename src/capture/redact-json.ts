/**
 * The words of a JSON text, with where each stands: for text that may be cut, or be no JSON at all. It never fails: what
 * begins with a quote is a string until the next quote or the end; what is neither string nor punctuation is bare.
 */

/** One word. */
export interface JsonWord {
  kind: 'string' | 'bare';
  /** It is the key of an object. */
  key: boolean;
  /** Without the quotes, as it is written. */
  from: number;
  to: number;
  /** The keys on the way to it, as they are written; `''` for a place in an array. It changes with the next word. */
  path: readonly string[];
}

const BARE = /[^\s"{}[\],:]+/y;

/** Gives every word to `visit`, from the front. No recursion: depth costs an array entry. */
export function readWords(text: string, visit: (word: JsonWord) => void): void {
  const path: string[] = [];
  const isObject: boolean[] = [];
  let wantsKey = false;
  for (let i = 0; i < text.length;) {
    switch (text[i]) {
      case '"': {
        const end = closingQuote(text, i + 1);
        const key = wantsKey && isObject[isObject.length - 1] === true;
        if (key) path[path.length - 1] = text.slice(i + 1, end);
        visit({ kind: 'string', key, from: i + 1, to: end, path });
        wantsKey = false;
        i = end + 1;
        break;
      }
      case '{':
      case '[':
        wantsKey = text[i] === '{';
        isObject.push(wantsKey);
        path.push('');
        i += 1;
        break;
      case '}':
      case ']':
        isObject.pop();
        path.pop();
        wantsKey = false;
        i += 1;
        break;
      case ',':
        wantsKey = isObject[isObject.length - 1] === true;
        if (!wantsKey && path.length > 0) path[path.length - 1] = '';
        i += 1;
        break;
      default: {
        BARE.lastIndex = i;
        const found = BARE.exec(text);
        if (found === null) {
          i += 1;
          break;
        }
        const to = i + found[0].length;
        visit({ kind: 'bare', key: false, from: i, to, path });
        i = to;
      }
    }
  }
}

/** The index of the quote that ends the string, or the end of the text. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (at - slashes > from && text[at - slashes - 1] === '\\') slashes++;
    if (slashes % 2 === 0) return at;
  }
  return text.length;
}
