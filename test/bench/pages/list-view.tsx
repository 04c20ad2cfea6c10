import { memo, type ReactElement, useLayoutEffect } from 'react';

export interface ListItem {
  readonly id: string;
  readonly title: string;
  readonly done: boolean;
}

const Line = memo(function Line({ item }: { readonly item: ListItem }) {
  return (
    <li>
      <input type="checkbox" checked={item.done} readOnly />
      {item.title}
    </li>
  );
});

/** The same tree for both sides. `onShown` is called when the rows stand in the document, before the browser paints them. */
export function ListView({
  rows,
  onShown,
}: {
  readonly rows: readonly ListItem[];
  readonly onShown: (rows: readonly ListItem[]) => void;
}): ReactElement {
  useLayoutEffect(() => onShown(rows), [rows, onShown]);
  return (
    <ul>
      {rows.map((item) => (
        <Line key={item.id} item={item} />
      ))}
    </ul>
  );
}
