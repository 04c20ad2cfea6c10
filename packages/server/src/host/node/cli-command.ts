import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';
import { DataDir } from './data-dir.ts';
import type { RoomFiles } from './data-dir.ts';
import { roomAddressOf } from './room-address-of.ts';

export interface CliOutput {
  out(text: string): void;
  err(text: string): void;
}

export interface CliCommand {
  /** One line for the list of commands. */
  readonly summary: string;
  readonly help: string;
  run(args: readonly string[], output: CliOutput): Promise<void>;
}

/** The command was called wrongly: its help is shown. */
export class UsageError extends Error {}

/** The same where there may be any number of arguments. @throws UsageError for unknown options. */
export const readAnyArguments = <const Given extends Options>(
  args: readonly string[],
  options: Given,
): { values: ReturnType<typeof parseArgs<{ options: Given }>>['values']; given: readonly string[] } => {
  const parsed = parsedOrUsage(args, options);
  return { values: parsed.values, given: parsed.positionals };
};

type Options = NonNullable<ParseArgsConfig['options']>;

/** @throws UsageError for unknown options and a wrong number of arguments. */
export const readArguments = <const Given extends Options>(
  args: readonly string[],
  options: Given,
  positionals: readonly string[],
): { values: ReturnType<typeof parseArgs<{ options: Given }>>['values']; given: readonly string[] } => {
  const parsed = parsedOrUsage(args, options);
  if (parsed.positionals.length !== positionals.length) {
    throw new UsageError(
      `expected ${positionals.length === 0 ? 'no arguments' : positionals.join(' ')}, got ${parsed.positionals.length} arguments`,
    );
  }
  return { values: parsed.values, given: parsed.positionals };
};

const parsedOrUsage = <const Given extends Options>(
  args: readonly string[],
  options: Given,
): ReturnType<typeof parseArgs<{ options: Given; allowPositionals: true }>> => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
};

/** `trip/japan-2027` → name and id. @throws UsageError */
export const readRoom = (text: string): { name: string; id: string } => {
  const address = roomAddressOf(text);
  if (address === null) throw new UsageError(`${JSON.stringify(text)} is no room; write NAME/ID, as in trip/japan-2027`);
  return address;
};

/** The files of a room that a command reads; it need not be there. */
export const roomFilesOf = (dataDir: string | undefined, room: string): RoomFiles =>
  new DataDir(dataDir ?? './data').roomFiles(readRoom(room));
