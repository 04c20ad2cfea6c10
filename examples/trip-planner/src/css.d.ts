import 'react';

declare module 'react' {
  interface CSSProperties {
    /** Custom properties, by which components hand numbers and colours to the style sheet. */
    [name: `--${string}`]: string | number;
  }
}
