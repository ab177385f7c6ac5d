import lists from '../ui/lists.module.css';
import { withShared } from '../ui/sharedClasses.ts';
import own from './trace.module.css';

export const classes = withShared(lists, own);
