import type { ReaderClass } from './reader-class.ts';

/**
 * What a reader of a room gets to see, as an opaque token: `<class>.<schema>`. Replicas, images and frames made for one view are of no use for another.
 */
export const viewOf = ({ id }: ReaderClass, schemaId: string): string => `${id}.${schemaId.slice(0, 32)}`;

/** Whether two views differ in their schema at most. */
export const isSameClass = (a: string, b: string): boolean => a.slice(0, a.indexOf('.')) === b.slice(0, b.indexOf('.'));
