/** A word of an SQL text and where it stands. */
export interface SqlWord {
  /** As written, without the quotes of a quoted name. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** A line of a text with a marked place in it. */
export interface MarkedLine {
  /** 1, 2, 3 … */
  readonly number: number;
  readonly before: string;
  readonly marked: string;
  readonly after: string;
}

const TOKEN =
  /--[^\n]*|\/\*[^]*?(?:\*\/|$)|'(?:[^']|'')*(?:'|$)|"((?:[^"]|"")*)"|`([^`]*)`|\[([^\]]*)\]|[\p{L}_][\p{L}\p{N}_$]*|[\d.]+|[^\s]/gu;
const LEFT_OUT = /^(--|\/\*|')/;

/** Names, numbers and signs of the text; comments and strings are left out. */
export function wordsOf(text: string): SqlWord[] {
  return [...text.matchAll(TOKEN)]
    .filter(([whole]) => !LEFT_OUT.test(whole))
    .map(({ 0: whole, 1: double, 2: back, 3: square, index }) => ({
      text: double ?? back ?? square ?? whole,
      from: index,
      to: index + whole.length,
    }));
}

/** The line on which a place begins, cut where the place or the line ends. */
export function markedLine(text: string, from: number, to: number): MarkedLine {
  const start = text.lastIndexOf('\n', from - 1) + 1;
  const next = text.indexOf('\n', from);
  const end = next === -1 ? text.length : next;
  return {
    number: text.slice(0, start).split('\n').length,
    before: text.slice(start, from),
    marked: text.slice(from, Math.min(to, end)),
    after: text.slice(Math.min(to, end), end),
  };
}

/** What a name becomes when it is put into a text at a place: apart from its neighbours, quoted where SQL would read it otherwise. */
export function nameToInsert(text: string, from: number, to: number, name: string): string {
  const quoted = /^[a-z_][a-z0-9_]*$/i.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
  const before = from === 0 || /[\s(.,=<>+*/-]$/.test(text.slice(0, from)) ? '' : ' ';
  const after = to === text.length || /^[\s).,;=<>+*/-]/.test(text.slice(to)) ? '' : ' ';
  return `${before}${quoted}${after}`;
}
