/** Whether the page is held in a hand: there giving a field the keyboard brings up one over half of the page. */
export const onTouch = (): boolean => matchMedia('(pointer: coarse)').matches;
