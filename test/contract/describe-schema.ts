/**
 * What a schema of the wire takes, as plain JSON: types, fields, bounds and defaults, in a form that only changes when the wire does. Functions are left out;
 * their steps are named by their messages.
 */
export function describeSchema(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  const node = schema as Record<string, unknown>; // valibot's schemas say what they are made of, and its types do not
  const pipe = Array.isArray(node['pipe']) ? node['pipe'].slice(1).map(describeStep) : undefined;
  return compact({
    type: node['type'],
    literal: node['literal'],
    default: node['type'] === 'optional' ? node['default'] : undefined,
    options: Array.isArray(node['options']) ? node['options'].map(describeSchema) : undefined,
    entries: typeof node['entries'] === 'object' && node['entries'] !== null ? mapValues(node['entries'], describeSchema) : undefined,
    wrapped: node['wrapped'] === undefined ? undefined : describeSchema(node['wrapped']),
    item: node['item'] === undefined ? undefined : describeSchema(node['item']),
    message: typeof node['message'] === 'string' ? node['message'] : undefined,
    pipe,
  });
}

function describeStep(step: unknown): unknown {
  const node = Object(step) as Record<string, unknown>; // as above
  if (node['kind'] === 'schema') return describeSchema(step);
  const requirement = node['requirement'];
  return compact({
    step: node['type'],
    requirement: requirement instanceof RegExp ? String(requirement) : typeof requirement === 'function' ? undefined : requirement,
    message: typeof node['message'] === 'string' ? node['message'] : undefined,
  });
}

const compact = (entries: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));

const mapValues = (entries: object, map: (value: unknown) => unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, map(value)]));
