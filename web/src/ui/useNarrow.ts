import { useElementSize } from '@mantine/hooks';

/** Whether the element that gets `ref` is too narrow for two panes side by side. */
export function useNarrow(widthMin: number): { ref: (element: HTMLElement | null) => void; narrow: boolean } {
  const { ref, width } = useElementSize();
  return { ref, narrow: width > 0 && width < widthMin };
}
