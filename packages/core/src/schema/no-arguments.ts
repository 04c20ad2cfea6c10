import type { StandardSchemaV1 } from '@standard-schema/spec';

/** Takes what a call without arguments leaves: undefined in the page, null once it went through JSON. */
export const noArguments = (of: 'mutator' | 'query'): StandardSchemaV1<undefined, undefined> => ({
  '~standard': {
    version: 1,
    vendor: 'alcove',
    validate: (input) =>
      input === undefined || input === null ? { value: undefined } : { issues: [{ message: `this ${of} takes no arguments` }] },
  },
});
