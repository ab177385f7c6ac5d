/** The type under which the palette hands over the kind that is being dragged; the canvas takes it. */
export const DRAGGED_KIND = 'application/x-millrace-kind';
