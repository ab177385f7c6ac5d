import { explore } from './testing/exploration.ts';

explore(1);
