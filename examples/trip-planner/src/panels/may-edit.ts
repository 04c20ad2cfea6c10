import { createContext, use } from 'react';

/** Whether whoever sits before the page may change the trip. The server decides; this is what the page offers. */
export const MayEdit = createContext(true);

export const useMayEdit = (): boolean => use(MayEdit);

/** Why a control does nothing. */
export const LOOKING = 'View only: changes need an edit link.';
