import { createSpotlight } from '@mantine/spotlight';

export const [commandPaletteStore, commandPalette] = createSpotlight();
export const [nodeFinderStore, nodeFinder] = createSpotlight();

export const openCommandPalette = (): void => commandPalette.open();
export const openNodeFinder = (): void => nodeFinder.open();
