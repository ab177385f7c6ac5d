import { OUT_PORT } from '@millrace/shared/flow/records/delivery.ts';
import { type Native, nothingYet } from './native.ts';

/** Lets everything through, unchanged: the core has paced the deliveries before they come here. */
export const throttleNative: Native = ({ deliveries }) =>
  deliveries.map(() => ({ ...nothingYet(), emits: [{ target: OUT_PORT.id, data: 'null' }] }));
