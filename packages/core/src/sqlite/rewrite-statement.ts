import type { StatementShape } from './statement-shape.ts';
import type { Token } from './tokenize.ts';

/**
 * How a parameter stands in the text a driver compiles, where its engine has no call to bind the value itself: `integer` makes an INTEGER of a
 * bound REAL, `negated` undoes the sign the driver turned. The unary sign takes away an affinity that a bare parameter would not have either.
 */
export type ParameterForm = 'plain' | 'integer' | 'negated';

const WRAPPED: Readonly<Record<ParameterForm, (text: string) => string>> = {
  plain: (text) => text,
  integer: (text) => `(+CAST(${text} AS INTEGER))`,
  negated: (text) => `(-${text})`,
};

/** `sql` with its parameters in the forms given, one for each value, and its names quoted by `quoteName`. */
export function rewriteStatement(
  sql: string,
  shape: Pick<StatementShape, 'tokens'>,
  forms: readonly ParameterForm[],
  quoteName: (text: string) => string,
): string {
  let text = '';
  let copied = 0;
  let number = 0;
  const replace = (token: Token, replacement: string): void => {
    text += sql.slice(copied, token.start) + replacement;
    copied = token.end;
  };
  for (const token of shape.tokens) {
    if (token.kind === 'name') replace(token, quoteName(token.text));
    if (token.kind !== 'parameter') continue;
    const position = token.text === '?' ? number + 1 : Number(token.text.slice(1));
    number = Math.max(number, position);
    replace(token, WRAPPED[forms[position - 1] ?? 'plain'](token.text));
  }
  return text + sql.slice(copied);
}

/** A statement's texts by the forms of its parameters; most need the plain one only. */
const FORMS_MAX = 8;

/** One compiled statement for each combination of parameter forms that came up. */
export class StatementForms<T> {
  readonly #compile: (forms: readonly ParameterForm[]) => T;
  readonly #release: (compiled: T) => void;
  readonly #formOf: (value: unknown) => ParameterForm;
  readonly #others = new Map<string, T>();
  readonly plain: T;

  constructor(formOf: (value: unknown) => ParameterForm, compile: (forms: readonly ParameterForm[]) => T, release: (compiled: T) => void) {
    this.#formOf = formOf;
    this.#compile = compile;
    this.#release = release;
    this.plain = compile([]);
  }

  for(params: readonly unknown[]): T {
    if (this.#areAllPlain(params)) return this.plain;
    const forms = params.map(this.#formOf);
    const key = forms.join();
    const known = this.#others.get(key);
    if (known !== undefined) return known;
    if (this.#others.size >= FORMS_MAX) this.#releaseOthers();
    const compiled = this.#compile(forms);
    this.#others.set(key, compiled);
    return compiled;
  }

  #areAllPlain(params: readonly unknown[]): boolean {
    for (let index = 0; index < params.length; index += 1) if (this.#formOf(params[index]) !== 'plain') return false;
    return true;
  }

  release(): void {
    this.#releaseOthers();
    this.#release(this.plain);
  }

  #releaseOthers(): void {
    for (const compiled of this.#others.values()) this.#release(compiled);
    this.#others.clear();
  }
}
